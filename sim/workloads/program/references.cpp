// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/references.h"

#include "sim/base/error.h"
#include "sim/workloads/program/attention_references.h"

#include <algorithm>
#include <cmath>

namespace tilemesh::workloads {
namespace {

struct Rows {
    std::int64_t count, width;
};
Rows rows_of(const HostTensor& x) {
    const std::int64_t width = x.shape.back();
    return {product(x.shape) / width, width};
}

Dims shape_of_x(const ReferenceInputs& in, const ReferenceOptions&) { return in.at("x")->shape; }

HostTensor copied(const ReferenceInputs& in, const ReferenceOptions&) { return *in.at("x"); }

Dims added_shape(const ReferenceInputs& in, const ReferenceOptions&) {
    need(product(in.at("y")->shape) == product(in.at("x")->shape), "x and y have different sizes");
    return in.at("x")->shape;
}

HostTensor added(const ReferenceInputs& in, const ReferenceOptions& options) {
    added_shape(in, options);
    HostTensor out = *in.at("x");
    const HostTensor& y = *in.at("y");
    for (std::size_t i = 0; i < out.values.size(); ++i) out.values[i] += y.values[i];
    return out;
}

Dims summed_shape(const ReferenceInputs& in, const ReferenceOptions&) {
    const Dims& x = in.at("x")->shape;
    return x.size() == 1 ? Dims{1} : Dims(x.begin() + 1, x.end());
}

/// Over the first dimension: what an all-reduce leaves everywhere.
HostTensor summed(const ReferenceInputs& in, const ReferenceOptions& options) {
    const HostTensor& x = *in.at("x");
    HostTensor out;
    out.shape = summed_shape(in, options);
    out.values.assign(static_cast<std::size_t>(product(out.shape)), 0.0);
    for (std::size_t i = 0; i < x.values.size(); ++i) out.values[i % out.values.size()] += x.values[i];
    return out;
}

/// What a product of matrices, or of as many as the leading dimensions make up, is of.
struct Sizes {
    std::int64_t batch, m, k, n;
    bool ta, tb;
};
Sizes sizes_of(const Dims& a, const Dims& b, const ReferenceOptions& options) {
    const bool ta = option(options, "transpose_a", 0) != 0, tb = option(options, "transpose_b", 0) != 0;
    need(a.size() >= 2 && a.size() == b.size(), "a and b need the same number of dimensions, 2 at least");
    const std::size_t last = a.size() - 1;
    const std::int64_t m = a[last - (ta ? 0 : 1)], k = a[last - (ta ? 1 : 0)], n = b[last - (tb ? 1 : 0)];
    need(b[last - (tb ? 0 : 1)] == k, "the inner dimensions of a and b differ");
    const std::int64_t batch = product(std::span(a).first(last - 1));
    need(product(std::span(b).first(last - 1)) == batch, "the leading dimensions of a and b differ");
    return {batch, m, k, n, ta, tb};
}

Dims multiplied_shape(const ReferenceInputs& in, const ReferenceOptions& options) {
    Dims dims = in.at("a")->shape;
    const Sizes sizes = sizes_of(dims, in.at("b")->shape, options);
    dims[dims.size() - 2] = sizes.m;
    dims.back() = sizes.n;
    return dims;
}

HostTensor multiplied(const ReferenceInputs& in, const ReferenceOptions& options) {
    const HostTensor &a = *in.at("a"), &b = *in.at("b");
    const auto [batch, m, k, n, ta, tb] = sizes_of(a.shape, b.shape, options);
    HostTensor out;
    out.shape = multiplied_shape(in, options);
    out.values.assign(static_cast<std::size_t>(batch * m * n), 0.0);
    for (std::int64_t i = 0; i < batch; ++i)
        for (std::int64_t r = 0; r < m; ++r)
            for (std::int64_t j = 0; j < k; ++j) {
                const double x = a.values[static_cast<std::size_t>(i * m * k + (ta ? j * m + r : r * k + j))];
                double* const to = out.values.data() + (i * m + r) * n;
                const double* const from = b.values.data() + i * k * n;
                for (std::int64_t c = 0; c < n; ++c) to[c] += x * (tb ? from[c * k + j] : from[j * n + c]);
            }
    return out;
}

HostTensor softmaxed(const ReferenceInputs& in, const ReferenceOptions&) {
    HostTensor out = *in.at("x");
    const Rows rows = rows_of(out);
    for (std::int64_t r = 0; r < rows.count; ++r) {
        double* const row = out.values.data() + r * rows.width;
        const double most = *std::max_element(row, row + rows.width);
        double sum = 0;
        for (std::int64_t c = 0; c < rows.width; ++c) sum += row[c] = std::exp(row[c] - most);
        for (std::int64_t c = 0; c < rows.width; ++c) row[c] /= sum;
    }
    return out;
}

Dims normalised_shape(const ReferenceInputs& in, const ReferenceOptions&) {
    const Dims& x = in.at("x")->shape;
    const HostTensor *weight = optional(in, "weight"), *bias = optional(in, "bias");
    need(!weight || product(weight->shape) == x.back(), "weight needs an element per column");
    need(!bias || product(bias->shape) == x.back(), "bias needs an element per column");
    return x;
}

HostTensor normalised(const ReferenceInputs& in, const ReferenceOptions& options, bool centred) {
    normalised_shape(in, options);
    HostTensor out = *in.at("x");
    const Rows rows = rows_of(out);
    const HostTensor *weight = optional(in, "weight"), *bias = optional(in, "bias");
    const auto width = static_cast<std::size_t>(rows.width);
    const double eps = option(options, "eps", centred ? 1e-5 : 1e-6);
    for (std::int64_t r = 0; r < rows.count; ++r) {
        double* const row = out.values.data() + r * rows.width;
        double mean = 0, square = 0;
        for (std::size_t c = 0; c < width && centred; ++c) mean += row[c] / static_cast<double>(width);
        for (std::size_t c = 0; c < width; ++c)
            square += (row[c] - mean) * (row[c] - mean) / static_cast<double>(width);
        for (std::size_t c = 0; c < width; ++c) {
            row[c] = (row[c] - mean) / std::sqrt(square + eps);
            if (weight) row[c] *= weight->values[c];
            if (bias) row[c] += bias->values[c];
        }
    }
    return out;
}

HostTensor layer_normed(const ReferenceInputs& in, const ReferenceOptions& options) {
    return normalised(in, options, true);
}
HostTensor rms_normed(const ReferenceInputs& in, const ReferenceOptions& options) {
    return normalised(in, options, false);
}

Dims gated_shape(const ReferenceInputs& in, const ReferenceOptions&) {
    const HostTensor *const x = in.at("x"), *const down = optional(in, "down");
    const HostTensor h{multiplied_shape({{"a", x}, {"b", in.at("gate")}}, {}), {}};
    need(multiplied_shape({{"a", x}, {"b", in.at("up")}}, {}) == h.shape, "the shapes of gate and up differ");
    return down ? multiplied_shape({{"a", &h}, {"b", down}}, {}) : h.shape;
}

/// h = silu(x gate) times (x up); with down, h down.
HostTensor gated(const ReferenceInputs& in, const ReferenceOptions& options) {
    gated_shape(in, options);
    const HostTensor *const x = in.at("x"), *const down = optional(in, "down");
    HostTensor h = multiplied({{"a", x}, {"b", in.at("gate")}}, {});
    const HostTensor up = multiplied({{"a", x}, {"b", in.at("up")}}, {});
    for (std::size_t i = 0; i < h.values.size(); ++i) h.values[i] *= up.values[i] / (1.0 + std::exp(-h.values[i]));
    return down ? multiplied({{"a", &h}, {"b", down}}, {}) : h;
}

/// Blocks [blocks, m, n] of a matrix, row by row of the grid of blocks, as one matrix; or back.
HostTensor regrouped(const HostTensor& x, std::int64_t rows, bool to_blocks, std::int64_t m, std::int64_t n) {
    const std::int64_t cols = static_cast<std::int64_t>(x.values.size()) / (rows * m * n);
    HostTensor out;
    out.shape = to_blocks ? std::vector{rows * cols, m, n} : std::vector{rows * m, cols * n};
    out.values.resize(x.values.size());
    for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < cols; ++c)
            for (std::int64_t i = 0; i < m; ++i)
                for (std::int64_t j = 0; j < n; ++j) {
                    const auto block = static_cast<std::size_t>(((r * cols + c) * m + i) * n + j);
                    const auto whole = static_cast<std::size_t>(((r * m + i) * cols + c) * n + j);
                    out.values[to_blocks ? block : whole] = x.values[to_blocks ? whole : block];
                }
    return out;
}

Dims multiplied_in_blocks_shape(const ReferenceInputs& in, const ReferenceOptions& options) {
    const Dims &a = in.at("a")->shape, &b = in.at("b")->shape;
    const auto rows = static_cast<std::int64_t>(option(options, "rows", 1));
    need(a.size() == 3 && b.size() == 3 && a[0] == b[0], "a and b need to be [blocks, rows, columns]");
    need(rows > 0 && a[0] % rows == 0, "the blocks do not make up so many rows of blocks");
    need(a[0] / rows * a[2] == rows * b[1], "the inner dimensions of a and b differ");
    return {a[0], a[1], b[2]};
}

HostTensor multiplied_in_blocks(const ReferenceInputs& in, const ReferenceOptions& options) {
    multiplied_in_blocks_shape(in, options);
    const HostTensor &a = *in.at("a"), &b = *in.at("b");
    const auto rows = static_cast<std::int64_t>(option(options, "rows", 1));
    const HostTensor left = regrouped(a, rows, false, a.shape[1], a.shape[2]);
    const HostTensor right = regrouped(b, rows, false, b.shape[1], b.shape[2]);
    return regrouped(multiplied({{"a", &left}, {"b", &right}}, {}), rows, true, a.shape[1], b.shape[2]);
}

Dims exchanged_shape(const ReferenceInputs& in, const ReferenceOptions&) {
    Dims dims = in.at("x")->shape;
    need(dims.size() >= 2, "x needs two dimensions at least");
    std::swap(dims[0], dims[1]);
    return dims;
}

/// The first two dimensions change places: what an all-to-all leaves.
HostTensor exchanged(const ReferenceInputs& in, const ReferenceOptions& options) {
    const HostTensor& x = *in.at("x");
    HostTensor out = x;
    out.shape = exchanged_shape(in, options);
    const std::int64_t rows = x.shape[0], cols = x.shape[1], inner = product(x.shape) / (rows * cols);
    for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < cols; ++c)
            std::copy_n(x.values.begin() + (r * cols + c) * inner, inner,
                        out.values.begin() + (c * rows + r) * inner);
    return out;
}

const std::vector<ReferenceInfo>& all() {
    static const std::vector<ReferenceInfo> list = {
        {"attention",
         "softmax(scale q k^T) v per head; q [.., heads, queries, d], k and v [.., kv heads, keys, d]",
         {"q", "k", "v"},
         {attention_options.begin(), attention_options.end()},
         attended_shape,
         attended},
        {"attention_dq",
         "its gradient for q, given do for the output",
         {"q", "k", "v", "do"},
         {attention_options.begin(), attention_options.end()},
         gradient_shape_of_queries,
         gradient_of_queries},
        {"attention_dk",
         "its gradient for k",
         {"q", "k", "v", "do"},
         {attention_options.begin(), attention_options.end()},
         gradient_shape_of_keys,
         gradient_of_keys},
        {"attention_dv",
         "its gradient for v",
         {"q", "k", "v", "do"},
         {attention_options.begin(), attention_options.end()},
         gradient_shape_of_values,
         gradient_of_values},
        {"naive_mesh_attention",
         "what kernels/programs/origin_mesh_kv.py computes, in chunks of `chunk` keys; not attention",
         {"q", "k", "v"},
         {"chunk"},
         attended_naively_shape,
         attended_naively},
        {"paged_attention",
         "decode: q [users, heads, d]; k, v [pages, tokens of a page, kv heads, d]; pages [users, n], lengths "
         "[users]",
         {"q", "k", "v", "pages", "lengths"},
         {"scale"},
         attended_in_pages_shape,
         attended_in_pages},
        {"matmul",
         "a b over the last two dimensions",
         {"a", "b"},
         {"transpose_a", "transpose_b"},
         multiplied_shape,
         multiplied},
        {"block_matmul",
         "a b, each [blocks, rows, columns]: the blocks of a matrix, row by row of a grid of `rows` rows",
         {"a", "b"},
         {"rows"},
         multiplied_in_blocks_shape,
         multiplied_in_blocks},
        {"swiglu",
         "silu(x gate) times (x up), and times down if there is one",
         {"x", "gate", "up", "down?"},
         {},
         gated_shape,
         gated},
        {"softmax", "along the last dimension", {"x"}, {}, shape_of_x, softmaxed},
        {"layer_norm",
         "(x - mean) / sqrt(variance + eps) weight + bias, along the last dimension",
         {"x", "weight?", "bias?"},
         {"eps"},
         normalised_shape,
         layer_normed},
        {"rms_norm",
         "x / sqrt(mean of squares + eps) weight, along the last dimension",
         {"x", "weight?"},
         {"eps"},
         normalised_shape,
         rms_normed},
        {"sum",
         "over the first dimension: what an all-reduce leaves with everybody",
         {"x"},
         {},
         summed_shape,
         summed},
        {"add", "x + y", {"x", "y"}, {}, added_shape, added},
        {"all_to_all", "x with its first two dimensions exchanged", {"x"}, {}, exchanged_shape, exchanged},
        {"copy", "x itself: what an all-gather leaves with everybody", {"x"}, {}, shape_of_x, copied},
    };
    return list;
}

}  // namespace

std::span<const ReferenceInfo> references() { return all(); }

std::vector<std::string> reference_names() {
    std::vector<std::string> names;
    for (const ReferenceInfo& info : all()) names.emplace_back(info.name);
    return names;
}

const ReferenceInfo& reference_of(const std::string& name) {
    const auto found =
        std::find_if(all().begin(), all().end(), [&](const ReferenceInfo& info) { return info.name == name; });
    if (found == all().end()) fail<InternalError>("no reference {}", name);
    return *found;
}

}  // namespace tilemesh::workloads

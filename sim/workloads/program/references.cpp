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

HostTensor copied(const ReferenceInputs& in, const ReferenceOptions&) { return *in.at("x"); }

HostTensor added(const ReferenceInputs& in, const ReferenceOptions&) {
    HostTensor out = *in.at("x");
    const HostTensor& y = *in.at("y");
    need(y.values.size() == out.values.size(), "x and y have different sizes");
    for (std::size_t i = 0; i < out.values.size(); ++i) out.values[i] += y.values[i];
    return out;
}

/// Over the first dimension: what an all-reduce leaves everywhere.
HostTensor summed(const ReferenceInputs& in, const ReferenceOptions&) {
    const HostTensor& x = *in.at("x");
    HostTensor out;
    out.shape.assign(x.shape.begin() + 1, x.shape.end());
    if (out.shape.empty()) out.shape = {1};
    out.values.assign(static_cast<std::size_t>(product(out.shape)), 0.0);
    for (std::size_t i = 0; i < x.values.size(); ++i) out.values[i % out.values.size()] += x.values[i];
    return out;
}

HostTensor multiplied(const ReferenceInputs& in, const ReferenceOptions& options) {
    const HostTensor &a = *in.at("a"), &b = *in.at("b");
    const bool ta = option(options, "transpose_a", 0) != 0, tb = option(options, "transpose_b", 0) != 0;
    need(a.shape.size() >= 2 && a.shape.size() == b.shape.size(),
         "a and b need the same number of dimensions, 2 at least");
    const std::size_t last = a.shape.size() - 1;
    const std::int64_t m = a.shape[last - (ta ? 0 : 1)], k = a.shape[last - (ta ? 1 : 0)];
    const std::int64_t n = b.shape[last - (tb ? 1 : 0)];
    need(b.shape[last - (tb ? 0 : 1)] == k, "the inner dimensions of a and b differ");
    const std::int64_t batch = product(std::span(a.shape).first(last - 1));
    need(product(std::span(b.shape).first(last - 1)) == batch, "the leading dimensions of a and b differ");
    HostTensor out;
    out.shape = a.shape;
    out.shape[last - 1] = m;
    out.shape[last] = n;
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

HostTensor normalised(const ReferenceInputs& in, const ReferenceOptions& options, bool centred) {
    HostTensor out = *in.at("x");
    const Rows rows = rows_of(out);
    const HostTensor *weight = optional(in, "weight"), *bias = optional(in, "bias");
    const auto width = static_cast<std::size_t>(rows.width);
    need(!weight || weight->values.size() == width, "weight needs an element per column");
    need(!bias || bias->values.size() == width, "bias needs an element per column");
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

/// h = silu(x gate) times (x up); with down, h down.
HostTensor gated(const ReferenceInputs& in, const ReferenceOptions&) {
    const HostTensor *const x = in.at("x"), *const down = optional(in, "down");
    HostTensor h = multiplied({{"a", x}, {"b", in.at("gate")}}, {});
    const HostTensor up = multiplied({{"a", x}, {"b", in.at("up")}}, {});
    need(up.shape == h.shape, "the shapes of gate and up differ");
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

HostTensor multiplied_in_blocks(const ReferenceInputs& in, const ReferenceOptions& options) {
    const HostTensor &a = *in.at("a"), &b = *in.at("b");
    const auto rows = static_cast<std::int64_t>(option(options, "rows", 1));
    need(a.shape.size() == 3 && b.shape.size() == 3 && a.shape[0] == b.shape[0],
         "a and b need to be [blocks, rows, columns]");
    need(rows > 0 && a.shape[0] % rows == 0, "the blocks do not make up so many rows of blocks");
    const HostTensor left = regrouped(a, rows, false, a.shape[1], a.shape[2]);
    const HostTensor right = regrouped(b, rows, false, b.shape[1], b.shape[2]);
    return regrouped(multiplied({{"a", &left}, {"b", &right}}, {}), rows, true, a.shape[1], b.shape[2]);
}

/// The first two dimensions change places: what an all-to-all leaves.
HostTensor exchanged(const ReferenceInputs& in, const ReferenceOptions&) {
    const HostTensor& x = *in.at("x");
    need(x.shape.size() >= 2, "x needs two dimensions at least");
    HostTensor out = x;
    std::swap(out.shape[0], out.shape[1]);
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
         attended},
        {"attention_dq",
         "its gradient for q, given do for the output",
         {"q", "k", "v", "do"},
         {attention_options.begin(), attention_options.end()},
         gradient_of_queries},
        {"attention_dk",
         "its gradient for k",
         {"q", "k", "v", "do"},
         {attention_options.begin(), attention_options.end()},
         gradient_of_keys},
        {"attention_dv",
         "its gradient for v",
         {"q", "k", "v", "do"},
         {attention_options.begin(), attention_options.end()},
         gradient_of_values},
        {"naive_mesh_attention",
         "what kernels/programs/origin_mesh_kv.py computes, in chunks of `chunk` keys; not attention",
         {"q", "k", "v"},
         {"chunk"},
         attended_naively},
        {"paged_attention",
         "decode: q [users, heads, d]; k, v [pages, tokens of a page, kv heads, d]; pages [users, n], lengths "
         "[users]",
         {"q", "k", "v", "pages", "lengths"},
         {"scale"},
         attended_in_pages},
        {"matmul", "a b over the last two dimensions", {"a", "b"}, {"transpose_a", "transpose_b"}, multiplied},
        {"block_matmul",
         "a b, each [blocks, rows, columns]: the blocks of a matrix, row by row of a grid of `rows` rows",
         {"a", "b"},
         {"rows"},
         multiplied_in_blocks},
        {"swiglu",
         "silu(x gate) times (x up), and times down if there is one",
         {"x", "gate", "up", "down?"},
         {},
         gated},
        {"softmax", "along the last dimension", {"x"}, {}, softmaxed},
        {"layer_norm",
         "(x - mean) / sqrt(variance + eps) weight + bias, along the last dimension",
         {"x", "weight?", "bias?"},
         {"eps"},
         layer_normed},
        {"rms_norm",
         "x / sqrt(mean of squares + eps) weight, along the last dimension",
         {"x", "weight?"},
         {"eps"},
         rms_normed},
        {"sum", "over the first dimension: what an all-reduce leaves with everybody", {"x"}, {}, summed},
        {"add", "x + y", {"x", "y"}, {}, added},
        {"all_to_all", "x with its first two dimensions exchanged", {"x"}, {}, exchanged},
        {"copy", "x itself: what an all-gather leaves with everybody", {"x"}, {}, copied},
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

// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/references.h"

#include "sim/base/error.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tilemesh::workloads {
namespace {

std::int64_t product(std::span<const std::int64_t> dims) {
    std::int64_t out = 1;
    for (const std::int64_t dim : dims) out *= dim;
    return out;
}

double option(const ReferenceOptions& options, const std::string& name, double standard) {
    const auto found = options.find(name);
    return found == options.end() ? standard : found->second;
}

const HostTensor* optional(const ReferenceInputs& inputs, const std::string& role) {
    const auto found = inputs.find(role);
    return found == inputs.end() ? nullptr : found->second;
}

void need(bool holds, std::string_view what) {
    if (!holds) fail<InputError>("the reference: {}", what);
}

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

/// q [.., heads, queries, d], k and v [.., kv heads, keys, d]; with tokens_first [.., queries, heads, d] and so on.
HostTensor attended(const ReferenceInputs& in, const ReferenceOptions& options) {
    const HostTensor &q = *in.at("q"), &k = *in.at("k"), &v = *in.at("v");
    need(q.shape.size() >= 3 && k.shape.size() == q.shape.size() && v.shape.size() == q.shape.size(),
         "q, k and v need the same number of dimensions, 3 at least");
    const bool tokens_first = option(options, "tokens_first", 0) != 0;
    const std::size_t last = q.shape.size() - 1, head_axis = tokens_first ? last - 1 : last - 2,
                      token_axis = tokens_first ? last - 2 : last - 1;
    const std::int64_t heads = q.shape[head_axis], kv_heads = k.shape[head_axis], queries = q.shape[token_axis],
                       keys = k.shape[token_axis], d = q.shape[last], dv = v.shape[last];
    const std::int64_t batch = product(std::span(q.shape).first(last - 2));
    need(kv_heads > 0 && heads % kv_heads == 0, "the heads of q are no multiple of those of k");
    need(k.shape[last] == d && v.shape[head_axis] == kv_heads && v.shape[token_axis] == keys &&
             product(std::span(k.shape).first(last - 2)) == batch &&
             product(std::span(v.shape).first(last - 2)) == batch,
         "the shapes of q, k and v do not fit");
    const double scale = option(options, "scale", 1.0 / std::sqrt(static_cast<double>(d)));
    const double cap = option(options, "soft_cap", 0);
    const bool causal = option(options, "causal", 0) != 0;
    const auto window = static_cast<std::int64_t>(option(options, "window", 0));
    const auto offset =
        static_cast<std::int64_t>(option(options, "query_offset", static_cast<double>(keys - queries)));
    HostTensor out;
    out.shape = q.shape;
    out.shape[last] = dv;
    out.values.assign(static_cast<std::size_t>(product(out.shape)), 0.0);
    const auto row = [&](std::int64_t b, std::int64_t h, std::int64_t t, std::int64_t all_heads, std::int64_t tokens,
                         std::int64_t width) {
        return (tokens_first ? (b * tokens + t) * all_heads + h : (b * all_heads + h) * tokens + t) * width;
    };
    std::vector<double> p(static_cast<std::size_t>(keys));
    for (std::int64_t b = 0; b < batch; ++b)
        for (std::int64_t h = 0; h < heads; ++h) {
            const std::int64_t g = h / (heads / kv_heads);
            for (std::int64_t i = 0; i < queries; ++i) {
                const double* const x = q.values.data() + row(b, h, i, heads, queries, d);
                double most = -std::numeric_limits<double>::infinity(), sum = 0;
                for (std::int64_t j = 0; j < keys; ++j) {
                    double& score = p[static_cast<std::size_t>(j)];
                    const std::int64_t distance = i + offset - j;
                    if ((causal && distance < 0) || (window > 0 && distance >= window)) {
                        score = -std::numeric_limits<double>::infinity();
                        continue;
                    }
                    const double* const y = k.values.data() + row(b, g, j, kv_heads, keys, d);
                    score = 0;
                    for (std::int64_t c = 0; c < d; ++c) score += x[c] * y[c];
                    score *= scale;
                    if (cap > 0) score = cap * std::tanh(score / cap);
                    most = std::max(most, score);
                }
                double* const o = out.values.data() + row(b, h, i, heads, queries, dv);
                for (std::int64_t j = 0; j < keys && most > -std::numeric_limits<double>::infinity(); ++j) {
                    const double weight = std::exp(p[static_cast<std::size_t>(j)] - most);
                    if (weight == 0) continue;
                    sum += weight;
                    const double* const z = v.values.data() + row(b, g, j, kv_heads, keys, dv);
                    for (std::int64_t c = 0; c < dv; ++c) o[c] += weight * z[c];
                }
                for (std::int64_t c = 0; c < dv && sum > 0; ++c) o[c] /= sum;
            }
        }
    return out;
}

const std::vector<ReferenceInfo>& all() {
    static const std::vector<ReferenceInfo> list = {
        {"attention",
         "softmax(scale q k^T) v per head; q [.., heads, queries, d], k and v [.., kv heads, keys, d]",
         {"q", "k", "v"},
         {"scale", "causal", "query_offset", "window", "soft_cap", "tokens_first"},
         attended},
        {"matmul", "a b over the last two dimensions", {"a", "b"}, {"transpose_a", "transpose_b"}, multiplied},
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

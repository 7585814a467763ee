// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/attention_references.h"

#include "sim/base/error.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tilemesh::workloads {

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

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// q [.., heads, queries, d], k and v [.., kv heads, keys, d]; with tokens_first [.., queries, heads, d] and so on.
class Attention {
public:
    Attention(const ReferenceInputs& in, const ReferenceOptions& options)
        : q(*in.at("q")), k(*in.at("k")), v(*in.at("v")), tokens_first_(option(options, "tokens_first", 0) != 0) {
        need(q.shape.size() >= 3 && k.shape.size() == q.shape.size() && v.shape.size() == q.shape.size(),
             "q, k and v need the same number of dimensions, 3 at least");
        const std::size_t last = q.shape.size() - 1, head_axis = tokens_first_ ? last - 1 : last - 2,
                          token_axis = tokens_first_ ? last - 2 : last - 1;
        heads = q.shape[head_axis];
        kv_heads = k.shape[head_axis];
        queries = q.shape[token_axis];
        keys = k.shape[token_axis];
        d = q.shape[last];
        dv = v.shape[last];
        batch = product(std::span(q.shape).first(last - 2));
        need(kv_heads > 0 && heads % kv_heads == 0, "the heads of q are no multiple of those of k");
        need(k.shape[last] == d && v.shape[head_axis] == kv_heads && v.shape[token_axis] == keys &&
                 product(std::span(k.shape).first(last - 2)) == batch &&
                 product(std::span(v.shape).first(last - 2)) == batch,
             "the shapes of q, k and v do not fit");
        scale = option(options, "scale", 1.0 / std::sqrt(static_cast<double>(d)));
        cap = option(options, "soft_cap", 0);
        causal_ = option(options, "causal", 0) != 0;
        window_ = static_cast<std::int64_t>(option(options, "window", 0));
        offset_ = static_cast<std::int64_t>(option(options, "query_offset", static_cast<double>(keys - queries)));
    }

    /// Where the row of a query, or of a key of the head's group, begins.
    std::int64_t query_row(std::int64_t b, std::int64_t h, std::int64_t i, std::int64_t width) const {
        return (tokens_first_ ? (b * queries + i) * heads + h : (b * heads + h) * queries + i) * width;
    }
    std::int64_t key_row(std::int64_t b, std::int64_t h, std::int64_t j, std::int64_t width) const {
        const std::int64_t g = h / (heads / kv_heads);
        return (tokens_first_ ? (b * keys + j) * kv_heads + g : (b * kv_heads + g) * keys + j) * width;
    }

    /// Calls visit(b, h, i, p) for every query of every head, p its weight for each key; all 0 when it sees none.
    template <class Visit>
    void for_each_row(Visit visit) const {
        std::vector<double> p(static_cast<std::size_t>(keys));
        for (std::int64_t b = 0; b < batch; ++b)
            for (std::int64_t h = 0; h < heads; ++h)
                for (std::int64_t i = 0; i < queries; ++i) {
                    double most = -infinity, sum = 0;
                    for (std::int64_t j = 0; j < keys; ++j) {
                        p[static_cast<std::size_t>(j)] = score(b, h, i, j);
                        most = std::max(most, p[static_cast<std::size_t>(j)]);
                    }
                    for (double& weight : p) sum += weight = most == -infinity ? 0.0 : std::exp(weight - most);
                    for (double& weight : p) weight /= sum > 0 ? sum : 1.0;
                    visit(b, h, i, std::span<const double>(p));
                }
    }

    const HostTensor &q, &k, &v;
    std::int64_t batch = 1, heads = 1, kv_heads = 1, queries = 1, keys = 1, d = 1, dv = 1;
    double scale = 1, cap = 0;

private:
    double score(std::int64_t b, std::int64_t h, std::int64_t i, std::int64_t j) const {
        const std::int64_t distance = i + offset_ - j;
        if ((causal_ && distance < 0) || (window_ > 0 && distance >= window_)) return -infinity;
        const double* const x = q.values.data() + query_row(b, h, i, d);
        const double* const y = k.values.data() + key_row(b, h, j, d);
        double sum = 0;
        for (std::int64_t c = 0; c < d; ++c) sum += x[c] * y[c];
        sum *= scale;
        return cap > 0 ? cap * std::tanh(sum / cap) : sum;
    }

    bool tokens_first_ = false, causal_ = false;
    std::int64_t window_ = 0, offset_ = 0;
};

struct Gradients {
    HostTensor dq, dk, dv;
};

void check_gradients(const ReferenceInputs& in, const ReferenceOptions& options) {
    const Attention a(in, options);
    need(a.cap == 0, "gradients with soft_cap are not there");
    need(product(in.at("do")->shape) == a.batch * a.heads * a.queries * a.dv, "do needs the shape of the output");
}

Gradients gradients(const ReferenceInputs& in, const ReferenceOptions& options) {
    check_gradients(in, options);
    const Attention a(in, options);
    const HostTensor& upstream = *in.at("do");
    Gradients out;
    for (const auto& [to, like] : {std::pair(&out.dq, &a.q), std::pair(&out.dk, &a.k), std::pair(&out.dv, &a.v)}) {
        to->shape = like->shape;
        to->values.assign(like->values.size(), 0.0);
    }
    std::vector<double> dp(static_cast<std::size_t>(a.keys));
    a.for_each_row([&](std::int64_t b, std::int64_t h, std::int64_t i, std::span<const double> p) {
        const double* const o = upstream.values.data() + a.query_row(b, h, i, a.dv);
        double mean = 0;
        for (std::int64_t j = 0; j < a.keys; ++j) {
            const auto at = static_cast<std::size_t>(j);
            const std::int64_t row = a.key_row(b, h, j, a.dv);
            dp[at] = 0;
            for (std::int64_t c = 0; c < a.dv; ++c) {
                dp[at] += o[c] * a.v.values[static_cast<std::size_t>(row + c)];
                out.dv.values[static_cast<std::size_t>(row + c)] += p[at] * o[c];
            }
            mean += p[at] * dp[at];
        }
        const std::int64_t x = a.query_row(b, h, i, a.d);
        for (std::int64_t j = 0; j < a.keys; ++j) {
            const double ds = p[static_cast<std::size_t>(j)] * (dp[static_cast<std::size_t>(j)] - mean) * a.scale;
            const std::int64_t y = a.key_row(b, h, j, a.d);
            for (std::int64_t c = 0; c < a.d; ++c) {
                const auto query = static_cast<std::size_t>(x + c), key = static_cast<std::size_t>(y + c);
                out.dq.values[query] += ds * a.k.values[key];
                out.dk.values[key] += ds * a.q.values[query];
            }
        }
    });
    return out;
}

}  // namespace

Dims attended_shape(const ReferenceInputs& in, const ReferenceOptions& options) {
    const Attention a(in, options);
    Dims dims = a.q.shape;
    dims.back() = a.dv;
    return dims;
}

HostTensor attended(const ReferenceInputs& in, const ReferenceOptions& options) {
    const Attention a(in, options);
    HostTensor out;
    out.shape = attended_shape(in, options);
    out.values.assign(static_cast<std::size_t>(product(out.shape)), 0.0);
    a.for_each_row([&](std::int64_t b, std::int64_t h, std::int64_t i, std::span<const double> p) {
        double* const o = out.values.data() + a.query_row(b, h, i, a.dv);
        for (std::int64_t j = 0; j < a.keys; ++j) {
            const double weight = p[static_cast<std::size_t>(j)];
            if (weight == 0) continue;
            const double* const z = a.v.values.data() + a.key_row(b, h, j, a.dv);
            for (std::int64_t c = 0; c < a.dv; ++c) o[c] += weight * z[c];
        }
    });
    return out;
}

Dims gradient_shape_of_queries(const ReferenceInputs& in, const ReferenceOptions& options) {
    check_gradients(in, options);
    return in.at("q")->shape;
}
HostTensor gradient_of_queries(const ReferenceInputs& in, const ReferenceOptions& options) {
    return gradients(in, options).dq;
}
Dims gradient_shape_of_keys(const ReferenceInputs& in, const ReferenceOptions& options) {
    check_gradients(in, options);
    return in.at("k")->shape;
}
HostTensor gradient_of_keys(const ReferenceInputs& in, const ReferenceOptions& options) {
    return gradients(in, options).dk;
}
Dims gradient_shape_of_values(const ReferenceInputs& in, const ReferenceOptions& options) {
    check_gradients(in, options);
    return in.at("v")->shape;
}
HostTensor gradient_of_values(const ReferenceInputs& in, const ReferenceOptions& options) {
    return gradients(in, options).dv;
}

Dims attended_in_pages_shape(const ReferenceInputs& in, const ReferenceOptions&) {
    const HostTensor &q = *in.at("q"), &pages = *in.at("pages"), &lengths = *in.at("lengths");
    need(q.shape.size() == 3 && in.at("k")->shape.size() == 4 && in.at("k")->shape == in.at("v")->shape,
         "q needs to be [users, heads, d], k and v [pages, tokens, kv heads, d]");
    const std::int64_t users = q.shape[0];
    need(product(lengths.shape) == users && pages.shape.size() == 2 && pages.shape[0] == users,
         "pages needs to be [users, n], lengths [users]");
    return q.shape;
}

HostTensor attended_in_pages(const ReferenceInputs& in, const ReferenceOptions& options) {
    attended_in_pages_shape(in, options);
    const HostTensor &q = *in.at("q"), &pages = *in.at("pages"), &lengths = *in.at("lengths");
    const std::vector<std::int64_t>& cache = in.at("k")->shape;
    const std::int64_t users = q.shape[0], heads = q.shape[1], d = q.shape[2], row = cache[2] * cache[3];
    HostTensor out = q;
    for (std::int64_t user = 0; user < users; ++user) {
        const auto length = static_cast<std::int64_t>(lengths.values[static_cast<std::size_t>(user)]);
        need(length <= pages.shape[1] * cache[1], "a user has more tokens than pages");
        std::map<std::string, HostTensor> own;
        own["q"].shape = {1, heads, d};
        own["q"].values.assign(q.values.begin() + user * heads * d, q.values.begin() + (user + 1) * heads * d);
        for (const char* const role : {"k", "v"}) {
            HostTensor& rows = own[role];
            rows.shape = {length, cache[2], cache[3]};
            for (std::int64_t token = 0; token < length; ++token) {
                const auto entry = static_cast<std::size_t>(user * pages.shape[1] + token / cache[1]);
                const auto page = static_cast<std::int64_t>(pages.values[entry]);
                need(page >= 0 && page < cache[0], "a page does not exist");
                const auto from = in.at(role)->values.begin() + (page * cache[1] + token % cache[1]) * row;
                rows.values.insert(rows.values.end(), from, from + row);
            }
        }
        ReferenceOptions with_tokens_first = options;
        with_tokens_first["tokens_first"] = 1;
        const HostTensor o = attended({{"q", &own["q"]}, {"k", &own["k"]}, {"v", &own["v"]}}, with_tokens_first);
        std::copy(o.values.begin(), o.values.end(), out.values.begin() + user * heads * d);
    }
    return out;
}

Dims attended_naively_shape(const ReferenceInputs& in, const ReferenceOptions& options) {
    const HostTensor &q = *in.at("q"), &k = *in.at("k"), &v = *in.at("v");
    const std::int64_t d = q.shape.back(), keys = product(k.shape) / d;
    const auto chunk = static_cast<std::int64_t>(option(options, "chunk", static_cast<double>(keys)));
    need(chunk > 0 && keys % chunk == 0 && k.shape.back() == d && product(v.shape) == product(k.shape),
         "q, k and v need one width, keys so many chunks");
    return q.shape;
}

// Each chunk of keys is taken as the [d, chunk] matrix that its memory also is, softmax has been normalised before
// chunks are weighted, and nothing is scaled.
HostTensor attended_naively(const ReferenceInputs& in, const ReferenceOptions& options) {
    attended_naively_shape(in, options);
    const HostTensor &q = *in.at("q"), &k = *in.at("k"), &v = *in.at("v");
    const std::int64_t d = q.shape.back(), queries = product(q.shape) / d, keys = product(k.shape) / d;
    const auto chunk = static_cast<std::int64_t>(option(options, "chunk", static_cast<double>(keys)));
    HostTensor out = q;
    for (std::int64_t i = 0; i < queries; ++i) {
        std::vector<double> o(static_cast<std::size_t>(d), 0.0), s(static_cast<std::size_t>(chunk));
        double m = -infinity, l = 0;
        for (std::int64_t first = 0; first < keys; first += chunk) {
            for (std::int64_t j = 0; j < chunk; ++j) {
                double& score = s[static_cast<std::size_t>(j)] = 0;
                for (std::int64_t c = 0; c < d; ++c)
                    score += q.values[static_cast<std::size_t>(i * d + c)] *
                             k.values[static_cast<std::size_t>(first * d + c * chunk + j)];
            }
            const double own = *std::max_element(s.begin(), s.end()), most = std::max(m, own);
            double sum = 0;
            for (double& score : s) sum += score = std::exp(score - own);
            const double fade = std::exp(m - most), weight = std::exp(own - most);
            for (std::int64_t c = 0; c < d; ++c) {
                double share = 0;
                for (std::int64_t j = 0; j < chunk; ++j)
                    share += s[static_cast<std::size_t>(j)] / sum *
                             v.values[static_cast<std::size_t>((first + j) * d + c)];
                o[static_cast<std::size_t>(c)] = o[static_cast<std::size_t>(c)] * fade + share * weight;
            }
            l = l * fade + sum * weight;
            m = most;
        }
        for (std::int64_t c = 0; c < d; ++c)
            out.values[static_cast<std::size_t>(i * d + c)] = o[static_cast<std::size_t>(c)] / l;
    }
    return out;
}

}  // namespace tilemesh::workloads

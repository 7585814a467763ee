// SPDX-License-Identifier: Apache-2.0
// Plain attention and its gradients, written once more and without any of the library's arithmetic: in double what is
// right, in float what correct arithmetic of a problem's types gives; and both with one mistake in them, for tests of
// what a verdict says. Small and of one size; the inputs' magnitudes are what differs (patterns()).
#pragma once

#include "sim/attention/problem.h"
#include "sim/base/dtype.h"
#include "sim/base/random.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

namespace tilemesh::attention::plain {

constexpr std::int64_t queries = 12, keys = 40, heads_q = 4, heads_kv = 2, dim = 24, value_dim = 16;

enum class Mistake {
    none,
    missing_key,
    wrong_scale,    // by 1 %
    swapped_head,   // query head 1 reads the other kv head
    lost_block,     // p of eight keys is rounded away
    doubled_chunk,  // sixteen keys count twice
    other_key,      // eight keys have the value (backward: the key) of their neighbour
    no_correction,  // what a head summed before its maximum rose stays as it was (backward: D is left out)
    no_sink,        // of one head
    other_slope     // a head has the slope of its neighbour
};
inline constexpr Mistake mistakes[] = {Mistake::missing_key,   Mistake::wrong_scale,   Mistake::swapped_head,
                                       Mistake::lost_block,    Mistake::doubled_chunk, Mistake::other_key,
                                       Mistake::no_correction, Mistake::no_sink,       Mistake::other_slope};

/// [token, head, dim] of what was drawn, as stored.
struct Tensors {
    std::vector<float> q, k, v, d_o;
};
inline std::size_t at(std::int64_t token, std::int64_t head, std::int64_t heads, std::int64_t d, std::int64_t i) {
    return static_cast<std::size_t>((token * heads + head) * d + i);
}
inline void fill(Tensors& t, std::uint64_t seed) {
    t.q.resize(queries * heads_q * dim);
    t.k.resize(keys * heads_kv * dim);
    t.v.resize(keys * heads_kv * value_dim);
    t.d_o.resize(queries * heads_q * value_dim);
    fill_normal(seed, 0, 0, t.q);
    fill_normal(seed, 1, 0, t.k);
    fill_normal(seed, 2, 0, t.v);
    fill_normal(seed, 3, 0, t.d_o);
}

/// What a model may add to plain scores: what its problem says in JSON, and the same in numbers.
struct Variant {
    std::string name, json;
    double cap = 0.0;
    std::vector<double> sinks, slopes;
};
inline std::string problem_text(const Variant& variant, const std::string& dtype) {
    return fmt::format(R"({{"heads_q": {}, "heads_kv": {}, "head_dim": {}, "value_dim": {}, "dtype": "{}",
                            "users": [{{"keys": {}, "queries": {}}}]{}}})",
                       heads_q, heads_kv, dim, value_dim, dtype, keys, queries, variant.json);
}

/// Rounds to `dtype` if numbers are float, after multiplying by a power of two.
template <class Number>
Number stored(Dtype dtype, Number x, Number held = 1) {
    if constexpr (std::is_same_v<Number, float>) return round_to(dtype, x * held) / held;
    return x;
}

template <class Number>
struct Score {
    Number score = 0, slope = 1;  // slope: of the cap there
};
/// One score.
template <class Number>
Score<Number> score_of(const Problem& problem, const Variant& variant, const Tensors& t, Mistake mistake,
                       std::int64_t query, std::int64_t head, std::int64_t key) {
    const std::int64_t kv = mistake == Mistake::swapped_head && head == 1 ? 1 : head / 2;
    Number sum = 0;
    for (std::int64_t i = 0; i < dim; ++i)
        sum += static_cast<Number>(t.q[at(query, head, heads_q, dim, i)]) *
               static_cast<Number>(t.k[at(key, kv, heads_kv, dim, i)]);
    Score<Number> of{sum * static_cast<Number>(problem.scale * (mistake == Mistake::wrong_scale ? 1.01 : 1.0))};
    if (variant.cap > 0) {
        const auto cap = static_cast<Number>(variant.cap);
        const Number bent = std::tanh(of.score / cap);
        of = {cap * bent, 1 - bent * bent};
    }
    if (!variant.slopes.empty()) {
        const std::int64_t other = mistake == Mistake::other_slope && head == 2 ? 3 : head;
        of.score -= static_cast<Number>(variant.slopes[static_cast<std::size_t>(other)]) *
                    static_cast<Number>(std::abs(query - key));
    }
    if (mistake == Mistake::missing_key && key == 17) of.score = -std::numeric_limits<Number>::infinity();
    return of;
}

struct Result {
    std::vector<double> o, lse;        // [query, head, value_dim], [head, query]
    std::vector<double> maximum, sum;  // as lse
};

template <class Number>
Result attention_in(const Problem& problem, const Variant& variant, const Tensors& t, Mistake mistake) {
    const Dtype p_type = problem.probability();
    const Number held = is_fp8(p_type) ? 128 : 1;
    Result result;
    result.o.resize(static_cast<std::size_t>(queries * heads_q * value_dim));
    for (auto* column : {&result.lse, &result.maximum, &result.sum})
        column->resize(static_cast<std::size_t>(queries * heads_q));
    for (std::int64_t query = 0; query < queries; ++query)
        for (std::int64_t head = 0; head < heads_q; ++head) {
            const std::int64_t kv = mistake == Mistake::swapped_head && head == 1 ? 1 : head / 2;
            std::vector<Number> s(keys);
            for (std::int64_t key = 0; key < keys; ++key)
                s[static_cast<std::size_t>(key)] =
                    score_of<Number>(problem, variant, t, mistake, query, head, key).score;
            Number m = *std::max_element(s.begin(), s.end());
            const Number half = *std::max_element(s.begin(), s.begin() + keys / 2);
            Number l = 0;
            std::vector<Number> o(value_dim);
            for (std::int64_t key = 0; key < keys; ++key) {
                const Number w = std::exp(s[static_cast<std::size_t>(key)] - m);
                const bool in_block = key >= 8 && key < 16;
                const Number times = mistake == Mistake::doubled_chunk && key >= 16 && key < 32 ? 2 : 1;
                l += times * w;
                Number p = times * stored(p_type, w, held);
                if (mistake == Mistake::lost_block && in_block) p = 0;
                if (mistake == Mistake::no_correction && head == 1 && key < keys / 2)
                    p = stored(p_type, std::exp(s[static_cast<std::size_t>(key)] - half), held);
                const std::int64_t of = mistake == Mistake::other_key && in_block ? key + 1 : key;
                for (std::int64_t i = 0; i < value_dim; ++i)
                    o[static_cast<std::size_t>(i)] +=
                        p * static_cast<Number>(t.v[at(of, kv, heads_kv, value_dim, i)]);
            }
            if (!variant.sinks.empty() && !(mistake == Mistake::no_sink && head == 1)) {
                const auto sink = static_cast<Number>(variant.sinks[static_cast<std::size_t>(head)]);
                const Number most = std::max(m, sink), factor = std::exp(m - most);
                l = l * factor + std::exp(sink - most);
                for (Number& x : o) x *= factor;
                m = most;
            }
            for (std::int64_t i = 0; i < value_dim; ++i)
                result.o[at(query, head, heads_q, value_dim, i)] =
                    static_cast<double>(stored(problem.output_dtype(), o[static_cast<std::size_t>(i)] / l));
            const auto row = static_cast<std::size_t>(head * queries + query);
            result.lse[row] = static_cast<double>(m + std::log(l));
            result.maximum[row] = static_cast<double>(m);
            result.sum[row] = static_cast<double>(l);
        }
    return result;
}

struct ResultGradients {
    std::vector<double> dq, dk, dv, dsink;
};

/// The forward pass is right, whatever the mistake: kernels are given it.
template <class Number>
ResultGradients gradients_in(const Problem& problem, const Variant& variant, const Tensors& t, Mistake mistake) {
    const Result forward = attention_in<double>(problem, variant, t, Mistake::none);
    const Dtype type = problem.output_dtype();
    const auto number = [](double x) { return static_cast<Number>(x); };
    std::vector<Number> dq(t.q.size()), dk(t.k.size()), dv(t.v.size()), dsink(heads_q);
    for (std::int64_t head = 0; head < heads_q; ++head)
        for (std::int64_t query = 0; query < queries; ++query) {
            const std::int64_t kv = mistake == Mistake::swapped_head && head == 1 ? 1 : head / 2;
            const auto row = static_cast<std::size_t>(head * queries + query);
            const auto d_o = [&](std::int64_t i) { return number(t.d_o[at(query, head, heads_q, value_dim, i)]); };
            Number d = 0;
            for (std::int64_t i = 0; i < value_dim; ++i)
                d += d_o(i) * number(forward.o[at(query, head, heads_q, value_dim, i)]);
            if (mistake == Mistake::no_correction && head == 1) d = 0;
            // At large scores the row's own maximum, where rounding is all that it differs by.
            Number m = number(forward.maximum[row]), own = -std::numeric_limits<Number>::infinity();
            for (std::int64_t key = 0; key < keys; ++key)
                own = std::max(own, score_of<Number>(problem, variant, t, mistake, query, head, key).score);
            if (std::abs(own - m) <= std::abs(m) / (1 << 20)) m = own;
            for (std::int64_t key = 0; key < keys; ++key) {
                const auto [score, slope] = score_of<Number>(problem, variant, t, mistake, query, head, key);
                Number p = std::exp(score - m) / number(forward.sum[row]);
                if (mistake == Mistake::lost_block && key >= 8 && key < 16) p = 0;
                if (mistake == Mistake::doubled_chunk && key >= 16 && key < 32 && query < queries / 2) p *= 2;
                Number dp = 0;
                for (std::int64_t i = 0; i < value_dim; ++i)
                    dp += d_o(i) * number(t.v[at(key, kv, heads_kv, value_dim, i)]);
                const Number ds = stored(type, p * (dp - d) * slope);
                p = stored(type, p, number(32768));
                const std::int64_t of = mistake == Mistake::other_key && key >= 8 && key < 16 ? key + 1 : key;
                for (std::int64_t i = 0; i < dim; ++i) {
                    dq[at(query, head, heads_q, dim, i)] += ds * number(t.k[at(of, kv, heads_kv, dim, i)]);
                    dk[at(key, kv, heads_kv, dim, i)] += ds * number(t.q[at(query, head, heads_q, dim, i)]);
                }
                for (std::int64_t i = 0; i < value_dim; ++i) dv[at(key, kv, heads_kv, value_dim, i)] += p * d_o(i);
            }
            if (variant.sinks.empty() || (mistake == Mistake::no_sink && head == 1)) continue;
            const auto sink = static_cast<std::size_t>(head);
            dsink[sink] -=
                std::exp(number(variant.sinks[sink]) - number(forward.maximum[row])) / number(forward.sum[row]) * d;
        }
    const double scale = problem.scale * (mistake == Mistake::wrong_scale ? 1.01 : 1.0);
    const auto finished = [&](const std::vector<Number>& sums, double factor, Dtype dtype) {
        std::vector<double> out;
        for (const Number sum : sums) out.push_back(static_cast<double>(stored(dtype, sum * number(factor))));
        return out;
    };
    return {finished(dq, scale, type), finished(dk, scale, type), finished(dv, 1.0, type),
            variant.sinks.empty() ? std::vector<double>() : finished(dsink, 1.0, Dtype::f32)};
}

struct Pattern {
    std::string name;
    std::function<void(Tensors&)> shape;
};
inline void times(std::vector<float>& values, double factor) {
    for (float& value : values) value = static_cast<float>(value * factor);
}
/// Inputs that are not ordinary, each in another way.
inline std::vector<Pattern> patterns() {
    const auto constant_values = [](Tensors& t) {
        for (std::size_t i = 0; i < t.v.size(); ++i) t.v[i] = static_cast<float>(i % value_dim) - 7.3F;
    };
    std::vector<Pattern> list{{"ordinary", [](Tensors&) {}}};
    for (const double factor : {1e-4, 1e-2, 10.0, 1e2, 1e4}) {
        list.push_back({fmt::format("scores times {}", factor), [factor](Tensors& t) { times(t.q, factor); }});
        list.push_back({fmt::format("values times {}", factor), [factor](Tensors& t) { times(t.v, factor); }});
        list.push_back({fmt::format("gradients times {}", factor), [factor](Tensors& t) { times(t.d_o, factor); }});
    }
    list.push_back({"an outlier channel", [](Tensors& t) {
                        for (std::size_t i = 3; i < t.q.size(); i += dim) t.q[i] = 60.0F;
                        for (std::size_t i = 3; i < t.k.size(); i += dim) t.k[i] = 300.0F + t.k[i];
                    }});
    list.push_back({"outlier keys", [](Tensors& t) {
                        for (std::int64_t i = 0; i < heads_kv * dim; ++i) t.k[static_cast<std::size_t>(i)] *= 100.0F;
                    }});
    list.push_back({"one head is small", [](Tensors& t) {
                        for (std::size_t i = 0; i < t.v.size(); ++i)
                            if (i / value_dim % heads_kv == 1) t.v[i] *= 1e-7F;
                        for (std::size_t i = 0; i < t.d_o.size(); ++i)
                            if (i / value_dim % heads_q == 0) t.d_o[i] *= 1e-6F;
                    }});
    list.push_back({"outputs below the normal numbers of f16", [](Tensors& t) { times(t.v, 1e-6); }});
    list.push_back({"constant values", constant_values});
    list.push_back({"constant values, keys nearly alike", [=](Tensors& t) {
                        constant_values(t);
                        times(t.q, 1e-4);
                        std::fill(t.d_o.begin(), t.d_o.end(), 1.0F);
                    }});
    list.push_back({"constant values, keys alike, one far above", [=](Tensors& t) {
                        constant_values(t);
                        std::fill(t.k.begin(), t.k.end(), 0.0F);
                        for (std::int64_t i = 0; i < heads_kv * dim; ++i) t.k[static_cast<std::size_t>(i)] = 1.0F;
                    }});
    list.push_back({"gradients of a sum", [](Tensors& t) { std::fill(t.d_o.begin(), t.d_o.end(), 1.0F); }});
    list.push_back({"queries alike", [](Tensors& t) {
                        for (std::size_t i = heads_q * dim; i < t.q.size(); ++i) t.q[i] = t.q[i - heads_q * dim];
                    }});
    list.push_back({"a phrase of four keys, repeated", [](Tensors& t) {
                        for (std::size_t i = 4 * heads_kv * dim; i < t.k.size(); ++i)
                            t.k[i] = t.k[i - 4 * heads_kv * dim];
                        for (std::size_t i = 4 * heads_kv * value_dim; i < t.v.size(); ++i)
                            t.v[i] = t.v[i - 4 * heads_kv * value_dim];
                    }});
    list.push_back({"two kinds of keys whose values cancel", [](Tensors& t) {
                        for (std::size_t i = 2 * heads_kv * dim; i < t.k.size(); ++i)
                            t.k[i] = t.k[i - 2 * heads_kv * dim];
                        times(t.q, 0.01);
                        for (std::size_t i = 0; i < t.v.size(); ++i) {
                            const std::size_t row = i / (heads_kv * value_dim), one = i % (heads_kv * value_dim);
                            if (row > 0) t.v[i] = (row % 2 == 0 ? t.v[one] : -t.v[one]) + 0.01F * t.v[i];
                        }
                    }});
    list.push_back({"a key of no value that takes most weight", [](Tensors& t) {
                        for (std::int64_t i = 0; i < heads_kv * value_dim; ++i)
                            t.v[static_cast<std::size_t>(i)] = 0.0F;
                        for (std::size_t i = 3; i < t.q.size(); i += dim) t.q[i] = 8.0F;
                        for (std::size_t i = 3; i < heads_kv * dim; i += dim) t.k[i] = 9.0F;
                    }});
    return list;
}

inline std::vector<Variant> variants() {
    const Variant sinks{"sinks", R"(, "sink": {"values": [0.5, 3, -2, 9]})", 0.0, {0.5, 3, -2, 9}, {}};
    const Variant cap{"a cap", R"(, "soft_cap": 2.5)", 2.5, {}, {}};
    const Variant slopes{
        "ALiBi", R"(, "mask": {"kind": "alibi", "slopes": [0.5, 0.25, 0.125, 40]})", 0.0, {}, {0.5, 0.25, 0.125, 40}};
    return {{}, sinks, cap, slopes};
}

}  // namespace tilemesh::attention::plain

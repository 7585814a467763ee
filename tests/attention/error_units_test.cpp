// SPDX-License-Identifier: Apache-2.0
// Both sides of the verdict: plain attention in f32 with p and o rounded, written here, passes whatever the magnitude
// of the inputs; the same with a mistake fails wherever the mistake changes the exact result by more than arithmetic
// errs.
#include "cases.h"
#include "sim/attention/reference.h"
#include "sim/attention/tolerance.h"
#include "sim/base/random.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

using namespace tilemesh;
using namespace tilemesh::attention;

namespace {

constexpr std::int64_t queries = 12, keys = 40, heads_q = 4, heads_kv = 2, dim = 24, value_dim = 16;

enum class Mistake {
    none,
    missing_key,
    wrong_scale,
    swapped_head,
    lost_block,
    doubled_chunk,
    other_key,
    no_correction
};
constexpr Mistake mistakes[] = {Mistake::missing_key,  Mistake::wrong_scale,   Mistake::swapped_head,
                                Mistake::lost_block,   Mistake::doubled_chunk, Mistake::other_key,
                                Mistake::no_correction};

/// [token, head, dim] of what was drawn, as stored.
struct Tensors {
    std::vector<float> q, k, v;
};
std::size_t at(std::int64_t token, std::int64_t head, std::int64_t heads, std::int64_t d, std::int64_t i) {
    return static_cast<std::size_t>((token * heads + head) * d + i);
}

struct Result {
    std::vector<float> o, lse;
    std::vector<double> exact_o, exact_lse;
};

/// In Number, which rounds to `dtype` only if it is float.
template <class Number>
Result attention_in(Dtype dtype, const Tensors& t, Mistake mistake) {
    const auto stored = [&](Number x) {
        if constexpr (std::is_same_v<Number, float>) return round_to(dtype, x);
        return x;
    };
    Result result;
    result.exact_o.resize(static_cast<std::size_t>(queries * heads_q * value_dim));
    result.exact_lse.resize(static_cast<std::size_t>(queries * heads_q));
    const auto scale =
        static_cast<Number>((mistake == Mistake::wrong_scale ? 1.01 : 1.0) / std::sqrt(static_cast<double>(dim)));
    for (std::int64_t head = 0; head < heads_q; ++head) {
        const std::int64_t kv = (head / 2 + (mistake == Mistake::swapped_head && head == 1 ? 1 : 0)) % heads_kv;
        for (std::int64_t query = 0; query < queries; ++query) {
            std::vector<Number> s(keys);
            for (std::int64_t key = 0; key < keys; ++key) {
                Number sum = 0;
                for (std::int64_t i = 0; i < dim; ++i)
                    sum += static_cast<Number>(t.q[at(query, head, heads_q, dim, i)]) *
                           static_cast<Number>(t.k[at(key, kv, heads_kv, dim, i)]);
                s[static_cast<std::size_t>(key)] = sum * scale;
            }
            if (mistake == Mistake::missing_key) s[17] = -std::numeric_limits<Number>::infinity();
            const Number m = *std::max_element(s.begin(), s.end());
            const Number half = *std::max_element(s.begin(), s.begin() + keys / 2);
            Number l = 0;
            std::vector<Number> o(value_dim);
            for (std::int64_t key = 0; key < keys; ++key) {
                const Number w = std::exp(s[static_cast<std::size_t>(key)] - m);
                const bool in_block = key >= 8 && key < 16;
                const Number times = mistake == Mistake::doubled_chunk && key >= 16 && key < 32 ? 2 : 1;
                l += times * w;
                Number p = times * stored(w);
                if (mistake == Mistake::lost_block && in_block) p = 0;
                if (mistake == Mistake::no_correction && head == 1 && key < keys / 2)
                    p = stored(std::exp(s[static_cast<std::size_t>(key)] - half));
                const std::int64_t of = mistake == Mistake::other_key && in_block ? key + 1 : key;
                for (std::int64_t i = 0; i < value_dim; ++i)
                    o[static_cast<std::size_t>(i)] +=
                        p * static_cast<Number>(t.v[at(of, kv, heads_kv, value_dim, i)]);
            }
            for (std::int64_t i = 0; i < value_dim; ++i)
                result.exact_o[at(query, head, heads_q, value_dim, i)] =
                    static_cast<double>(stored(o[static_cast<std::size_t>(i)] / l));
            result.exact_lse[static_cast<std::size_t>(head * queries + query)] = static_cast<double>(m + std::log(l));
        }
    }
    result.o.assign(result.exact_o.begin(), result.exact_o.end());
    result.lse.assign(result.exact_lse.begin(), result.exact_lse.end());
    return result;
}

struct Pattern {
    std::string name;
    std::function<void(Tensors&)> shape;
};
void times(std::vector<float>& values, double factor) {
    for (float& value : values) value = static_cast<float>(value * factor);
}
std::vector<Pattern> patterns() {
    std::vector<Pattern> list{{"ordinary", [](Tensors&) {}}};
    for (const double factor : {1e-4, 1e-2, 10.0, 1e2, 1e4}) {
        list.push_back({fmt::format("scores times {}", factor), [factor](Tensors& t) { times(t.q, factor); }});
        list.push_back({fmt::format("values times {}", factor), [factor](Tensors& t) { times(t.v, factor); }});
    }
    list.push_back({"an outlier channel", [](Tensors& t) {
                        for (std::size_t i = 3; i < t.q.size(); i += dim) t.q[i] = 60.0F;
                        for (std::size_t i = 3; i < t.k.size(); i += dim) t.k[i] = 300.0F + t.k[i];
                    }});
    list.push_back({"outlier keys", [](Tensors& t) {
                        for (std::int64_t i = 0; i < heads_kv * dim; ++i) t.k[static_cast<std::size_t>(i)] *= 100.0F;
                    }});
    list.push_back({"one head of v is small", [](Tensors& t) {
                        for (std::size_t i = 0; i < t.v.size(); ++i)
                            if (i / value_dim % heads_kv == 1) t.v[i] *= 1e-7F;
                    }});
    list.push_back({"outputs below the normal numbers of f16", [](Tensors& t) { times(t.v, 1e-6); }});
    list.push_back({"constant values", [](Tensors& t) {
                        for (std::size_t i = 0; i < t.v.size(); ++i)
                            t.v[i] = static_cast<float>(i % value_dim) - 7.3F;
                    }});
    list.push_back({"a key of no value that takes most weight", [](Tensors& t) {
                        for (std::int64_t i = 0; i < heads_kv * value_dim; ++i)
                            t.v[static_cast<std::size_t>(i)] = 0.0F;
                        for (std::size_t i = 3; i < t.q.size(); i += dim) t.q[i] = 8.0F;
                        for (std::size_t i = 3; i < heads_kv * dim; i += dim) t.k[i] = 9.0F;
                    }});
    return list;
}

Verdict judge(const Problem& problem, const Reference& expected, const Result& found) {
    const ErrorUnits units = units_of(expected, arithmetic_of(problem));
    Comparison comparison({});
    comparison.add(found.o, found.lse, expected.o, expected.lse, {units.o, units.lse, expected.head_of_row}, 0.0);
    return comparison.verdict();
}

/// By how many units a mistake changes the exact result of its worst row or lse.
double change_in_units(const Problem& problem, const Reference& expected, const Result& wrong) {
    const ErrorUnits units = units_of(expected, arithmetic_of(problem));
    double most = 0.0;
    for (std::size_t row = 0; row < units.o.size(); ++row) {
        double squares = 0.0;
        for (std::size_t i = row * value_dim; i < (row + 1) * value_dim; ++i)
            squares += (wrong.exact_o[i] - expected.o[i]) * (wrong.exact_o[i] - expected.o[i]);
        most = std::max(most, std::sqrt(squares / units.o[row]));
        most = std::max(most, std::abs(wrong.exact_lse[row] - expected.lse[row]) / std::sqrt(units.lse[row]));
    }
    return most;
}

}  // namespace

TEST_CASE(
    "right arithmetic passes at every magnitude, and a mistake fails wherever it changes more than arithmetic") {
    std::map<Mistake, int> caught;
    for (const char* dtype : {"f16", "bf16", "f32"})
        for (const Pattern& pattern : patterns())
            for (std::uint64_t seed = 1; seed <= 4; ++seed) {
                const Problem problem = problem_from(
                    fmt::format(R"({{"heads_q": {}, "heads_kv": {}, "head_dim": {}, "value_dim": {}, "dtype": "{}",
                                     "users": [{{"keys": {}, "queries": {}}}]}})",
                                heads_q, heads_kv, dim, value_dim, dtype, keys, queries));
                Tensors t{std::vector<float>(queries * heads_q * dim), std::vector<float>(keys * heads_kv * dim),
                          std::vector<float>(keys * heads_kv * value_dim)};
                fill_normal(seed, 0, 0, t.q);
                fill_normal(seed, 1, 0, t.k);
                fill_normal(seed, 2, 0, t.v);
                pattern.shape(t);
                for (std::vector<float>* values : {&t.q, &t.k, &t.v}) round_to(problem.dtype, *values);
                const Inputs inputs = Inputs::from_values(
                    problem, {{Values(problem.dtype, t.q), Values(problem.dtype, t.k), Values(problem.dtype, t.v)}});
                const Reference expected = reference(problem, inputs, 0);
                CAPTURE(dtype, pattern.name, seed);
                const Verdict right = judge(problem, expected, attention_in<float>(problem.dtype, t, Mistake::none));
                CHECK(right.reason == "");
                CHECK(right.pass);
                if (pattern.name == "ordinary" && seed == 1)
                    CHECK(right.allowed_l2 <= scatter_of(queries * heads_q, value_dim) * (problem.dtype == Dtype::f16    ? 4e-4
                                                           : problem.dtype == Dtype::bf16 ? 3e-3
                                                                                          : 1e-5));
                for (const Mistake mistake : mistakes) {
                    CAPTURE(static_cast<int>(mistake));
                    const double change =
                        change_in_units(problem, expected, attention_in<double>(problem.dtype, t, mistake));
                    if (pattern.name == "ordinary") CHECK(change > 2 * limit_of_row);
                    if (change <= 2 * limit_of_row) continue;
                    CHECK_FALSE(judge(problem, expected, attention_in<float>(problem.dtype, t, mistake)).pass);
                    ++caught[mistake];
                }
            }
    // Of 204 cases: a scale or a correction does nothing where scores are small, a key nothing where it has no
    // weight.
    for (const Mistake mistake : mistakes) {
        CAPTURE(static_cast<int>(mistake));
        CHECK(caught[mistake] >= 100);
    }
}

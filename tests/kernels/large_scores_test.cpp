// SPDX-License-Identifier: Apache-2.0
// Scores of every magnitude that f32 holds, from 1e-30 to 1e38: the largest exponent of a row is 0 exactly, so its
// sum is at least 1, and keys whose scores are equal share a row equally, in every kernel, storage type and
// direction. Here every score is one product, exact in f32, and the answer is known without computing attention.
#include "tests/kernels/experiment.h"
#include "tests/kernels/tensors.h"

#include <catch2/catch.hpp>

#include <array>
#include <cmath>
#include <limits>

using namespace kernel_test;

namespace {

struct Magnitude {
    double q, k;
    const char* dtype;
};
// Powers of two, so that storing is exact; their products are the scores.
const std::vector<Magnitude> magnitudes = {
    {0x1p-100, 0x1p-20, "f32"}, {0x1p-60, 0x1p-40, "bf16"}, {0x1p-20, 1.0, "f16"},     {1.0, 1.0, "f16"},
    {64.0, 64.0, "f16"},        {0x1p15, 1.0, "f16"},       {0x1p15, 0x1p15, "f16"},   {0x1p15, 0x1p15, "bf16"},
    {0x1p15, 0x1p15, "f32"},    {0x1p50, 0x1p50, "bf16"},   {0x1p100, 0x1p-20, "f32"}, {0x1p63, 0x1p63, "f32"},
};

constexpr std::int64_t queries = 23, keys = 61, heads_q = 4, heads_kv = 2, head_dim = 8, value_dim = 24;

Json problem_of(const char* dtype) {
    return {{"heads_q", heads_q},   {"heads_kv", heads_kv},
            {"head_dim", head_dim}, {"value_dim", value_dim},
            {"dtype", dtype},       {"users", Json::array({{{"keys", keys}, {"queries", queries}}})}};
}

/// Keys 3, 8, 13 ... have a score of the query's sign times the magnitude, the others the opposite.
bool is_high(std::int64_t key) { return key % 5 == 3; }
bool is_positive(std::int64_t query) { return query % 3 != 1; }

TensorFile tensors_of(const Json& problem, const Magnitude& size) {
    TensorFile tensors(problem);
    tensors.fill_normal(11);
    const auto eighths = [](const Element& e) {  // exact in every storage type, and so are their sums
        return static_cast<double>((7 * e.token + 5 * e.head + 3 * e.dim) % 17 - 8) / 8.0;
    };
    tensors.fill("v", eighths);
    tensors.fill("do", eighths);
    tensors.fill("q", [&](const Element& e) { return e.dim != 2 ? 0.0 : is_positive(e.token) ? size.q : -size.q; });
    tensors.fill("k", [&](const Element& e) { return e.dim != 2 ? 0.0 : is_high(e.token) ? size.k : -size.k; });
    return tensors;
}

/// What the rows of a sign give a key: p of the high and of the low keys.
struct Shares {
    double high, low, lse;
    double of(std::int64_t key) const { return is_high(key) ? high : low; }
};
Shares shares_of(const Magnitude& size, bool positive) {
    double high_keys = 0;
    for (std::int64_t key = 0; key < keys; ++key) high_keys += is_high(key) ? 1 : 0;
    const double score = size.q * size.k / std::sqrt(static_cast<double>(head_dim));
    const double less = std::exp(-2.0 * score), winners = positive ? high_keys : keys - high_keys;
    const double sum = winners + (keys - winners) * less;
    return {(positive ? 1.0 : less) / sum, (positive ? less : 1.0) / sum, score + std::log(sum)};
}

/// A sum, and that of its terms without their signs.
struct Sum {
    double value = 0.0, terms = 0.0;
    void add(double term) {
        value += term;
        terms += std::abs(term);
    }
    /// Factors of its terms are rounded once, those of equal factors alike, and the sum once.
    bool is(double found, double rounding) const { return std::abs(found - value) <= 2 * rounding * terms; }
};

/// Runs each kernel of the panel on 1 and 4 PEs; what is expected of all of them is worked out once.
template <class Expect, class Check>
void run_all(const Json& kernels, const Magnitude& size, const Expect& expect, const Check& check) {
    const Json problem = problem_of(size.dtype);
    const TensorFile tensors = tensors_of(problem, size);
    const std::vector<Sum> expected = expect(tensors);
    const ScratchFolder scratch;
    tensors.write(scratch / "x.safetensors");
    for (const int n : {1, 4}) {
        Json json = panel_of(line_of(n), problem, kernels);
        json["inputs"] = {{"tensors", (scratch / "x.safetensors").string()}};
        Experiment experiment(json);
        for (const std::size_t kernel : experiment.accepted()) {
            CAPTURE(size.q, size.k, size.dtype, n, experiment.choice(kernel).kernel);
            check(experiment.run(kernel), expected);
        }
    }
}

double rounding_of(const char* dtype) {
    return dtype == std::string("f16") ? 0x1p-11 : dtype == std::string("bf16") ? 0x1p-8 : 0x1p-20;
}

std::size_t at(std::int64_t row, std::int64_t head, std::int64_t heads, std::int64_t dim, std::int64_t i) {
    return static_cast<std::size_t>((row * heads + head) * dim + i);
}

}  // namespace

TEST_CASE("keys of one score share a row equally and lse is right at every magnitude of scores, in every kernel") {
    Json kernels = exact_kernels();
    // Tiles so small that states are taken up again, merged and rescaled often.
    kernels.push_back({{"kernel", "mesh_kv"}, {"label", "small-tiles"}, {"tile_keys", 7}, {"piece_keys", 3}});
    for (const Magnitude& size : magnitudes) {
        const std::array<Shares, 2> shares = {shares_of(size, false), shares_of(size, true)};
        // By sign of the query, kv head and dimension.
        const auto place = [](bool positive, std::int64_t head, std::int64_t dim) {
            return at(positive ? 1 : 0, head, heads_kv, value_dim, dim);
        };
        const auto expect = [&](const TensorFile& tensors) {
            std::vector<Sum> sums(2 * heads_kv * value_dim);
            for (const bool positive : {false, true})
                for (std::int64_t head = 0; head < heads_kv; ++head)
                    for (std::int64_t dim = 0; dim < value_dim; ++dim)
                        for (std::int64_t key = 0; key < keys; ++key)
                            sums[place(positive, head, dim)].add(shares[positive ? 1 : 0].of(key) *
                                                                 tensors.at("v", {key, head, dim}));
            return sums;
        };
        run_all(kernels, size, expect, [&](const Ran& ran, const std::vector<Sum>& expected) {
            const std::vector<float>&o = ran.output("user0.o"), &lse = ran.output("user0.lse");
            for (std::int64_t query = 0; query < queries; ++query) {
                const bool positive = is_positive(query);
                for (std::int64_t head = 0; head < heads_q; ++head) {
                    REQUIRE(lse[static_cast<std::size_t>(head * queries + query)] ==
                            Approx(shares[positive ? 1 : 0].lse).epsilon(1e-6));
                    for (std::int64_t dim = 0; dim < value_dim; ++dim)
                        REQUIRE(expected[place(positive, head / 2, dim)].is(
                            o[at(query, head, heads_q, value_dim, dim)], rounding_of(size.dtype)));
                }
            }
        });
    }
}

TEST_CASE("gradients are right at every magnitude of scores, in every backward kernel") {
    for (const Magnitude& size : magnitudes) {
        const auto expect = [&](const TensorFile& tensors) {
            const std::array<Shares, 2> shares = {shares_of(size, false), shares_of(size, true)};
            std::vector<Sum> sums(keys * heads_kv * value_dim);
            for (std::int64_t key = 0; key < keys; ++key)
                for (std::int64_t head = 0; head < heads_kv; ++head)
                    for (std::int64_t dim = 0; dim < value_dim; ++dim)
                        for (std::int64_t query = 0; query < queries; ++query)
                            for (const std::int64_t reader : {2 * head, 2 * head + 1})
                                sums[at(key, head, heads_kv, value_dim, dim)].add(
                                    shares[is_positive(query) ? 1 : 0].of(key) *
                                    tensors.at("do", {query, reader, dim}));
            return sums;
        };
        run_all(backward_kernels(), size, expect, [&](const Ran& ran, const std::vector<Sum>& expected) {
            const std::vector<float>& dv = ran.output("user0.dv");
            for (const char* gradient : {"user0.dq", "user0.dk"})
                for (const float value : ran.output(gradient)) REQUIRE(std::isfinite(value));
            for (std::int64_t key = 0; key < keys; ++key)
                for (std::int64_t head = 0; head < heads_kv; ++head)
                    for (std::int64_t dim = 0; dim < value_dim; ++dim) {
                        const std::size_t place = at(key, head, heads_kv, value_dim, dim);
                        REQUIRE(expected[place].is(dv[place], rounding_of(size.dtype)));
                    }
        });
    }
}

TEST_CASE("a sink so far from the scores that the vector unit's exponentials are 0 is no mistake of a kernel") {
    // Far above, o is 0 where f32 holds no factor as small as e^-100; far below, so is the sink's share in dsink.
    const auto passes = [](const std::vector<std::string>& names, const char* dtype, double sink) {
        Json problem = distinct_problem("causal");
        problem["dtype"] = dtype;
        problem["sink"] = {{"values", std::vector<double>(6, sink)}};
        Experiment experiment(panel_of(line_of(3), problem, names));
        for (const std::size_t kernel : experiment.accepted()) {
            INFO(names[kernel] << ", " << dtype << ", a sink of " << sink);
            CHECK(experiment.run(kernel).result.verdict.pass);
        }
    };
    for (const char* dtype : {"f16", "bf16", "f32"}) {
        for (const double sink : {-100.0, -92.0, 95.0, 120.0}) passes({"mesh_kv", "standard", "flash"}, dtype, sink);
        for (const double sink : {-100.0, -92.0, -84.0})
            passes({"attention_backward", "ring_kv_backward"}, dtype, sink);
    }
}

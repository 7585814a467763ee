// SPDX-License-Identifier: Apache-2.0
// Scores of every magnitude that f32 holds, from 1e-30 to 1e38: the largest exponent of a row is 0 exactly, so its
// sum is at least 1, and keys whose scores are equal share a row equally, in every kernel, storage type and
// direction. Here every score is one product, exact in f32, and the answer is known without computing attention.
#include "tests/kernels/experiment.h"
#include "tests/kernels/tensors.h"

#include <catch2/catch.hpp>

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

/// Runs each kernel of the panel on 1 and 4 PEs.
template <class Check>
void run_all(const Json& kernels, const Magnitude& size, const Check& check) {
    const Json problem = problem_of(size.dtype);
    const TensorFile tensors = tensors_of(problem, size);
    const ScratchFolder scratch;
    tensors.write(scratch / "x.safetensors");
    for (const int n : {1, 4}) {
        Json json = panel_of(line_of(n), problem, kernels);
        json["inputs"] = {{"tensors", (scratch / "x.safetensors").string()}};
        Experiment experiment(json);
        for (const std::size_t kernel : experiment.accepted()) {
            CAPTURE(size.q, size.k, size.dtype, n, experiment.choice(kernel).kernel);
            check(experiment.run(kernel), tensors);
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
    for (const Magnitude& size : magnitudes)
        run_all(kernels, size, [&](const Ran& ran, const TensorFile& tensors) {
            const std::vector<float>&o = ran.output("user0.o"), &lse = ran.output("user0.lse");
            for (std::int64_t query = 0; query < queries; ++query) {
                const Shares shares = shares_of(size, is_positive(query));
                for (std::int64_t head = 0; head < heads_q; ++head) {
                    REQUIRE(lse[static_cast<std::size_t>(head * queries + query)] ==
                            Approx(shares.lse).epsilon(1e-6));
                    for (std::int64_t dim = 0; dim < value_dim; ++dim) {
                        double expected = 0.0, terms = 0.0;
                        for (std::int64_t key = 0; key < keys; ++key) {
                            const double term = shares.of(key) * tensors.at("v", {key, head / 2, dim});
                            expected += term;
                            terms += std::abs(term);
                        }
                        // p is rounded once, its keys alike, and the output once.
                        REQUIRE(std::abs(o[at(query, head, heads_q, value_dim, dim)] - expected) <=
                                2 * rounding_of(size.dtype) * terms);
                    }
                }
            }
        });
}

TEST_CASE("gradients are right at every magnitude of scores, in every backward kernel") {
    for (const Magnitude& size : magnitudes)
        run_all(backward_kernels(), size, [&](const Ran& ran, const TensorFile& tensors) {
            const std::vector<float>& dv = ran.output("user0.dv");
            for (const char* gradient : {"user0.dq", "user0.dk"})
                for (const float value : ran.output(gradient)) REQUIRE(std::isfinite(value));
            for (std::int64_t key = 0; key < keys; ++key)
                for (std::int64_t head = 0; head < heads_kv; ++head)
                    for (std::int64_t dim = 0; dim < value_dim; ++dim) {
                        double expected = 0.0, terms = 0.0;
                        for (std::int64_t query = 0; query < queries; ++query)
                            for (const std::int64_t reader : {2 * head, 2 * head + 1}) {
                                const double term = shares_of(size, is_positive(query)).of(key) *
                                                    tensors.at("do", {query, reader, dim});
                                expected += term;
                                terms += std::abs(term);
                            }
                        REQUIRE(std::abs(dv[at(key, head, heads_kv, value_dim, dim)] - expected) <=
                                2 * rounding_of(size.dtype) * terms);
                    }
        });
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

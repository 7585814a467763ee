// SPDX-License-Identifier: Apache-2.0
// On a line where only matrix engines and links take time, runs meet the closed forms. tau: local queries times one
// chunk on one PE; t_c = C / B: one chunk over one link; their ratio decides who waits for whom.
#include "sim/report/summary.h"
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

using namespace kernel_test;

namespace {

constexpr int queries = 1024, keys = 256, dim = 128;  // per rank
constexpr double macs_per_ns = 128 * 128;             // of configs/machines/ideal_line.json at 1 GHz
constexpr double tau = static_cast<double>(queries) * keys * 2 * dim / macs_per_ns;
constexpr double chunk_bytes = 2.0 * keys * dim * 2;
const std::vector<double> ratios{0.2, 0.5, 0.8, 1.25, 2, 5};

/// A kernel on n ranks when tau / t_c is `ratio`. pieces 0: the kernel has none.
Json panel_with(const std::string& kernel, int n, double ratio, int pieces) {
    Json choice = {{"kernel", kernel}};
    if (pieces > 0) choice["piece_keys"] = keys / pieces;
    Json machine = line_of(n, "ideal_line");
    machine["network"] = {{"link", {{"gbytes_per_s", chunk_bytes * ratio / tau}}}};
    const Json problem = {{"heads_q", 1},
                          {"heads_kv", 1},
                          {"head_dim", dim},
                          {"users", Json::array({{{"keys", n * keys}, {"queries", n * queries}}})}};
    Json json = panel_of(machine, problem, Json::array({choice}));
    json["values"] = {{"mode", "none"}};
    return json;
}

double time_of(const Json& panel) { return to_nanoseconds(Experiment(panel).run().result.time); }
double time_of(const std::string& kernel, int n, double ratio, int pieces) {
    return time_of(panel_with(kernel, n, ratio, pieces));
}

}  // namespace

TEST_CASE("on one rank attention takes its multiply-accumulates over the rate of the matrix engine") {
    CHECK(time_of("mesh_kv", 1, 1.0, 1) == Approx(tau).epsilon(1e-3));
    CHECK(time_of("mesh_kv_literal", 1, 1.0, 0) == Approx(tau).epsilon(1e-3));
    CHECK(time_of("head_parallel", 1, 1.0, 0) == Approx(tau).epsilon(1e-3));
}

TEST_CASE("the wave in one piece takes max(n tau, (n-1) t_c + tau)") {
    for (int n = 2; n <= 9; ++n) {
        for (const double ratio : ratios) {
            CAPTURE(n, ratio);
            const double t_c = tau / ratio;
            CHECK(time_of("mesh_kv", n, ratio, 1) == Approx(std::max(n * tau, (n - 1) * t_c + tau)).epsilon(0.01));
        }
    }
}

TEST_CASE("the wave in p pieces is never slower than in one, nor faster than max(n tau, (n-1) t_c + tau / p)") {
    constexpr double rounding = 1e-3;
    for (int n = 2; n <= 9; ++n) {
        for (const double ratio : ratios) {
            const double whole = time_of("mesh_kv", n, ratio, 1);
            for (const int pieces : {2, 4, 8}) {
                CAPTURE(n, ratio, pieces);
                const double time = time_of("mesh_kv", n, ratio, pieces);
                CHECK(time <= whole * (1 + rounding));
                CHECK(time >= std::max(n * tau, (n - 1) * tau / ratio + tau / pieces) * (1 - rounding));
            }
        }
    }
}

TEST_CASE("where links are the limit pieces save up to tau - tau / p") {
    for (const int n : {2, 5, 9}) {
        for (const int pieces : {2, 4, 8}) {
            CAPTURE(n, pieces);
            const double saved = time_of("mesh_kv", n, 0.2, 1) - time_of("mesh_kv", n, 0.2, pieces);
            CHECK(saved >= 0.5 * (tau - tau / pieces));
        }
    }
}

TEST_CASE("the literal order takes (n-1) t_c + (n-1 + ceil(n/2)) tau: nothing overlaps") {
    for (int n = 2; n <= 9; ++n) {
        for (const double ratio : ratios) {
            CAPTURE(n, ratio);
            const double expected = (n - 1) * tau / ratio + (n - 1 + (n + 1) / 2) * tau;
            CHECK(time_of("mesh_kv_literal", n, ratio, 0) == Approx(expected).epsilon(0.01));
        }
    }
}

TEST_CASE("a gather takes (n-1) t_c + n tau: no product begins before the last chunk has come, needed or not") {
    for (const int n : {1, 2, 3, 5, 8}) {
        for (const double ratio : ratios) {
            CAPTURE(n, ratio);
            const double t_c = tau / ratio;
            CHECK(time_of("all_gather_kv", n, ratio, 1) == Approx((n - 1) * t_c + n * tau).epsilon(0.01));
            // There the last rank ends last, and begins with the chunk that comes last. On a causal line that stands
            // reversed the rank with most work has its own chunk to begin with. As many queries as keys here: the
            // product of a chunk with itself is one block, made in full.
            Json causal = panel_with("all_gather_kv", n, ratio, 1);
            causal["problem"]["users"][0]["queries"] = n * keys;
            causal["problem"]["mask"] = {{"kind", "causal"}};
            causal["ranks"] = {{"placement", "reversed"}};
            const double block = tau * keys / queries;
            CHECK(time_of(causal) == Approx((n - 1) * t_c + n * block).epsilon(0.01));
        }
    }
}

TEST_CASE(
    "slices and engines that have nothing to do are not in the peaks: one PE of four shows what it uses of its own") {
    constexpr int pes = 4, tokens = 256;
    constexpr double stored_bytes = 2 * dim + 2 * tokens * dim * 2 + 2 * dim + 64;  // q, k and v, o, a burst for lse
    constexpr double products_ns = tokens * 2 * dim / macs_per_ns;
    for (const int heads : {1, 2, 4}) {  // as many PEs have one
        CAPTURE(heads);
        Json machine = line_of(pes, "ideal_line");
        machine["hbm"]["gbytes_per_s_per_channel"] = 1.0;
        const Json problem = {{"heads_q", heads},
                              {"heads_kv", heads},
                              {"head_dim", dim},
                              {"users", Json::array({{{"keys", tokens}, {"queries", 1}}})}};
        Json json = panel_of(machine, problem, {"head_parallel"});
        json["values"] = {{"mode", "none"}};
        report::KernelResult result = Experiment(json).run().result;
        report::summarise(result);
        // A slice moves one thing after the other, and waits for little more than the last product.
        CHECK(to_nanoseconds(result.time) == Approx(stored_bytes + products_ns).epsilon(1e-4));
        CHECK(result.hbm_gbytes_per_s == Approx(heads * 1.0).epsilon(1e-4));
        CHECK(result.hbm_share_of_peak == Approx(1.0).epsilon(1e-4));
        CHECK(result.matrix_utilisation == Approx(products_ns / stored_bytes).epsilon(1e-4));
    }
}

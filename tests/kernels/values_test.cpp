// SPDX-License-Identifier: Apache-2.0
// Does every exact kernel compute attention, whatever the mask, the grouping of heads, the number of ranks and the
// storage type? No two dimensions are alike and neither tokens nor heads divide by the ranks.
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

#include <set>

using namespace kernel_test;

namespace {

/// Every kernel on lines of 1 to 9 PEs.
void all_kernels_on_all_lines(const Json& problem, double limit) {
    std::unique_ptr<Experiment> first;
    for (int n = 1; n <= 9; ++n) {
        auto experiment = std::make_unique<Experiment>(panel_of(line_of(n), problem, exact_kernels()));
        if (first) experiment->share_values(*first);
        for (const std::size_t kernel : experiment->accepted()) {
            CAPTURE(n, experiment->choice(kernel).kernel, problem.dump());
            const Ran ran = experiment->run(kernel);
            CHECK(ran.result.verdict.pass);
            CHECK(ran.result.verdict.why == "");
            CHECK(ran.result.verdict.relative_l2 <= limit);
            CHECK((ran.result.verdict.relative_l2 > 0.0) == (ran.result.flops > 0));
            std::uint64_t rows = 0;
            for (const auto& user : problem["users"])
                rows += user["queries"].get<std::uint64_t>() * problem["heads_q"].get<std::uint64_t>();
            // Where every rank holds a copy of the result, each is checked.
            const std::set<std::string> copied{"mesh_mlo", "mlo_chain", "mlo_centre", "mlo_doubling"};
            const bool copies = copied.count(experiment->choice(kernel).kernel) == 1;
            CHECK(ran.result.verdict.rows_checked == rows * (copies ? static_cast<std::uint64_t>(n) : 1));
        }
        if (!first) first = std::move(experiment);
    }
}

constexpr double f16_limit = 4e-4, bf16_limit = 3e-3;

}  // namespace

TEST_CASE("every kernel is exact in f16, full and causal, for groups of 1, 2, 3 and 8 heads, on 1 to 9 ranks") {
    for (const char* mask : {"full", "causal"}) {
        for (const int group : {1, 2, 3, 8}) all_kernels_on_all_lines(distinct_problem(mask, group), f16_limit);
    }
}

TEST_CASE("every kernel is exact in bf16, full and causal, for groups of 1, 2, 3 and 8 heads, on 1 to 9 ranks") {
    for (const char* mask : {"full", "causal"}) {
        for (const int group : {1, 2, 3, 8}) {
            Json problem = distinct_problem(mask, group);
            problem["dtype"] = "bf16";
            all_kernels_on_all_lines(problem, bf16_limit);
        }
    }
}

TEST_CASE("f32 storage keeps f32 accuracy") {
    Json problem = distinct_problem("causal");
    problem["dtype"] = "f32";
    all_kernels_on_all_lines(problem, 1e-5);
}

TEST_CASE("queries may begin anywhere: prefill in chunks, from the first to the last position") {
    for (const int offset : {0, 17, 61, 400}) {
        Json problem = distinct_problem("causal");
        problem["users"] = Json::array({{{"keys", 97}, {"queries", 36}, {"query_offset", offset}}});
        all_kernels_on_all_lines(problem, f16_limit);
    }
}

TEST_CASE("with more queries than keys the first queries see nothing under a causal mask, whatever the kernel") {
    Json problem = distinct_problem("causal");
    problem["users"] =
        Json::array({{{"keys", 41}, {"queries", 97}}, {{"keys", 9}, {"queries", 9}, {"query_offset", -400}}});
    all_kernels_on_all_lines(problem, f16_limit);
    for (const Json& mask : Json::array({{{"kind", "block_causal"}, {"block", 11}},
                                         {{"kind", "sliding_window"}, {"window", 17}},
                                         {{"kind", "sparse_fixed"}, {"stride", 7}, {"c", 2}},
                                         {{"kind", "sparse_strided"}, {"stride", 5}},
                                         {{"kind", "segments"}, {"ids", Json::array()}},
                                         {{"kind", "dilated"}, {"segment", 19}, {"dilation", 2}}})) {
        problem["mask"] = mask;
        problem["users"] = Json::array({{{"keys", 41}, {"queries", 97}, {"query_offset", -60}}});
        if (mask["kind"] == "segments")
            for (int key = 0; key < 41; ++key) problem["mask"]["ids"].push_back(key / 12 % 3);
        all_kernels_on_all_lines(problem, f16_limit);
    }
}

TEST_CASE("users without keys, without queries or without both stand beside others, and alone") {
    for (const char* mask : {"full", "causal"}) {
        Json problem = distinct_problem(mask, 8);
        const Json no_keys = {{"keys", 0}, {"queries", 5}}, no_queries = {{"keys", 31}, {"queries", 0}},
                   nothing = {{"keys", 0}, {"queries", 0}};
        problem["users"] = Json::array({no_keys, {{"keys", 97}, {"queries", 53}}, no_queries, nothing});
        all_kernels_on_all_lines(problem, f16_limit);
        for (const Json& alone : {no_keys, no_queries, nothing}) {
            problem["users"] = Json::array({alone});
            all_kernels_on_all_lines(problem, f16_limit);
        }
    }
}

TEST_CASE("a single query is attended by every kernel, though most ranks have none") {
    for (const char* mask : {"full", "causal"}) {
        Json problem = distinct_problem(mask, 8);
        problem["users"] = Json::array({{{"keys", 97}, {"queries", 1}}});
        all_kernels_on_all_lines(problem, f16_limit);
    }
}

TEST_CASE("more ranks than tokens leave some ranks without work and the answer right") {
    Json problem = distinct_problem("causal", 8);
    problem["users"] = Json::array({{{"keys", 5}, {"queries", 3}}});
    all_kernels_on_all_lines(problem, f16_limit);
    problem["users"] = Json::array({{{"keys", 2}, {"queries", 7}, {"query_offset", 0}}});
    all_kernels_on_all_lines(problem, f16_limit);
}

TEST_CASE("users of different lengths do not mix") {
    for (const char* mask : {"full", "causal"}) {
        Json problem = distinct_problem(mask, 2);
        problem["users"] = Json::array({{{"keys", 97}, {"queries", 53}},
                                        {{"keys", 13}, {"queries", 13}},
                                        {{"keys", 41}, {"queries", 1}},
                                        {{"keys", 3}, {"queries", 2}}});
        all_kernels_on_all_lines(problem, f16_limit);
    }
}

TEST_CASE("a scale of its own replaces 1 / sqrt(head_dim)") {
    Json problem = distinct_problem("causal");
    problem["scale"] = 0.37;
    all_kernels_on_all_lines(problem, f16_limit);
}

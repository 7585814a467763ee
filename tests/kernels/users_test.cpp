// SPDX-License-Identifier: Apache-2.0
// What a user or a tensor has of its own beside a sink: gradients of lse, scales.
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

using namespace kernel_test;

namespace {

/// Two users of different lengths, with sinks.
Json two_users() {
    Json problem = distinct_problem("causal");
    problem["users"] = {{{"keys", 61}, {"queries", 29}}, {{"keys", 47}, {"queries", 29}}};
    problem["sink"] = {{"std", 3}, {"seed", 2}};
    return problem;
}

void check_all(const Json& panel, std::size_t at_least) {
    Experiment experiment(panel);
    std::size_t ran = 0;
    for (const std::size_t kernel : experiment.accepted()) {
        CAPTURE(experiment.choice(kernel).label);
        CHECK(experiment.run(kernel).result.verdict.why == "");
        ++ran;
    }
    CHECK(ran >= at_least);
}

}  // namespace

TEST_CASE("every user has its own gradients of lse") {
    Json problem = two_users();
    problem["lse_gradient"] = {{"std", 2}, {"seed", 4}};
    check_all(panel_of(line_of(2), problem, backward_kernels()), 2);
}

TEST_CASE("8-bit values have their scale beside a sink too") {
    Json problem = distinct_problem("causal");
    problem["dtype"] = "f8e4m3";
    problem["scales"] = {{"q", 0.5}, {"k", 2}, {"v", 4}};
    problem["sink"] = {{"std", 3}, {"seed", 2}};
    for (const int n : {1, 4}) check_all(panel_of(line_of(n), problem, {"ring_kv", "mesh_kv"}), 2);
}

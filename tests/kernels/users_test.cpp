// SPDX-License-Identifier: Apache-2.0
// What a user or a tensor has of its own: sinks, gradients of lse, the rows of a sample; scales.
#include "sim/base/random.h"
#include "sim/base/safetensors.h"
#include "sim/workloads/attention/layout.h"
#include "tests/base/scratch.h"
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

/// Standard normals for both of them in a file, and sinks that are far apart: 0.sink, 1.sink.
void write_tensors(const std::filesystem::path& file, const Json& problem) {
    std::vector<std::vector<float>> values;
    std::vector<OutputTensor> tensors;
    const auto number = [](const Json& json) { return json.get<std::uint64_t>(); };
    for (const int user : {0, 1}) {
        const auto add = [&](const char* name, const std::vector<std::uint64_t>& shape, float scale) {
            std::uint64_t size = 1;
            for (const std::uint64_t extent : shape) size *= extent;
            fill_normal(9, values.size(), 0, values.emplace_back(size));
            for (float& value : values.back()) value *= scale;
            tensors.push_back({fmt::format("{}.{}", user, name), shape, values.back()});
        };
        const Json& shapes = problem["users"][static_cast<std::size_t>(user)];
        const std::uint64_t queries = number(shapes["queries"]), keys = number(shapes["keys"]),
                            heads_q = number(problem["heads_q"]), heads_kv = number(problem["heads_kv"]),
                            dim = number(problem["head_dim"]), value_dim = number(problem["value_dim"]);
        values.reserve(12);
        add("q", {queries, heads_q, dim}, 1);
        add("k", {keys, heads_kv, dim}, 1);
        add("v", {keys, heads_kv, value_dim}, 1);
        add("do", {queries, heads_q, value_dim}, 1);
        add("sink", {heads_q}, 4);
    }
    write_safetensors(file, tensors, {});
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

TEST_CASE("every user has its own sinks, in blocks of the same heads and as many queries") {
    Json problem = two_users();
    problem["sink"] = Json::object();
    const ScratchFolder scratch;
    write_tensors(scratch / "x.safetensors", problem);
    for (const int n : {1, 2}) {
        Json panel = panel_of(line_of(n), problem, exact_kernels());
        panel["inputs"] = {{"tensors", (scratch / "x.safetensors").string()}};
        check_all(panel, 10);
        panel["kernels"] = backward_kernels();
        check_all(panel, 2);
    }
}

TEST_CASE("the rows of a sample are drawn for every user anew") {
    // 29 queries of 6 heads each: 20 of 174 rows.
    const Experiment experiment(panel_of(line_of(1), two_users(), {"ring_kv"}));
    const workloads::RowSample sample = workloads::draw_rows(experiment.panel().problem, 20, 7);
    REQUIRE(sample.rows.size() == 2);
    for (const auto& rows : sample.rows) CHECK(rows.size() == 20);
    CHECK(sample.rows[0] != sample.rows[1]);
}

TEST_CASE("8-bit values have their scale beside a sink too") {
    Json problem = distinct_problem("causal");
    problem["dtype"] = "f8e4m3";
    problem["scales"] = {{"q", 0.5}, {"k", 2}, {"v", 4}};
    problem["sink"] = {{"std", 3}, {"seed", 2}};
    for (const int n : {1, 4}) check_all(panel_of(line_of(n), problem, {"ring_kv", "mesh_kv"}), 2);
}

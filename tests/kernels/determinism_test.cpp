// SPDX-License-Identifier: Apache-2.0
// Do cycles depend on anything but the configuration? Not on how many values are computed, not on what was run
// before, not on the order in which the machine is built.
#include "sim/workloads/attention/layout.h"
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace kernel_test;

namespace {

Json all_kernels() {
    Json kernels = exact_kernels();
    kernels.push_back({{"kernel", "mesh_kv"}, {"label", "tiny"}, {"tile_queries", 7}, {"tile_keys", 5}});
    return kernels;
}

/// Panels that take different paths: on a line, out of a tight SRAM, on cubes, with one query.
std::vector<Json> panels() {
    std::vector<Json> list;
    for (const char* mask : {"full", "causal"}) {
        list.push_back(panel_of(line_of(5), distinct_problem(mask), all_kernels()));
        Json tight = panel_of(line_of(3), distinct_problem(mask), {"mesh_kv", "ring_kv", "head_parallel"});
        tight["machine"]["pe"] = {{"sram_bytes", 32 << 10}};
        list.push_back(tight);
        Json users = panel_of(line_of(4), distinct_problem(mask), all_kernels());
        users["problem"]["users"].push_back({{"keys", 41}, {"queries", 1}});
        list.push_back(users);
    }
    Json cubes =
        panel_of({{"base", "machines/cubes_4x4.json"}, {"cubes", {{"topology", "mesh"}, {"rows", 2}, {"cols", 2}}}},
                 distinct_problem("full"), exact_kernels());
    cubes["ranks"] = {{"unit", "cube"}};
    list.push_back(cubes);
    return list;
}

}  // namespace

TEST_CASE("time, busy times and bytes are the same whether all values are computed, some, or none") {
    for (Json json : panels()) {
        json["values"] = {{"mode", "full"}};
        Experiment full(json);
        json["values"] = {{"mode", "sampled"}, {"rows", 9}};
        Experiment sampled(json);
        json["values"] = {{"mode", "none"}};
        Experiment none(json);
        for (const std::size_t kernel : full.accepted()) {
            CAPTURE(json.dump(), full.choice(kernel).label);
            const Ran a = full.run(kernel), b = sampled.run(kernel), c = none.run(kernel);
            CHECK(a.result.verdict.pass);
            CHECK(b.result.verdict.pass);
            CHECK_FALSE(c.result.verdict.computed());
            CHECK(timing_of(a.result) == timing_of(b.result));
            CHECK(timing_of(a.result) == timing_of(c.result));
        }
    }
}

TEST_CASE("a second run in the same process gives the same result to the last bit") {
    for (const Json& json : panels()) {
        Experiment experiment(json);
        for (const std::size_t kernel : experiment.accepted()) {
            CAPTURE(json.dump(), experiment.choice(kernel).label);
            Ran first = experiment.run(kernel), second = experiment.run(kernel);
            first.result.host = second.result.host = {};
            CHECK(first.result == second.result);
            CHECK(first.outputs == second.outputs);
        }
    }
}

TEST_CASE("a machine built in reverse order gives the same times and bytes") {
    for (const Json& json : panels()) {
        const Experiment experiment(json);
        for (const std::size_t kernel : experiment.accepted()) {
            CAPTURE(json.dump(), experiment.choice(kernel).label);
            CHECK(timing_of(simulate(experiment, kernel).outcome) ==
                  timing_of(simulate(experiment, kernel, true).outcome));
        }
    }
}

TEST_CASE("a sampled row has the value that it has when all rows are computed") {
    for (const char* mask : {"full", "causal"}) {
        Json json = panel_of(line_of(4), distinct_problem(mask), all_kernels());
        json["problem"]["users"].push_back({{"keys", 41}, {"queries", 23}});
        Experiment full(json);
        const std::int64_t count = 11;
        json["values"] = {{"mode", "sampled"}, {"rows", count}};
        Experiment sampled(json);
        const workloads::RowSample sample =
            workloads::draw_rows(full.panel().problem, count, full.panel().values.seed);
        for (const std::size_t kernel : full.accepted()) {
            CAPTURE(mask, full.choice(kernel).label);
            const Ran all = full.run(kernel), some = sampled.run(kernel);
            for (int user = 0; user < 2; ++user) {
                const std::string name = "user" + std::to_string(user);
                const auto& rows = sample.rows[static_cast<std::size_t>(user)];
                const std::int64_t queries = full.panel().problem.users[static_cast<std::size_t>(user)].queries;
                std::vector<float> o, lse;
                for (const attention::Row& row : rows) {
                    const auto begin = all.output(name + ".o").begin() + (row.query * 6 + row.head) * 40;
                    o.insert(o.end(), begin, begin + 40);
                    lse.push_back(
                        all.output(name + ".lse")[static_cast<std::size_t>(row.head * queries + row.query)]);
                }
                // A product of fewer rows may add up in another order, in f32; that may tip a rounding of p or o.
                CHECK(relative_l2(some.output(name + ".o"), o) <= 1e-4);
                CHECK(greatest_difference(some.output(name + ".lse"), lse) <= 1e-6);
            }
        }
    }
}

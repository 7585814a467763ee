// SPDX-License-Identifier: Apache-2.0
// How partial results travel and merge: as (m, l, o) or as (out, lse), in f32 or with o in bf16. Both ways are exact,
// links carry what the table says, rows and ranks that see nothing stay 0 and -inf, and bf16 costs what it should.
#include "sim/attention/tolerance.h"
#include "sim/attention/traffic.h"
#include "sim/base/error.h"
#include "tests/kernels/experiment.h"
#include "tests/language/says.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace kernel_test;
using tilemesh::test::says;

namespace {

const std::vector<std::string> movers = {"mesh_mlo",           "mlo_chain", "mlo_centre",     "mlo_doubling",
                                         "mlo_reduce_scatter", "pass_q",    "pass_q_merging", "tiles_2d"};

Json choice(const std::string& kernel, const char* state, const char* dtype) {
    return {{"kernel", kernel}, {"state", state}, {"state_dtype", dtype}};
}

/// Prefill so short that merging kernels run it too; the last keys are seen by nobody, the first queries see none.
Json problem_with(const Json& mask) {
    Json problem = distinct_problem("full");
    problem["users"] = Json::array({{{"keys", 97}, {"queries", 11}, {"query_offset", 5}}});
    problem["mask"] = mask;
    return problem;
}
const Json full = {{"kind", "full"}}, causal = {{"kind", "causal"}};
const Json few = {{"kind", "dilated"}, {"segment", 9}, {"dilation", 4}};  // most rows see nothing

Json grid_2x3() {
    return {{"base", "machines/cube_line8.json"}, {"cube", {{"topology", "mesh"}, {"rows", 2}, {"cols", 3}}}};
}

/// Bytes that left all send engines.
std::uint64_t sent_bytes(const report::KernelResult& result) {
    std::uint64_t bytes = 0;
    for (const auto& part : result.components) bytes += part.kind == "send" ? part.bytes.value() : 0;
    return bytes;
}

std::uint64_t table_bytes(const Experiment& experiment, attention::Item::Kind kind) {
    const workloads::Arrangement a = experiment.arrangement();
    std::uint64_t bytes = 0;
    for (const auto& program : a.schedule.programs())
        for (const attention::Action& action : program)
            if (action.kind == attention::Action::Kind::send && action.item.kind == kind)
                bytes += attention::transfer_bytes(experiment.panel().problem, a.needs, a.schedule, action,
                                                   experiment.panel().problem.heads_kv);
    return bytes;
}

std::string refusal_of(const Json& kernel) {
    try {
        Experiment(panel_of(line_of(3), problem_with(full), Json::array({kernel}))).arrangement();
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

}  // namespace

TEST_CASE("partial results merge exactly as (m, l, o) and as (out, lse), rows and ranks without keys included") {
    for (const std::string& kernel : movers)
        for (const Json& mask : {full, causal, few})
            for (const char* state : {"mlo", "out_lse"}) {
                Experiment experiment(
                    panel_of(grid_2x3(), problem_with(mask), Json::array({choice(kernel, state, "f32")})));
                CAPTURE(kernel, mask.dump(), state);
                const report::KernelResult result = experiment.run().result;
                CAPTURE(result.verdict.why);
                CHECK(result.verdict.pass);
                // Few rows see anything of `few`, and few rows may scatter.
                CHECK(result.verdict.tolerance <= 4e-4 * (mask == few ? attention::scatter_of(1, 64) : 1.0));
            }
}

TEST_CASE("partial results staged in HBM keep their format") {
    Json machine = grid_2x3();
    machine["pe"] = {{"sram_bytes", 24 << 10}};
    for (const std::string& kernel : movers)
        for (const char* state : {"mlo", "out_lse"})
            for (const char* dtype : {"f32", "bf16"}) {
                Experiment experiment(
                    panel_of(machine, problem_with(few), Json::array({choice(kernel, state, dtype)})));
                CAPTURE(kernel, state, dtype);
                CHECK_FALSE(experiment.arrangement().tiling.queries_stay);
                const report::KernelResult result = experiment.run().result;
                CAPTURE(result.verdict.why);
                CHECK(result.verdict.pass);
            }
}

TEST_CASE("links carry a partial result of value_dim elements and two numbers a row, or one") {
    for (const std::string& kernel : movers)
        for (const char* state : {"mlo", "out_lse"})
            for (const char* dtype : {"f32", "bf16"}) {
                Json panel = panel_of(grid_2x3(), problem_with(full), Json::array({choice(kernel, state, dtype)}));
                panel["values"] = {{"mode", "none"}};
                Experiment experiment(panel);
                const std::uint64_t states = table_bytes(experiment, attention::Item::Kind::state);
                CAPTURE(kernel, state, dtype);
                CHECK(sent_bytes(experiment.run().result) ==
                      states + table_bytes(experiment, attention::Item::Kind::queries) +
                          table_bytes(experiment, attention::Item::Kind::chunk));
                panel["kernels"][0] = choice(kernel, "mlo", "f32");
                const std::uint64_t largest = table_bytes(Experiment(panel), attention::Item::Kind::state);
                const std::uint64_t columns = std::string(state) == "mlo" ? 2 : 1;
                const std::uint64_t row = 40 * (std::string(dtype) == "f32" ? 4 : 2) + columns * 4;
                REQUIRE(largest > 0);
                CHECK(states * (40 * 4 + 2 * 4) == largest * row);
            }
}

TEST_CASE("a running output in bf16 costs accuracy, within its own wider limit") {
    Json problem = distinct_problem("full");
    problem["users"] = Json::array({{{"keys", 640}, {"queries", 23}}});
    const auto run = [&](const std::string& kernel, const char* dtype) {
        const Json tiles = {{"kernel", kernel}, {"state_dtype", dtype}, {"tile_keys", 16}};
        return Experiment(panel_of(line_of(3), problem, Json::array({tiles}))).run().result.verdict;
    };
    for (const std::string kernel : {"mesh_kv", "mesh_mlo", "pass_q", "head_parallel", "blockwise", "block_sparse"}) {
        const report::VerdictResult f32 = run(kernel, "f32"), bf16 = run(kernel, "bf16");
        CAPTURE(kernel, f32.relative_l2, bf16.relative_l2, bf16.tolerance);
        CHECK(f32.pass);
        CHECK(f32.relative_l2 <= 4e-4);
        CHECK(bf16.pass);
        CHECK(bf16.relative_l2 > 4e-4);
        CHECK(bf16.relative_l2 > 3 * f32.relative_l2);
    }
}

TEST_CASE("a choice of partial results is refused where there are none") {
    CHECK_THAT(refusal_of({{"kernel", "mesh_kv"}, {"state", "out_lse"}}),
               says("/kernels/0/state: mesh_kv moves no partial results"));
    CHECK_THAT(refusal_of({{"kernel", "mesh_kv"}, {"state", "mlo"}}), says("state has no effect"));
    CHECK_THAT(refusal_of({{"kernel", "standard"}, {"state_dtype", "bf16"}}),
               says("/kernels/0/state_dtype: standard keeps no running (m, l, o)"));
    CHECK(refusal_of({{"kernel", "mesh_kv"}, {"state_dtype", "bf16"}}).empty());
    CHECK(refusal_of({{"kernel", "mesh_mlo"}, {"state", "out_lse"}}).empty());
}

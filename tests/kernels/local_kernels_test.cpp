// SPDX-License-Identifier: Apache-2.0
// The ladder of local kernels: every rung right on every mask it accepts, on one PE and with heads divided over
// several, within small SRAMs too; and each doing the work its first lines claim, no more.
#include "sim/base/error.h"
#include "sim/base/safetensors.h"
#include "tests/kernels/experiment.h"
#include "tests/language/says.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace kernel_test;
using tilemesh::test::says;

namespace {

const std::vector<std::string> rungs = {"standard", "blockwise", "flash", "block_sparse"};

const char* const masks[] = {
    R"({"kind": "full"})",
    R"({"kind": "causal"})",
    R"({"kind": "block_causal", "block": 7})",
    R"({"kind": "sliding_window", "window": 9})",
    R"({"all_of": [{"kind": "causal"}, {"kind": "sliding_window", "window": 5}]})",
    R"({"kind": "segments", "lengths": [37, 1, 26, 33]})",
    R"({"kind": "sparse_strided", "stride": 12})",
    R"({"kind": "sparse_fixed", "stride": 12, "c": 4})",
    R"({"kind": "dilated", "segment": 30, "dilation": 4})",
    R"({"kind": "key_bias", "std": 2.0, "seed": 3})",
    R"({"all_of": [{"kind": "causal"}, {"kind": "key_bias", "std": 1.0, "seed": 5}]})",
};

const char* const dilated_masks[] = {
    R"({"kind": "dilated", "segment": 30, "dilation": 3})",
    R"({"kind": "dilated", "segment": 30, "dilation": 4, "head_offset": false})",
    R"({"kind": "dilated", "segment": 7, "dilation": 11})",    // heads beyond the segment take no part
    R"({"kind": "dilated", "segment": 1000, "dilation": 2})",  // one segment, wider than the context
    R"({"kind": "dilated", "segment": 1, "dilation": 1})",
};

Json machine_with(int pes, int sram_bytes) {
    Json machine = line_of(pes);
    machine["pe"] = {{"sram_bytes", sram_bytes}};
    return machine;
}

Json problem_with(const std::string& mask, int keys = 97, int queries = 53, int offset = 20) {
    Json problem = distinct_problem("full");
    problem["users"] = Json::array({{{"keys", keys}, {"queries", queries}, {"query_offset", offset}}});
    problem["mask"] = Json::parse(mask);
    return problem;
}

void check_right(const Json& panel) {
    Experiment experiment(panel);
    for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
        CAPTURE(experiment.choice(kernel).kernel, panel["problem"].dump());
        const report::KernelResult result = experiment.run(kernel).result;
        CAPTURE(result.verdict.why);
        CHECK(result.verdict.pass);
    }
}

std::string refusal_of(const Json& panel) {
    try {
        Experiment(panel).arrangement();
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

double matrix_work(const report::KernelResult& result) {
    double work = 0;
    for (const auto& part : result.components) work += part.kind == "matrix" ? static_cast<double>(part.work) : 0.0;
    return work;
}

/// Visible pairs of six query heads in the problem above, counted by the definition of the mask.
double dilated_pairs(const Json& mask) {
    const int segment = mask["segment"], step = mask["dilation"], keys = 97, queries = 53, offset = 20;
    int pairs = 0;
    for (int head = 0; head < 6; ++head) {
        const int first = mask.value("head_offset", true) ? head % step : 0;
        const auto takes_part = [&](int position) { return position % segment % step == first; };
        for (int query = offset; query < offset + queries; ++query)
            for (int key = 0; key < keys; ++key)
                pairs += query / segment == key / segment && takes_part(query) && takes_part(key) ? 1 : 0;
    }
    return pairs;
}

double cycles_of(const Json& panel) {
    Json timing = panel;
    timing["values"] = {{"mode", "none"}};
    return static_cast<double>(Experiment(timing).run().result.time.value());
}

}  // namespace

TEST_CASE("every rung gives the reference under every mask, on one PE and over three") {
    for (const char* mask : masks)
        for (const int pes : {1, 3})  // two kv heads: the third PE has none
            check_right(panel_of(machine_with(pes, 1 << 20), problem_with(mask), rungs));
}

TEST_CASE("every rung gives the reference when tiles must be small, and for several users") {
    for (const char* mask : {masks[1], masks[3], masks[8], masks[10]}) {
        Json problem = problem_with(mask);
        problem["users"].push_back({{"keys", 41}, {"queries", 30}, {"query_offset", 11}});
        check_right(panel_of(machine_with(2, 96 << 10), problem, rungs));
    }
    for (const auto& [queries, keys] : {std::pair{1, 1}, std::pair{13, 5}, std::pair{64, 16}}) {
        Json kernels = Json::array();
        for (const char* kernel : {"blockwise", "flash", "block_sparse"})
            kernels.push_back(
                {{"kernel", kernel}, {"tile_queries", queries}, {"tile_keys", keys}, {"tile_heads", 1}});
        check_right(panel_of(line_of(1), problem_with(masks[4]), kernels));
    }
}

TEST_CASE("the dilated kernel gives the reference with offsets by head and without, whatever the query offset") {
    for (const char* mask : dilated_masks)
        for (const int offset : {0, 44}) {
            const Json problem = problem_with(mask, 97, 53, offset);
            check_right(panel_of(machine_with(2, 1 << 20), problem, Json::array({"dilated"})));
            const Json tiles = {{"kernel", "dilated"}, {"tile_queries", 3}, {"tile_keys", 4}};
            check_right(panel_of(line_of(1), problem, Json::array({tiles})));
        }
    // Queries in segments that have no key at all.
    check_right(panel_of(line_of(1), problem_with(dilated_masks[0], 40, 53, 20), Json::array({"dilated"})));
}

TEST_CASE("the ladder reproduces the golden dilated case, whose tokens differ by head") {
    const std::string file = TILEMESH_TEST_DATA "/attention_golden.safetensors", name = "dilated_mha";
    const SafetensorsFile golden(file);
    const Json parameters = Json::parse(golden.metadata().at(name));
    Json problem;
    for (const char* key : {"heads_q", "heads_kv", "head_dim", "value_dim", "scale"}) problem[key] = parameters[key];
    problem["users"] = Json::array({{{"keys", parameters["keys"]}, {"queries", parameters["queries"]}}});
    problem["mask"] = {{"kind", "dilated"}, {"segment", parameters["segment"]}, {"dilation", parameters["dilation"]}};
    std::vector<std::string> kernels = rungs;
    kernels.emplace_back("dilated");
    Json panel = panel_of(line_of(2), problem, kernels);
    panel["inputs"] = {{"tensors", file}, {"prefix", name + "."}};
    Experiment experiment(panel);
    for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
        CAPTURE(experiment.choice(kernel).kernel);
        const Ran ran = experiment.run(kernel);
        CHECK(ran.result.verdict.pass);
        CHECK(relative_l2(ran.output("user0.o"), golden.read_floats(name + ".o")) <= 4e-4);
        CHECK(greatest_difference(ran.output("user0.lse"), golden.read_floats(name + ".lse", Infinity::allowed)) <=
              1e-4);
    }
}

TEST_CASE("cycles of the rungs do not depend on values") {
    for (const std::string kernel : {"standard", "blockwise", "block_sparse", "dilated"}) {
        Json panel = panel_of(line_of(1), problem_with(masks[8]), Json::array({kernel}));
        std::string timing;
        for (const char* mode : {"none", "sampled", "full"}) {
            panel["values"] = {{"mode", mode}, {"rows", 11}};
            const report::KernelResult result = Experiment(panel).run().result;
            CAPTURE(kernel, mode, result.verdict.why);
            if (std::string(mode) != "none") CHECK(result.verdict.pass);
            if (timing.empty()) timing = timing_of(result);
            CHECK(timing_of(result) == timing);
        }
    }
}

TEST_CASE("the rungs leave nothing in SRAM") {
    for (const std::string kernel : {"standard", "blockwise", "block_sparse", "dilated"}) {
        const Experiment experiment(panel_of(line_of(2), problem_with(masks[8]), Json::array({kernel})));
        for (const std::uint64_t held : simulate(experiment, 0).sram_held) CHECK(held == 0);
    }
}

TEST_CASE("standard refuses rows that do not fit its SRAM, blockwise does not") {
    const Json problem = problem_with(masks[0], 4096, 16, 0);
    CHECK_THAT(refusal_of(panel_of(machine_with(1, 1 << 18), problem, Json::array({"standard"}))),
               says("/kernels/0: standard: whole rows do not fit: 1 query x 4096 keys", "the PE has 262144"));
    CHECK(refusal_of(panel_of(machine_with(1, 1 << 18), problem, Json::array({"blockwise"}))).empty());
}

TEST_CASE("dilated refuses every other mask by name") {
    CHECK_THAT(refusal_of(panel_of(line_of(1), problem_with(masks[1]), Json::array({"dilated"}))),
               says("dilated cannot run this: it needs the mask dilated alone, the problem's is causal"));
    const char* both = R"({"all_of": [{"kind": "causal"}, {"kind": "dilated", "segment": 9, "dilation": 2}]})";
    CHECK_THAT(refusal_of(panel_of(line_of(1), problem_with(both), Json::array({"dilated"}))),
               says("needs the mask dilated alone", "causal"));
}

TEST_CASE("dilated multiplies visible pairs and nothing else") {
    for (const char* mask : dilated_masks) {
        Json panel = panel_of(line_of(1), problem_with(mask), Json::array({"dilated"}));
        panel["values"] = {{"mode", "none"}};
        Experiment experiment(panel);
        CHECK(matrix_work(experiment.run().result) == dilated_pairs(Json::parse(mask)) * (24 + 40));
    }
}

TEST_CASE("block_sparse multiplies listed blocks and nothing else") {
    // Segments of whole blocks: the lists are the segments.
    const Json problem = problem_with(R"({"kind": "segments", "lengths": [16, 48, 8, 24]})", 96, 96, 0);
    Json panel = panel_of(line_of(1), problem,
                          Json::array({{{"kernel", "block_sparse"}, {"tile_queries", 8}, {"tile_keys", 8}}}));
    panel["values"] = {{"mode", "none"}};
    const double pairs = 6.0 * (16 * 16 + 48 * 48 + 8 * 8 + 24 * 24);  // six query heads
    CHECK(matrix_work(Experiment(panel).run().result) == pairs * (24 + 40));
}

TEST_CASE("block_sparse joins listed blocks that touch, and hides what any of them hides") {
    // Blocks of 8 keys, of which up to four are joined. Causal: the last of them is partly visible. Summaries: blocks
    // that are visible as a whole have hidden ones between them.
    for (const char* const mask : {R"({"kind": "causal"})", R"({"kind": "sparse_fixed", "stride": 16, "c": 8})"}) {
        Json machine = line_of(1);
        machine["pe"] = {{"matrix", {{"rows", 8}, {"cols", 8}}}};
        check_right(panel_of(machine, problem_with(mask, 96, 96, 0),
                             Json::array({{{"kernel", "block_sparse"}, {"tile_queries", 8}, {"tile_keys", 32}}})));
    }
}

TEST_CASE("flash is head_parallel by another name") {
    const Json panel = panel_of(line_of(2), problem_with(masks[1]), {"flash", "head_parallel"});
    Experiment experiment(panel);
    CHECK(timing_of(experiment.run(0).result) == timing_of(experiment.run(1).result));
}

TEST_CASE("where softmax is cheaper than exponentials, no kernel beats the machine bound, and others keep theirs") {
    Json machine = machine_with(1, 1 << 20);
    const int lanes = 64, exponential = 8, softmax = 1, heads = 6, keys = 97, queries = 53;
    machine["pe"]["vector"] = {
        {"lanes", lanes},
        {"cycles_per_element", {{"exp", exponential}, {"exp2", exponential}, {"softmax", softmax}}}};
    Experiment experiment(panel_of(machine, problem_with(masks[0]), rungs));
    const double scores = heads * keys * queries, ghz = experiment.panel().machine.pe.clock.ghz();
    for (std::size_t kernel = 0; kernel < rungs.size(); ++kernel) {
        CAPTURE(rungs[kernel]);
        const workloads::Arrangement a = experiment.arrangement(kernel);
        const double time = to_nanoseconds(experiment.run(kernel).result.time);
        CHECK(time >= a.machine_bound.ns());
        CHECK(time >= a.schedule_bound.ns());
        CHECK(a.machine_bound.ns() < scores * exponential / lanes / ghz);
        if (rungs[kernel] != "standard") CHECK(a.schedule_bound.ns() > scores * exponential / lanes / ghz);
    }
}

TEST_CASE("each rung is faster than the one below where its first lines say so") {
    const auto time_of = [](const std::string& kernel, const char* mask) {
        Json problem = {{"heads_q", 4},
                        {"heads_kv", 1},
                        {"head_dim", 128},
                        {"value_dim", 64},
                        {"users", Json::array({{{"keys", 1536}}})},
                        {"mask", Json::parse(mask)}};
        return cycles_of(panel_of(line_of(1), problem, Json::array({kernel})));
    };
    const char* causal = R"({"kind": "causal"})";
    CHECK(time_of("blockwise", causal) < time_of("standard", causal));
    CHECK(time_of("flash", causal) < time_of("blockwise", causal));
    const char* stripes = R"({"kind": "sparse_fixed", "stride": 256, "c": 128})";
    CHECK(time_of("block_sparse", stripes) < time_of("flash", stripes));
    const char* gathered = R"({"kind": "dilated", "segment": 768, "dilation": 6})";
    CHECK(time_of("dilated", gathered) < time_of("block_sparse", gathered));
    CHECK(time_of("dilated", gathered) < time_of("flash", gathered));
}

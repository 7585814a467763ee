// SPDX-License-Identifier: Apache-2.0
// Searches of real kernels on small machines against running every point: the same optimum, the same front; no run
// has less than its bound, and what is said to be the same is.
#include "kernels/all.h"
#include "sim/search/sweep.h"
#include "sim/search/tune.h"
#include "sim/search/tune_space.h"
#include "sim/workloads/attention/attention_run.h"
#include "tests/command/processes.h"

#include <catch2/catch.hpp>

#include <limits>

#include <random>

using namespace tilemesh;
using namespace tilemesh::search;
using Catch::Contains;

namespace {

run::Workloads real() {
    static const workloads::AttentionKind kind(kernels::all());
    return {&kind};
}

class Draw {
public:
    explicit Draw(unsigned seed) : random_(seed) {}
    int upto(int most) { return std::uniform_int_distribution<int>(0, most)(random_); }
    Json one_of(const std::vector<Json>& values) {
        return values[static_cast<std::size_t>(upto(static_cast<int>(values.size()) - 1))];
    }
    std::vector<Json> some_of(std::vector<Json> values, std::size_t number) {
        std::shuffle(values.begin(), values.end(), random_);
        values.resize(number);
        return values;
    }

private:
    std::mt19937 random_;
};

/// A small problem, a few kernels, two or three axes: a dozen or two points.
Json random_space(Draw& draw) {
    const bool decode = draw.upto(2) == 0;
    const int keys = 60 + draw.upto(140);
    const std::vector<Json> prefill_kernels = {"mesh_kv", "ring_kv", "ring_kv_bidirectional", "all_gather_kv",
                                               "pass_q",  "ulysses", "head_parallel",         "blockwise"},
                            decode_kernels = {"mesh_mlo",     "mlo_chain",          "mlo_centre",
                                              "mlo_doubling", "mlo_reduce_scatter", "head_parallel"};
    const Json panel = {
        {"name", "small"},
        {"machine", draw.one_of({"cube_line8", "cube_2x4"})},
        {"problem",
         {{"heads_q", 8},
          {"heads_kv", draw.one_of({2, 4, 8})},
          {"head_dim", 16},
          {"users", {{{"keys", keys}, {"queries", decode ? 1 : keys - draw.upto(20)}}}},
          {"mask",
           draw.one_of({{{"kind", "causal"}}, {{"kind", "full"}}, {{"kind", "sliding_window"}, {"window", 20}}})}}},
        {"ranks", {{"unit", "pe"}, {"count", draw.one_of({4, 8})}}},
        {"kernels", draw.some_of(decode ? decode_kernels : prefill_kernels, 3)}};
    std::vector<Json> axes = {{{"key", "kernel.sharding"}, {"values", {"contiguous", "zigzag"}}},
                              {{"key", "kernel.placement"}, {"values", {"identity", "snake", "folded"}}},
                              {{"key", "kernel.tile_keys"}, {"values", {nullptr, 8, 64}}},
                              {{"key", "kernel.piece_keys"}, {"values", {nullptr, 4}}},
                              {{"key", "machine.network.link.gbytes_per_s"}, {"values", {16, 256}}},
                              {{"key", "machine.pe.vector.lanes"}, {"values", {32, 512}}}};
    axes = draw.some_of(axes, 2);
    return {{"panel", panel}, {"axes", axes}};
}

/// By key: what every point has come to, of those that ran.
std::map<std::string, report::KernelResult> all_results(const Store& store) {
    std::map<std::string, report::KernelResult> results;
    for (const std::string& key : store.keys()) results[key] = result_of(store.read(key).value(), key);
    return results;
}

/// The points of a search that has found what running every point finds.
std::vector<Candidate> tuned_like_all(const Json& content, const Objectives& objectives) {
    const ScratchFolder folder;
    INFO(content.dump());
    TuneOptions options;
    options.objectives = objectives;
    options.workers = 2;
    Tuned tuned = tune(Space(content, NamedFile("space.json"), {}), real(), Store(folder / "tuned"), options);

    // The same points in a sweep, every one of them.
    Json exhaustive = content;
    exhaustive["set"] = {{"values.mode", "none"}};
    const Store store(folder / "swept");
    run_sweep(Space(exhaustive, NamedFile("space.json"), {}), real(), store, {.shard = {}, .workers = 2});
    const auto results = all_results(store);
    Front front(objectives.size() > 1 ? 1 : options.depth);
    for (std::size_t i = 0; i < tuned.points.size(); ++i) {
        const Candidate& point = tuned.points[i];
        if (point.keyed.key.empty() || point.fate == Fate::impossible) continue;
        REQUIRE(results.count(point.keyed.key) == 1);
        const report::KernelResult& result = results.at(point.keyed.key);
        REQUIRE(result.status == report::Status::ok);
        const Figures figures = objectives.of(result);
        for (std::size_t k = 0; k < figures.size(); ++k) CHECK(figures[k] >= point.least[k]);
        if (point.fate == Fate::ran) CHECK(figures == point.figures);
        if (point.fate == Fate::same) {
            const std::string& first = tuned.points[point.same_as].keyed.key;
            CHECK(figures == objectives.of(results.at(first)));
            CHECK(result.commands == results.at(first).commands);
            CHECK(result.time == results.at(first).time);
            continue;
        }
        front.add(figures, i);
    }
    std::vector<std::size_t> expected;
    for (const Front::Member& member : front.members()) expected.push_back(member.order);
    CHECK(tuned.winners == expected);
    for (const std::size_t winner : tuned.winners) CHECK(tuned.points[winner].verified);
    return std::move(tuned.points);
}

}  // namespace

TEST_CASE("a search of collectives has every algorithm, and what auto stands for once") {
    const ScratchFolder folder;
    Json panel = {{"name", "gather"},
                  {"machine", "blackhole_ring8"},
                  {"problem", {{"collective", "all_gather"}, {"bytes", 1048576}}},
                  {"kernels", {"auto"}},
                  {"values", {{"mode", "none"}}}};
    write_file(folder / "auto.json", panel.dump());
    const auto json = [&](const std::string& command) {
        const Ran ran = run_command(folder, TILEMESH_COMMAND " " + command + " -q --json -");
        INFO(ran.err);
        REQUIRE(ran.exit_code == 0);
        return Json::parse(ran.out);
    };
    panel["kernels"] = {"relay", "multicast", "one_shot"};
    write_file(folder / "all.json", panel.dump());
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    const Json ran = json("run " + (folder / "all.json").string());
    for (const Json& kernel : ran["panels"][0]["kernels"])
        least = std::min(least, kernel["time_ps"].get<std::uint64_t>());
    const Json tuned = json("tune " + (folder / "auto.json").string());
    CHECK(tuned["winners"][0]["figures"]["time"] == least);
    CHECK(tuned["points"].size() == 5);
    CHECK(tuned["counts"]["same as another"] == 1);
    CHECK(tuned["counts"]["not possible"] == 1);  // in_network
}

TEST_CASE("24 spaces have the optimum and the front that running every point has") {
    Draw draw(11);
    std::size_t points = 0;
    std::map<Fate, std::size_t> fates;
    for (int number = 0; number < 24; ++number) {
        const std::vector<std::vector<std::string>> choices = {
            {"time"}, {"hop_bytes"}, {"time", "hop_bytes"}, {"time", "link_bytes"}, {"hbm_bytes", "time"}};
        for (const Candidate& point : tuned_like_all(
                 random_space(draw), Objectives(choices[static_cast<std::size_t>(number) % choices.size()]))) {
            ++points;
            ++fates[point.fate];
        }
    }
    CHECK(points > 200);
    CHECK(fates[Fate::same] > 10);
    CHECK(fates[Fate::ruled_out] > 30);
}

TEST_CASE("blocks of short SRAMs have the optimum that running every point has, named or chosen") {
    for (const int sram_kib : {192, 256, 384}) {
        const Json panel = {
            {"name", "small"},
            {"machine",
             {{"base", "cube_line8"},
              {"cube", {{"topology", "line"}, {"cols", 1}}},
              {"pe", {{"sram_bytes", sram_kib << 10}}}}},
            {"problem",
             {{"heads_q", 8}, {"heads_kv", 2}, {"head_dim", 64}, {"users", {{{"keys", 1024}, {"queries", 1}}}}}},
            {"kernels", {"head_parallel"}}};
        const std::vector<Json> axes = {{{"key", "kernel.tile_heads"}, {"values", {nullptr, 1}}},
                                        {{"key", "kernel.tile_keys"}, {"values", {nullptr, 128, 256, 512}}}};
        tuned_like_all({{"panel", panel}, {"axes", axes}}, Objectives({"time"}));
    }
}

TEST_CASE("two shardings are the same work on one rank, and are not on several") {
    const auto works = [](int ranks) {
        const Json panel = {
            {"machine", "cube_line8"},
            {"problem", {{"heads_q", 2}, {"heads_kv", 2}, {"head_dim", 16}, {"users", {{{"keys", 64}}}}}},
            {"ranks", {{"count", ranks}}},
            {"kernels", {{{"kernel", "mesh_kv"}, {"tile_queries", 8}, {"tile_keys", 8}, {"piece_keys", 8}}}}};
        const Json sweep = {{"panel", panel},
                            {"axes", {{{"key", "kernel.sharding"}, {"values", {"contiguous", "zigzag"}}}}}};
        std::set<std::string> different;
        Space(sweep, NamedFile("sweeps/test.json"), {}).for_each([&](const Point&, const run::Resolved& resolved) {
            const run::Panel read = run::read_panel(resolved, real());
            different.insert(read.kernels.front().workload->bounds(0).work);
        });
        return different.size();
    };
    CHECK(works(1) == 1);
    CHECK(works(4) == 2);
}

TEST_CASE("of a panel every kernel of its pass is tried, no specimen, and none twice") {
    const ScratchFolder folder;
    write_file(folder / "panel.json",
               R"({"machine": "cube_line8", "problem": {"heads_q": 2, "heads_kv": 2, "head_dim": 16,
        "users": [{"keys": 64}]}, "ranks": {"count": 2}, "kernels": ["mesh_kv"]})");
    const NamedFile file((folder / "panel.json").string());
    std::set<std::string> names;
    std::set<std::string> panels;
    std::size_t points = 0;
    tuning_space(file, {}, real()).for_each([&](const Point& point, const run::Resolved& panel) {
        names.insert(point.kernel_name);
        panels.insert(panel.json.at("kernels").dump());
        ++points;
    });
    CHECK(panels.size() == points);
    for (const char* name : {"mesh_kv", "ring_kv", "head_parallel", "mlo_centre", "standard"})
        CHECK(names.count(name) == 1);
    for (const char* name : {"mesh_kv_literal", "ring_kv_backward", "flash"}) CHECK(names.count(name) == 0);
    const Space fixed = tuning_space(
        file,
        {.axes = {parse_axis("kernel.tile_keys=32"), parse_axis("ranks.sharding=zigzag")}, .kernels = {"ring_kv"}},
        real());
    fixed.for_each([&](const Point& point, const run::Resolved& panel) {
        CHECK(point.kernel_name == "ring_kv");
        CHECK(panel.json.at("kernels")[0].at("tile_keys") == 32);
        CHECK_FALSE(panel.json.at("kernels")[0].contains("sharding"));
    });
}

TEST_CASE("the command finds, proves, writes the best panel, and goes on where it was interrupted") {
    const ScratchFolder folder;
    write_file(folder / "panel.json",
               R"({"machine": "cube_line8", "problem": {"heads_q": 8, "heads_kv": 4, "head_dim": 16,
        "users": [{"keys": 256}], "mask": {"kind": "causal"}}, "ranks": {"count": 4}, "kernels": ["mesh_kv", "ring_kv"],
        "values": {"mode": "full"}})");
    const std::string command = std::string(TILEMESH_COMMAND) + " tune " + (folder / "panel.json").string() +
                                " --kernel mesh_kv --kernel head_parallel --over kernel.tile_queries=32,64 --into " +
                                (folder / "store").string();
    const Ran first = run_command(
        folder, command + " --json " + (folder / "a.json").string() + " --write " + (folder / "best.json").string());
    INFO(first.err);
    REQUIRE(first.exit_code == 0);
    CHECK_THAT(first.out, Contains("is the optimum of this space") && Contains("ruled out by their bounds") &&
                              Contains("their answers are right"));
    const Json json = parse_json_file(folder / "a.json");
    CHECK(json.at("proved") == true);
    const Json& best = json.at("winners")[0];
    // The panel that was written and the command that repeats the point take as long.
    const std::string repeat =
        TILEMESH_COMMAND + best.at("repeat").get<std::string>().substr(std::string("tilemesh").size());
    for (const std::string& run : {TILEMESH_COMMAND + (" run " + (folder / "best.json").string()), repeat}) {
        REQUIRE(run_command(folder, run + " --json " + (folder / "one.json").string()).exit_code == 0);
        const Json one = parse_json_file(folder / "one.json");
        CHECK(one.at("panels")[0].at("kernels")[0].at("time_ps") == best.at("figures").at("time"));
    }
    // Nothing is run again; whatever the number of workers, the answer is the same.
    const Ran again = run_command(folder, command + " -j 1 --json " + (folder / "b.json").string());
    CHECK(again.exit_code == 0);
    CHECK_THAT(again.out, Contains("of them before)"));
    const Json other = parse_json_file(folder / "b.json");
    CHECK(other.at("winners") == json.at("winners"));

    check_bad_input(run_command(folder, command + " --objective tiem"));
    check_bad_input(run_command(folder, command + " --over kernel=a"));
    check_bad_input(run_command(folder, std::string(TILEMESH_COMMAND) + " tune nothing.json"));
}

TEST_CASE(
    "of a program that triton.autotune tunes every configuration is tried, and the fastest is the best there is") {
    const ScratchFolder folder;
    write_file(folder / "copy.py", R"(
import triton
import triton.language as tl

SIZES = [32, 64]

@triton.autotune([triton.Config({"BLOCK": b}, num_warps=w) for b in SIZES for w in (4, 8)] + [triton.Config({"BLOCK": 256})], key=["n"])
@triton.jit
def copy(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    for at in range(0, 256, BLOCK):
        i = tl.program_id(0) * 256 + at + tl.arange(0, BLOCK)
        tl.store(y_ptr + i, tl.load(x_ptr + i, mask=i < n), mask=i < n)
)");
    write_file(
        folder / "panel.json",
        R"({"machine": "cube_line8", "tensors": {"x": {"shape": [4000], "values": "normal"}, "y": {"shape": [4000]}},
        "kernels": [{"program": {"file": "copy.py", "kernel": "copy", "grid": [16],
                                 "arguments": {"x_ptr": "x", "y_ptr": "y", "n": 4000}}}],
        "check": {"y": {"reference": "copy", "x": "x"}}})");
    const std::string panel = (folder / "panel.json").string(), json = (folder / "a.json").string();
    const Ran tuned = run_command(folder, std::string(TILEMESH_COMMAND) + " tune " + panel + " --json " + json);
    INFO(tuned.err);
    REQUIRE(tuned.exit_code == 0);
    CHECK_THAT(tuned.out, Contains("copy, program.constants.BLOCK 256 is the optimum of this space") &&
                              Contains("3 points: 3 run.") && Contains("answers are right"));
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    for (const char* block : {"32", "64", "256"}) {
        const std::string one = (folder / "one.json").string();
        REQUIRE(run_command(folder, std::string(TILEMESH_COMMAND) + " run " + panel + " --json " + one +
                                        " --set kernels.0.program.constants.BLOCK=" + block)
                    .exit_code == 0);
        const Json ran = parse_json_file(one);
        least = std::min(least, ran.at("panels")[0].at("kernels")[0].at("time_ps").get<std::uint64_t>());
    }
    CHECK(parse_json_file(json).at("winners")[0].at("figures").at("time") == least);
    // Of two that run one after the other, every combination: each has its own.
    Json both = parse_json_file(panel);
    const Json one = both["kernels"][0]["program"];
    both["kernels"][0]["program"] = Json::array({one, one});
    write_file(folder / "both.json", both.dump());
    const Ran two = run_command(
        folder, std::string(TILEMESH_COMMAND) + " tune " + (folder / "both.json").string() + " --json " + json);
    CHECK(two.exit_code == 0);
    CHECK_THAT(two.out,
               Contains("9 points: 9 run.") &&
                   Contains("copy, program.0.constants.BLOCK 256, program.1.constants.BLOCK 256 is the optimum"));
    write_file(folder / "copy.py",
               "import triton\n@triton.autotune(made(), key=[])\n@triton.jit\ndef copy(n): pass\n");
    check_bad_input(run_command(folder, std::string(TILEMESH_COMMAND) + " tune " + panel));
}

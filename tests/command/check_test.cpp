// SPDX-License-Identifier: Apache-2.0
// Does `check` say of a file what the command says that the file is for? Every file here is given to both.
#include "tests/command/example_panel.h"
#include "tests/command/processes.h"

using namespace tilemesh;

namespace {

struct File {
    std::string command;  // how it is used, in front of its name
    std::string name;
    std::string content;
    bool fine;
    std::string kind = {};  // how check calls it when it is fine
};

const std::string machine = "\"" TILEMESH_CONFIGS "/machines/cube_line8.json\"";
const std::string probe_of = R"({"machine": )" + machine + R"(, "probe": )";
const std::string dma = R"({"kind": "dma", "bytes": 64, "sharers": [1]})";

std::string panel_with(const std::string& pointer, const std::string& value) {
    Json panel = example_panel({TILEMESH_KERNEL});
    panel["values"]["mode"] = "none";
    if (!pointer.empty()) panel[Json::json_pointer(pointer)] = Json::parse(value);
    return panel.dump();
}

/// Files that are written first and named by those below.
const std::pair<std::string, std::string> surroundings[] = {
    {"panel_base.json", panel_with("", "")},
    {"probe_base.json", probe_of + dma + "}"},
    {"list.json", R"({"transfers": [{"id": "a", "source": 0, "destination": 7, "bytes": 64}]})"},
    {"bad_list.json", R"({"transfers": [{"id": "a", "source": 0, "destination": 8, "bytes": 64}]})"},
    {"no_tensors.safetensors", "nothing"},
};

const File files[] = {
    {"run", "panel.json", panel_with("", ""), true, "panel, 1 kernels"},
    {"run", "based_panel.json", R"({"base": "panel_base.json"})", true, "panel, 1 kernels"},
    {"run", "twice_based_panel.json", R"({"base": "based_panel.json", "layers": 2.0})", true, "panel, 1 kernels"},
    {"run", "stranger.json", R"({"base": "panel_base.json", "layer": 2})", false},
    {"run", "unbased.json", R"({"base": "nowhere.json"})", false},
    {"run", "itself.json", R"({"base": "itself.json"})", false},
    {"run", "unknown_kernel.json", panel_with("/kernels/0", "\"no_such_kernel\""), false},
    {"run", "heads.json", panel_with("/problem/heads_q", "7"), false},
    {"run", "no_tensors.json", panel_with("/inputs", R"({"tensors": "no_tensors.safetensors"})"), false},
    {"run", "missing_tensors.json", panel_with("/inputs", R"({"tensors": "nowhere.safetensors"})"), false},
    {"run", "missing_bitmap.json",
     panel_with("/problem/mask", R"({"kind": "block_bitmap", "block_queries": 4, "block_keys": 4, "file": "none"})"),
     false},
    {"run", "ranks.json", panel_with("/ranks/count", "9"), false},
    {"bench", "milestone.json", R"({"panels": ["panel_base.json", {"panel": "panel_base.json", "name": "b"}]})", true,
     "milestone, 2 panels, 2 kernels"},
    {"bench", "in_place.json", R"({"panels": [)" + panel_with("", "") + "]}", true, "milestone, 1 panels, 1 kernels"},
    {"bench", "entries.json", R"({"rows": "entries", "panels": ["based_panel.json"]})", true,
     "milestone, 1 panels, 1 kernels"},
    {"bench", "twins.json", R"({"panels": ["panel_base.json", "panel_base.json"]})", false},
    {"bench", "bad_panel.json", R"({"panels": ["panel_base.json", "heads.json"]})", false},
    {"bench", "no_panels.json", R"({"panels": []})", false},
    {"bench", "rows.json", R"({"rows": "all", "panels": ["panel_base.json"]})", false},
    {"sweep --into points", "sweep.json",
     R"({"panel": "panel_base.json", "axes": [{"key": "layers", "values": [1, 2]}]})", true, "sweep, 2 points"},
    {"sweep --into points", "half_a_sweep.json",
     R"({"panel": "panel_base.json", "axes": [{"key": "problem.heads_q", "values": [8, 7]}]})", true,
     "sweep, 2 points, 1 of them not possible"},
    {"sweep --into points", "unknown_axis.json",
     R"({"panel": "panel_base.json", "axes": [{"key": "layer", "values": [1, 2]}]})", false},
    {"sweep --into points", "impossible_axis.json",
     R"({"panel": "panel_base.json", "axes": [{"key": "problem.heads_q", "values": [5, 7]}]})", false},
    {"probe", "probe.json", probe_of + dma + "}", true, "probe of kind dma"},
    {"probe", "based_probe.json", R"({"base": "probe_base.json"})", true, "probe of kind dma"},
    {"probe", "based_machine.json",
     R"({"base": "probe_base.json", "machine": {"base": )" + machine + R"(, "hbm": {"refresh": "none"}}})", true,
     "probe of kind dma"},
    {"probe", "other_kind.json",
     R"({"base": "based_probe.json", "probe": {"kind": "traffic", "bytes": null, "sharers": null, "offered": [0.1]}})",
     true, "probe of kind traffic"},
    {"probe", "leftover.json", R"({"base": "based_probe.json", "probe": {"kind": "traffic"}})", false},
    {"probe", "list_probe.json", probe_of + R"({"kind": "transfers", "file": "list.json"}})", true,
     "probe of kind transfers"},
    {"probe", "bad_list_probe.json", probe_of + R"({"kind": "transfers", "file": "bad_list.json"}})", false},
    {"probe", "small_slice.json",
     R"({"machine": {"base": )" + machine +
         R"(, "hbm": {"bytes_per_pe": 2048}}, "probe": {"kind": "memory", "total_bytes": 8192}})",
     true, "probe of kind memory"},
    {"probe", "unsuitable.json",
     probe_of + R"({"kind": "traffic", "pattern": "transpose", "measured_cycles": 100, "offered": [0.1]}})", false},
    {"probe", "ages.json",
     R"({"machine": {"base": )" + machine +
         R"(, "network": {"flit_bytes": 16384, "packet_bytes": 16384, "link": {"gbytes_per_s": 0.001}}},
        "probe": {"kind": "traffic", "measured_cycles": 4294967296, "offered": [1e-6]}})",
     false},
    {"validate --data", "rows_data.json",
     R"({"rows": [{"array_rows": 8, "array_cols": 8, "dataflow": "output_stationary", "M": 8, "N": 8, "K": 8,
                   "cycles": 21}]})",
     true, "reference data, 1 cases"},
    {"validate --data", "bad_rows.json", R"({"rows": [{"array_rows": 0, "M": 1, "cycles": 1}]})", false},
    {"validate --data", "nothing_to_compare.json",
     R"({"latency": [{"topology": "mesh", "k": 4, "n": 1, "traffic": "tornado", "packet_flits": 1, "num_vcs": 2,
                      "vc_buf": 8, "offered_flits_per_node_cycle": 0.02, "routing": "dor", "speculative": 0,
                      "avg_packet_latency": 12.0}]})",
     false},
};

}  // namespace

TEST_CASE("check accepts what run, bench, probe and validate accept, and refuses what they refuse") {
    const ScratchFolder folder;
    for (const auto& [name, content] : surroundings) write_file(folder / name, content);
    for (const File& file : files) write_file(folder / file.name, file.content);
    for (const File& file : files) {
        INFO(file.command << " " << file.name);
        const std::string path = (folder / file.name).string();
        const std::string there = "cd '" + (folder / "").string() + "' && ";  // where results go
        const Ran used = run_command(folder, there + TILEMESH_COMMAND " " + file.command + " " + path + " --quiet");
        INFO(used.err);
        CHECK(used.exit_code == (file.fine ? 0 : 2));
        const Ran checked = run_command(folder, TILEMESH_COMMAND " check " + path);
        INFO(checked.err);
        if (file.fine) {
            CHECK(checked.exit_code == 0);
            CHECK(checked.out == path + ": ok (" + file.kind + ")\n");
        } else {
            check_bad_input(checked);
            CHECK(checked.err == used.err);
        }
    }
}

TEST_CASE("check accepts every configuration file that is shipped") {
    const ScratchFolder folder;
    std::string arguments;
    for (const char* kind :
         {"machines", "energy", "area", "panels", "milestones", "probes", "probes/transfers", "validation"}) {
        for (const auto& item : std::filesystem::directory_iterator(std::string(TILEMESH_CONFIGS "/") + kind))
            if (item.path().extension() == ".json" && std::string(kind) != "milestones")
                arguments += " " + item.path().string();
    }
    const Ran ran = run_command(folder, TILEMESH_COMMAND " check --quiet" + arguments);
    CHECK(ran.exit_code == 0);
    CHECK(ran.err.empty());
    const Ran golden =
        run_command(folder, TILEMESH_COMMAND " check " TILEMESH_SOURCE_DIR "/tests/data/golden/results.json");
    CHECK(golden.exit_code == 0);
    CHECK_THAT(golden.out, Catch::Contains("ok (golden results, "));
}

TEST_CASE("check and run read a file once, so that it may come through a pipe") {
    const ScratchFolder folder;
    write_file(folder / "panel.json", panel_with("", ""));
    const std::string pipe = "cat " + (folder / "panel.json").string() + " | " TILEMESH_COMMAND " ";
    const Ran checked = run_command(folder, "(" + pipe + "check /dev/stdin)");
    // The shell takes the standard input of the last of a pipeline from the pipe, whatever stands behind it.
    CHECK(checked.exit_code == 0);
    CHECK_THAT(checked.out, Catch::Contains("ok (panel, 1 kernels)"));
    CHECK(run_command(folder, "(" + pipe + "run /dev/stdin --quiet)").exit_code == 0);
}

TEST_CASE("check says of a result which command has written it") {
    const ScratchFolder folder;
    for (const auto& [name, content] : surroundings) write_file(folder / name, content);
    write_file(folder / "probe.json", probe_of + dma + "}");
    write_file(folder / "sweep.json",
               R"({"panel": "panel_base.json", "axes": [{"key": "layers", "values": [1, 2]}]})");
    const auto path = [&](const std::string& name) { return (folder / name).string(); };
    const struct {
        std::string command, kind;
    } results[] = {
        {"run " + path("panel_base.json") + " --json", "result file, 1 panels"},
        {"explain " + path("panel_base.json") + " --json", "result file, 1 panels"},
        {"probe " + path("probe.json") + " --json", "result of probe probe"},
        {"validate systolic --quick --json", "result of validate, 1 suites"},
        {"tune " + path("sweep.json") + " --json", "result of tune, 2 points, 2 of them winners"},
        {"sweep " + path("sweep.json") + " --into " + path("store") + " --table", "table of a sweep, 2 points"},
        {"check --kernels " + path("panel_base.json") + " --json", "findings of check, 1 kernels"},
    };
    for (const auto& [command, kind] : results) {
        INFO(command);
        const Ran ran = run_command(folder, TILEMESH_COMMAND " " + command + " " + path("result.json") + " -q");
        INFO(ran.err);
        REQUIRE(ran.exit_code == 0);
        const Ran checked = run_command(folder, TILEMESH_COMMAND " check " + path("result.json"));
        CHECK(checked.exit_code == 0);
        CHECK(checked.err.empty());
        CHECK(checked.out == path("result.json") + ": ok (" + kind + ")\n");
    }
    write_file(folder / "torn.json", R"({"schema_version": 1, "kind": "probe", "name": "torn"})");
    const Ran torn = run_command(folder, TILEMESH_COMMAND " check " + path("torn.json"));
    check_bad_input(torn);
    CHECK_THAT(torn.err, Catch::Contains("/result: missing"));
}

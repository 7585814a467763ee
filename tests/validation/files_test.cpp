// SPDX-License-Identifier: Apache-2.0
// `tilemesh validate` with files of a user's own: exit codes, and rows that nobody has seen.
#include "sim/base/json_reader.h"
#include "sim/validation/suite.h"
#include "tests/command/fake_workload.h"
#include "tests/command/processes.h"

#include <algorithm>
#include <set>

using namespace tilemesh;

namespace {

Ran validate(const ScratchFolder& folder, const std::string& arguments) {
    return run_command(folder, "cd '" TILEMESH_CONFIGS "/..' && " TILEMESH_COMMAND " validate " + arguments);
}

/// A file of systolic rows; `cycles` of the second is 1 * 2 folds of 5 + 2 * 4 + 4 - 2 cycles, less one, when right.
std::string systolic_rows(int cycles) {
    return R"({"note": "anything", "rows": [
        {"array_rows": 8, "array_cols": 8, "dataflow": "output_stationary", "M": 8, "N": 8, "K": 8, "cycles": 21},
        {"array_rows": 4, "array_cols": 4, "dataflow": "weight_stationary", "M": 5, "N": 7, "K": 3, "by": "hand",
         "cycles": )" +
           std::to_string(cycles) + "}]}";
}

}  // namespace

TEST_CASE("rows of a known form from another file: 0 within tolerance, 1 beyond") {
    const ScratchFolder folder;
    write_file(folder / "rows.json", systolic_rows(2 * (5 + 2 * 4 + 4 - 2) - 1));
    const std::string data = "--data '" + (folder / "rows.json").string() + "'";
    const Ran good = validate(folder, data);
    CHECK(good.exit_code == 0);
    CHECK_THAT(good.out, Catch::Contains("2 comparisons in 1 suites: all within their tolerances"));
    write_file(folder / "rows.json", systolic_rows(30));
    const Ran bad = validate(folder, data + " --report");
    CHECK(bad.exit_code == 1);
    CHECK_THAT(bad.out, Catch::Contains("4x4 weight_stationary 5x7x3 "));
    CHECK_THAT(bad.out, Catch::Contains("beyond tolerance: systolic"));
    const Ran quiet = validate(folder, data + " --quiet --json '" + (folder / "result.json").string() + "'");
    CHECK(quiet.exit_code == 1);
    CHECK(quiet.out.empty());
    CHECK(parse_json_file(folder / "result.json").at("suites").at(0).at("passes") == false);
}

TEST_CASE("files that are no reference data, and rows that are broken, are bad input") {
    const ScratchFolder folder;
    const std::string data = "--data '" + (folder / "rows.json").string() + "'";
    for (const auto& [text, says] : std::vector<std::pair<std::string, std::string>>{
             {"{\"rows\": [{\"x\": 1}]}", "no reference data of a known form"},
             {"[]", "no reference data of a known form"},
             {"{", "rows.json"},
             {R"({"rows": [{"array_rows": 0, "M": 1, "cycles": 1}]})", "/rows/0/array_rows: found 0"},
             {R"({"machine": "moon", "bytes": 64, "rows": [{"probe": "local"}]})",
              "/machine: found a string \"moon\""},
             {R"({"machine": "cubes_4x4", "bytes": 64, "rows": [{"probe": "lokal"}]})", "/rows/0/probe: found"},
             {R"({"machine": "cubes_4x4", "bytes": 64, "rows": [{"probe": "sharing_9"}]})",
              "/rows/0/probe: found"}}) {
        INFO(text);
        write_file(folder / "rows.json", text);
        const Ran ran = validate(folder, data);
        check_bad_input(ran);
        CHECK_THAT(ran.err, Catch::Contains(says));
    }
    check_bad_input(validate(folder, "no_such_suite"));
    check_bad_input(validate(folder, "--data '" + (folder / "missing.json").string() + "'"));
}

TEST_CASE("rows that no suite is made of are counted beside the others, not an end of all") {
    const ScratchFolder folder;
    const auto packet = [](const std::string& changes) {
        Json row = {{"topology", "mesh"},
                    {"k", 4},
                    {"n", 1},
                    {"traffic", "neighbor"},
                    {"packet_flits", 1},
                    {"num_vcs", 2},
                    {"vc_buf", 8},
                    {"offered_flits_per_node_cycle", 0.02},
                    {"routing", "dor"},
                    {"speculative", 0},
                    {"avg_packet_latency", 12.0}};
        row.merge_patch(Json::parse(changes));
        return row;
    };
    const Json file = {{"latency",
                        {packet("{}"), packet(R"({"traffic": "tornado"})"), packet(R"({"topology": "fly"})"),
                         packet(R"({"routing": "valiant"})"), packet(R"({"speculative": 1})")}}};
    write_file(folder / "rows.json", file.dump());
    const std::string data = "--data '" + (folder / "rows.json").string() + "'";
    const Ran ran = validate(folder, data);
    for (const char* what : {"traffic tornado", "topology fly", "routing valiant", "speculative allocation"})
        CHECK_THAT(ran.out, Catch::Contains(std::string(what) + " has no suite"));
    CHECK_THAT(ran.out, Catch::Contains("2 comparisons in 2 suites"));
    write_file(folder / "rows.json", Json{{"latency", {packet(R"({"traffic": "tornado"})")}}}.dump());
    const Ran nothing = validate(folder, data);
    check_bad_input(nothing);
    CHECK_THAT(nothing.err, Catch::Contains("traffic tornado has no suite"));
}

TEST_CASE("a row of a load of which no packet was measured has no latency to compare") {
    const ScratchFolder folder;
    // Two nodes and 2e6 cycles, at most, of 1e-6 flits a cycle: a sixteenth of a packet of 64.
    const Json row = {{"topology", "mesh"},
                      {"k", 2},
                      {"n", 1},
                      {"traffic", "neighbor"},
                      {"packet_flits", 64},
                      {"num_vcs", 2},
                      {"vc_buf", 64},
                      {"offered_flits_per_node_cycle", 1e-6},
                      {"routing", "dor"},
                      {"speculative", 0},
                      {"avg_packet_latency", 70.0}};
    write_file(folder / "rows.json", Json{{"latency", {row}}}.dump());
    const Ran ran = validate(folder, "--data '" + (folder / "rows.json").string() + "'");
    CHECK(ran.exit_code == 1);
    CHECK_THAT(ran.out, Catch::Contains("no packet was measured in 2000000 cycles"));
}

TEST_CASE("every bundled file is recognised by its own family alone, and its suites have distinct names") {
    const run::Workloads workloads = fake_workloads();
    const auto families = validation::all_families();
    std::set<std::string> names;
    for (const auto& family : families) {
        INFO(family.name);
        for (const auto& suite : family.suites) CHECK(names.insert(suite.name).second);
        for (const auto& file : family.files) {
            const Json json = parse_json_file(TILEMESH_CONFIGS "/validation/" + file);
            for (const auto& other : families) {
                // A file may be shared by families that say so.
                const bool own = std::find(other.files.begin(), other.files.end(), file) != other.files.end();
                CHECK(other.recognises(json) == own);
            }
            if (family.name == "scoreboard") continue;  // its claims are panels of real kernels
            const auto cases = family.read(JsonReader(json, file), {TILEMESH_CONFIGS, workloads});
            CHECK_FALSE(cases.empty());
            for (const auto& one : cases) {
                for (const auto& suite : one.suites)
                    CHECK(std::any_of(family.suites.begin(), family.suites.end(),
                                      [&](const auto& listed) { return listed.name == suite; }));
            }
        }
    }
}

TEST_CASE("configs/validation/README.md names every bundled file and every family") {
    const std::string text = read_file(TILEMESH_CONFIGS "/validation/README.md");
    for (const auto& family : validation::all_families()) {
        for (const auto& file : family.files) CHECK(text.find("(" + file + ")") != std::string::npos);
    }
}

// SPDX-License-Identifier: Apache-2.0
// What sweep and tune refuse, warn of and write, as their users meet it: files of results, random times, long names.
#include "sim/run/setup.h"
#include "tests/command/example_panel.h"
#include "tests/command/processes.h"

using namespace tilemesh;
using Catch::Contains;

namespace {

/// panel.json without values, and sweep.json, which varies its queue depth.
struct Files {
    ScratchFolder folder;
    explicit Files(const std::string& name = "panel", const Json& more = Json::object()) {
        Json panel = example_panel({"mesh_kv"});
        panel["name"] = name;
        panel["values"] = {{"mode", "none"}};
        panel.update(more);
        write_file(folder / "panel.json", panel.dump());
        write_file(folder / "sweep.json",
                   R"({"panel": "panel.json", "axes": [{"key": "machine.pe.queue_depth", "values": [4, 8]}]})");
    }
    std::string operator/(const std::string& name) const { return (folder / name).string(); }
    Ran tune(const std::string& options, const std::string& file = "sweep.json") const {
        return run_command(folder, TILEMESH_COMMAND " tune " + (*this / file) + " -q " + options);
    }
    Ran sweep(const std::string& options) const {
        return run_command(folder, TILEMESH_COMMAND " sweep " + (*this / "sweep.json") + " -q --into " +
                                       (*this / "store") + " " + options);
    }
};

}  // namespace

TEST_CASE("two results of a search never go into one file") {
    const Files files;
    const Ran tune = files.tune("--json " + (files / "one.json") + " --write " + (files / "./one.json"));
    check_bad_input(tune);
    CHECK_THAT(tune.err, Contains("--json and --write name the same file"));
    const Ran sweep = files.sweep("--table " + (files / "t.csv") + " --report " + (files / "t.csv"));
    check_bad_input(sweep);
    CHECK_THAT(sweep.err, Contains("--table and --report name the same file"));
    CHECK_FALSE(std::filesystem::exists(files / "one.json"));
    CHECK_FALSE(std::filesystem::exists(files / "t.csv"));
    CHECK_FALSE(std::filesystem::exists(files / "store"));
}

TEST_CASE("a search for the optimum refuses random times, whoever asks for them") {
    const Files files, jittered("panel", {{"jitter", 1}});
    for (const Ran& ran : {files.tune("--set jitter=1"), files.tune("--over jitter=1,2"), jittered.tune(""),
                           jittered.tune("", "panel.json")}) {
        check_bad_input(ran);
        CHECK_THAT(ran.err, Contains("times are jittered") && Contains("--set jitter=null"));
    }
    CHECK(jittered.tune("--set jitter=null").exit_code == 0);
    CHECK(files.tune("").exit_code == 0);
}

TEST_CASE("a sweep of random times says so in one line, and runs") {
    const Files files, jittered("panel", {{"jitter", 1}});
    for (const Ran& ran : {files.sweep("--set jitter=1"), jittered.sweep("")}) {
        CHECK(ran.exit_code == 0);
        CHECK_THAT(ran.err, Catch::StartsWith("tilemesh: warning: ") && Contains("times are jittered"));
        CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
    }
    CHECK(jittered.sweep("--set jitter=null").err.empty());
}

TEST_CASE("the panel of the best point can be read, however long the name of its panel is") {
    const std::string longest(run::longest_name, 'a');
    const Files files(longest);
    REQUIRE(files.tune("--write " + (files / "best.json")).exit_code == 0);
    CHECK(parse_json_file(files.folder / "best.json").at("name") == std::string(longest.size() - 6, 'a') + "_tuned");
    CHECK(run_command(files.folder, TILEMESH_COMMAND " run -q " + (files / "best.json")).exit_code == 0);
}

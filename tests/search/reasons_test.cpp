// SPDX-License-Identifier: Apache-2.0
// Do sweeps and searches say what went wrong with a point, and does the command that they give repeat that point?
#include "tests/command/example_panel.h"
#include "tests/command/processes.h"

using namespace tilemesh;
using Catch::Contains;

namespace {

const std::string tilemesh_command = TILEMESH_COMMAND;

/// Runs "tilemesh WORDS", where "@name" is a file of the folder.
Ran command(const ScratchFolder& folder, std::string words) {
    for (std::size_t at = 0; (at = words.find('@')) != std::string::npos;)
        words.replace(at, 1, (folder / "").string());
    return run_command(folder, tilemesh_command + " " + words);
}

/// The one result of a command that a table gives.
Json repeated(const ScratchFolder& folder, const Json& line) {
    const std::string repeat = line.at("repeat").get<std::string>().substr(std::string("tilemesh ").size());
    const Ran ran = command(folder, repeat + " -q --json @one.json");
    INFO(repeat << "\n" << ran.err);
    REQUIRE((ran.exit_code == 0 || ran.exit_code == 1));
    const Json kernels = parse_json_file(folder / "one.json").at("panels")[0].at("kernels");
    REQUIRE(kernels.size() == 1);
    return kernels[0];
}

Json points_in(const ScratchFolder& folder, const std::string& file) {
    return parse_json_file(folder / file).at("points");
}

/// Of panel.json, with one axis.
void write_sweep(const ScratchFolder& folder, const std::string& file, const std::string& key,
                 const std::vector<int>& values) {
    const Json axis = {{"key", key}, {"values", values}};
    write_file(folder / file, Json{{"panel", "panel.json"}, {"axes", Json::array({axis})}}.dump());
}

Json panel_of(const Json& kernels, const std::string& mode = "none") {
    Json panel = example_panel({"mesh_kv"});
    panel["kernels"] = kernels;
    panel["values"]["mode"] = mode;
    return panel;
}

}  // namespace

TEST_CASE("kernels of one name with other keys are points of their own, each repeated as itself") {
    const ScratchFolder folder;
    const Json zigzag = {{"kernel", "mesh_kv"}, {"sharding", "zigzag"}},
               mine = {{"kernel", "mesh_kv"}, {"label", "mine"}};
    write_file(folder / "panel.json", panel_of({"mesh_kv", zigzag, mine, "ring_kv"}).dump());
    write_sweep(folder, "sweep.json", "kernel.tile_keys", {8, 32});
    const Ran swept = command(folder, "sweep @sweep.json --into @points --table @table.json -q");
    INFO(swept.err);
    REQUIRE(swept.exit_code == 0);
    const Json table = points_in(folder, "table.json");
    REQUIRE(table.size() == 8);
    for (const Json& line : table) CHECK(repeated(folder, line).at("time_ps") == line.at("time_ps"));
    write_sweep(folder, "plain.json", "machine.pe.queue_depth", {4, 8});
    REQUIRE(command(folder, "sweep @plain.json --into @points --table @table.json -q").exit_code == 0);
    for (const Json& line : points_in(folder, "table.json"))
        CHECK(repeated(folder, line).at("time_ps") == line.at("time_ps"));
    // A search of the sweep tells them apart, too.
    REQUIRE(command(folder, "tune @plain.json --into @points --json @tuned.json -q").exit_code == 0);
    std::set<std::string> names;
    for (const Json& point : points_in(folder, "tuned.json")) names.insert(point.at("kernel"));
    CHECK(names == std::set<std::string>{"mesh_kv", "mesh_kv+zigzag", "mine", "ring_kv"});
}

TEST_CASE("a wrong answer says how wrong it is, and is repeated with its values") {
    const ScratchFolder folder;
    Json panel = panel_of({"mesh_kv", "ring_kv"}, "full");
    panel["tolerance"] = {{"relative_l2", 1e-12}};
    write_file(folder / "panel.json", panel.dump());
    write_sweep(folder, "sweep.json", "machine.pe.queue_depth", {4});
    const Ran swept = command(folder, "sweep @sweep.json --into @points --table @table.json");
    CHECK(swept.exit_code == 1);
    CHECK_THAT(swept.out, Contains("expected at most 1e-12"));
    for (const Json& line : points_in(folder, "table.json"))
        CHECK_THAT(line.at("reason").get<std::string>(),
                   Contains("relative L2 error") && Contains("expected at most 1e-12"));

    const Ran tuned = command(folder, "tune @sweep.json --json @tuned.json --write @best.json");
    CHECK(tuned.exit_code == 1);
    CHECK_THAT(tuned.out, Contains("No point that ran has a right answer") && Contains("2 with a wrong answer"));
    const Json json = parse_json_file(folder / "tuned.json");
    CHECK(json.at("proved") == false);
    for (const Json& point : json.at("points")) {
        CHECK(point.at("answer_is_right") == false);
        CHECK(repeated(folder, point).at("verdict").at("outcome") == "fail");
    }
}

TEST_CASE("a search whose answers cannot be computed says so before it runs anything") {
    const ScratchFolder folder;
    Json panel = panel_of({"ring_kv_backward"}, "sampled");
    panel["problem"]["users"] = {{{"keys", 64}}};
    write_file(folder / "panel.json", panel.dump());
    const std::string search =
        "tune @panel.json --kernel ring_kv_backward --over kernel.tile_queries=16,32 --into @points";
    const Ran refused = command(folder, search);
    check_bad_input(refused);
    CHECK_THAT(refused.err, Contains("values cannot be sampled in a backward pass") && Contains("values.mode=none"));
    CHECK(std::filesystem::is_empty(folder / "points" / "points"));
    CHECK(command(folder, search + " --set values.mode=none -q").exit_code == 0);
}

TEST_CASE("what is set in a kernel of the panel is set in that one, as in run") {
    const ScratchFolder folder;
    write_file(folder / "panel.json", panel_of({"mesh_kv", "ring_kv"}).dump());
    const std::string over = " --kernel mesh_kv --kernel head_parallel --over kernel.tile_keys=16,32 --json ";
    REQUIRE(command(folder, "tune @panel.json -q" + over + "@free.json").exit_code == 0);
    const Ran set = command(folder, "tune @panel.json -q --set kernels.1.label=mine" + over + "@set.json");
    INFO(set.err);
    REQUIRE(set.exit_code == 0);
    const Json free = parse_json_file(folder / "free.json"), changed = parse_json_file(folder / "set.json");
    CHECK(free.at("winners")[0].at("figures") == changed.at("winners")[0].at("figures"));
    CHECK(free.at("points").size() == changed.at("points").size());
}

TEST_CASE("an objective that no run has a figure of is refused with what it would need") {
    const ScratchFolder folder;
    write_file(folder / "panel.json", panel_of({"mesh_kv"}).dump());
    for (const auto& [objective, needs] : {std::pair("relative_l2", "answers are not computed in a search"),
                                           std::pair("energy", "needs an account of energy: --set energy=true"),
                                           std::pair("over_power_limit", "needs a machine with a power_limit")}) {
        const Ran ran =
            command(folder, std::string("tune @panel.json --kernel mesh_kv --over kernel.tile_keys=16 --objective ") +
                                objective);
        check_bad_input(ran);
        CHECK_THAT(ran.err, Contains(needs));
    }
}

TEST_CASE("a sweep whose energy is refused says which price is missing") {
    const ScratchFolder folder;
    Json panel = panel_of({"mesh_kv"});
    Json energy = parse_json_file(TILEMESH_CONFIGS "/energy/7nm.json");
    energy["pj_per_mac"].erase("f16");
    panel["energy"] = true;
    panel["machine"] = {{"base", example_machine}, {"energy", energy}};
    write_file(folder / "panel.json", panel.dump());
    write_sweep(folder, "sweep.json", "machine.pe.queue_depth", {4, 8});
    const Ran swept = command(folder, "sweep @sweep.json --into @points --table @table.json");
    CHECK(swept.exit_code == 0);
    CHECK_THAT(swept.out, Contains("2 of 2 points: energy refused: machine.energy.pj_per_mac.f16 is missing"));
    for (const Json& line : points_in(folder, "table.json"))
        CHECK_THAT(line.at("reason").get<std::string>(), Contains("pj_per_mac.f16 is missing"));
}

// SPDX-License-Identifier: Apache-2.0
// Which points a sweep file means, and what is refused in one.
#include "sim/search/space.h"
#include "sim/base/error.h"
#include "tests/base/scratch.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace tilemesh;
using Catch::Contains;

namespace {

search::Space space_of(const Json& axes, const Json& drop = Json::array()) {
    Json sweep = {{"panel", "single_user_decode_mid"}, {"set", {{"kernels", {"mesh_mlo", "head_parallel"}}}}};
    sweep["axes"] = axes;
    sweep["drop"] = drop;
    return search::Space(sweep, NamedFile("sweeps/test.json"), {});
}

/// "16 2 mesh_mlo" for each.
std::vector<std::string> points_of(const search::Space& space) {
    std::vector<std::string> points;
    space.for_each([&](const search::Point& point, const run::Resolved& panel) {
        std::string text;
        for (const Json& value : point.values) text += value.dump() + " ";
        points.push_back(text + point.kernel_name);
        CHECK(panel.json.at("kernels").size() == 1);
        CHECK(space.panel_of(point).json == panel.json);
    });
    return points;
}

std::string refusal(const Json& axes, const Json& drop = Json::array()) {
    try {
        space_of(axes, drop);
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

const char* const depth = "machine.pe.queue_depth";
const char* const issue = "machine.pe.issue_cycles";

}  // namespace

TEST_CASE("axes are crossed, the last one fastest, kernels faster still") {
    const search::Space space =
        space_of({{{"key", depth}, {"values", {8, 16}}}, {{"key", issue}, {"range", {1, 2}}}});
    CHECK(space.axes() == std::vector<std::string>{depth, issue});
    CHECK(points_of(space) == std::vector<std::string>{"8 1 mesh_mlo", "8 1 head_parallel", "8 2 mesh_mlo",
                                                       "8 2 head_parallel", "16 1 mesh_mlo", "16 1 head_parallel",
                                                       "16 2 mesh_mlo", "16 2 head_parallel"});
}

TEST_CASE("zipped axes go together, and kernels may be an axis") {
    const search::Space space =
        space_of({{{"zip", {{{"key", depth}, {"values", {8, 16}}}, {{"key", issue}, {"values", {1, 4}}}}}},
                  {{"key", "kernels"}, {"values", {"mesh_mlo", Json::array({"mlo_chain", "mlo_centre"})}}}});
    CHECK(points_of(space) ==
          std::vector<std::string>{"8 1 \"mesh_mlo\" mesh_mlo", "8 1 [\"mlo_chain\",\"mlo_centre\"] mlo_chain",
                                   "8 1 [\"mlo_chain\",\"mlo_centre\"] mlo_centre", "16 4 \"mesh_mlo\" mesh_mlo",
                                   "16 4 [\"mlo_chain\",\"mlo_centre\"] mlo_chain",
                                   "16 4 [\"mlo_chain\",\"mlo_centre\"] mlo_centre"});
}

TEST_CASE("a key and what it is a part of may both be set and varied, in any order, and neither is lost") {
    const Json cores = {{"key", depth}, {"values", {3, 5}}},
               machines = {{"key", "machine"}, {"values", {"cube_line8", "cube_2x4"}}},
               zipped = {{"zip", {cores, machines}}};
    const auto read = [](const Json& sweep, const std::vector<search::Axis>& more = {}) {
        const search::Space space(sweep, NamedFile("sweeps/test.json"), {}, more);
        std::vector<std::string> found;
        space.for_each([&](const search::Point& point, const run::Resolved& panel) {
            CHECK(space.panel_of(point).json == panel.json);
            found.push_back(panel.json["machine"]["name"].get<std::string>() + " " +
                            panel.json["machine"]["pe"]["queue_depth"].dump());
        });
        return found;
    };
    const Json set = {{"kernels", {"head_parallel"}}};
    Json sweep = {{"panel", "single_user_decode_mid"}, {"set", set}, {"axes", {cores, machines}}};
    const std::vector<std::string> both = {"cube_line8 3", "cube_2x4 3", "cube_line8 5", "cube_2x4 5"};
    CHECK(read(sweep) == both);
    sweep["axes"] = Json::array({zipped});
    CHECK(read(sweep) == std::vector<std::string>{"cube_line8 3", "cube_2x4 5"});
    sweep["set"][depth] = 7;
    sweep["axes"] = Json::array({machines});
    CHECK(read(sweep) == std::vector<std::string>{"cube_line8 7", "cube_2x4 7"});
    CHECK(read(sweep, {{depth, {9}, "--over"}}) == std::vector<std::string>{"cube_line8 9", "cube_2x4 9"});
    // One of the file is replaced where it stands.
    sweep["axes"] = {cores, machines};
    CHECK(read(sweep, {{depth, {9, 11}, "--over"}}) ==
          std::vector<std::string>{"cube_line8 9", "cube_2x4 9", "cube_line8 11", "cube_2x4 11"});
}

TEST_CASE("an axis of kernels that says null takes away what a kernel says, and adds nothing to others") {
    const Json kernels = {{{"kernel", "mesh_mlo"}, {"tile_keys", 64}}, "head_parallel"};
    const Json sweep = {{"panel", "single_user_decode_mid"},
                        {"set", {{"kernels", kernels}}},
                        {"axes", {{{"key", "kernel.tile_keys"}, {"values", {nullptr, 32}}}}}};
    std::vector<Json> found;
    search::Space(sweep, NamedFile("sweeps/test.json"), {})
        .for_each(
            [&](const search::Point&, const run::Resolved& panel) { found.push_back(panel.json["kernels"][0]); });
    CHECK(found == std::vector<Json>{{{"kernel", "mesh_mlo"}},
                                     {{"kernel", "head_parallel"}},
                                     {{"kernel", "mesh_mlo"}, {"tile_keys", 32}},
                                     {{"kernel", "head_parallel"}, {"tile_keys", 32}}});
}

TEST_CASE("conditions drop what meets all that they ask") {
    const Json axes = {{{"key", depth}, {"values", {2, 4, 8}}}, {{"key", issue}, {"values", {1, 8}}}};
    CHECK(points_of(space_of(axes, {{{"kernel", "mesh_mlo"}}, {{"product", {depth, issue}}, {"above", 15}}})) ==
          std::vector<std::string>{"2 1 head_parallel", "4 1 head_parallel", "8 1 head_parallel"});
    CHECK(points_of(space_of(axes, {{{depth, {{"below", 8}}}, {issue, {8.0, 9}}}, {{depth, 8}}})) ==
          std::vector<std::string>{"2 1 mesh_mlo", "2 1 head_parallel", "4 1 mesh_mlo", "4 1 head_parallel"});
}

TEST_CASE("a space of which every point is dropped is refused") {
    const Json axes = {{{"key", depth}, {"values", {2, 4}}}};
    CHECK_THROWS_WITH(points_of(space_of(axes, {{{depth, 2}}, {{depth, 4}}})),
                      Contains("sweeps/test.json: /drop: every point is dropped"));
    CHECK(points_of(space_of(axes, {{{depth, 2}}})).size() == 2);
}

TEST_CASE("conditions name machines as axes do") {
    const Json machines = Json::array({{{"key", "machine"}, {"values", {"cube_line8", "cube_2x4"}}}});
    const auto left = [&](const Json& condition) {
        std::vector<std::string> names;
        space_of(machines, Json::array({condition})).for_each([&](const search::Point&, const run::Resolved& panel) {
            names.push_back(panel.json["machine"]["name"].get<std::string>());
        });
        names.erase(std::unique(names.begin(), names.end()), names.end());
        return names;
    };
    CHECK(left({{"machine", "cube_line8"}}) == std::vector<std::string>{"cube_2x4"});
    CHECK(left({{"machine", {"cube_2x4", "wormhole_line8"}}}) == std::vector<std::string>{"cube_line8"});
    CHECK_THAT(refusal(machines, Json::array({{{"machine", "cube_line9"}}})), Contains("/drop/0/machine"));
}

TEST_CASE("a condition on a machine is met by its file, whoever named it and whatever is set in it") {
    const Json depths = {{{"key", depth}, {"values", {2, 4}}}}, kernels = Json::array({"mesh_mlo"});
    const Json drop = {{{"machine", "cube_2x4"}, {depth, 2}}};
    const auto left = [&](const Json& sweep, const std::vector<run::Setting>& settings = {}) {
        return points_of(search::Space(sweep, NamedFile("sweeps/test.json"), settings));
    };
    const auto by_panel = [&](const Json& machine) {
        const Json panel = {{"base", "single_user_decode_mid"}, {"machine", machine}, {"kernels", kernels}};
        return Json{{"panel", panel}, {"axes", depths}, {"drop", drop}};
    };
    const std::vector<std::string> all = {"2 mesh_mlo", "4 mesh_mlo"}, one = {"4 mesh_mlo"};
    CHECK(left(by_panel("cube_2x4")) == one);
    CHECK(left(by_panel({{"base", "cube_2x4"}, {"energy", "7nm"}})) == one);
    CHECK(left(by_panel(TILEMESH_CONFIGS "/machines/../machines/cube_2x4.json")) == one);
    CHECK(left(by_panel("cube_line8")) == all);
    CHECK(left(by_panel("cube_line8"), {{"machine", "cube_2x4", "--set"}}) == one);
    CHECK(left(by_panel("cube_2x4"), {{"machine", "cube_line8", "--set"}}) == all);
    Json by_set = by_panel("cube_line8");
    by_set["set"] = {{"machine", "cube_2x4"}, {issue, 3}};
    CHECK(left(by_set) == one);
    Json by_axis = by_panel("cube_line8");
    by_axis["axes"].push_back({{"key", "machine"}, {"values", {"cube_line8", "cube_2x4"}}});
    CHECK(left(by_axis).size() == 3);
    // Tables of machines alike.
    Json table = by_panel({{"base", "cube_2x4"}, {"energy", "7nm"}});
    table["drop"] = {{{"machine.energy", "7nm"}, {depth, 2}}};
    CHECK(left(table) == one);
    table["drop"][0]["machine.energy"] = "8nm";
    CHECK_THROWS_WITH(left(table), Contains("/drop/0/machine.energy") && Contains("8nm"));
}

TEST_CASE("a condition that drops no point is told, one that others are ahead of is not") {
    const Json axes = {{{"key", depth}, {"values", {2, 4}}}};
    const auto idle = [&](const Json& drop) {
        return space_of(axes, drop).for_each([](const search::Point&, const run::Resolved&) {});
    };
    CHECK(idle({{{"kernel", "nokernel"}}}) ==
          std::vector<std::string>{"sweeps/test.json: /drop/0: this condition drops no point"});
    CHECK(idle({{{depth, 2}}, {{depth, "4"}}}) ==
          std::vector<std::string>{"sweeps/test.json: /drop/1: this condition drops no point"});
    CHECK(idle({{{depth, 2}}, {{depth, {{"below", 3}}}}, {{"kernel", "mesh_mlo"}, {depth, 2}}}).empty());
    CHECK(idle(Json::array()).empty());
}

TEST_CASE("points name machines as the file does, and are those of their files") {
    const Json machines = Json::array({{{"key", "machine"}, {"values", {"cube_line8", "cube_2x4"}}}});
    std::vector<std::string> names;
    space_of(machines).for_each([&](const search::Point& point, const run::Resolved& panel) {
        names.push_back(point.values[0].get<std::string>());
        CHECK(panel.json["machine"]["name"] == point.values[0]);
        CHECK(std::filesystem::path(point.settings[0].value.get<std::string>()).is_absolute());
    });
    names.erase(std::unique(names.begin(), names.end()), names.end());
    CHECK(names == std::vector<std::string>{"cube_line8", "cube_2x4"});
}

TEST_CASE("files are named as seen from the sweep, by axes, settings and conditions, and a machine may have a base") {
    const ScratchFolder folder;
    write_file(folder / "cold.json", R"({"base": "7nm", "watts": {"pe": 0, "hbm": 0}})");
    write_file(folder / "deep.json", R"({"base": "cube_2x4", "pe": {"queue_depth": 3}})");
    write_file(folder / "panel.json", R"({"base": "single_user_decode_mid", "kernels": ["mesh_mlo"]})");
    const auto machines = [&](const Json& axes, const Json& set, const Json& drop = Json::array()) {
        const Json sweep = {{"panel", "panel.json"}, {"axes", axes}, {"set", set}, {"drop", drop}};
        std::vector<Json> all;
        search::Space(sweep, NamedFile(folder / "sweep.json"), {})
            .for_each(
                [&](const search::Point&, const run::Resolved& panel) { all.push_back(panel.json["machine"]); });
        return all;
    };
    const Json depths = {{{"key", "machine.pe.queue_depth"}, {"values", {5}}}};
    const Json tables = {{{"key", "machine.energy"}, {"values", {"7nm", "cold.json", {{"base", "cold.json"}}}}}};
    const Json set = {{"machine", "deep.json"}, {"machine.energy", "cold.json"}, {"machine.power_limit", nullptr}};
    const Json by_setting = machines(depths, set).at(0), by_axis = machines(tables, Json::object());
    CHECK(by_setting["pe"]["queue_depth"] == 5);
    CHECK(by_setting["cube"]["rows"] == 2);
    CHECK(by_setting["energy"]["watts"]["pe"] == 0);
    CHECK(by_axis[0]["energy"]["watts"]["pe"] != 0);
    for (const int i : {1, 2}) CHECK(by_axis[i]["energy"]["watts"]["pe"] == 0);
    CHECK(machines(tables, Json::object(), {{{"machine.energy", "cold.json"}}}).size() == 1);
    const Json built = {{{"key", "machine"}, {"values", {{{"base", "deep.json"}, {"energy", "cold.json"}}}}}};
    const Json by_base = machines(built, Json::object()).at(0);
    CHECK(by_base["pe"]["queue_depth"] == 3);
    CHECK(by_base["energy"]["watts"]["pe"] == 0);
    CHECK(machines(built, Json::object(), {{{"machine", "cube_2x4"}}}).size() == 1);
}

TEST_CASE("a setting of a file names the file of a kernel, a tensor or a check from there") {
    const auto placed = [](const char* path, const Json& value) {
        return run::with_paths_from("a", {path, value, "test"}).value;
    };
    CHECK(placed("kernel.program.file", "k.py") == "a/k.py");
    CHECK(placed("kernels", {{{"program", {{"file", "k.py"}, {"arguments", {{"file", "x"}}}}}}}) ==
          Json({{{"program", {{"file", "a/k.py"}, {"arguments", {{"file", "x"}}}}}}}));
    CHECK(placed("inputs.tensors", "x.safetensors") == "a/x.safetensors");
    CHECK(placed("inputs", {{"tensors", "x"}}) == Json({{"tensors", "a/x"}}));
    CHECK(placed("check.y.python", "r.py:f") == "a/r.py:f");
    for (const char* path : {"kernel.program.arguments.file", "kernel.program.kernel", "problem.dtype"})
        CHECK(placed(path, "k.py") == "k.py");
}

TEST_CASE("ranges reach their end however sums are rounded, and whole numbers stay whole") {
    CHECK(search::range_values(0.1, 0.5, 0.1) == std::vector<Json>{0.1, 0.2, 0.3, 0.4, 0.5});
    CHECK(search::range_values(-0.3, 0.75, 0.35) == std::vector<Json>{-0.3, 0.05, 0.4, 0.75});
    CHECK(search::range_values(1e-18, 3e-18, 1e-18).size() == 3);  // no digits to count with
    CHECK(search::log_range_values(0.001, 0.1, 5, false)[2] == Json(0.01));
    CHECK(search::log_range_values(0.1, 0.3, 2, false) == std::vector<Json>{0.1, 0.3});
    CHECK(search::range_values(2, 7, 2) == std::vector<Json>{2, 4, 6});
    CHECK(search::log_range_values(32, 512, 5, false) == std::vector<Json>{32, 64, 128, 256, 512});
    CHECK(search::log_range_values(1, 4, 7, true) == std::vector<Json>{1, 2, 3, 4});
    CHECK(search::log_range_values(std::ldexp(1.0, 44), std::ldexp(1.0, 46), 3, true) ==
          std::vector<Json>{1ULL << 44, 1ULL << 45, 1ULL << 46});
    CHECK(search::log_range_values(0.1234567890123456, 1, 2, false)[0] == Json(0.1234567890123456));
    CHECK(search::log_range_values(3, 3, 1, false) == std::vector<Json>{3});
    CHECK(search::range_values(-2, 0, 1) == std::vector<Json>{-2, -1, 0});
    CHECK(search::range_values(1e-10, 3e-10, 1e-10) == std::vector<Json>{1e-10, 2e-10, 3e-10});
    CHECK(search::range_values(1000000000.25, 1000000001, 0.25).size() == 4);
    CHECK(search::log_range_values(1e-12, 1e-6, 7, false)[1] == Json(1e-11));
}

TEST_CASE("what is no sweep is refused where it stands") {
    CHECK_THAT(refusal({{{"key", depth}}}), Contains("sweeps/test.json: /axes/0") && Contains("\"log_range\""));
    CHECK_THAT(refusal({{{"key", depth}, {"values", Json::array()}}}), Contains("/axes/0/values"));
    CHECK_THAT(refusal({{{"key", depth}, {"range", {4, 2}}}}), Contains("goes up"));
    CHECK_THAT(refusal({{{"key", depth}, {"range", {0, 1e9}}}}), Contains("at most 100000 values"));
    CHECK_THAT(refusal({{{"key", depth}, {"log_range", {0, 2}}, {"points", 3}}}), Contains("above 0"));
    CHECK_THAT(refusal({{{"key", depth}, {"values", {1}}, {"valves", {1}}}}),
               Contains("did you mean values") || Contains("valves"));
    CHECK_THAT(refusal({{{"key", depth}, {"values", {1}}}, {{"key", depth}, {"values", {2}}}}),
               Contains("/axes/1: machine.pe.queue_depth: varied twice"));
    CHECK_THAT(
        refusal({{{"key", "kernels.0.tile_keys"}, {"values", {4}}}, {{"key", "kernel.tile_keys"}, {"values", {8}}}}),
        Contains("/axes/0") && Contains("kernels.0.tile_keys: varied twice, also by kernel.tile_keys"));
    CHECK_THAT(refusal({{{"key", "kernel.program"}, {"values", {"a"}}},
                        {{"key", "kernels.1.program.constants"}, {"values", {8}}}}),
               Contains("/axes/1") && Contains("varied twice"));
    CHECK_THAT(refusal({{{"zip", {{{"key", depth}, {"values", {1, 2}}}, {{"key", issue}, {"values", {1}}}}}}}),
               Contains("as many values each"));
    CHECK_THAT(refusal({{{"key", depth}, {"range", {1, 90000}}}, {{"key", issue}, {"range", {1, 90000}}}}),
               Contains("at most 1000000"));
    CHECK_THAT(refusal(Json::array(), {{{"product", {depth}}}}), Contains("\"above\""));
    CHECK_THAT(refusal(Json::array(), {{{depth, {32, {{"above", 3}}}}}}),
               Contains("/drop/0/machine.pe.queue_depth/1") && Contains("a range stands alone"));
    const Json object = {{"size", 3}};
    CHECK_THAT(refusal(Json::array(), {{{depth, object}}}), Contains("or the object that is meant in a list"));
    CHECK(refusal(Json::array(), {{{depth, Json::array({object})}}}).empty());
}

TEST_CASE("a condition on what no point has is refused, as it would drop nothing") {
    const Json issues = {{{"key", issue}, {"values", {1, 2}}}};
    const auto complaint = [&](const Json& axes, const std::string& key) {
        return refusal(axes, {{{"kernel", "mesh_mlo"}}, {{key, 3}}});
    };
    CHECK_THAT(complaint(issues, "nosuchkey"),
               Contains("sweeps/test.json: /drop/1/nosuchkey: no point says nosuchkey"));
    CHECK_THAT(complaint(issues, "machine.pe.isue_cycles"), Contains("did you mean machine.pe.issue_cycles?"));
    CHECK_THAT(complaint(issues, "kernel.tile_keys"), Contains("no point says kernel.tile_keys"));
    CHECK_THAT(refusal(issues, {{{"product", {issue, "nosuchkey"}}, {"above", 3}}}),
               Contains("/drop/0/product: no point says nosuchkey"));
    // Axes, keys of the panel, and what only some values of an axis have.
    for (const char* const key : {issue, depth, "kernel"}) CHECK(complaint(issues, key).empty());
    const Json kernels = {
        {{"key", "kernels"}, {"values", {"mesh_mlo", {{"kernel", "mlo_chain"}, {"tile_keys", 3}}}}}};
    CHECK(complaint(kernels, "kernel.tile_keys").empty());
    CHECK(points_of(space_of(kernels, {{{"kernel.tile_keys", 3}}})) ==
          std::vector<std::string>{"\"mesh_mlo\" mesh_mlo"});
    CHECK_THAT(complaint(kernels, "kernel.tile_kys"), Contains("no point says"));
}

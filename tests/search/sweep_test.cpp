// SPDX-License-Identifier: Apache-2.0
// Sweeps as their users run them: what is in the directory, resuming, several at once, and points that fail or crash.
#include "sim/search/points.h"
#include "tests/command/example_panel.h"
#include "tests/command/processes.h"

#include <map>
#include <set>

using namespace tilemesh;
using Catch::Contains;

namespace {

/// Two queue depths times these kernels, of the example panel.
void write_sweep(const ScratchFolder& folder, const std::vector<std::string>& kernels) {
    Json panel = example_panel(kernels);
    panel["values"] = {{"mode", "none"}};
    write_file(folder / "panel.json", panel.dump());
    write_file(folder / "sweep.json",
               R"({"panel": "panel.json", "axes": [{"key": "machine.pe.queue_depth", "values": [4, 8]}]})");
}

std::map<std::string, std::string> files_of(const std::filesystem::path& directory) {
    std::map<std::string, std::string> files;
    for (const auto& file : std::filesystem::recursive_directory_iterator(directory / "points"))
        if (file.is_regular_file()) files[file.path().filename()] = read_file(file.path());
    return files;
}

Ran sweep(const ScratchFolder& folder, const std::string& command, const std::string& options) {
    return run_command(folder, command + " sweep " + (folder / "sweep.json").string() + " " + options);
}

std::string into(const ScratchFolder& folder, const std::string& name) {
    return "--into " + (folder / name).string() + " ";
}

}  // namespace

TEST_CASE("a sweep runs what is missing, once, and its table has a line for each point") {
    const ScratchFolder folder;
    write_sweep(folder, {"mesh_kv", "ring_kv"});
    const Ran first = sweep(folder, TILEMESH_COMMAND, into(folder, "a") + "--table " + (folder / "t.csv").string());
    INFO(first.err);
    REQUIRE(first.exit_code == 0);
    CHECK_THAT(first.out, Contains("4 points, 4 ok") && Contains("0 were there, 4 have been run"));
    const auto files = files_of(folder / "a");
    CHECK(files.size() == 4);
    const std::string csv = read_file(folder / "t.csv");
    CHECK(std::count(csv.begin(), csv.end(), '\n') == 5);
    CHECK_THAT(csv, Catch::StartsWith("machine.pe.queue_depth,kernel,status,time_ps,"));
    const Ran again = sweep(folder, TILEMESH_COMMAND, into(folder, "a"));
    CHECK_THAT(again.out, Contains("4 were there, 0 have been run"));
    CHECK(files_of(folder / "a") == files);
    // The time of a point is that of the command which it says repeats it.
    const Json point = Json::parse(files.begin()->second);
    std::string repeat = point.at("repeat").get<std::string>();
    REQUIRE(repeat.starts_with("tilemesh run "));
    repeat = TILEMESH_COMMAND + repeat.substr(std::string("tilemesh").size());
    REQUIRE(run_command(folder, repeat + " -q --json " + (folder / "one.json").string()).exit_code == 0);
    const Json one = parse_json_file(folder / "one.json");
    CHECK(one["panels"][0]["kernels"][0]["time_ps"] == point["result"]["time_ps"]);
}

TEST_CASE("points of a panel written in the sweep file are repeated by that file, also those that cannot run") {
    const ScratchFolder folder;
    write_sweep(folder, {"mesh_kv"});
    Json file = parse_json_file(folder / "sweep.json");
    file["panel"] = parse_json_file(folder / "panel.json");
    file["panel"].erase("name");
    file["set"] = {{"layers", 2}};
    file["axes"] = {{{"key", "machine.pe.sram_bytes"}, {"values", {1024, 65536}}},
                    {{"key", "kernel.tile_keys"}, {"values", {20}}}};
    write_file(folder / "sweep.json", file.dump());
    const Ran ran = sweep(folder, TILEMESH_COMMAND, into(folder, "a") + "--table " + (folder / "t.json").string());
    INFO(ran.out << ran.err);
    REQUIRE(ran.exit_code == 0);
    const Json points = parse_json_file(folder / "t.json")["points"];
    REQUIRE(points.size() == 2);
    std::vector<std::string> statuses;
    for (const Json& point : points) {
        const std::string repeat = point["repeat"].get<std::string>();
        INFO(repeat);
        REQUIRE(repeat.starts_with("tilemesh run "));
        const Ran again =
            run_command(folder, TILEMESH_COMMAND + repeat.substr(8) + " --json " + (folder / "one.json").string());
        statuses.push_back(point["status"].get<std::string>());
        if (statuses.back() == "ok") {
            REQUIRE(again.exit_code == 0);
            CHECK(parse_json_file(folder / "one.json")["panels"][0]["kernels"][0]["time_ps"] == point["time_ps"]);
        } else {
            CHECK(again.exit_code == 2);
            CHECK_THAT(again.err, Contains("need") && Contains("bytes of"));
        }
    }
    CHECK(statuses == std::vector<std::string>{"not possible", "ok"});
}

TEST_CASE("a sweep of which no point can run is bad input, told once where all have the same reason") {
    const ScratchFolder folder;
    write_sweep(folder, {"mesh_kv", "ring_kv"});
    const auto with_axis = [&](const Json& axis) {
        Json file = parse_json_file(folder / "sweep.json");
        file["axes"] = Json::array({axis});
        write_file(folder / "sweep.json", file.dump());
        return sweep(folder, TILEMESH_COMMAND, into(folder, "a"));
    };
    const Ran shared = with_axis({{"key", "machine.pe.nosuch"}, {"values", {1, 2}}});
    CHECK(shared.exit_code == 2);
    CHECK_THAT(shared.out, Contains("4 points, 0 ok, 4 not possible") && !Contains("nosuch"));
    CHECK_THAT(shared.err, Catch::StartsWith("tilemesh: error: none of 4 points can run: ") && Contains("nosuch"));
    const Ran apart = with_axis({{"key", "machine.pe.queue_depth"}, {"values", {-1, -2}}});
    CHECK(apart.exit_code == 2);
    CHECK_THAT(apart.out, Contains("found -1") && Contains("found -2"));
    CHECK_THAT(apart.err, Contains("none of 4 points can run; the first: ") && Contains("found -1"));
}

TEST_CASE("a sweep says that a condition drops nothing, and runs") {
    const ScratchFolder folder;
    write_sweep(folder, {"mesh_kv"});
    Json file = parse_json_file(folder / "sweep.json");
    file["drop"] = {{{"kernel", "nokernel"}}};
    write_file(folder / "sweep.json", file.dump());
    for (const std::string& command : {std::string("sweep "), std::string("tune ")}) {
        const Ran ran = run_command(
            folder, TILEMESH_COMMAND " " + command + (folder / "sweep.json").string() + " " + into(folder, "a"));
        CHECK(ran.exit_code == 0);
        CHECK(ran.err == "tilemesh: warning: " + (folder / "sweep.json").string() +
                             ": /drop/0: this condition drops no point\n");
    }
}

TEST_CASE("energy and area are columns when they were asked for, and are those of the results") {
    const ScratchFolder folder;
    write_sweep(folder, {"mesh_kv"});
    const std::string table = "--table " + (folder / "t.json").string();
    REQUIRE(sweep(folder, TILEMESH_COMMAND, into(folder, "without") + table).exit_code == 0);
    const Json without = parse_json_file(folder / "t.json");
    CHECK_FALSE(without["points"][0].contains("energy_j"));
    CHECK(without["points"][0]["sram_peak_bytes"].get<std::uint64_t>() > 0);

    Json panel = parse_json_file(folder / "panel.json");
    panel["energy"] = true;
    panel["machine"] = {{"base", example_machine},
                        {"energy", TILEMESH_CONFIGS "/energy/7nm.json"},
                        {"area", TILEMESH_CONFIGS "/area/7nm.json"},
                        {"power_limit", {{"machine_watts", 1e9}, {"cube_watts", 1e-3}}}};
    write_file(folder / "panel.json", panel.dump());
    const Ran ran = sweep(folder, TILEMESH_COMMAND, into(folder, "with") + table);
    INFO(ran.err);
    REQUIRE(ran.exit_code == 0);
    const Json with = parse_json_file(folder / "t.json");
    for (const auto& [name, text] : files_of(folder / "with")) {
        const Json record = Json::parse(text)["result"];
        std::size_t found = 0;
        for (const Json& line : with["points"]) {
            if (line["point"].get<std::string>() + ".json" != name) continue;
            ++found;
            CHECK(line["energy_j"] == record["energy"]["joules"]);
            CHECK(line["energy_j"].get<double>() > 0.0);
            CHECK(line["peak_power_w"] == record["energy"]["power"]["peak_w"]);
            CHECK(line["over_power_limit_ps"] == record["time_ps"]);  // of its cube, all the time
            CHECK(line["area_mm2"] == record["energy"]["area"]["mm2"]);
            CHECK(line["sram_peak_bytes"] == record["sram_peak_bytes"]);
        }
        CHECK(found == 1);
    }
}

TEST_CASE("shards run by several processes make the same bytes as one") {
    const ScratchFolder folder;
    write_sweep(folder, {"mesh_kv", "ring_kv", "head_parallel"});
    REQUIRE(sweep(folder, TILEMESH_COMMAND, into(folder, "one") + "-q").exit_code == 0);
    std::size_t apart = 0;
    for (const std::string part : {"0", "1", "2"}) {
        REQUIRE(
            sweep(folder, TILEMESH_COMMAND, into(folder, "part" + part) + "-q --shard " + part + "/3").exit_code ==
            0);
        apart += files_of(folder / ("part" + part)).size();
    }
    CHECK(apart == 6);
    std::string all;
    for (const char* shard : {"0/3", "1/3", "2/3", "1/3"})
        all += std::string(TILEMESH_COMMAND) + " sweep " + (folder / "sweep.json").string() + " " +
               into(folder, "many") + "-q -j1 --shard " + shard + " & ";
    REQUIRE(run_command(folder, "(" + all + " wait)").exit_code == 0);
    CHECK(files_of(folder / "many") == files_of(folder / "one"));
    CHECK(std::filesystem::is_empty(folder / "many" / "writing"));
}

TEST_CASE("a file that is no whole result of its point counts as not there: it is named, run again and replaced") {
    const ScratchFolder folder;
    write_sweep(folder, {"mesh_kv"});
    REQUIRE(sweep(folder, TILEMESH_COMMAND, into(folder, "a")).exit_code == 0);
    const auto files = files_of(folder / "a");
    REQUIRE(files.size() == 2);
    const std::string name = files.begin()->first, good = files.begin()->second;
    const auto with = [&](const char* place, const Json& value) {
        Json changed = Json::parse(good);
        changed[Json::json_pointer(place)] = value;
        return changed.dump();
    };
    const auto without = [&](const char* key) {
        Json changed = Json::parse(good);
        changed["result"].erase(key);
        return changed.dump();
    };
    const std::pair<std::string, const char*> damaged[] = {
        {files.rbegin()->second, "/point: found"},
        {"", "is empty"},
        {good.substr(0, good.size() / 2), "line "},
        {"null", "found null"},
        {"{}", "/point"},
        {"[]", "found an array"},
        {"5", "found 5"},
        {R"({"status": "ok"})", "/point"},
        {with("/model", "0123456789abcdef"), "/model: found"},
        {with("/panel", 5), "/panel: found 5"},
        {with("/result/time_ps", -5), "/result/time_ps: found -5"},
        {with("/result/time_ps", "x"), "/result/time_ps: found a string \"x\""},
        {with("/result/cycles", -1.5), "/result/cycles: found -1.5"},
        {with("/result/status", "interrupted"), "/result/status: found a string \"interrupted\""},
        {with("/result/status", "failed"), "/result/error: found a string \"\""},
        {with("/result/surplus", 1), "surplus"},
        {with("/result/machine_bound/time_ps", 5), "/digest: found"},
        {with("/panel/layers", 3), "/digest: found"},
        {without("time_ps"), "time_ps"},
        {without("sram_peak_bytes"), "figures are missing"}};
    for (const auto& [text, why] : damaged) {
        INFO(why);
        const std::filesystem::path file = folder / "a" / "points" / name.substr(0, 2) / name;
        write_file(file, text);
        const Ran status = sweep(folder, TILEMESH_COMMAND, into(folder, "a") + "--status");
        CHECK(status.exit_code == 0);
        CHECK_THAT(status.out, Contains("2 points, 1 ok, 1 not run yet"));
        CHECK(read_file(file) == text);
        const Ran again =
            sweep(folder, TILEMESH_COMMAND, into(folder, "a") + "--table " + (folder / "t.csv").string());
        CHECK(again.exit_code == 0);
        CHECK_THAT(again.out, Contains("2 points, 2 ok\n") && Contains("1 were there, 1 have been run"));
        for (const std::string& said : {status.err, again.err}) {
            CHECK_THAT(said, Contains("warning: 1 file is no result of its point and counts as not there: ") &&
                                 Contains(file.string()) && Contains(why));
            CHECK(std::count(said.begin(), said.end(), '\n') == 1);
        }
        CHECK(files_of(folder / "a") == files);
    }
    CHECK(sweep(folder, TILEMESH_COMMAND, into(folder, "a")).err.empty());
}

TEST_CASE(
    "points that are wrong, fail, crash or cannot run are in the table with the reason, and the others are there") {
    const ScratchFolder folder;
    write_sweep(folder, {"good", "stuck", "segfault", "picky"});
    const Ran ran = sweep(folder, TILEMESH_FAKE_COMMAND, into(folder, "a"));
    CHECK(ran.exit_code == 1);
    CHECK_THAT(ran.out, Contains("8 points, 2 ok, 2 not possible, 4 failed"));
    CHECK_THAT(ran.out, Contains("segfault: crashed: ") && Contains("no problem suits it"));
    CHECK_THAT(ran.out, Contains("--set machine.pe.queue_depth=4 --kernel segfault"));
    const Ran status = sweep(folder, TILEMESH_FAKE_COMMAND, into(folder, "a") + "--status");
    CHECK_THAT(status.out, Contains("8 points, 2 ok, 2 not possible, 4 failed"));
    CHECK(files_of(folder / "a").size() == 8);
    // Another time there may be the memory that there was not; a deadlock stays one.
    const Ran again = sweep(folder, TILEMESH_FAKE_COMMAND, into(folder, "a"));
    CHECK_THAT(again.out, Contains("6 were there, 2 have been run") && Contains("segfault: crashed: "));
    const search::Store store = search::Store::to_read(folder / "a");
    int crashed = 0;
    for (const std::string& key : store.keys()) {
        const auto found = search::known(store, key);
        REQUIRE(found);
        CHECK(search::settled(store, key).has_value() == (found->result.status != report::Status::crashed));
        crashed += found->result.status == report::Status::crashed ? 1 : 0;
    }
    CHECK(crashed == 2);
}

TEST_CASE("a failed point has no figures, also where its run came to a time; a wrong one has") {
    const ScratchFolder folder;
    write_sweep(folder, {"good", "wrong", "impossible"});
    Json panel = parse_json_file(folder / "panel.json");
    panel["values"]["mode"] = "full";
    write_file(folder / "panel.json", panel.dump());
    sweep(folder, TILEMESH_FAKE_COMMAND, into(folder, "a") + "--table " + (folder / "t.json").string());
    std::set<std::string> statuses;
    const Json table = parse_json_file(folder / "t.json");
    for (const Json& point : table["points"]) {
        statuses.insert(point["status"].get<std::string>());
        for (const char* figure : {"time_ps", "cycles", "hbm_bytes", "relative_l2", "verdict"})
            CHECK(point[figure].is_null() == (point["status"] == "failed"));
        const std::string key = point["point"].get<std::string>() + ".json";
        CHECK_FALSE(Json::parse(files_of(folder / "a").at(key))["result"]["time_ps"].is_null());
    }
    CHECK(statuses == std::set<std::string>{"failed", "ok", "wrong"});
}

TEST_CASE("a point without values has no error of its answer") {
    const ScratchFolder folder;
    write_sweep(folder, {"mesh_kv"});
    for (const char* mode : {"none", "full"}) {
        const Ran ran =
            sweep(folder, TILEMESH_COMMAND,
                  into(folder, "a") + "--set values.mode=" + mode + " --table " + (folder / "t.json").string());
        REQUIRE(ran.exit_code == 0);
        for (const Json& point : parse_json_file(folder / "t.json")["points"])
            CHECK(point["relative_l2"].is_null() == (mode == std::string_view("none")));
    }
}

TEST_CASE("a collective, whose SRAM nobody keeps account of, has none in the table") {
    const ScratchFolder folder;
    write_file(folder / "sweep.json", R"({
        "panel": {"machine": "wormhole_line8", "kernels": ["relay"],
                  "problem": {"collective": "all_gather", "bytes": 4096, "dtype": "bf16"}},
        "axes": []})");
    const Ran ran = sweep(folder, TILEMESH_COMMAND, into(folder, "a") + "--table " + (folder / "t.json").string());
    INFO(ran.err);
    REQUIRE(ran.exit_code == 0);
    const Json table = parse_json_file(folder / "t.json");
    CHECK(table["points"][0]["sram_peak_bytes"].is_null());
    CHECK(table["points"][0]["hop_bytes"] > 0);
}

TEST_CASE("a point whose process was ended from outside is not run yet, which no record says against it") {
    const ScratchFolder folder;
    write_sweep(folder, {"good", "preempted"});
    const Ran ran = sweep(folder, TILEMESH_FAKE_COMMAND, into(folder, "a"));
    CHECK(ran.exit_code == 1);
    CHECK_THAT(ran.out, Contains("4 points, 2 ok, 2 not run yet"));
    CHECK_THAT(ran.err, Contains("2 points were ended from outside") && Contains("run it again"));
    CHECK(files_of(folder / "a").size() == 2);
}

TEST_CASE("a status runs nothing, and a machine that cannot be read is a line and no error") {
    const ScratchFolder folder;
    write_sweep(folder, {"mesh_kv"});
    write_file(folder / "sweep.json",
               R"({"panel": "panel.json", "axes": [{"key": "machine.pe.queue_depth", "values": [4, -1]}]})");
    const Ran status = sweep(folder, TILEMESH_COMMAND, into(folder, "a") + "--status");
    CHECK(status.exit_code == 0);
    CHECK_THAT(status.out, Contains("2 points, 0 ok, 1 not possible, 1 not run yet") && Contains("queue_depth"));
    CHECK(status.err == "tilemesh: warning: --into " + (folder / "a").string() + ": nothing is there\n");
    CHECK_FALSE(std::filesystem::exists(folder / "a"));
    write_file(folder / "b", "");
    check_bad_input(sweep(folder, TILEMESH_COMMAND, into(folder, "b") + "--status"));
    check_bad_input(sweep(folder, TILEMESH_COMMAND, into(folder, "a") + "--shard 2/2"));
    check_bad_input(sweep(folder, TILEMESH_COMMAND, into(folder, "a") + "--table t.txt"));
}

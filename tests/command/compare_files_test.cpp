// SPDX-License-Identifier: Apache-2.0
// Does `tilemesh compare` serve as a gate: exit codes, Markdown, golden files, and files that are no results?
#include "sim/report/result_json.h"
#include "sim/run/compare.h"
#include "sim/run/golden.h"
#include "tests/command/made_up.h"
#include "tests/command/processes.h"

using namespace tilemesh;

namespace {

void write_run(const std::filesystem::path& file, const report::RunResult& run) {
    write_file(file, report::pretty(report::to_json(run)));
}

report::RunResult slower_run() {
    auto run = made_up_run();
    auto& kernels = run.panels[0].kernels;
    kernels[0].time = from_nanoseconds(1020);
    kernels[1].time = from_nanoseconds(1800);
    kernels[2].verdict.pass = true;
    for (std::size_t i = 0; i < 3; ++i) report::summarise(kernels[i]);
    kernels[3].label = "new_one";
    return run;
}

struct Files {
    ScratchFolder folder;
    std::string before = (folder / "old.json").string(), after = (folder / "new.json").string();
    Files() {
        write_run(before, made_up_run());
        write_run(after, slower_run());
    }
    Ran compare(const std::string& options) const {
        return run_command(folder, TILEMESH_COMMAND " compare " + before + " " + after + " " + options);
    }
};

}  // namespace

TEST_CASE("compare exits with 1 when something is beyond its threshold and with 0 when nothing is") {
    const Files files;
    CHECK(files.compare("").exit_code == 1);
    CHECK(files.compare("--quiet").out.empty());
    write_run(files.after, made_up_run());
    CHECK(files.compare("--exact").exit_code == 0);
    auto slower = made_up_run();
    slower.panels[0].kernels[0].time = from_nanoseconds(1020);
    report::summarise(slower.panels[0].kernels[0]);
    write_run(files.after, slower);
    CHECK(files.compare("--threshold time=2%").exit_code == 0);
    CHECK(files.compare("--threshold time=1.9%").exit_code == 1);
    CHECK(files.compare("--tolerance 0.02").exit_code == 0);
    CHECK(files.compare("--tolerance 0.02 --threshold time=1%").exit_code == 1);
    CHECK(files.compare("--tolerance 0.02 --exact").exit_code == 0);
}

TEST_CASE("Markdown has a line per entry, worst first, and says the same every time") {
    const Files files;
    const Ran ran = files.compare("--markdown -");
    CHECK(ran.exit_code == 1);
    CHECK(
        ran.out ==
        "**The comparison fails**: 3 entries compared: 4 fail (1 gone), 1 new. Thresholds: all 0%, for the worse.\n"
        "\n"
        "| | panel | kernel | what | old | new | change | with it |\n"
        "|---|---|---|---|--:|--:|--:|---|\n"
        "| **fails** | made_up | dead | entry | crashed | gone |  |  |\n"
        "| **fails** | made_up | wrong | verdict | fail | pass |  |  |\n"
        "| **fails** | made_up | slow | time | 1500 ns | 1800 ns | +20.000% | no count, bound or engine's work "
        "moved: "
        "latencies, waiting or the order of issue did |\n"
        "| **fails** | made_up | fast | time | 1000 ns | 1020 ns | +2.000% | no count, bound or engine's work moved: "
        "latencies, waiting or the order of issue did |\n"
        "| new | made_up | new_one | entry | not there | crashed |  |  |\n");
    const Ran into_file = files.compare("--quiet --markdown " + (files.folder / "table.md").string());
    CHECK(into_file.out.empty());
    CHECK(read_file(files.folder / "table.md") == ran.out);
    CHECK(files.compare("--markdown " + files.before).exit_code == 2);
    CHECK(files.compare("--markdown " + files.after).exit_code == 2);
}

TEST_CASE("names from a file do not become Markdown, HTML or a new line of a table") {
    const Files files;
    auto run = made_up_run();
    run.panels[0].name = "a|b\n<img src=x>`@you";
    write_run(files.before, run);
    const Ran ran = files.compare("--markdown -");
    CHECK_THAT(ran.out, Catch::Contains("| a&#124;b&#92;x0a&lt;img src=x>&#96;&#64;you |"));
}

TEST_CASE("names from a file do not break the lines of a terminal") {
    const Files files;
    auto run = made_up_run();
    run.panels[0].configuration["\n\x1b[31m"] = "\n";
    run.panels[0].kernels[0].kernel = "x\ny";
    run.panels[0].kernels[0].busiest_link.path = "\x1b[0m";
    run.panels[0].kernels[0].components.push_back(run.panels[0].kernels[0].components[0]);
    run.panels[0].kernels[0].components.back().kind = "a\nb";
    write_run(files.before, made_up_run());
    write_run(files.after, run);
    const Ran ran = files.compare("--exact");
    CHECK(ran.exit_code == 1);
    CHECK(ran.out.find('\x1b') == std::string::npos);
    const std::string last =
        "4 entries compared: 4 fail; 1 without a result on both sides. Thresholds: all 0%, in either direction.\n";
    CHECK_THAT(ran.out, Catch::EndsWith("\n" + last));
    for (std::size_t at = 0; at < ran.out.size(); at = ran.out.find('\n', at) + 1) {
        const std::string line = ran.out.substr(at, ran.out.find('\n', at) - at);
        INFO(line);
        CHECK((line.starts_with("made_up ") || line.starts_with("panel ") || line + "\n" == last));
    }
}

TEST_CASE("a golden file says the same as the result that it is made of, in a part of its size") {
    const Files files;
    const std::string golden = (files.folder / "golden.json").string();
    const auto against_golden = [&](const std::string& result, const std::string& options) {
        return run_command(files.folder, TILEMESH_COMMAND " compare " + golden + " " + result + " " + options);
    };
    // A crashed entry is nothing to be approved.
    CHECK_THAT(against_golden(files.before, "--approve").err,
               Catch::Contains("entry dead of panel made_up is crashed"));
    CHECK_FALSE(std::filesystem::exists(golden));
    auto run = made_up_run();
    run.panels[0].kernels[3].status = report::Status::not_possible;
    run.panels[0].kernels[0].verdict.relative_l2 = std::numeric_limits<double>::quiet_NaN();
    write_run(files.before, run);
    const Ran approved = against_golden(files.before, "--approve");
    CHECK(approved.exit_code == 0);
    CHECK_THAT(approved.out, Catch::Contains("4 new"));
    CHECK(std::filesystem::file_size(golden) < std::filesystem::file_size(files.before));
    CHECK(against_golden(files.before, "--exact").exit_code == 0);
    const std::string text = read_file(golden);
    CHECK(against_golden(files.before, "--approve").exit_code == 0);
    CHECK(read_file(golden) == text);
    run.panels[0].kernels[0].time = from_nanoseconds(1020);
    report::summarise(run.panels[0].kernels[0]);
    write_run(files.after, run);
    CHECK(against_golden(files.after, "").exit_code == 1);
    CHECK(against_golden(files.after, "").out == files.compare("").out);
    CHECK(against_golden(files.after, "--approve -q").exit_code == 0);
    CHECK(against_golden(files.after, "--exact").exit_code == 0);
    CHECK(read_file(golden) != text);
}

TEST_CASE("approving never replaces a file that is no golden one") {
    const Files files;
    const std::string text = read_file(files.before);
    const Ran ran = files.compare("--approve");
    check_bad_input(ran);
    CHECK_THAT(ran.err, Catch::Contains("is no golden file"));
    CHECK(read_file(files.before) == text);
}

TEST_CASE("machines of a golden file are written once, and another one of the same name is kept apart") {
    auto run = made_up_run();
    const Json machine = Json::parse(R"({"name": "m", "pe": {"lanes": 4}})");
    run.panels.resize(3, run.panels[0]);
    for (std::size_t i = 0; i < 3; ++i) {
        run.panels[i].name = "panel" + std::to_string(i);
        run.panels[i].configuration["machine"] = machine;
    }
    run.panels[2].configuration["machine"]["pe"]["lanes"] = 8;
    const run::Snapshot snapshot = run::snapshot_of(run);
    const Json json = run::golden_json(snapshot);
    CHECK(json["machines"].size() == 1);
    CHECK(json["panels"][1]["configuration"]["machine"] == "m");
    const run::Snapshot back = run::read_snapshot(json, "golden.json");
    for (std::size_t i = 0; i < 3; ++i) CHECK(back.panels[i].configuration == snapshot.panels[i].configuration);
    CHECK(run::compare(snapshot, back, {0.0, {}, true}).entries.empty());
}

TEST_CASE("a file that is no result is refused in one line that says what is wrong") {
    const Files files;
    Json result = report::to_json(made_up_run()), golden = run::golden_json(run::snapshot_of(made_up_run()));
    struct Mistake {
        std::string text, says;
    };
    const auto changed = [](Json json, const char* pointer, const Json& value) {
        json[Json::json_pointer(pointer)] = value;
        return json.dump();
    };
    Json twice = result;
    twice["panels"].push_back(twice["panels"][0]);
    const Mistake broken_files[] = {
        {"", "is empty"},
        {"{", "line 1"},
        {"[]", "old.json"},
        {"null", "old.json"},
        {std::string("\x00\xff\xfe", 3), "old.json"},
        {std::string(100000, '['), "nested deeper"},
        {changed(result, "/schema_version", 2),
         "schema_version: found 2, expected 1, the version this tilemesh writes"},
        {changed(golden, "/golden_version", 2),
         "golden_version: found 2, expected 1, the version this tilemesh writes"},
        {changed(result, "/panels/0/kernels/0/time_ps", "soon"), "time_ps: found a string"},
        {changed(golden, "/panels/0/entries/0/numbers/tme", 1), "tme: there is no such metric, did you mean time?"},
        {changed(golden, "/panels/0/entries/0/numbers/busy", 1), "busy: there is no such metric"},
        {changed(golden, "/panels/0/entries/0/numbers/time", "late"), "time: found a string"},
        {changed(golden, "/panels/0/entries/0/state", "fine"), "state: found a string"},
        {changed(golden, "/panels/0/entries/0/words", 3), "words: found 3"},
        {changed(golden, "/panels/0/configuration/machine", "nowhere"), "its machine is none of /machines"},
        {changed(golden, "/machines", 3), "machines: found 3"},
        {changed(golden, "/panels/0/entry", 3), "entry: unknown key"},
        {twice.dump(), "two entries fast of panel made_up"},
    };
    for (const Mistake& mistake : broken_files) {
        INFO(mistake.text.substr(0, 80));
        write_file(files.before, mistake.text);
        const Ran ran = files.compare("");
        check_bad_input(ran);
        CHECK_THAT(ran.err, Catch::Contains(mistake.says));
    }
    check_bad_input(run_command(files.folder, TILEMESH_COMMAND " compare nowhere.json " + files.after));
    check_bad_input(files.compare("--threshold tme=1%"));
}

TEST_CASE("list metrics names every metric that thresholds know") {
    const ScratchFolder folder;
    std::string names;
    for (const auto& name : run::metric_names()) names += name + "\n";
    CHECK(run_command(folder, TILEMESH_COMMAND " list metrics --names").out == names);
    CHECK_THAT(run_command(folder, TILEMESH_COMMAND " list metrics").out,
               Catch::Contains("has the threshold of time"));
}

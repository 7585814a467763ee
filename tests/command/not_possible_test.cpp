// SPDX-License-Identifier: Apache-2.0
// What becomes of a panel of which one kernel cannot run the problem: the others run, its line says why, and only
// --strict and check refuse the panel for it.
#include "sim/report/result_json.h"
#include "sim/report/table.h"
#include "sim/run/compare.h"
#include "sim/run/workers.h"
#include "tests/command/example_panel.h"
#include "tests/command/processes.h"

using namespace tilemesh;
using report::Status;

namespace {

run::Panel panel_of(const std::vector<std::string>& kernels) {
    run::Panel panel = read_example(example_panel(kernels));
    run::mark_impossible(panel);
    return panel;
}

report::RunResult result_of(const std::vector<std::string>& kernels, int workers = 2) {
    run::RunOptions options;
    options.workers = workers;
    return run::run_panels("r", {panel_of(kernels)}, options).result;
}

/// A file with these kernels of the fake command.
std::string panel_file(const ScratchFolder& folder, const std::vector<std::string>& kernels) {
    write_file(folder / "panel.json", example_panel(kernels).dump());
    return (folder / "panel.json").string();
}

}  // namespace

TEST_CASE("a kernel that cannot run the problem is a line that says why, wherever it stands") {
    const std::vector<std::vector<std::string>> orders = {
        {"picky", "good", "counts"}, {"good", "picky", "counts"}, {"good", "counts", "picky"}};
    for (const auto& kernels : orders) {
        for (const int workers : {1, 3}) {
            const report::RunResult result = result_of(kernels, workers);
            REQUIRE(result.panels[0].kernels.size() == 3);
            for (std::size_t i = 0; i < 3; ++i) {
                const report::KernelResult& kernel = result.panels[0].kernels[i];
                CHECK(kernel.label == kernels[i]);
                CHECK(kernel.status == (kernels[i] == "picky" ? Status::not_possible : Status::ok));
                CHECK(kernel.error == (kernels[i] == "picky" ? "no problem suits it" : ""));
            }
            CHECK(run::exit_code(result) == 0);
        }
    }
}

TEST_CASE("a wrong answer beside a kernel that cannot run is still exit code 1") {
    CHECK(run::exit_code(result_of({"picky", "wrong"})) == 1);
    CHECK(run::exit_code(result_of({"picky", "segfault"})) == 1);
    CHECK(run::exit_code(result_of({"picky", "impossible"})) == 3);
}

TEST_CASE("tables, sentences and counts leave out what is not possible, and say so") {
    const report::RunResult result = result_of({"good", "picky", "wrong"});
    const std::string text = report::panel_text(result.panels[0], false);
    CHECK_THAT(text, Catch::Contains("not possible: no problem suits it\n"));
    CHECK_THAT(text, !Catch::Contains("picky:"));  // once is enough
    CHECK_THAT(text, !Catch::Contains("No result"));
    CHECK_THAT(report::run_text(result, false), Catch::Contains("1 of 2 pass, 1 not possible"));
    CHECK_THAT(report::run_text(result, false), Catch::Contains("3 entries, 1 pass, 1 FAIL, 1 not possible"));
    CHECK_THAT(report::entries_text(result, false), Catch::Contains("not possible: no problem suits it\n"));
}

TEST_CASE("the result file carries what was not possible, and compare sees when that changes") {
    const report::RunResult result = result_of({"good", "picky"});
    const Json json = report::to_json(result);
    const Json& entry = json.at("panels").at(0).at("kernels").at(1);
    CHECK(entry.at("status") == "not possible");
    CHECK(entry.at("error") == "no problem suits it");
    const report::RunResult read = report::read_run_result(Json::parse(report::pretty(json)), "x.json");
    CHECK(read == result);
    const run::Snapshot before = run::snapshot_of(result);
    CHECK(run::compare(before, run::snapshot_of(read), {}).entries.empty());
    report::RunResult able = result;
    able.panels[0].kernels[1] = able.panels[0].kernels[0];
    able.panels[0].kernels[1].label = "picky";
    const run::Comparison changed = run::compare(before, run::snapshot_of(able), {});
    REQUIRE(changed.entries.size() == 1);
    CHECK(changed.entries[0].differences[0].before == "not possible");
    CHECK(changed.entries[0].differences[0].after == "pass");
}

TEST_CASE("the command runs what can run; --strict and check refuse the panel") {
    const ScratchFolder folder;
    const std::string file = panel_file(folder, {"good", "picky"});
    const Ran ran = run_command(folder, TILEMESH_FAKE_COMMAND " run " + file);
    CHECK(ran.exit_code == 0);
    CHECK(ran.err.empty());
    CHECK_THAT(ran.out, Catch::Contains("good took"));
    write_file(folder / "m.json", R"({"panels": ["panel.json"]})");
    const std::string milestone = (folder / "m.json").string();
    CHECK(run_command(folder, TILEMESH_FAKE_COMMAND " bench " + milestone).exit_code == 0);
    for (const std::string& refusing : {"run --strict " + file, "check " + file, "bench --strict " + milestone,
                                        "check " + milestone, "run --kernel picky " + file}) {
        INFO(refusing);
        const Ran refused = run_command(folder, TILEMESH_FAKE_COMMAND " " + refusing);
        check_bad_input(refused);
        CHECK_THAT(refused.err, Catch::Contains("/kernels/"));
        CHECK_THAT(refused.err, Catch::Contains("picky cannot run this: no problem suits it"));
    }
}

TEST_CASE("a panel that no kernel can run is bad input, and so is one with a kernel that nobody knows") {
    const ScratchFolder folder;
    check_bad_input(run_command(folder, TILEMESH_FAKE_COMMAND " run " + panel_file(folder, {"picky"})));
    check_bad_input(run_command(folder, TILEMESH_FAKE_COMMAND " run " + panel_file(folder, {"good", "unheard_of"})));
    // What is wrong with the panel is no matter of one kernel.
    Json panel = example_panel({"good", "picky"});
    panel["ranks"]["count"] = 9;
    write_file(folder / "ranks.json", panel.dump());
    check_bad_input(run_command(folder, TILEMESH_FAKE_COMMAND " run " + (folder / "ranks.json").string()));
}

// SPDX-License-Identifier: Apache-2.0
// The option --report: what it refuses before anything runs, and that run, bench and compare write a page.
#include "sim/page/embedded.h"
#include "sim/report/result_json.h"
#include "tests/base/scratch.h"
#include "tests/command/example_panel.h"
#include "tests/command/made_up.h"
#include "tests/command/processes.h"

using namespace tilemesh;

namespace {

/// What stands in the page for its scripts.
Json data_of(const std::filesystem::path& file) {
    const std::string page = read_file(file), mark = "id=\"data\">";
    const std::size_t begin = page.find(mark) + mark.size();
    return Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

const bool possible = !page::embedded_run_page().empty();  // the chart library was there when this was built

}  // namespace

TEST_CASE("mistakes in --report are one line, exit code 2, and nothing runs or is written") {
    const ScratchFolder folder;
    const std::string panel = (folder / "panel.json").string(), page = (folder / "page.html").string();
    write_file(panel, example_panel({TILEMESH_KERNEL}).dump());
    const std::string options[] = {" --report /nowhere/page.html", " --report " + panel, " --report -",
                                   " --report " + page + " --json " + page};
    for (const std::string& option : options) {
        CAPTURE(option);
        const Ran ran = run_command(folder, TILEMESH_COMMAND " run " + panel + option);
        check_bad_input(ran);
        CHECK_THAT(ran.err, Catch::Contains("--report"));
        CHECK_FALSE(std::filesystem::exists(page));
    }
}

TEST_CASE("a page of a panel has its result, whatever became of its kernels") {
    if (!possible) return;
    const ScratchFolder folder;
    const std::string panel = (folder / "panel.json").string(), page = (folder / "page.html").string();
    const std::string json = (folder / "result.json").string();
    write_file(panel, example_panel({"good", "wrong", "stuck", "segfault"}).dump());
    const Ran ran =
        run_command(folder, TILEMESH_FAKE_COMMAND " run " + panel + " --report " + page + " --json " + json);
    CHECK(ran.exit_code == 1);
    const Json data = data_of(page), result = parse_json_file(json);
    REQUIRE(data["panels"][0]["kernels"].size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
        Json kernel = result["panels"][0]["kernels"][i];
        kernel.erase("components");
        CHECK(data["panels"][0]["kernels"][i]["result"] == kernel);
    }
    CHECK(result.dump().find("pictures") == std::string::npos);
}

TEST_CASE("compare writes a page of two results, but not of a golden file") {
    if (!possible) return;
    const ScratchFolder folder;
    const std::string before = (folder / "old.json").string(), after = (folder / "new.json").string();
    const std::string page = (folder / "page.html").string(), golden = (folder / "golden.json").string();
    report::RunResult run = made_up_run();
    run.panels[0].kernels.pop_back();  // it has died, and cannot be approved
    write_file(before, report::pretty(report::to_json(run)));
    run.panels[0].kernels[0].time = from_nanoseconds(1100);
    report::summarise(run.panels[0].kernels[0]);
    write_file(after, report::pretty(report::to_json(run)));
    const std::string compare = TILEMESH_COMMAND " compare ";
    CHECK(run_command(folder, compare + before + " " + after + " --report " + page).exit_code == 1);
    const Json data = data_of(page);
    CHECK(data["comparison"]["fails"] == true);
    CHECK(data["panels"][0]["kernels"][0]["before"]["result"]["time_ps"] == 1000000);

    std::filesystem::remove(page);
    CHECK(run_command(folder, compare + golden + " " + before + " --approve").exit_code == 0);
    const Ran refused = run_command(folder, compare + golden + " " + after + " --report " + page);
    CHECK(refused.exit_code == 2);
    CHECK_THAT(refused.err, Catch::Contains("is a golden file, expected a result"));
    CHECK_FALSE(std::filesystem::exists(page));
    check_bad_input(run_command(folder, compare + before + " " + after + " --report " + after));
    const Ran both = run_command(folder, compare + golden + " " + after + " --approve --report " + page);
    CHECK(both.exit_code == 2);
}

TEST_CASE("what is told of components changes nothing else: not the table, not the result, not the page") {
    const ScratchFolder folder;
    const std::string panel = (folder / "panel.json").string(), page = (folder / "page.html").string();
    const std::string all = (folder / "all.json").string(), none = (folder / "none.json").string();
    write_file(panel, example_panel({TILEMESH_KERNEL}).dump());
    const std::string run = TILEMESH_COMMAND " run " + panel;
    const Ran table = run_command(folder, run);
    CHECK(run_command(folder, run + " --json " + all).out == table.out);
    CHECK(run_command(folder, run + " --components none --json " + none).out == table.out);
    Json with = parse_json_file(all), without = parse_json_file(none);
    for (Json* const result : {&with, &without}) result->erase("host");
    Json& components = with["panels"][0]["kernels"][0]["components"];
    CHECK(components.size() > 1);
    components = Json::array();
    CHECK(with == without);
    if (!possible) return;
    std::vector<Json> parts;
    for (const std::string& option : {" --json " + all, " --components none --json " + none, std::string()}) {
        CHECK(run_command(folder, run + " --report " + page + option).exit_code == 0);
        parts.push_back(data_of(page)["panels"][0]["kernels"][0]["parts"]);
    }
    CHECK(parts[0].size() > 1);
    CHECK(parts[1] == parts[0]);
    CHECK(parts[2] == parts[0]);
}

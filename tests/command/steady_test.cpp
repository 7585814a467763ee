// SPDX-License-Identifier: Apache-2.0
// run --steady: what it says, beside what it is refused, and what its results are good for. How near it comes is in
// tests/kernels/steady_test.cpp.
#include "tests/command/example_panel.h"
#include "tests/command/processes.h"

#include <fstream>

using namespace tilemesh;

namespace {

Ran run_there(const ScratchFolder& folder, const std::string& arguments) {
    return run_command(folder, "cd '" + (folder / "").string() + "' && " TILEMESH_COMMAND + arguments);
}

}  // namespace

TEST_CASE("a steady run says what it passed over, refuses what it cannot show, and compare takes no side of it") {
    const ScratchFolder folder;
    Json panel = example_panel({"head_parallel"});
    write_file(folder / "panel.json", panel.dump());
    const Ran ran = run_there(folder, " run panel.json --steady --json steady.json");
    CHECK(ran.exit_code == 0);
    CHECK_THAT(ran.out, Catch::Contains("head_parallel: steady: nothing repeats"));
    const Json result = Json::parse(std::ifstream(folder / "steady.json")).at("panels").at(0);
    CHECK(result.at("configuration").at("steady") == true);
    CHECK(result.at("kernels").at(0).at("steady").at("passed_commands") == 0);
    CHECK(run_there(folder, " run panel.json --json plain.json -q").exit_code == 0);
    const Ran compared = run_there(folder, " compare plain.json steady.json");
    CHECK(compared.exit_code == 2);
    CHECK_THAT(compared.err, Catch::Contains("steady.json: panel") && Catch::Contains("ran steady"));

    for (const auto& [options, complaint] : {std::pair{"--values full", "found true beside values of mode \"full\""},
                                             {"--jitter 1", "found true beside a jitter"},
                                             {"--trace trace.pftrace", "--trace: panel"},
                                             {"--report page.html", "--report: panel"},
                                             {"--explain", "--explain: panel"}}) {
        const Ran refused = run_there(folder, std::string(" run panel.json --steady ") + options);
        INFO(options);
        CHECK(refused.exit_code == 2);
        CHECK_THAT(refused.err, Catch::Contains(complaint));
    }
    panel["steady"] = true;
    write_file(folder / "panel.json", panel.dump());
    CHECK_THAT(run_there(folder, " explain panel.json --set values.mode=none").err,
               Catch::Contains("the panel is steady"));
}

// SPDX-License-Identifier: Apache-2.0
// The options of traces: what they refuse, and that the command writes what they say.
#include "tests/base/scratch.h"
#include "tests/command/example_panel.h"
#include "tests/command/processes.h"

using namespace tilemesh;

TEST_CASE("each mistake in an option of traces is one line, exit code 2, and writes nothing") {
    const ScratchFolder folder;
    const std::string panel = (folder / "panel.json").string(), trace = (folder / "t").string();
    write_file(panel, example_panel({TILEMESH_KERNEL}).dump());
    struct Line {
        std::string arguments, says;
    };
    const std::string with = " --trace " + trace;
    const Line lines[] = {
        {" --trace /nowhere/t", "--trace /nowhere/t: cannot be written"},
        {" --trace " + panel, "is the input itself"},
        {" --trace -", "expected a file"},
        {with + " --json " + trace, "--json and --trace name the same file"},
        {" --trace-window 1us..2us", "--trace"},
        {with + " --trace-window 1us", "expected FROM..TO"},
        {with + " --trace-window ..", "expected FROM..TO"},
        {with + " --trace-window 1..2", "times with units"},
        {with + " --trace-window 2us..1us", "the later one last"},
        {with + " --trace-window 1us..1us", "the later one last"},
        {with + " --trace-window -1us..1us", "expected FROM..TO"},
        {with + " --trace-window 1us..1e30s", "expected FROM..TO"},
        {with + " --trace-pe x", "expected numbers of PEs and ranges"},
        {with + " --trace-pe 1,", "expected numbers of PEs and ranges"},
        {with + " --trace-pe 3-1", "expected numbers of PEs and ranges"},
        {with + " --trace-pe 0-100000", "there is no PE 100000"},
        {with + " --trace-limit 5", "expected a size with its unit"},
        {with + " --trace-limit 1kB", "at least 100kB"},
    };
    for (const Line& line : lines) {
        CAPTURE(line.arguments);
        const Ran ran = run_command(folder, TILEMESH_COMMAND " run " + panel + line.arguments);
        check_bad_input(ran);
        CHECK_THAT(ran.err, Catch::Contains(line.says));
        CHECK_FALSE(std::filesystem::exists(trace));
    }
}

TEST_CASE("--trace needs a single kernel, as --save-outputs does") {
    const ScratchFolder folder;
    const std::string panel = (folder / "panel.json").string();
    write_file(panel, example_panel({"good", "wrong"}).dump());
    const std::string trace = (folder / "t").string();
    const Ran ran = run_command(folder, TILEMESH_FAKE_COMMAND " run " + panel + " --trace " + trace);
    check_bad_input(ran);
    CHECK_THAT(ran.err, Catch::Contains("expected a single kernel"));
    CHECK(run_command(folder, TILEMESH_FAKE_COMMAND " run " + panel + " --kernel good --trace " + trace).exit_code ==
          0);
}

#ifdef TILEMESH_REAL_COMMAND
TEST_CASE("the command writes a trace, bounded as it is told") {
    const ScratchFolder folder;
    const std::string panel = (folder / "panel.json").string();
    write_file(panel, example_panel({TILEMESH_KERNEL}).dump());
    const auto size = [&](const std::string& options) {
        const std::string trace = (folder / "t").string();
        const Ran ran = run_command(folder, TILEMESH_COMMAND " run " + panel + " --trace " + trace + options);
        CHECK(ran.exit_code == 0);
        CHECK(ran.out.find("cut off") == std::string::npos);
        return std::filesystem::file_size(trace);
    };
    const auto whole = size("");
    CHECK(size("") == whole);
    CHECK(size(" --trace-window 0ns..1s --trace-limit 1TB") == whole);
    CHECK(size(" --trace-window 1us..") < whole);
    CHECK(size(" --trace-window ..1us") < whole);
    CHECK(size(" --trace-pe 0") < whole / 2);
}

TEST_CASE("a disk that is full while a trace is written fails the entry, and does not blame tilemesh") {
    const ScratchFolder folder;
    const std::string panel = (folder / "panel.json").string();
    write_file(panel, example_panel({TILEMESH_KERNEL}).dump());
    const Ran ran = run_command(folder, TILEMESH_COMMAND " run " + panel + " --trace /dev/full -q");
    CHECK(ran.exit_code == 1);
    CHECK_THAT(ran.err, Catch::Contains("--trace /dev/full: cannot be written: No space left on device"));
}
#endif

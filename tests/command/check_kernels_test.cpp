// SPDX-License-Identifier: Apache-2.0
// check --kernels: what it prints, its JSON and exit code. What it finds is in tests/check. And what --jitter's
// results are good for.
#include "tests/command/example_panel.h"
#include "tests/command/processes.h"

#include <fstream>

using namespace tilemesh;

namespace {

Json planted(const std::string& kernel) {
    return {{"machine", TILEMESH_CONFIGS "/machines/cube_line8.json"},
            {"tensors",
             {{"x", {{"shape", {16}}, {"dtype", "f32"}, {"values", "ones"}}},
              {"y", {{"shape", {128}}, {"dtype", "f32"}}}}},
            {"kernels",
             {{{"program",
                {{"file", TILEMESH_CONFIGS "/../tests/check/planted.py"},
                 {"kernel", kernel},
                 {"grid", {4}},
                 {"arguments", {{"x", "x"}, {"y", "y"}}}}}}}}};
}

Ran run_in(const ScratchFolder& folder, const std::string& arguments) {
    return run_command(folder, "cd '" + (folder / "").string() + "' && " TILEMESH_COMMAND + arguments);
}

Json read(const std::filesystem::path& file) {
    std::ifstream stream(file);
    return Json::parse(stream);
}

}  // namespace

TEST_CASE("check --kernels has a line for each kernel and says what is needed") {
    const ScratchFolder folder;
    write_file(folder / "panel.json", example_panel({"mesh_kv", "head_parallel"}).dump());
    const Ran ran = run_in(folder, " check --kernels panel.json --json out.json");
    CHECK(ran.exit_code == 0);
    CHECK_THAT(ran.out, Catch::Contains("panel.json: ok (panel, 2 kernels)") &&
                            Catch::Contains("/mesh_kv: sound (") &&
                            Catch::Contains("receive buffer 0 of 262144 bytes, SRAM ") &&
                            Catch::Contains("/head_parallel: sound (") && Catch::Contains("no messages"));
    const Json kernels = read(folder / "out.json").at("kernels");
    REQUIRE(kernels.size() == 2);
    CHECK(kernels[0].at("sound") == true);
    CHECK(kernels[0].at("least_receive_buffer_bytes") == 0);
    CHECK(kernels[0].at("messages") > 0);
    CHECK(kernels[0].at("findings").empty());
    const Ran one = run_in(folder, " check --kernels panel.json --kernel head_parallel");
    CHECK_THAT(one.out, !Catch::Contains("mesh_kv"));
}

TEST_CASE("a mistake that check --kernels finds is exit code 1, also when quiet") {
    const ScratchFolder folder;
    write_file(folder / "panel.json", planted("both_store").dump());
    const Ran ran = run_in(folder, " check --kernels -q panel.json --json out.json");
    CHECK(ran.exit_code == 1);
    CHECK_THAT(ran.out, Catch::Contains("panel/both_store: race: ") && Catch::Contains("planted.py:") &&
                            Catch::Contains(" more like it)"));
    const Json kernel = read(folder / "out.json").at("kernels").at(0);
    CHECK(kernel.at("sound") == false);
    CHECK(kernel.at("findings").at(0).at("kind") == "race");
    CHECK(kernel.at("findings").at(0).at("mistake") == true);
    CHECK(kernel.at("findings").at(0).at("times") > 1);
    // Without --kernels nothing runs, and there is nothing to write.
    CHECK(run_in(folder, " check panel.json").exit_code == 0);
    CHECK(run_in(folder, " check panel.json --json other.json").exit_code == 2);
}

TEST_CASE("a note is no mistake") {
    const ScratchFolder folder;
    write_file(folder / "panel.json", planted("makes_too_much").dump());
    const Ran ran = run_in(folder, " check --kernels panel.json");
    CHECK(ran.exit_code == 0);
    CHECK_THAT(ran.out, Catch::Contains("panel/makes_too_much: note: unused: ") && Catch::Contains(": sound ("));
}

TEST_CASE("a seed of jitter below 0 or too large is none, and shown as it was given") {
    const ScratchFolder folder;
    const Ran ran = run_in(folder, " run single_user_decode_mid --jitter -1");
    CHECK(ran.exit_code == 2);
    CHECK_THAT(ran.err, Catch::Contains("--jitter") && Catch::Contains("-1"));
    for (const char* large : {"99999999999999999999", "18446744073709551616", "9007199254740992"}) {
        const Ran refused = run_in(folder, std::string(" run single_user_decode_mid --jitter ") + large);
        CHECK(refused.exit_code == 2);
        CHECK_THAT(refused.err, Catch::Contains("--jitter") && Catch::Contains(std::string("found ") + large + ","));
    }
}

TEST_CASE("a jittered run says so, and compare takes neither side of it") {
    const ScratchFolder folder;
    write_file(folder / "panel.json", example_panel({"head_parallel"}).dump());
    const Ran ran = run_in(folder, " run panel.json --jitter 3 --json jittered.json");
    CHECK(ran.exit_code == 0);
    CHECK_THAT(ran.out, Catch::Contains("jittered with seed 3") && Catch::Contains("not the machine's times"));
    CHECK(read(folder / "jittered.json").at("panels").at(0).at("configuration").at("jitter") == 3);
    CHECK(run_in(folder, " run panel.json --json plain.json -q").exit_code == 0);
    for (const char* files :
         {"plain.json jittered.json", "jittered.json plain.json", "new.json jittered.json --approve"}) {
        const Ran compared = run_in(folder, std::string(" compare ") + files);
        CHECK(compared.exit_code == 2);
        CHECK_THAT(compared.err, Catch::Contains("jittered.json: panel") && Catch::Contains("ran with jitter"));
    }
}

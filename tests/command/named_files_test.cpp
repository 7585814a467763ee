// SPDX-License-Identifier: Apache-2.0
// Who named the file, who set the value? An error about a file that a file names, or about a value in it, begins with
// the file and the place that led there; one about a value from the command line with the setting.
#include "tests/command/example_panel.h"
#include "tests/command/processes.h"

using namespace tilemesh;

namespace {

struct Named {
    std::string command;
    std::string content;  // of top.json
    std::string says;     // behind "tilemesh: error: "
};

const std::string none = ": cannot be read: No such file or directory";
const std::string line8 = "\"" TILEMESH_CONFIGS "/machines/cube_line8.json\"";

std::string panel_with(const std::string& pointer, const std::string& value) {
    Json panel = example_panel({TILEMESH_KERNEL});
    panel[Json::json_pointer(pointer)] = Json::parse(value);
    return panel.dump();
}

std::string transfers(const std::string& file) {
    return R"({"machine": )" + line8 + R"(, "probe": {"kind": "transfers", "file": ")" + file + R"("}})";
}

/// Each runs beside panel.json, which is fine, tensors.json, which names tensors that are not there, slow.json, a
/// machine of an impossible clock, torn.json, which is no JSON, and list.json, transfers to a PE that is not there.
const Named named[] = {
    {"run", panel_with("/machine", R"("none.json")"), "top.json: /machine: none.json" + none},
    {"run", panel_with("/machine", R"("")"), "top.json: /machine: found a string \"\", expected the path of a file"},
    {"run", panel_with("/machine", R"("torn.json")"), "top.json: /machine: torn.json: line 1, column 2: "},
    {"run", panel_with("/machine", R"("slow.json")"), "top.json: /machine: slow.json: /pe/clock_ghz: found -1, "},
    {"run", panel_with("/machine", R"({"base": "none.json"})"), "top.json: /machine/base: none.json" + none},
    {"run", panel_with("/machine", R"({"base": "slow.json"})"),
     "top.json: /machine/base: slow.json: /pe/clock_ghz: found -1, "},
    {"run", R"({"base": "none.json"})", "top.json: /base: none.json" + none},
    {"run", R"({"base": ""})", "top.json: /base: found a string \"\", expected the path of a file"},
    {"run", R"({"base": "tensors.json"})", "top.json: /base: tensors.json: /inputs/tensors: none.safetensors" + none},
    {"run", R"({"base": "panel.json", "layers": 0})", "top.json: /layers: found 0, "},
    {"run", R"({"base": "panel.json", "problem": {"heads_q": 7}})", "top.json: /base: panel.json: /problem: found "},
    {"run", panel_with("/inputs", R"({"tensors": "none.safetensors"})"),
     "top.json: /inputs/tensors: none.safetensors" + none},
    {"run", panel_with("/inputs", R"({"tensors": "torn.json"})"),
     "top.json: /inputs/tensors: torn.json: found a file of 2 bytes, "},
    {"bench", R"({"panels": ["panel.json", "none.json"]})", "top.json: /panels/1: none.json" + none},
    {"bench", R"({"panels": [{"panel": "none.json"}]})", "top.json: /panels/0/panel: none.json" + none},
    {"bench", R"({"panels": [{"panel": ""}]})", "top.json: /panels/0/panel: found a string \"\", expected the path"},
    {"bench", R"({"panels": [{"panel": "panel.json", "set": {"machine": "none.json"}}]})",
     "top.json: /panels/0/set/machine: none.json" + none},
    {"bench", R"({"panels": ["tensors.json"]})",
     "top.json: /panels/0: tensors.json: /inputs/tensors: none.safetensors" + none},
    {"probe", transfers("none.json"), "top.json: /probe/file: none.json" + none},
    {"probe", transfers("list.json"), "top.json: /probe/file: list.json: /transfers/0/destination: found 99, "},
};

void write_surroundings(const ScratchFolder& folder) {
    write_file(folder / "panel.json", example_panel({TILEMESH_KERNEL}).dump());
    write_file(folder / "tensors.json", panel_with("/inputs", R"({"tensors": "none.safetensors"})"));
    write_file(folder / "slow.json", R"({"base": )" + line8 + R"(, "pe": {"clock_ghz": -1}})");
    write_file(folder / "torn.json", "{,");
    write_file(folder / "list.json", R"({"transfers": [{"id": "a", "source": 0, "destination": 99, "bytes": 64}]})");
}

/// The command where the files are, so that their names are short.
Ran run_beside(const ScratchFolder& folder, const std::string& arguments) {
    return run_command(folder, "(cd " + (folder / "").string() + " && " TILEMESH_COMMAND " " + arguments + ")");
}

}  // namespace

TEST_CASE("an error about a file that a file names says which file named it, and where") {
    const ScratchFolder folder;
    write_surroundings(folder);
    for (const Named& one : named) {
        INFO(one.content);
        write_file(folder / "top.json", one.content);
        for (const std::string& command : {one.command, std::string("check")}) {
            const Ran ran = run_beside(folder, command + " top.json");
            check_bad_input(ran);
            CHECK_THAT(ran.err, Catch::StartsWith("tilemesh: error: " + one.says));
        }
    }
}

TEST_CASE("a bad value from the command line is blamed on what set it") {
    const ScratchFolder folder;
    write_surroundings(folder);
    const std::pair<std::string, std::string> settings[] = {
        {"--set machine.pe.clock_ghz=-1", "--set machine.pe.clock_ghz=-1: found -1, expected a number from"},
        {"--set machine.pe.clok=1", "--set machine.pe.clok=1: unknown key"},
        {"--set machine.pe=3", "--set machine.pe=3: found 3, expected an object"},
        {"--set machine.pe.matrix=null", "--set machine.pe.matrix=null: found null, expected a value"},
        {"--set inputs.tensors=none.safetensors", "--set inputs.tensors=none.safetensors: none.safetensors" + none},
        {"--set machine=none.json", "--set machine=none.json: none.json" + none},
        {"--set machine=slow.json", "--set machine=slow.json: slow.json: /pe/clock_ghz: found -1"},
        {"--set 'kernels=[{\"kernel\": \"x\", \"tile\": 1}]'",
         "--set kernels=[{\"kernel\": \"x\", \"tile\": 1}]: /0/tile: unknown key"},
        {"--values ful", "--values ful: found a string \"ful\""},
    };
    for (const auto& [setting, says] : settings) {
        INFO(setting);
        const Ran ran = run_beside(folder, "run panel.json " + setting);
        check_bad_input(ran);
        CHECK_THAT(ran.err, Catch::StartsWith("tilemesh: error: " + says));
    }
    // Values that do not fit together name all that were set, because each may be the one that is wrong.
    const Ran ran = run_beside(folder, "run panel.json --set problem.heads_q=7 --set layers=2");
    check_bad_input(ran);
    CHECK_THAT(ran.err, Catch::StartsWith("tilemesh: error: panel.json: /problem: found heads_q 7") &&
                            Catch::EndsWith("(with --set problem.heads_q=7)\n"));
}

TEST_CASE("what comes with tilemesh is found by its name, behind a file of that name") {
    const ScratchFolder folder;
    const auto name_of_machine = [&](const Json& asked, const std::string& setting = "") {
        Json panel = example_panel();
        panel["machine"] = asked;
        write_file(folder / "panel.json", panel.dump());
        std::vector<run::Setting> settings;
        if (!setting.empty()) settings.push_back(run::parse_setting(setting));
        return run::load_panel(folder / "panel.json", settings, fake_workloads()).machine.name;
    };
    CHECK(name_of_machine("cube_2x4") == "cube_2x4");
    CHECK(name_of_machine(Json{{"base", "cube_2x4"}, {"name", "mine"}}) == "mine");
    CHECK(name_of_machine("cube_2x4", "machine=cube_4x4") == "cube_4x4");
    CHECK_THROWS_WITH(name_of_machine("machines/cube_2x4"), Catch::Contains("/machine: ") && Catch::Contains(none));
    CHECK_THROWS_WITH(name_of_machine("cube_3x3"), Catch::Contains("/machine: ") && Catch::Contains(none));
    write_file(folder / "cube_2x4", R"({"base": )" + line8 + R"(, "name": "beside"})");
    CHECK(name_of_machine("cube_2x4") == "beside");
}

TEST_CASE("TILEMESH_SHARE says where the files of tilemesh are") {
    const ScratchFolder folder;
    write_file(folder / "panel.json", example_panel({TILEMESH_KERNEL}).dump());
    const std::string arguments = "run panel.json --values none --set machine=mine";
    check_bad_input(run_beside(folder, arguments));
    std::filesystem::create_directories(folder / "share/configs/machines");
    write_file(folder / "share/configs/machines/mine.json", R"({"base": )" + line8 + "}");
    const Ran found = run_command(
        folder, "(cd " + (folder / "").string() + " && TILEMESH_SHARE=share " TILEMESH_COMMAND " " + arguments + ")");
    CHECK(found.exit_code == 0);
    const Ran bare = run_command(folder, "TILEMESH_SHARE=/nowhere " TILEMESH_COMMAND " " + arguments);
    check_bad_input(bare);
}

TEST_CASE("a folder configs/panels of a project hides nothing that comes with tilemesh") {
    const ScratchFolder folder;
    const auto in = [&](const std::string& place, const std::string& command) {
        return run_command(folder, "cd '" + place + "' && env -u TILEMESH_SHARE " TILEMESH_COMMAND " " + command);
    };
    const Ran elsewhere = in("/", "list probes --names");
    CHECK_THAT(elsewhere.out, Catch::Contains("dma_cubes_4x4"));
    std::filesystem::create_directories(folder / "project/configs/panels");
    const std::string project = (folder / "project").string();
    CHECK(in(project, "list probes --names").out == elsewhere.out);
    CHECK(in(project, "validate systolic --quick -q").exit_code == 0);
    // Whoever stands in a tree of tilemesh sees the files of that tree, by short names.
    CHECK_THAT(in(TILEMESH_CONFIGS "/..", "list machines").out,
               Catch::Contains("\nconfigs/machines/cube_line8.json "));
}

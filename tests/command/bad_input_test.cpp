// SPDX-License-Identifier: Apache-2.0
// Whatever a user can get wrong: exit code 2, one line that names file, path, what was found and what was expected,
// and no output file. Each row of the tables is one mistake; every row runs the command itself.
#include "tests/command/example_panel.h"
#include "tests/command/processes.h"

using namespace tilemesh;

namespace {

struct Mistake {
    const char* pointer;  // JSON pointer in the example panel
    const char* value;    // JSON put there; null text: the key is removed
    const char* says;     // part of the message
};

// Values beyond what JSON numbers can be (NaN) are malformed text and are in the other table.
const Mistake mistakes[] = {
    {"/problem/heads_q", "7", "heads_q 7 and heads_kv 2"},
    {"/problem/heads_q", "0", "/problem/heads_q: found 0, expected an integer from 1"},
    {"/problem/heads_q", "-6", "/problem/heads_q: found -6"},
    {"/problem/heads_q", "6.5", "/problem/heads_q: found 6.5"},
    {"/problem/heads_q", "\"6\"", "/problem/heads_q: found a string \"6\""},
    {"/problem/heads_q", "1e300", "/problem/heads_q: found 1e300"},
    {"/problem/heads_q", "9223372036854775808", "/problem/heads_q: found 9223372036854775808"},
    {"/problem/heads_q", nullptr, "/problem/heads_q: missing"},
    {"/problem/head_dim", "[]", "/problem/head_dim: found an array"},
    {"/problem/heads", "6", "/problem/heads: unknown key"},
    {"/problem/dtype", "\"f61\"", "did you mean f16?"},
    {"/problem/dtype", "\"fp8\"", "expected one of f16, bf16, f32, f8e4m3, f8e5m2"},
    {"/problem/scales", "{\"q\": 2}", "/problem/scales: found dtype f16, expected f8e4m3 or f8e5m2"},
    {"/problem/probability_dtype", "\"f16\"",
     "/problem/probability_dtype: found dtype f16, expected f8e4m3 or f8e5m2"},
    {"/problem/pages", "{\"table\": \"shuffled\"}", "/problem/pages/page_keys: missing"},
    {"/problem/pages", "{\"page_keys\": 16}", "/problem/pages: the panel names no inputs"},
    {"/problem/pages", "{\"page_keys\": 16, \"table\": \"shufled\"}", "did you mean shuffled?"},
    {"/problem/pages", "{\"page_keys\": 16, \"table\": \"shuffled\", \"sed\": 1}", "did you mean seed?"},
    {"/problem/pages", "{\"page_keys\": 134217729, \"table\": \"shuffled\"}", "/problem/pages/page_keys: found"},
    {"/problem/scale", "-1", "/problem/scale: found -1"},
    {"/problem/scale", "1e300", "/problem/scale: found 1e300"},
    {"/problem/users", "[]", "/problem/users: found an array, expected a non-empty array"},
    {"/problem/users/0/keys", "-1", "/problem/users/0/keys: found -1"},
    {"/problem/users/0/keys", "9223372036854775808", "/problem/users/0/keys"},
    {"/problem/users/0/querys", "1", "unknown key, did you mean queries?"},
    {"/problem/mask/kind", "\"casual\"", "did you mean causal?"},
    {"/problem", nullptr, "/problem: missing"},
    {"/problem", "3", "/problem: found 3"},
    {"/machine", nullptr, "/machine: missing"},
    {"/machine", "7", "/machine: found 7, expected the path of a machine file"},
    {"/machine", "\"nowhere.json\"", "nowhere.json: cannot be read"},
    {"/kernels", nullptr, "/kernels: missing"},
    {"/kernels", "[]", "/kernels: found an array, expected a non-empty array"},
    {"/kernels", "\"mesh_kv\"", "/kernels: found a string"},
    {"/kernels/0", "5", "/kernels/0: found 5"},
    {"/kernels/0", "\"no_such_thing\"", "/kernels/0: there is no kernel no_such_thing"},
    {"/kernels/0", "{\"kernel\": \"x\", \"tile_key\": 4}",
     "/kernels/0/tile_key: unknown key, did you mean tile_keys?"},
    {"/kernels/0", "{\"kernel\": \"x\", \"tile_keys\": 0}", "/kernels/0/tile_keys: found 0"},
    {"/kernels/0", "{\"kernel\": \"x\", \"tile_keys\": -1}", "/kernels/0/tile_keys: found -1"},
    {"/kernels/0", "{\"tile_keys\": 4}", "/kernels/0/kernel: missing"},
    {"/kernels/0", "{\"kernel\": \"x\", \"state\": \"out-lse\"}", "did you mean out_lse?"},
    {"/kernels/0", "{\"kernel\": \"x\", \"state\": true}", "/kernels/0/state: found true"},
    {"/kernels/0", "{\"kernel\": \"x\", \"state_dtype\": \"f16\"}",
     "/kernels/0/state_dtype: found a string \"f16\", expected one of f32, bf16"},
    {"/ranks/count", "0", "/ranks/count: found 0"},
    {"/ranks/count", "9", "/ranks/count: found 9 ranks, expected at most 8"},
    {"/ranks/unit", "\"pes\"", "did you mean pe?"},
    {"/ranks/placement", "\"reverse\"", "did you mean reversed?"},
    {"/ranks/placement", "[0, 1, 2, 3, 3]", "/ranks/placement/4: found 3"},
    {"/ranks/placement", "[0, 1, 2, 3, 99]", "/ranks/placement/4: found 99"},
    {"/ranks/placement", "[0, 1, 2, 3, -1]", "/ranks/placement/4: found -1"},
    {"/ranks/placement", "\"heavy-midle\"", "did you mean heavy_middle?"},
    {"/ranks/placement", "\"spiral\"",
     "/ranks/placement: found a string \"spiral\", expected one of identity, reversed, folded, snake, heavy_middle, "
     "hilbert"},
    {"/ranks/placement", "{}", "expected identity, reversed, folded, snake, heavy_middle, hilbert, or a list"},
    {"/ranks/placement", "[]", "/ranks/placement: found an array, expected identity"},
    {"/ranks/sharding", "\"stripped\"", "did you mean striped?"},
    {"/ranks/sharding", "\"random\"", "expected one of contiguous, zigzag, striped"},
    {"/ranks/sharding", "3", "/ranks/sharding: found 3"},
    {"/values/mode", "\"all\"", "/values/mode: found a string \"all\", expected one of full, sampled, none"},
    {"/values/rows", "0", "/values/rows: found 0"},
    {"/values/seed", "-1", "/values/seed: found -1"},
    {"/values/sede", "1", "unknown key, did you mean seed?"},
    {"/tolerance", "{\"relative_l2\": 0}", "/tolerance/relative_l2: found 0"},
    {"/tolerance", "{\"relative_l2\": 1e300}", "/tolerance/relative_l2: found 1e300"},
    {"/inputs", "{\"tensors\": \"\"}", "/inputs/tensors"},
    {"/inputs", "{\"tensor\": \"x\"}", "/inputs/tensor"},
    {"/layers", "0", "/layers: found 0"},
    {"/name", "\"two words\"", "/name: found a string \"two words\""},
    {"/kernel", "[]", "/kernel: unknown key, did you mean kernels?"},
    {"/base", "\"nowhere.json\"", "nowhere.json: cannot be read"},
    {"/base", "5", "/base: found 5"},
};

struct Malformed {
    const char* text;
    const char* says;
};
const Malformed malformed[] = {
    {"", "is empty"},
    {"{", "line 1"},
    {"{\"layers\": NaN}", "line 1"},
    {"{\"layers\": 1, \"layers\": 2}", "appears twice"},
    {"[]", "expected an object"},
    {"{} x", "line 1"},
    {"{\"panels\": []}", "this is a milestone"},
};

Json broken(const Mistake& mistake) {
    Json panel = example_panel({TILEMESH_KERNEL});
    const Json::json_pointer pointer(mistake.pointer);
    if (mistake.value == nullptr) {
        panel.at(pointer.parent_pointer()).erase(pointer.back());
    } else {
        panel[pointer] = Json::parse(mistake.value);
    }
    return panel;
}

}  // namespace

TEST_CASE("the example panel itself is fine") {
    const ScratchFolder folder;
    write_file(folder / "panel.json", example_panel({TILEMESH_KERNEL}).dump());
    const Ran ran = run_command(folder, TILEMESH_COMMAND " check " + (folder / "panel.json").string());
    CHECK(ran.exit_code == 0);
    CHECK(ran.err.empty());
}

TEST_CASE("each mistake in a panel is one line, exit code 2 and no output file") {
    const ScratchFolder folder;
    const std::string file = (folder / "panel.json").string(), json = (folder / "out.json").string();
    for (const auto& mistake : mistakes) {
        INFO(mistake.pointer << " = " << (mistake.value == nullptr ? "(removed)" : mistake.value));
        write_file(file, broken(mistake).dump());
        const Ran ran = run_command(folder, TILEMESH_COMMAND " run " + file + " --json " + json);
        INFO(ran.err);
        check_bad_input(ran);
        CHECK_THAT(ran.err, Catch::Contains(mistake.says));
        CHECK_FALSE(std::filesystem::exists(json));
    }
}

TEST_CASE("each malformed file is one line, exit code 2") {
    const ScratchFolder folder;
    const std::string file = (folder / "panel.json").string();
    for (const auto& bad : malformed) {
        INFO(bad.text);
        write_file(file, bad.text);
        const Ran ran = run_command(folder, TILEMESH_COMMAND " run " + file);
        INFO(ran.err);
        check_bad_input(ran);
        CHECK_THAT(ran.err, Catch::Contains(bad.says));
        CHECK_THAT(ran.err, Catch::Contains("panel.json"));
    }
}

TEST_CASE("each mistake on the command line is one line, exit code 2") {
    const ScratchFolder folder;
    const std::string panel = (folder / "panel.json").string();
    write_file(panel, example_panel({TILEMESH_KERNEL}).dump());
    const std::string command = TILEMESH_COMMAND " ";
    struct Line {
        std::string arguments, says;
    };
    const Line lines[] = {
        {"", "subcommand"},
        {"frobnicate", "frobnicate"},
        {"run", "panel"},
        {"run " + panel + " --jso x", "--jso"},
        {"run " + panel + " -j 0", "--jobs"},
        {"run " + panel + " -j many", "--jobs"},
        {"run " + panel + " --json /nowhere/x.json", "cannot be written"},
        {"run " + panel + " --json " + (folder / "").string(), "is a directory"},
        {"run " + panel + " --json " + panel, "is the input itself"},
        {"run " + panel + " --save-outputs /nowhere/x.safetensors", "cannot be written"},
        {"run " + panel + " --values ful", "did you mean full?"},
        {"run " + panel + " --kernel no_such_kernel", "expected a kernel of the panel"},
        {"run " + panel + " --values none --save-outputs " + (folder / "o").string(), "expected full"},
        {"run " + panel + " --set nonsense", "expected a.b.0.c=value"},
        {"run /nowhere/panel.json", "cannot be read"},
        {"bench " + panel, "this is a panel, expected a milestone"},
        {"bench /nowhere/milestone.json", "cannot be read"},
        {"list everything", "kernels"},
        {"check " + panel + " /nowhere/panel.json --quiet", "cannot be read"},
        {"compare " + panel + " " + panel, "/schema_version: missing"},
        {"compare " + panel, "new"},
        {"compare " + panel + " " + panel + " --tolerance -1", "--tolerance"},
        {"compare " + panel + " " + panel + " --tolerance nan", "--tolerance: found nan, expected a number"},
        {"compare " + panel + " " + panel + " --tolerance NaN", "--tolerance: found NaN, expected a number"},
        {"compare " + panel + " " + panel + " --tolerance=-nan", "--tolerance: found -nan, expected a number"},
        {"compare " + panel + " " + panel + " --tolerance inf", "--tolerance"},
        {"compare " + panel + " " + panel + " --threshold time=nan%", "found nan%, expected a percentage"},
        {"run " + panel + " --trace " + (folder / "t").string() + " --trace-window nanus..", "expected FROM..TO"},
        {"explain " + panel + " --what-if matrix=nanx", "found the factor nanx"},
    };
    for (const auto& line : lines) {
        INFO(line.arguments);
        const Ran ran = run_command(folder, command + line.arguments);
        INFO(ran.err);
        check_bad_input(ran);
        CHECK_THAT(ran.err, Catch::Contains(line.says));
    }
    // The probes of output files have left nothing behind.
    std::size_t files = 0;
    for (const auto& item : std::filesystem::directory_iterator(folder / "")) files += item.is_regular_file() ? 1 : 0;
    CHECK(files == 3);  // panel.json, stdout.txt, stderr.txt
}

TEST_CASE("a table that cannot be written is an error, unless its reader has seen enough") {
    const ScratchFolder folder;
    write_file(folder / "panel.json", example_panel({TILEMESH_KERNEL}).dump());
    const std::string run = TILEMESH_COMMAND " run " + (folder / "panel.json").string();
    check_bad_input(run_command(folder, "(" + run + " >/dev/full)"));
    CHECK(run_command(folder, run + " | true").err.empty());
}

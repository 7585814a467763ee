// SPDX-License-Identifier: Apache-2.0
// A tensor file that cannot be used is bad input like any other: exit code 2, one line, no result file. Reading
// itself is tested in tests/base and tests/attention; this is about what the user of the command sees. Real simulator
// only.
#include "tests/base/tensor_bytes.h"
#include "tests/command/example_panel.h"
#include "tests/command/processes.h"

#include <cmath>

using namespace tilemesh;

namespace {

/// q, k, v of the example panel: 60 queries, 100 keys, 6 and 2 heads, head_dim 24, value_dim 40.
std::vector<HandMadeTensor> example_tensors() {
    const auto numbers = [](std::size_t count) {
        std::vector<float> values(count);
        for (std::size_t i = 0; i < count; ++i) values[i] = std::sin(static_cast<float>(i));
        return bytes_of(values);
    };
    return {{"case.q", "F32", "[60,6,24]", numbers(60 * 6 * 24)},
            {"case.k", "F32", "[100,2,24]", numbers(100 * 2 * 24)},
            {"case.v", "F32", "[100,2,40]", numbers(100 * 2 * 40)}};
}

std::string with_value(const std::string& data, std::size_t element, float value) {
    std::string changed = data;
    std::memcpy(changed.data() + element * sizeof value, &value, sizeof value);
    return changed;
}

struct Tried {
    ScratchFolder folder;
    Ran ran;
    bool wrote = false;
};

void try_tensors(Tried& tried, const std::string& file_bytes, const std::string& prefix = "case.") {
    Json panel = example_panel({TILEMESH_KERNEL});
    panel["inputs"] = {{"tensors", "x.safetensors"}, {"prefix", prefix}};
    write_file(tried.folder / "x.safetensors", file_bytes);
    write_file(tried.folder / "panel.json", panel.dump());
    const std::string json = (tried.folder / "out.json").string();
    tried.ran = run_command(
        tried.folder, TILEMESH_COMMAND " run " + (tried.folder / "panel.json").string() + " --quiet --json " + json);
    tried.wrote = std::filesystem::exists(json);
}

}  // namespace

TEST_CASE("a kernel computes from tensors of a file, and the answer passes") {
    Tried tried;
    try_tensors(tried, tensor_file(example_tensors()));
    INFO(tried.ran.err);
    CHECK(tried.ran.exit_code == 0);
    CHECK(tried.wrote);
}

TEST_CASE("each damage to a tensor file is one line, exit code 2 and no result") {
    auto tensors = example_tensors();
    std::string bytes, says, prefix = "case.";
    SECTION("cut short") {
        bytes = tensor_file(tensors);
        bytes.resize(bytes.size() - 1);
        says = "x.safetensors";
    }
    SECTION("empty") { says = "x.safetensors"; }
    SECTION("a header of 2^60 bytes") {
        bytes = bytes_of<std::uint64_t>({std::uint64_t{1} << 60}) + "{}";
        says = "1152921504606846976";
    }
    SECTION("a tensor beyond the end of the file") {
        bytes = file_of(R"({"case.q":{"dtype":"F32","shape":[60,6,24],"data_offsets":[0,34560]}})", "short");
        says = "case.q";
    }
    SECTION("heads and tokens swapped") {
        tensors[1].shape = "[2,100,24]";
        bytes = tensor_file(tensors);
        says = "tensor case.k: found shape [2, 100, 24], expected [100, 2, 24]";
    }
    SECTION("integers") {
        tensors[0].dtype = "I32";
        bytes = tensor_file(tensors);
        says = "tensor case.q: found dtype I32";
    }
    SECTION("not a number") {
        tensors[2].data = with_value(tensors[2].data, 17, std::nanf(""));
        bytes = tensor_file(tensors);
        says = "case.v";
    }
    SECTION("a number that f16 cannot hold") {
        tensors[2].data = with_value(tensors[2].data, 17, 1e6F);
        bytes = tensor_file(tensors);
        says = "at element 17";
    }
    SECTION("another prefix") {
        bytes = tensor_file(tensors);
        prefix = "cases.";
        says = "case";
    }
    Tried tried;
    try_tensors(tried, bytes, prefix);
    INFO(tried.ran.err);
    check_bad_input(tried.ran);
    CHECK_THAT(tried.ran.err, Catch::Contains(says));
    CHECK_FALSE(tried.wrote);
}

TEST_CASE("what cannot run on the machine is refused before the run") {
    struct Refusal {
        const char* setting;
        const char* says;
    };
    const Refusal refusals[] = {
        {"machine.pe.sram_bytes=1024", "bytes of SRAM, the PE has 1024"},
        {"kernels.0.kernel=mesh_kv_literal", "/kernels/0: mesh_kv_literal cannot run this"},
        {"kernels.0.kernel=mesh_vk", "did you mean mesh_kv?"},
        {"ranks.unit=cube", "found 5 ranks, expected at most 1, one per cube"},
        {"machine.pe.clock_ghz=0", "--set machine.pe.clock_ghz=0: found 0"},
        {"machine.pe.clock_gzh=1", "--set machine.pe.clock_gzh=1: unknown key, did you mean clock_ghz?"},
        {"machine.network.link.latncy_ns=1",
         "--set machine.network.link.latncy_ns=1: unknown key, did you mean latency_ns?"},
    };
    const ScratchFolder folder;
    const std::string file = (folder / "panel.json").string();
    write_file(file, example_panel({"mesh_kv"}).dump());
    for (const auto& refusal : refusals) {
        const Ran ran = run_command(folder, TILEMESH_COMMAND " run " + file + " --set " + refusal.setting);
        INFO(refusal.setting << ": " << ran.err);
        check_bad_input(ran);
        CHECK_THAT(ran.err, Catch::Contains(refusal.says));
    }
}

TEST_CASE("values full, sampled and none give the same cycles through the command") {
    const ScratchFolder folder;
    const std::string file = (folder / "panel.json").string(), json = (folder / "out.json").string();
    write_file(file, example_panel({"mesh_kv", "head_parallel"}).dump());
    std::vector<Json> cycles;
    for (const std::string mode : {"full", "sampled", "none"}) {
        const Ran ran =
            run_command(folder, TILEMESH_COMMAND " run " + file + " --values " + mode + " --json " + json);
        INFO(ran.out << ran.err);
        REQUIRE(ran.exit_code == 0);
        cycles.push_back(Json::array());
        const Json result = parse_json_file(json);
        for (const auto& kernel : result.at("panels").at(0).at("kernels"))
            cycles.back().push_back(kernel.at("cycles"));
    }
    CHECK(cycles[0] == cycles[1]);
    CHECK(cycles[0] == cycles[2]);
}

// SPDX-License-Identifier: Apache-2.0
// A mask that cannot be used is bad input like any other: exit code 2, one line, no result file. The readers of masks
// are tested in tests/attention; this is about what the user of the command sees, files included.
#include "tests/base/tensor_bytes.h"
#include "tests/command/example_panel.h"
#include "tests/command/processes.h"

using namespace tilemesh;

namespace {

/// Tensors of the example panel's 100 keys and 100 query positions, right and wrong ones.
std::string tensors_of_masks() {
    const std::vector<std::int32_t> ids(100, 1);
    const std::vector<std::uint8_t> blocks = {1, 0, 1, 1, 2, 1};
    std::vector<float> large(60 * 100);
    large[7] = 2000.0F;
    return tensor_file({{"good.segment_ids", "I32", "[100]", bytes_of(ids)},
                        {"short.segment_ids", "I32", "[50]", bytes_of(std::vector<std::int32_t>(50))},
                        {"float.segment_ids", "F32", "[100]", bytes_of(std::vector<float>(100))},
                        {"short.key_bias", "F32", "[4]", bytes_of(std::vector<float>(4))},
                        {"short.pair_bias", "F32", "[1,4,100]", bytes_of(std::vector<float>(400))},
                        {"large.pair_bias", "F32", "[1,60,100]", bytes_of(large)},
                        {"blocks", "U8", "[3,2]", bytes_of(blocks)},
                        {"elements", "U8", "[1,40,64]", bytes_of(std::vector<std::uint8_t>(40 * 64, 1))}});
}

struct Mistake {
    const char* mask;
    const char* prefix;  // of the panel's inputs; null: it has none
    const char* says;
};
const Mistake mistakes[] = {
    {R"({"kind": "sliding_windows", "window": 4})", nullptr,
     "/problem/mask/kind: found a string \"sliding_windows\""},
    {R"({"kind": "sliding_window", "window": 0})", nullptr,
     "/problem/mask/window: found 0, expected an integer from 1"},
    {R"({"kind": "sliding_window", "window": -1})", nullptr, "/problem/mask/window: found -1"},
    {R"({"kind": "block_causal", "block": 0})", nullptr, "/problem/mask/block: found 0"},
    {R"({"kind": "sparse_strided", "stride": 0})", nullptr, "/problem/mask/stride: found 0"},
    {R"({"kind": "sparse_fixed", "stride": 12, "c": 13})", nullptr,
     "/problem/mask/c: found 13, expected an integer from 1 to 12"},
    {R"({"kind": "dilated", "segment": 30, "dilation": 0})", nullptr, "/problem/mask/dilation: found 0"},
    {R"({"kind": "dilated", "segment": -30, "dilation": 3})", nullptr, "/problem/mask/segment: found -30"},
    {R"({"kind": "segments", "lengths": [37, 1, 50]})", nullptr,
     "found segments of 88 positions, expected 100, the keys of user 0"},
    {R"({"kind": "segments"})", nullptr,
     "/problem/mask: the panel names no inputs to read it from; give lengths or ids, or inputs/tensors"},
    {R"({"kind": "segments"})", "short.", "tensor short.segment_ids: found segments of 50 positions, expected 100"},
    {R"({"kind": "segments"})", "float.", "float.segment_ids: found dtype F32, expected I8, I16, I32, I64, U16, U32 or U64"},
    {R"({"kind": "segments"})", "no.", "masks.safetensors: no tensor no.segment_ids"},
    {R"({"kind": "key_bias"})", "short.", "tensor short.key_bias: found 4 numbers, expected 100"},
    {R"({"kind": "key_bias", "values": ["inf"]})", nullptr, "/problem/mask/values/0: found a string \"inf\""},
    {R"({"kind": "alibi", "slopes": "geometrical"})", nullptr,
     "/problem/mask/slopes: found a string \"geometrical\""},
    {R"({"kind": "alibi", "slopes": [1]})", nullptr, "/problem/mask/slopes: found 1 numbers, expected"},
    {R"({"kind": "alibi"})", nullptr, "give slopes, or inputs/tensors"},
    {R"({"kind": "pair_bias"})", nullptr, "give file or std, or inputs/tensors"},
    {R"({"kind": "pair_bias"})", "short.", "tensor short.pair_bias: found shape [1, 4, 100], expected"},
    {R"({"kind": "pair_bias"})", "large.",
     "tensor large.pair_bias: found 2000 at element 7, expected numbers from -1000"},
    {R"({"kind": "pair_bias", "std": 1, "tensor": "x"})", nullptr, "found both \"std\" and a tensor"},
    {R"({"kind": "pair_bias", "shared": true, "file": "masks.safetensors"})", nullptr,
     "found \"shared\" without \"std\""},
    {R"({"kind": "block_bitmap", "file": "masks.safetensors", "block_queries": 40, "block_keys": 32})", nullptr,
     "tensor blocks[2, 0]: found 2, expected 0 to 1"},
    {R"({"kind": "block_bitmap", "file": "masks.safetensors", "elements": "elements", "block_queries": 40,
         "block_keys": 32})",
     nullptr, "tensor elements: found shape [1, 40, 64], expected [patterns, 40, 32]"},
    {R"({"all_of": [{"kind": "causal"}, {"kind": "block_bitmap", "file": "nowhere.safetensors", "block_queries": 1,
         "block_keys": 1}]})",
     nullptr, "nowhere.safetensors: cannot be read"},
};

}  // namespace

TEST_CASE("each mistake in a mask is one line, exit code 2 and no output file") {
    const ScratchFolder folder;
    const std::string file = (folder / "panel.json").string(), json = (folder / "out.json").string();
    write_file(folder / "masks.safetensors", tensors_of_masks());
    for (const Mistake& mistake : mistakes) {
        INFO(mistake.mask);
        Json panel = example_panel({TILEMESH_KERNEL});
        panel["problem"]["mask"] = Json::parse(mistake.mask);
        if (mistake.prefix != nullptr)
            panel["inputs"] = {{"tensors", "masks.safetensors"}, {"prefix", mistake.prefix}};
        write_file(file, panel.dump());
        const Ran ran = run_command(folder, TILEMESH_COMMAND " run " + file + " --json " + json);
        INFO(ran.err);
        check_bad_input(ran);
        CHECK_THAT(ran.err, Catch::Contains(mistake.says));
        CHECK_FALSE(std::filesystem::exists(json));
    }
}

TEST_CASE("masks and sinks that would take gigabytes of memory are refused where they are read") {
    const auto complaint = [](const char* problem) {
        Json panel = example_panel();
        panel["problem"].merge_patch(Json::parse(problem));
        return input_error([&] { read_example(panel); });
    };
    const std::string head = R"({"heads_q": 65536, "heads_kv": 1, "users": [{"keys": 1})";
    std::string many_users = head,
                many_masks = R"({"mask": {"kind": null, "all_of": [{"kind": "alibi", "slopes": "geometric"})";
    for (int i = 0; i < 256; ++i) many_users += R"(, {"keys": 1})";
    for (int i = 0; i < 16; ++i) many_masks += R"(, {"kind": "key_bias", "std": 1})";
    const std::string too_many = "found 65536 query heads of 257 users, expected at most 16777216 numbers";
    CHECK_THAT(complaint((many_users + R"(], "sink": {"std": 1}})").c_str()),
               Catch::Contains("/problem/sink: " + too_many));
    CHECK_THAT(complaint((many_users + R"(], "mask": {"kind": "alibi", "slopes": "geometric"}})").c_str()),
               Catch::Contains("/problem/mask: " + too_many));
    CHECK_THAT(complaint(R"({"users": [{"keys": 16777216, "queries": 1}, {"keys": 1}],
                             "mask": {"kind": "key_bias", "std": 1}})"),
               Catch::Contains("/problem/mask: found 16777217 keys of all users, expected at most 16777216"));
    CHECK_THAT(complaint((many_masks + "]}}").c_str()),
               Catch::Contains("/problem/mask/all_of/16: found mask number 17 of those"));
}

TEST_CASE("a mask's file is looked for beside the panel, and the result says where it was found") {
    const ScratchFolder folder;
    const std::string file = (folder / "panel.json").string(), json = (folder / "out.json").string();
    write_file(folder / "masks.safetensors", tensors_of_masks());
    Json panel = example_panel({TILEMESH_KERNEL});
    panel["problem"]["mask"] = Json::parse(R"({"all_of": [{"kind": "causal"},
        {"kind": "block_bitmap", "file": "masks.safetensors", "block_queries": 40, "block_keys": 64,
         "elements": "elements"}]})");
    write_file(file, panel.dump());
    const Ran ran = run_command(folder, TILEMESH_COMMAND " run " + file + " --quiet --json " + json);
    INFO(ran.err);
    REQUIRE(ran.exit_code == 0);
    const std::string result = read_file(json);
    CHECK_THAT(result, Catch::Contains((folder / "masks.safetensors").string()));
}

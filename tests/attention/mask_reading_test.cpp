// SPDX-License-Identifier: Apache-2.0
// Masks from JSON and from tensors: where they are looked for, and what is said of each that cannot be used.
#include "mask_cases.h"

using namespace tilemesh;
using namespace tilemesh::attention;

namespace {

/// Problems of one or several users of 12 keys and 5 queries at 7, with one file of inputs.
class Reading {
public:
    void tensors(const std::vector<HandMadeTensor>& list) { write_file(file(), tensor_file(list)); }
    std::filesystem::path file() const { return folder_ / "x.safetensors"; }

    Problem with(const std::string& mask, int users = 1, bool inputs = true) const {
        Json json = {{"heads_q", 2}, {"head_dim", 8}};
        for (int user = 0; user < users; ++user)
            json["users"].push_back({{"keys", 12}, {"queries", 5}, {"query_offset", 7}});
        json["mask"] = Json::parse(mask);
        const MaskSources sources = inputs ? MaskSources{file(), "case."} : MaskSources();
        return read_problem(JsonReader(json, "panel.json", "/problem"), sources);
    }

private:
    ScratchFolder folder_;
};

std::string ids(std::size_t count, std::int32_t first = 0) {
    std::vector<std::int32_t> list(count, first);
    if (count > 4) std::fill(list.begin() + 4, list.end(), first + 1);
    return bytes_of(list);
}

HandMadeTensor bytes(const std::string& name, const std::string& shape, const std::vector<std::uint8_t>& values) {
    return {name, "U8", shape, bytes_of(values)};
}

}  // namespace

TEST_CASE("the tensors of one user have the prefix, those of several its number too") {
    Reading reading;
    reading.tensors({{"case.segment_ids", "I32", "[12]", ids(12)},
                     {"case.0.segment_ids", "I64", "[12]", bytes_of(std::vector<std::int64_t>(12, 3))},
                     {"case.1.segment_ids", "I32", "[12]", ids(12, -5)},
                     {"case.key_bias", "F32", "[12]", bytes_of(std::vector<float>(12, 0.25F))}});
    const Problem one = reading.with(R"({"kind": "segments"})");
    CHECK(one.mask->visible_pairs({}, {0, 12}, {0, 12}) == 4 * 4 + 8 * 8);
    const Problem two = reading.with(R"({"kind": "segments"})", 2);
    CHECK(two.mask->visible_pairs({0, 0}, {0, 12}, {0, 12}) == 12 * 12);
    CHECK(two.mask->visible_pairs({1, 0}, {0, 12}, {0, 12}) == 4 * 4 + 8 * 8);
    CHECK(reading.with(R"({"kind": "key_bias"})").mask->key_bias(0, 11) == 0.25F);
}

TEST_CASE("users without a bitmap of their own share one, and a bitmap may have a file of its own") {
    Reading reading;
    reading.tensors({bytes("case.blocks", "[2,3]", {0, 1, 0, 1, 0, 1}),
                     bytes("case.1.blocks", "[2,3]", {1, 1, 1, 0, 0, 0}),
                     bytes("other", "[2,3]", {0, 0, 0, 0, 0, 1})});
    const std::string sizes = R"({"kind": "block_bitmap", "block_queries": 7, "block_keys": 5)";
    const Problem two = reading.with(sizes + "}", 2);
    CHECK(two.mask->visible_pairs({0, 0}, {0, 7}, {0, 12}) == 7 * 5);
    CHECK(two.mask->visible_pairs({0, 0}, {7, 12}, {0, 12}) == 5 * (5 + 2));
    CHECK(two.mask->visible_pairs({1, 0}, {0, 12}, {0, 12}) == 7 * 12);
    const std::string own = sizes + R"(, "tensor": "other", "file": ")" + reading.file().string() + "\"}";
    CHECK(reading.with(own, 1, false).mask->visible_pairs({}, {0, 12}, {0, 12}) == 5 * 2);
}

TEST_CASE("each mask that cannot be used is one line that says what was found and what was expected") {
    struct Bad {
        std::string mask;
        std::string says;
        int users = 1;
        bool inputs = true;
    };
    const std::string bitmap = R"({"kind": "block_bitmap", "block_queries": 7, "block_keys": 5, "tensor": )";
    const Bad cases[] = {
        {R"({"kind": "sliding_window", "window": 0})", "/problem/mask/window: found 0, expected an integer from 1"},
        {R"({"kind": "sliding_window", "window": -4})", "/problem/mask/window: found -4"},
        {R"({"kind": "sliding_window"})", "/problem/mask/window: missing"},
        {R"({"kind": "sliding_window", "window": 4, "side": "left"})", "/problem/mask/side: found"},
        {R"({"kind": "block_causal", "block": 0})", "/problem/mask/block: found 0"},
        {R"({"kind": "sparse_strided", "stride": 0})", "/problem/mask/stride: found 0"},
        {R"({"kind": "sparse_fixed", "stride": 0, "c": 1})", "/problem/mask/stride: found 0"},
        {R"({"kind": "sparse_fixed", "stride": 4, "c": 5})",
         "/problem/mask/c: found 5, expected an integer from 1 to 4"},
        {R"({"kind": "sparse_fixed", "stride": 4, "c": 0})", "/problem/mask/c: found 0"},
        {R"({"kind": "dilated", "segment": 0, "dilation": 3})", "/problem/mask/segment: found 0"},
        {R"({"kind": "dilated", "segment": 30, "dilation": -1})", "/problem/mask/dilation: found -1"},
        {R"({"kind": "dilated", "segment": 30, "dilation": 3, "head_ofset": true})", "did you mean head_offset?"},
        {R"({"kind": "segments"})", "/problem/mask: the panel names no inputs to read it from; give lengths", 1,
         false},
        {R"({"kind": "segments"})", "no tensor case.segment_ids"},
        {R"({"kind": "segments"})", "tensor case.0.segment_ids: found segments of 11 positions, expected 12", 2},
        {R"({"kind": "segments", "lengths": [5, 6]})",
         "lengths: found segments of 11 positions, expected 12, the keys"},
        {R"({"kind": "segments", "lengths": [5, 0, 7]})", "/problem/mask/lengths/1: found 0"},
        {R"({"kind": "segments", "lengths": []})", "/problem/mask: lengths: found segments of 0 positions, expected"},
        {R"({"kind": "segments", "lengths": [5, 7]})", "/problem/mask/lengths: found one list, expected 2", 2},
        {R"({"kind": "segments", "lengths": [[5, 7]]})", "/problem/mask/lengths: found 1 lists, expected 2", 2},
        {R"({"kind": "segments", "lengths": [12], "ids": [1]})", "found both \"lengths\" and \"ids\""},
        {R"({"kind": "segments", "ids": [1, 2, 2.5]})", "/problem/mask/ids/2: found 2.5"},
        {R"({"kind": "key_bias"})", "give values or std, or inputs/tensors", 1, false},
        {R"({"kind": "key_bias", "values": [1, 2]})", "values: found 2 numbers, expected 12, the keys of user 0"},
        {R"({"kind": "key_bias", "values": [1e31]})", "/problem/mask/values/0: found"},
        {R"({"kind": "key_bias", "std": -1})", "/problem/mask/std: found -1"},
        {R"({"kind": "key_bias", "seed": 3})", "no tensor case.key_bias"},
        {R"({"kind": "key_bias", "std": 1, "values": [1]})", "found both \"values\" and \"std\""},
        {R"({"all_of": [{"kind": "causal"}, {"kind": "segments", "lengths": [3]}]})",
         "found segments of 3 positions"},
        {R"({"kind": "block_bitmap", "block_queries": 7})", "/problem/mask/block_keys: missing"},
        {R"({"kind": "block_bitmap", "block_queries": 0, "block_keys": 5})", "/problem/mask/block_queries: found 0"},
        {bitmap + R"("nowhere"})", "no tensor case.nowhere"},
        {bitmap + R"("wide"})", "tensor case.wide: found shape [2, 4], expected [2, 3]: blocks of 7 x 5 for 12"},
        {bitmap + R"("flat"})", "tensor case.flat: found shape [6], expected [blocks of queries, blocks of keys]"},
        {bitmap + R"("floats"})", "case.floats: found dtype F32, expected U8 or BOOL"},
        {bitmap + R"("two"})", "tensor case.two[1, 0]: found 2, expected 0 to 1: there are 0 element masks"},
        {bitmap + R"("three", "elements": "patterns"})", "tensor case.three[0, 2]: found 3, expected 0 to 2"},
        {bitmap + R"("two", "elements": "small"})",
         "tensor case.small: found shape [1, 5, 7], expected [patterns, 7, 5]"},
        {bitmap + R"("two", "elements": "twos"})", "tensor case.twos: found 2 at element 34, expected 0 or 1"},
        {bitmap + R"("two", "file": "/nowhere.safetensors"})", "/nowhere.safetensors: cannot be read"},
        {bitmap + R"("two"})", "the panel names no inputs to read it from; give file", 1, false},
    };
    Reading reading;
    std::vector<std::uint8_t> pattern(35, 1), twos = pattern;
    twos.back() = 2;
    reading.tensors({{"case.0.segment_ids", "I32", "[11]", ids(11)},
                     {"case.1.segment_ids", "I32", "[12]", ids(12)},
                     {"case.floats", "F32", "[2,3]", bytes_of(std::vector<float>(6))},
                     bytes("case.wide", "[2,4]", std::vector<std::uint8_t>(8)),
                     bytes("case.flat", "[6]", std::vector<std::uint8_t>(6)),
                     bytes("case.two", "[2,3]", {0, 1, 1, 2, 0, 1}),
                     bytes("case.three", "[2,3]", {0, 1, 3, 2, 0, 1}),
                     bytes("case.patterns", "[1,7,5]", pattern),
                     bytes("case.small", "[1,5,7]", pattern),
                     bytes("case.twos", "[1,7,5]", twos)});
    for (const Bad& bad : cases) {
        CAPTURE(bad.mask);
        const std::string said = attention::input_error([&] { reading.with(bad.mask, bad.users, bad.inputs); });
        CHECK_THAT(said, Catch::Contains(bad.says));
        CHECK(said.find('\n') == std::string::npos);
    }
}

TEST_CASE("segment ids and biases of another type or shape are refused") {
    struct Bad {
        HandMadeTensor tensor;
        std::string says;
    };
    const auto floats = [](float value) { return bytes_of(std::vector<float>(12, value)); };
    const Bad cases[] = {
        {{"case.segment_ids", "F32", "[12]", floats(1)}, "case.segment_ids: found dtype F32, expected I8, I16, I32, I64, U16, U32 or U64"},
        {{"case.segment_ids", "I32", "[3,4]", ids(12)}, "case.segment_ids: found shape [3, 4], expected [keys]"},
        {{"case.key_bias", "I32", "[12]", ids(12)}, "case.key_bias: found dtype I32, expected F16, BF16 or F32"},
        {{"case.key_bias", "F32", "[4,3]", floats(1)}, "case.key_bias: found shape [4, 3], expected [keys]"},
        {{"case.key_bias", "F32", "[12]", floats(INFINITY)},
         "tensor case.key_bias: found inf at element 0, expected"},
        {{"case.key_bias", "F32", "[12]", floats(2e30F)},
         "tensor case.key_bias: found 2e+30 at element 0, expected numbers from"},
    };
    Reading reading;
    for (const Bad& bad : cases) {
        reading.tensors({bad.tensor});
        const bool segments = bad.tensor.name == "case.segment_ids";
        const std::string said = attention::input_error(
            [&] { reading.with(segments ? R"({"kind": "segments"})" : R"({"kind": "key_bias"})"); });
        CHECK_THAT(said, Catch::Contains(bad.says));
        CHECK_THAT(said, Catch::Contains("x.safetensors"));
    }
}

TEST_CASE("segments and bitmaps show nothing to queries before position 0, and empty users need no list of theirs") {
    const auto with = [](const std::string& users, const std::string& mask) {
        return problem_from(R"({"heads_q": 1, "head_dim": 8, "users": )" + users + R"(, "mask": )" + mask + "}");
    };
    const Problem before =
        with(R"([{"keys": 10, "queries": 14, "query_offset": -5}])", R"({"kind": "segments", "lengths": [4, 6]})");
    CHECK(visible_pairs(before) == 4 * 4 + 5 * 6);
    const std::string empty = R"([{"keys": 0, "queries": 3}, {"keys": 6, "queries": 0}, {"keys": 0}])";
    CHECK(visible_pairs(with(empty, R"({"kind": "segments", "ids": [[], [1, 1, 2, 2, 2, 2], []]})")) == 0);
    CHECK(visible_pairs(with(R"([{"keys": 0, "queries": 3}])", R"({"kind": "segments", "lengths": []})")) == 0);
    CHECK(visible_pairs(with(R"([{"keys": 0, "queries": 3}])", R"({"kind": "key_bias", "values": []})")) == 0);
    CHECK_THAT(attention::input_error([&] { with(R"([{"keys": 3}])", R"({"kind": "segments", "lengths": []})"); }),
               Catch::Contains("found segments of 0 positions, expected 3, the keys of user 0"));
}

TEST_CASE("a query beyond the positions that have a segment is refused") {
    const std::string said = attention::input_error([] {
        problem_from(R"({"heads_q": 1, "head_dim": 8, "users": [{"keys": 10, "queries": 4, "query_offset": 7}],
                         "mask": {"kind": "segments", "lengths": [4, 6]}})");
    });
    CHECK_THAT(said,
               Catch::Contains("/problem/mask: lengths: the last query of user 0 is at position 10, expected at "
                               "most 9, the last position that has a segment"));
}

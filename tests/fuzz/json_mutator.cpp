// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/json_mutator.h"

#include "sim/base/json_reader.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace tilemesh::fuzz {
namespace {

// What readers get wrong: borders of ranges and types, other types, files that are none.
const char* const values[] = {"null",
                              "true",
                              "0",
                              "1",
                              "2",
                              "3",
                              "7",
                              "64",
                              "-1",
                              "1e2",
                              "2.0",
                              "2.5",
                              "-0.0",
                              "1e-300",
                              "1e308",
                              "4096",
                              "65535",
                              "65536",
                              "134217728",
                              "134217729",
                              "1099511627776",
                              "4611686018427387904",
                              "9007199254740993",
                              "9223372036854775807",
                              "9223372036854775808",
                              "18446744073709551615",
                              "-9223372036854775808",
                              "\"\"",
                              "\"x\"",
                              "\"full\"",
                              "\"causal\"",
                              "\"f16\"",
                              "\"/dev/zero\"",
                              "\"/\"",
                              "\"a\\u0000b\"",
                              "\"\\ud83d\\ude00\"",
                              "\"fuzz.json\"",
                              "\"../machines/cube_2x4.json\"",
                              "[]",
                              "{}",
                              "[[]]",
                              "[0]",
                              "[1, 1]",
                              "[null]",
                              "{\"\": 0}",
                              "[0, 1, 2, 3, 4, 5, 6, 7]",
                              "{\"kind\": \"causal\"}",
                              "{\"base\": \"fuzz.json\"}",
                              "{\"all_of\": [{\"all_of\": [{\"kind\": \"causal\"}]}]}"};

void collect(Json& json, std::vector<Json*>& nodes) {
    nodes.push_back(&json);
    if (!json.is_structured()) return;
    for (Json& member : json) collect(member, nodes);
}

void mutate(Json& json, std::mt19937& random) {
    std::vector<Json*> nodes;
    collect(json, nodes);
    const auto any = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    Json& node = *nodes[any(nodes.size())];
    switch (any(4)) {
        case 0:  // a value from elsewhere in the text
            node = Json(*nodes[any(nodes.size())]);
            return;
        case 1:  // one member less
            if (node.is_object() && !node.empty())
                node.erase(std::next(node.begin(), static_cast<long>(any(node.size()))));
            if (node.is_array() && !node.empty()) node.erase(any(node.size()));
            return;
        case 2:  // one element more
            if (node.is_array() && !node.empty()) node.push_back(Json(node[any(node.size())]));
            [[fallthrough]];
        default:
            node = Json::parse(values[any(std::size(values))]);
    }
}

}  // namespace

std::size_t mutate_json(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
    std::mt19937 random(seed);
    const std::string text(reinterpret_cast<const char*>(data), size);
    if (random() % 2 == 0 || !Json::accept(text)) return LLVMFuzzerMutate(data, size, most);
    Json json;
    try {
        json = parse_json_text(text, "fuzz");  // also refuses what is nested deeper than this can follow
    } catch (const std::exception&) {
        return LLVMFuzzerMutate(data, size, most);
    }
    for (unsigned changes = 1 + random() % 3; changes > 0; --changes) mutate(json, random);
    const std::string changed = json.dump(-1, ' ', false, Json::error_handler_t::replace);
    const std::size_t kept = std::min(changed.size(), most);
    std::memcpy(data, changed.data(), kept);
    return kept;
}

}  // namespace tilemesh::fuzz

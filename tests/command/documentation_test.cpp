// SPDX-License-Identifier: Apache-2.0
// Does configs/README.md name every key that the readers know, and the schema list exactly those of a panel? The
// readers are asked themselves: given a key that resembles none, they answer with all they know.
#include "sim/attention/masks/kinds.h"
#include "sim/run/milestone.h"
#include "tests/command/known_keys.h"

using namespace tilemesh;

namespace {

/// The example with this mask. Keys are asked for before values are judged, so required ones need only be there.
Json panel_with_mask(const std::string& mask) {
    Json panel = example_panel();
    panel["problem"]["mask"] = Json::parse(mask);
    return panel;
}

/// A mask of every kind that has keys of its own, with those that are required.
const char* const masks_with_keys[] = {
    R"({"kind": "block_causal", "block": 4})",
    R"({"kind": "sliding_window", "window": 4})",
    R"({"kind": "segments", "lengths": [100]})",
    R"({"kind": "sparse_strided", "stride": 4})",
    R"({"kind": "sparse_fixed", "stride": 4, "c": 1})",
    R"({"kind": "dilated", "segment": 4, "dilation": 2})",
    R"({"kind": "key_bias", "std": 1})",
    R"({"kind": "alibi", "slopes": "geometric"})",
    R"({"kind": "pair_bias", "std": 1})",
};

/// The example with every optional object present.
Json panel_with_every_object() {
    Json panel = example_panel();
    panel["kernels"] = Json::parse(R"([{"kernel": "good"}])");
    panel["inputs"] = {{"tensors", "x"}};
    panel["tolerance"] = {{"relative_l2", 0.1}};
    panel["problem"]["sink"] = {{"std", 1}};
    panel["problem"]["lse_gradient"] = {{"std", 1}};
    panel["machine"] = run::resolve_machine_file(example_machine).json;
    for (const std::string table : {"energy", "area"})
        panel["machine"][table] = parse_json_file(std::string(TILEMESH_CONFIGS "/") + table + "/7nm.json");
    panel["machine"]["power_limit"] = {{"machine_watts", 1}};
    return panel;
}

const char* const objects_of_a_panel[] = {
    "",       "/problem", "/problem/users/0", "/problem/mask", "/problem/sink", "/problem/lse_gradient",
    "/ranks", "/values",  "/inputs",          "/tolerance",    "/kernels/0"};

}  // namespace

TEST_CASE("configs/README.md names every key of a panel") {
    const std::string text = read_file(TILEMESH_CONFIGS "/README.md");
    REQUIRE_FALSE(text.empty());
    for (const char* pointer : objects_of_a_panel) {
        for (const auto& key : keys_known_at(panel_with_every_object(), pointer)) {
            INFO(pointer << "/" << key);
            CHECK(text.find("`" + key + "`") != std::string::npos);
        }
    }
}

TEST_CASE("configs/README.md and the schema name every kind of mask and every key of each") {
    const std::string text = read_file(TILEMESH_CONFIGS "/README.md");
    const Json schema = parse_json_file(TILEMESH_CONFIGS "/schema/panel.json");
    const Json& listed = schema.at("properties").at("problem").at("properties").at("mask").at("properties");
    std::set<std::string> kinds, listed_kinds;
    for (const attention::MaskKind& kind : attention::mask_kinds()) {
        kinds.insert(std::string(kind.name));
        INFO(kind.name);
        CHECK(text.find("| `" + std::string(kind.name) + "` |") != std::string::npos);
    }
    for (const Json& kind : listed.at("kind").at("enum")) listed_kinds.insert(kind.get<std::string>());
    CHECK(listed_kinds == kinds);
    // The keys of a bitmap are known only with its file at hand.
    std::set<std::string> keys = {"block_queries", "block_keys", "file", "tensor", "elements"}, in_schema;
    for (const char* mask : masks_with_keys) {
        for (const auto& key : keys_known_at(panel_with_mask(mask), "/problem/mask")) keys.insert(key);
    }
    for (const auto& item : listed.items()) in_schema.insert(item.key());
    CHECK(in_schema == keys);
    for (const auto& key : keys) {
        INFO(key);
        CHECK(text.find("`" + key + "`") != std::string::npos);
    }
}

TEST_CASE("configs/README.md names every key of a machine") {
    const std::string text = read_file(TILEMESH_CONFIGS "/README.md");
    const Json panel = panel_with_every_object();
    std::vector<std::string> pointers = {"/machine"};
    for (std::size_t i = 0; i < pointers.size(); ++i) {
        const std::string pointer = pointers[i];
        for (const auto& item : panel.at(Json::json_pointer(pointer)).items()) {
            if (item.value().is_object()) pointers.push_back(pointer + "/" + item.key());
        }
        for (const auto& key : keys_known_at(panel, pointer)) {
            INFO(pointer << "/" << key);
            CHECK(text.find("`" + key + "`") != std::string::npos);
        }
    }
}

TEST_CASE("the schema of a panel lists the keys that the reader knows, and no others") {
    const Json schema = parse_json_file(TILEMESH_CONFIGS "/schema/panel.json");
    const auto properties_of = [](const Json& object) {
        std::set<std::string> keys;
        for (const auto& item : object.at("properties").items()) keys.insert(item.key());
        return keys;
    };
    const Json& top = schema.at("properties");
    auto known = keys_known_at(panel_with_every_object(), "");
    known.insert("base");                                    // taken by the resolver before the reader sees the panel
    known.merge(std::set<std::string>{"tensors", "check"});  // of programs, which this panel has none of
    CHECK(properties_of(schema) == known);
    auto of_problem = keys_known_at(panel_with_every_object(), "/problem");
    of_problem.merge(std::set<std::string>{"collective", "bytes"});  // of collectives, likewise
    of_problem.merge(std::set<std::string>{"m", "k", "n", "fidelity", "in0", "out", "repeats"});  // of products
    CHECK(properties_of(top.at("problem")) == of_problem);
    CHECK(properties_of(top.at("problem").at("properties").at("users").at("items")) ==
          keys_known_at(panel_with_every_object(), "/problem/users/0"));
    for (const char* key : {"sink", "lse_gradient"})
        CHECK(properties_of(top.at("problem").at("properties").at(key)) ==
              keys_known_at(panel_with_every_object(), std::string("/problem/") + key));
    for (const char* key : {"ranks", "values", "inputs", "tolerance"})
        CHECK(properties_of(top.at(key)) == keys_known_at(panel_with_every_object(), std::string("/") + key));
    CHECK(properties_of(top.at("kernels").at("items").at("anyOf").at(1)) ==
          keys_known_at(panel_with_every_object(), "/kernels/0"));
}

// SPDX-License-Identifier: Apache-2.0
// Is a value of the wrong type refused at every key of a panel and its machine? The keys are those of a panel in
// which every one is written out; each is given every type that is not its own.
#include "tests/command/full_panel.h"
#include "tests/command/known_keys.h"

#include <map>

using namespace tilemesh;

namespace {

/// Left out of the full panel because they exclude a key that it has, or name a file.
const std::map<std::string, std::set<std::string>> left_out = {
    {"/machine", {"networks"}},
    {"/problem/sink", {"std", "seed"}},
    {"/problem/mask/all_of/4", {"ids"}},
    {"/problem/mask/all_of/7", {"values"}},
    {"/problem/mask/all_of/9", {"file", "tensor"}},
};

void collect(const Json& json, const std::string& pointer, std::vector<std::string>& pointers) {
    if (!json.is_structured()) return;
    for (const auto& item : json.items()) {
        const std::string inner = pointer + "/" + item.key();  // its own: the vector moves as it grows
        pointers.push_back(inner);
        collect(item.value(), inner, pointers);
    }
}

std::vector<std::string> pointers_into(const Json& json) {
    std::vector<std::string> pointers;
    collect(json, "", pointers);
    return pointers;
}

/// Reads and checks as the command does; what is thrown that is no InputError is not caught.
void use(const Json& json) { run::check_panel(read_example(json)); }

/// What is said of the panel with another value at the place.
std::string said_with(Json panel, const Json::json_pointer& at, const Json& value) {
    panel[at] = value;
    return input_error([&] { use(panel); });
}

bool same_type(const Json& a, const Json& b) { return a.type() == b.type() || (a.is_number() && b.is_number()); }

/// Places that take a number as well: a word for infinity, and a price with its source.
bool may_be_a_number(const Json& a, const Json& b) {
    return (a == "-inf" || (a.is_object() && a.contains("source"))) && b.is_number();
}

}  // namespace

TEST_CASE("the panel with every key has every key that the readers know") {
    const Json full = full_panel();
    REQUIRE_NOTHROW(use(full));
    std::vector<std::string> objects = {""};
    for (const std::string& pointer : pointers_into(full))
        if (full.at(Json::json_pointer(pointer)).is_object()) objects.push_back(pointer);
    for (const std::string& pointer : objects) {
        std::set<std::string> keys;
        if (pointer.starts_with("/problem/mask/")) keys.insert("all_of");  // instead of a kind
        for (const auto& item : full.at(Json::json_pointer(pointer)).items()) keys.insert(item.key());
        if (pointer == "/problem/mask") continue;  // all_of, and each of its masks has its own turn
        if (const auto more = left_out.find(pointer); more != left_out.end())
            keys.insert(more->second.begin(), more->second.end());
        INFO(pointer);
        CHECK(keys == keys_known_at(full, pointer));
    }
}

TEST_CASE("every key of a panel and of its machine refuses every type that is not its own") {
    const Json full = full_panel();
    const Json values = Json::parse(R"([true, 12, "zq", [], {}, [[]], {"zq": 1}])");
    for (const std::string& pointer : pointers_into(full)) {
        const Json::json_pointer at(pointer);
        for (const Json& value : values) {
            if (same_type(full.at(at), value) || may_be_a_number(full.at(at), value)) continue;
            INFO(pointer << " = " << value.dump());
            CHECK(said_with(full, at, value) != "no error");
        }
        said_with(full, at, nullptr);  // the default or refused, and nothing else
    }
}

TEST_CASE("numbers that no key can mean are refused at every key that takes a number") {
    const Json full = full_panel();
    const Json values = Json::parse("[-1e308, 1e308, 18446744073709551615, -9223372036854775808]");
    for (const std::string& pointer : pointers_into(full)) {
        const Json::json_pointer at(pointer);
        if (!full.at(at).is_number()) continue;
        for (const Json& value : values) {
            INFO(pointer << " = " << value.dump());
            CHECK_THAT(said_with(full, at, value), Catch::Contains("found " + value.dump().substr(0, 2)));
        }
    }
}

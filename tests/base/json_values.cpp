// SPDX-License-Identifier: Apache-2.0
// Does every wrong value in a configuration give one line that says where, what was found and what was expected?
#include "sim/base/error.h"
#include "sim/base/json_reader.h"
#include "tests/base/scratch.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

namespace tilemesh {
namespace {

/// What reading member "v" of {"v": TEXT} complains about, without the file's name.
template <class Read>
std::string complaint(const std::string& text, Read read) {
    const Json json = parse_json_text("{\"v\": " + text + "}", "x.json");
    JsonReader reader(json, "x.json");
    const std::string error = input_error([&] { read(reader); });
    REQUIRE(error.starts_with("x.json: /v: "));
    return error.substr(12);
}

TEST_CASE("good values of every type are read and nothing is left over") {
    const Json json = parse_json_text(
        R"({"s": "text", "b": true, "x": 0.5, "i": 7, "w": "ring", "n": null, "list": [1, 2], "o": {"deep": 3}})",
        "x");
    JsonReader reader(json, "x.json");
    CHECK(reader.string("s") == "text");
    CHECK(reader.boolean("b", false));
    CHECK(reader.number("x", 0, 1) == 0.5);
    CHECK(reader.number("i", 0, 10) == 7.0);
    CHECK(reader.integer("i", 7, 7) == 7);
    CHECK(reader.word("w", {"line", "ring"}) == "ring");
    CHECK_FALSE(reader.has("n"));
    CHECK_FALSE(reader.optional_member("n"));
    const std::vector<JsonReader> list = reader.member("list").elements();
    REQUIRE(list.size() == 2);
    CHECK(list[1].as_integer(0, 9) == 2);
    CHECK(list[1].path() == "/list/1");
    JsonReader inner = reader.member("o");
    CHECK(inner.integer("deep", 0, 9) == 3);
    CHECK(inner.path() == "/o");
    CHECK_NOTHROW(inner.finish());
    CHECK_NOTHROW(reader.finish());
}

TEST_CASE("an absent or null member takes its default, and a present one is still checked") {
    const Json json = parse_json_text(R"({"n": null, "bad": -1})", "x");
    JsonReader reader(json, "x.json");
    for (const char* key : {"n", "absent"}) {
        CHECK(reader.string(key, "d") == "d");
        CHECK(reader.boolean(key, true));
        CHECK(reader.number(key, 0, 1, 5.0) == 5.0);
        CHECK(reader.integer(key, 0, 1, 5) == 5);
        CHECK(reader.word(key, {"a"}, "b") == "b");
    }
    CHECK_THROWS_AS(reader.integer("bad", 0, 1, 5), InputError);
}

TEST_CASE("numbers out of range, however large, and of wrong type are shown as written") {
    const auto number = [](const std::string& text) {
        return complaint(text, [](JsonReader& reader) { reader.number("v", 0.001, 1000); });
    };
    const std::string expected = ", expected a number from 0.001 to 1000";
    CHECK(number("1e300") == "found 1e300" + expected);
    CHECK(number("-2.5") == "found -2.5" + expected);
    CHECK(number("0") == "found 0" + expected);
    CHECK(number("0.0009") == "found 0.0009" + expected);
    CHECK(number("9223372036854775808") == "found 9223372036854775808" + expected);
    CHECK(number("\"8\"") == "found a string \"8\"" + expected);
    CHECK(number("[1]") == "found an array" + expected);
    CHECK(number("{}") == "found an object" + expected);
    CHECK(number("true") == "found true" + expected);
    CHECK(number("null") == "found null" + expected);
}

TEST_CASE("integers are whole numbers, however they are written, and fit their range") {
    const auto integer = [](const std::string& text) {
        return complaint(text, [](JsonReader& reader) { reader.integer("v", 1, 65536); });
    };
    const std::string expected = ", expected an integer from 1 to 65536";
    CHECK(integer("0") == "found 0" + expected);
    CHECK(integer("-5") == "found -5" + expected);
    CHECK(integer("65537") == "found 65537" + expected);
    CHECK(integer("8.5") == "found 8.5" + expected);
    CHECK(integer("1e-1") == "found 0.1" + expected);
    CHECK(integer("1e6") == "found 1000000.0" + expected);
    CHECK(integer("-5.0") == "found -5.0" + expected);
    CHECK(integer("1e300") == "found 1e300" + expected);
    CHECK(integer("9223372036854775808") == "found 9223372036854775808" + expected);
    CHECK(integer("18446744073709551616").starts_with("found 1.8446744073709552e19"));
    CHECK(integer("\"8\"") == "found a string \"8\"" + expected);

    const auto read = [](const std::string& text, std::uint64_t most) {
        const Json json = parse_json_text(text, "x");
        return JsonReader(json, "x").as_integer(0, most);
    };
    CHECK(read("2.0", 2) == 2);
    CHECK(read("1e2", 100) == 100);
    CHECK(read("12.5E1", 125) == 125);
    CHECK(read("-0.0", 0) == 0);
    // 2^53 is the last whole number whose neighbours have doubles of their own.
    CHECK(read("9007199254740992.0", std::uint64_t{1} << 60) == std::uint64_t{1} << 53);
    const Json beyond = parse_json_text("9007199254740994.0", "x");
    CHECK_THROWS_AS(JsonReader(beyond, "x").as_integer(0, std::uint64_t{1} << 60), InputError);

    const Json most = parse_json_text("18446744073709551615", "x");
    const std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
    CHECK(JsonReader(most, "x").as_integer(0, limit) == limit);
    CHECK(JsonReader(Json(7), "x").as_integer(0, 9) == 7);  // signed, as values made in memory are
}

TEST_CASE("a number that is not finite, which only code can make, is out of every range") {
    const double infinity = std::numeric_limits<double>::infinity();
    for (const double value : {std::nan(""), infinity, -infinity}) {
        const Json json = value;
        const std::string error = input_error([&] { JsonReader(json, "x").as_number(-infinity, infinity); });
        CHECK(error.find(std::isnan(value) ? "found nan" : value > 0 ? "found inf" : "found -inf") != error.npos);
        CHECK_THROWS_AS(JsonReader(json, "x").as_integer(0, std::numeric_limits<std::uint64_t>::max()), InputError);
    }
}

TEST_CASE("strings, booleans, words, arrays and objects of another type are refused") {
    CHECK(complaint("1", [](JsonReader& r) { r.string("v"); }) == "found 1, expected a string");
    CHECK(complaint("1", [](JsonReader& r) { r.string("v", "d"); }) == "found 1, expected a string");
    CHECK(complaint("1", [](JsonReader& r) { r.boolean("v", true); }) == "found 1, expected true or false");
    CHECK(complaint("{}", [](JsonReader& r) { r.member("v").elements(); }) == "found an object, expected an array");
    CHECK(complaint("[]", [](JsonReader& r) { r.member("v").member("k"); }) == "found an array, expected an object");
    CHECK(complaint("3", [](JsonReader& r) { r.member("v").finish(); }) == "found 3, expected an object");
    const auto word = [](JsonReader& r) { r.word("v", {"full", "causal"}); };
    CHECK(complaint("1", word) == "found 1, expected one of full, causal");
    CHECK(complaint("\"sparse\"", word) == "found a string \"sparse\", expected one of full, causal");
    CHECK(complaint("\"casual\"", word) ==
          "found a string \"casual\", expected one of full, causal; did you mean causal?");
}

TEST_CASE("a long or unprintable value is shown cut and escaped") {
    const auto text = [](JsonReader& r) { r.integer("v", 0, 1); };
    const std::string error = complaint("\"" + std::string(1000, 'a') + "\"", text);
    CHECK(error == "found a string \"" + std::string(40, 'a') + "...\", expected an integer from 0 to 1");
    CHECK(complaint(R"("a\nb")", text) == "found a string \"a\\x0ab\", expected an integer from 0 to 1");
}

TEST_CASE("a missing member is named with what it should have been") {
    const Json json = parse_json_text(R"({"problem": {}})", "x");
    JsonReader root(json, "x.json");
    JsonReader problem = root.member("problem");
    const auto error = [](auto read) { return input_error(read); };
    CHECK(error([&] { problem.integer("heads_q", 1, 65536); }) ==
          "x.json: /problem/heads_q: missing, expected an integer from 1 to 65536");
    CHECK(error([&] { problem.number("scale", 0, 2.5); }) ==
          "x.json: /problem/scale: missing, expected a number from 0 to 2.5");
    CHECK(error([&] { problem.string("name"); }) == "x.json: /problem/name: missing, expected a string");
    CHECK(error([&] { problem.word("kind", {"a", "b"}); }) == "x.json: /problem/kind: missing, expected one of a, b");
    CHECK(error([&] { root.member("machine"); }) == "x.json: /machine: missing, expected a value");
}

TEST_CASE("a key nobody asked for is refused with the nearest known one, or all of them") {
    const auto error = [](const std::string& text) {
        const Json json = parse_json_text(text, "x");
        JsonReader root(json, "configs/x.json");
        return input_error([&] {
            JsonReader link = root.member("link");
            link.number("latency_ns", 0, 100, 1.0);
            link.number("gbytes_per_s", 0, 100, 1.0);
            link.finish();
            root.finish();
        });
    };
    CHECK(error(R"({"link": {"latency_ns": 2}})") == "no error");
    CHECK(error(R"({"link": {"latncy_ns": 2}})") ==
          "configs/x.json: /link/latncy_ns: unknown key, did you mean latency_ns?");
    CHECK(error(R"({"link": {"colour": 2}})") ==
          "configs/x.json: /link/colour: unknown key, expected one of gbytes_per_s, latency_ns");
    CHECK(error(R"({"link": {}, "lnik": {}})") == "configs/x.json: /lnik: unknown key, did you mean link?");
    CHECK(error(R"({"link": {"a/b~\n": 0}})").starts_with("configs/x.json: /link/a~1b~0\\x0a: unknown key"));

    const Json json = parse_json_text(R"({"k": 1})", "x");
    CHECK(input_error([&] { JsonReader(json, "x.json").finish(); }) == "x.json: /k: unknown key, expected none");
}

TEST_CASE("a number may be the least and the largest that is allowed, and nothing beyond") {
    const Json json = parse_json_text(R"({"a": 0.5, "b": 2.5})", "x");
    JsonReader root(json, "x.json");
    CHECK(root.number("a", 0.5, 2.5) == 0.5);
    CHECK(root.number("b", 0.5, 2.5) == 2.5);
    CHECK(input_error([&] { root.number("a", 0.75, 2.5); }) != "no error");
    CHECK(input_error([&] { root.number("b", 0.5, 2.25); }) != "no error");
}

TEST_CASE("an error about the root names the file alone") {
    const Json json = parse_json_text("[]", "x");
    CHECK(input_error([&] { JsonReader(json, "x.json").member("k"); }) ==
          "x.json: found an array, expected an object");
    CHECK(input_error([&] { JsonReader(json, "x.json").complain("text"); }) == "x.json: text");
}

}  // namespace
}  // namespace tilemesh

// SPDX-License-Identifier: Apache-2.0
// Is text that is not strict JSON refused with the place and the reason?
#include "sim/base/json_reader.h"
#include "tests/base/scratch.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>

namespace tilemesh {
namespace {

std::string error_of(const std::string& text) {
    return input_error([&] { parse_json_text(text, "x.json"); });
}

TEST_CASE("strict JSON is read as it stands, with keys in their order") {
    const Json json = parse_json_text(R"( {"b": [1, -2, 2.5, true, null, "t\n"], "a": {"b": {}}} )", "x.json");
    CHECK(json.dump() == R"({"b":[1,-2,2.5,true,null,"t\n"],"a":{"b":{}}})");
    CHECK(json["b"][0].is_number_unsigned());
    CHECK(parse_json_text("18446744073709551615", "x").get<std::uint64_t>() == 18446744073709551615u);
}

TEST_CASE("malformed text is refused with line and column of the first character that cannot be") {
    CHECK(error_of("{\n  \"a\": tru }").starts_with("x.json: line 2, column 11: "));
    CHECK(error_of("{\"a\": 1,}").starts_with("x.json: line 1, column 9: "));
    CHECK(error_of("{\"a\": 1").starts_with("x.json: line 1, column "));
    CHECK(error_of("\n\n[1 2]").starts_with("x.json: line 3, column 4: "));
    CHECK(error_of("{} x").starts_with("x.json: line 1, column 4: "));
    CHECK(error_of("{\"a\": NaN}").starts_with("x.json: line 1, column 7: "));
    CHECK(error_of("// no comments\n{}").starts_with("x.json: line 1, column "));
    CHECK(error_of("   ").starts_with("x.json: line 1, column "));
    CHECK(error_of("").starts_with("x.json: is empty"));
}

TEST_CASE("the reason is told without the parser's own decoration") {
    for (const char* text :
         {"{\"a\": tru }", "[1e999]", "[1 2]", "{\"a\" 1}", "\"\xff\"", "[\"\\x\"]", "\"\x01\"", "]"}) {
        const std::string error = error_of(text);
        CAPTURE(error);
        CHECK(error.find("json.exception") == std::string::npos);
        CHECK(error.find("parse error") == std::string::npos);
        CHECK(error.find("last read") == std::string::npos);
        CHECK(error.size() > std::string("x.json: line 1, column 1: ").size());
        CHECK(error.size() < 200);
    }
    CHECK(error_of("[1e999]").find("1e999") != std::string::npos);
    CHECK(error_of("\"\xff\"").find("UTF-8") != std::string::npos);
}

TEST_CASE("a NUL byte is no end of a file") {
    using namespace std::string_literals;
    CHECK(error_of("{\"a\": 1}\n\0{\"garbage\": ["s) == "x.json: line 2, column 1: a NUL byte, expected text");
    CHECK(error_of("{\"a\": \"\0\"}"s) == "x.json: line 1, column 8: a NUL byte, expected text");
}

TEST_CASE("a key that appears twice in one object is refused, the same key in two objects is not") {
    CHECK(error_of("{\"a\": 1,\n \"a\": 2}") == "x.json: line 2, column 4: key \"a\" appears twice");
    CHECK(error_of(R"({"a": {"b": 1, "c": {}, "b": 1}})").find("key \"b\" appears twice") != std::string::npos);
    CHECK_NOTHROW(parse_json_text(R"({"a": {"a": 1}, "b": {"a": [{"a": 1}, {"a": 2}]}})", "x.json"));
}

TEST_CASE("nesting deeper than 64 levels is refused, however deep") {
    const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
    CHECK_NOTHROW(parse_json_text(nested(64), "x.json"));
    CHECK(error_of(nested(65)) == "x.json: line 1, column 65: nested deeper than 64 levels");
    CHECK(error_of(std::string(1'000'000, '[')).find("nested deeper") != std::string::npos);
    std::string objects;
    for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
    CHECK(error_of(objects).find("nested deeper") != std::string::npos);
}

TEST_CASE("a file is read, and one that is missing, a folder or empty is named") {
    const ScratchFolder folder;
    write_file(folder / "good.json", "{\"a\": 1}");
    CHECK(parse_json_file(folder / "good.json")["a"] == 1);
    const auto error = [&](const std::string& name) {
        const std::string file = (folder / name).string();
        const std::string text = input_error([&] { parse_json_file(file); });
        REQUIRE(text.starts_with(file + ": "));
        return text.substr(file.size() + 2);
    };
    CHECK(error("none.json") == "cannot be read: No such file or directory");
    CHECK(error("") == "is a directory, expected a JSON file");
    write_file(folder / "empty.json", "");
    CHECK(error("empty.json") == "is empty, expected JSON");
    write_file(folder / "marked.json", "\xef\xbb\xbf{}");
    CHECK(error("marked.json") == "begins with a byte order mark, expected plain UTF-8");
    write_file(folder / "bad.json", "{\n\n!");
    CHECK(error("bad.json").starts_with("line 3, column 1: "));
}

TEST_CASE("what never ends, or is no file, is refused and not waited for") {
    const ScratchFolder folder;
    const auto error = [](const std::filesystem::path& file) {
        return input_error([&] { parse_json_file(file); }).substr(file.string().size());
    };
    CHECK(error("/dev/zero") == ": is a device, expected a JSON file");
    CHECK(error("/dev/null") == ": is a device, expected a JSON file");
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    CHECK(error(folder / "pipe") == ": is empty, expected JSON");  // nobody writes to it
    std::filesystem::create_symlink(folder / "b", folder / "a");
    std::filesystem::create_symlink(folder / "a", folder / "b");
    CHECK(error(folder / "a").starts_with(": cannot be read: "));
    write_file(folder / "large", "{");
    std::filesystem::resize_file(folder / "large", std::uintmax_t{1} << 30);
    CHECK(error(folder / "large") == ": found more than 256 MiB, expected a JSON file");
}

}  // namespace
}  // namespace tilemesh

// SPDX-License-Identifier: Apache-2.0
// Does the reader take what README.md says and refuse the rest in one line, with line and column?
#include "sim/program/program.h"

#include "sim/base/error.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

namespace tilemesh::program {
namespace {

std::string refusal(const std::string& text) {
    try {
        read_program(text, "p.tile");
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}
std::string body(const std::string& statements) {
    return "tile_program 1\nkernel k(%a, %b) {\n" + statements + "\n}\n";
}

std::string readme() {
    std::ifstream file(std::string(TILEMESH_SOURCE_DIR) + "/sim/program/README.md");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("the program of the README is one") {
    const std::string text = readme();
    const std::size_t begin = text.find("tile_program 1"), end = text.find("```", begin);
    REQUIRE(begin != std::string::npos);
    const Program program = read_program(text.substr(begin, end - begin), "README.md");
    REQUIRE(program.functions.size() == 1);
    CHECK(program.kernel("twice").parameters.size() == 4);
    CHECK(program.kernel("twice").parameters[3].constant);
    CHECK(program.kernel("twice").file == "twice.py");
    CHECK(program.kernel("twice").code.front().line == 4);
}

TEST_CASE("the README names every operation with its parameters") {
    const std::string text = readme();
    for (const Operation& operation : operations()) {
        INFO(operation.name << " " << operation.signature);
        CHECK(text.find(std::string(operation.name)) != std::string::npos);
        if (operation.parameters.size() > 3) {
            CHECK(text.find(std::string(operation.name) + " " + std::string(operation.signature)) !=
                  std::string::npos);
        }
    }
}

TEST_CASE("mistakes are refused with their line and column") {
    const std::vector<std::pair<std::string, std::string>> mistakes = {
        {"", "p.tile:1:1: expected tile_program and its version, found the end of the program"},
        {"tile_program 2\n", "p.tile:1:14: version 2 cannot be read, expected 1"},
        {"tile_program 1\nhello\n", "p.tile:2:1: expected kernel or function, found hello"},
        {body("%x = ad %a, %b"), "p.tile:3:6: there is no operation ad, did you mean add?"},
        {body("%x = add %a"), "p.tile:3:6: b is not given: add a, b"},
        {body("%x = add %a, %b, %a"), "p.tile:3:18: add has 2 parameters: a, b"},
        {body("%x = add %a, c=%b"), "p.tile:3:16: add has no parameter c: a, b"},
        {body("%x = add %a, a=%b"), "p.tile:3:16: a is given twice"},
        {body("%x = add %a, %c"), "p.tile:3:14: %c is never assigned"},
        {body("%x = 99999999999999999999"), "p.tile:3:6: 99999999999999999999 does not fit 64 bits"},
        {body("%x = 18446744073709551616"), "p.tile:3:6: 18446744073709551616 does not fit 64 bits"},
        {body("%x = 1e999"), "p.tile:3:6: 1e999 is no number"},
        {body("%x = \"abc"), "p.tile:3:6: a string that does not end on its line"},
        {body("break"), "p.tile:3:1: break outside of a loop"},
        {body("%x = call &f, %a"), "p.tile:3:12: there is no function f"},
        {body("if %a {"), "p.tile:5:1: a block is not closed"},
        {body("%x = add %a, %b @ -1"), "p.tile:3:19: expected a line or column, found -1"},
        {body("%x = (%a, (%b"), "p.tile:4:1: expected , or ), found }"},
        {"tile_program 1\nkernel k() {\n}\nkernel k() {\n}\n", "p.tile:4:8: there are two functions k"},
        {"tile_program 1\nkernel k(%a, %a) {\n}\n", "p.tile:2:14: there are two parameters %a"},
        {body("\x01"), "p.tile:3:1: unexpected \\x01"},
    };
    for (const auto& [text, expected] : mistakes) {
        INFO(text);
        CHECK(refusal(text) == expected);
    }
}

TEST_CASE("programs without end are refused at their limit") {
    std::string nested = "tile_program 1\nkernel k(%a) {\n";
    for (int i = 0; i < 1'000'000; ++i) nested += "loop {\n";
    CHECK(refusal(nested) == "p.tile:66:6: blocks nest deeper than 64");
    std::string tuples = body("%x = " + std::string(100'000, '('));
    CHECK(refusal(tuples) == "p.tile:3:22: tuples nest deeper than 16");
    std::string many = "tile_program 1\nkernel k(%a) {\n";
    for (int i = 0; i < 1'000'001; ++i) many += "wait %a\n";
    CHECK(refusal(many) == "p.tile:1000003:1: more than 1000000 statements");
    std::string variables = "tile_program 1\nkernel k(%a) {\n";
    for (int i = 0; i < 70'000; ++i) variables += "%v" + std::to_string(i) + " = 1\n";
    CHECK(refusal(variables) == "p.tile:65537:1: more than 65535 variables");
}

TEST_CASE("what a variable holds is given up after its last use, on every way") {
    const Program program = read_program(body("%x = add %a, %b\n"
                                              "if %a {\n"
                                              "%y = neg %x\n"
                                              "} else {\n"
                                              "%y = 0\n"
                                              "}\n"
                                              "%z = neg %y\n"
                                              "wait %b\n"),
                                         "p.tile");
    const Function& function = program.kernel("k");
    const auto released = [&](std::size_t i, bool at_target) {
        const Instruction& instruction = function.code[i];
        std::vector<std::string> names;
        const std::uint32_t first = instruction.first_release + (at_target ? instruction.releases : 0U);
        for (std::uint32_t j = 0; j < (at_target ? instruction.releases_at_target : instruction.releases); ++j)
            names.push_back(function.variables[static_cast<std::size_t>(function.releases[first + j])]);
        return names;
    };
    using Names = std::vector<std::string>;
    CHECK(released(0, false) == Names{});
    CHECK(released(1, false) == Names{"a"});      // into the first block
    CHECK(released(1, true) == Names{"a", "x"});  // into the second
    CHECK(released(2, false) == Names{"x"});
    CHECK(released(5, false) == Names{"y", "z"});  // z is asked for by nobody
    CHECK(released(6, false) == Names{"b"});
}

}  // namespace tilemesh::program

// SPDX-License-Identifier: Apache-2.0
// Kernels that are wrong: each ends in an error that says where in the .py file, which the comment there repeats.
#include "sim/base/safetensors.h"
#include "tests/base/scratch.h"
#include "tests/language/says.h"
#include "tests/programs/programs.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <fstream>
#include <limits>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// "constructs.py:12:", the line of a kernel that has this comment.
std::string line_with(const std::string& comment) {
    std::ifstream file(std::string(TILEMESH_SOURCE_DIR) + "/tests/programs/constructs.py");
    std::string line;
    for (int number = 1; std::getline(file, line); ++number)
        if (line.ends_with("# " + comment)) return fmt::format("constructs.py:{}:", number);
    return "no such line";
}

const Json two = {{"x", {{"shape", {16}}, {"dtype", "f32"}, {"values", "ones"}}},
                  {"y", {{"shape", {16}}, {"dtype", "f32"}}}};
const Json x_and_y = {{"x", "x"}, {"y", "y"}};
const Json one = {{"y", {{"shape", {16}}, {"dtype", "f32"}}}};
const Json only_y = {{"y", "y"}};

}  // namespace

TEST_CASE("loads and stores outside of a tensor name the line and the elements") {
    CHECK_THAT(failure_of(small_panel("reads_beyond", two, x_and_y)),
               says(line_with("beyond the last"), "elements 1 to 16 do not lie inside x, which has 16"));
    CHECK_THAT(failure_of(small_panel("writes_before", two, x_and_y)),
               says(line_with("before the first"), "elements -1 to 14 do not lie inside y"));
}

TEST_CASE("a tile of floats in control flow or an address names the line") {
    CHECK_THAT(failure_of(small_panel("float_decides", two, x_and_y)),
               says("constructs.py:", "a condition depends on a tile"));
    CHECK_THAT(failure_of(small_panel("float_addresses", two, x_and_y)),
               says("constructs.py:", "an address depends on"));
}

TEST_CASE("an endless loop ends at the limit, and its line is told") {
    Json panel = small_panel("never_ends", two, x_and_y);
    panel["kernels"][0]["max_instructions"] = 100'000;
    CHECK_THAT(failure_of(panel), says("constructs.py:", "more than 100000 instructions"));
    CHECK_THAT(failure_of(panel), !Catch::Contains("constructs.py: "));
}

TEST_CASE("reading what nobody has stored names the line and the element") {
    Json tensors = two;
    tensors["x"]["values"] = "unknown";
    CHECK_THAT(failure_of(small_panel("reads_nothing", tensors, x_and_y)),
               says(line_with("never stored") +
                    "17: machine.cube0.pe0, command 0 (load): load of x: element 0 was never stored"));
    tensors["x"].erase("values");
    CHECK_THAT(failure_of(small_panel("reads_nothing", tensors, x_and_y)),
               says("element 0 was never stored; unwritten: ",
                    "pe0, command 0 (load) reads what nobody has written: x in machine.cube0.hbm0"));
}

TEST_CASE("assertions of tiles that are known name the line and the first element") {
    const auto failure = [](int which, int n) {
        Json tensors = two;
        tensors["ones"] = {{"shape", {16}}, {"dtype", "i32"}, {"values", "ones"}};
        return failure_of(small_panel("asserts_of_tiles", tensors,
                                      {{"x", "x"}, {"ones", "ones"}, {"y", "y"}, {"n", n}, {"which", which}}));
    };
    CHECK(failure(0, 16) == "");
    CHECK_THAT(failure(0, 15), says(line_with("the last of 16"), "an assertion does not hold at [15]: too small"));
    CHECK(failure(1, 32) == "");
    CHECK_THAT(failure(1, 7),
               says(line_with("one of two dimensions"), "an assertion does not hold at [3, 1]: the place"));
    CHECK_THAT(failure(2, 0), says("an assertion does not hold at [0]: an index of 0"));
    CHECK(failure(3, 0) == "");
    CHECK_THAT(failure(4, 9), says("an assertion does not hold at [9]: a loaded 0"));
}

TEST_CASE("assertions say the constants that their f-strings name") {
    const auto failure = [](int which, int c, const Json& d) {
        Json panel = small_panel("says_constants", one, {{"y", "y"}, {"which", which}});
        panel["kernels"][0]["program"]["constants"] = {{"C", c}, {"D", d}};
        return failure_of(panel);
    };
    CHECK(failure(0, 4, 2.0) == "");
    CHECK_THAT(failure(0, 5, 2.0),
               says(line_with("filled in"), "an assertion does not hold: C is 5, D 2.0, not {C + 1}"));
    CHECK_THAT(failure(0, 7, "f16"), says("C is 7, D f16"));
    CHECK_THAT(failure(1, 4, "none at all"), says("an assertion does not hold: D is none at all"));
}

TEST_CASE("a division of integers by 0 names the line") {
    Json arguments = x_and_y;
    arguments["n"] = 0;
    CHECK_THAT(failure_of(small_panel("divides", two, arguments)), says(line_with("by 0"), "by 0"));
}

TEST_CASE("a message that nobody receives names the line of its send") {
    CHECK_THAT(failure_of(small_panel("sends_alone", one, only_y, {2})),
               says(line_with("nobody receives"), "sent 1 messages to machine.cube0.pe1, which received 0"));
}

TEST_CASE("receives that wait for each other are a deadlock that names their lines") {
    CHECK_THAT(failure_of(small_panel("both_receive", one, only_y, {2})),
               says("deadlock", line_with("nobody sends"), "and so back to machine.cube0.pe0"));
}

TEST_CASE("a barrier that not all come to names the line of who waits") {
    CHECK_THAT(failure_of(small_panel("meets_alone", one, only_y, {2})),
               says("deadlock", line_with("nobody else comes"), "waits at a barrier for machine.cube0.pe1"));
}

TEST_CASE("a barrier of instances that cannot all be in flight is an error, and so is one that an ended one missed") {
    const Json tensors = {{"x", {{"shape", {1}}, {"dtype", "i32"}, {"values", "zeros"}}},
                          {"y", {{"shape", {32}}, {"dtype", "i32"}}}};
    Json panel = small_panel("counts_who_came", tensors, x_and_y, {16});
    CHECK_THAT(failure_of(panel), says(line_with("all in flight"), "of 16 only 8 can be in flight at once"));
    panel["kernels"][0]["programs_per_pe"] = 2;
    CHECK(failure_of(panel) == "");
    panel["kernels"][0]["program"]["grid"] = {17};
    CHECK_THAT(failure_of(panel), says(line_with("all in flight"), "of 17 only 16 can be in flight at once"));
    Json first = small_panel("all_but_one_meet", tensors, x_and_y, {4});
    first["kernels"][0]["program"] = Json::array({first["kernels"][0]["program"], first["kernels"][0]["program"]});
    CHECK_THAT(failure_of(first), says(line_with("one has ended"), "one has ended without coming to it"));
}

TEST_CASE("a message of another shape names the line of the end that came last") {
    CHECK_THAT(failure_of(small_panel("unlike_ends", one, only_y, {2})),
               says(line_with("sent as [4]"), "sent as f32 [4]", "received as f32 [2, 2]"));
}

TEST_CASE("a direction that leads nowhere names the line") {
    CHECK_THAT(failure_of(small_panel("sends_into_nothing", one, only_y)),
               says(line_with("PE 0 has no neighbour there"), "no neighbour to the west"));
    Json panel = small_panel("sends_into_nothing", one, only_y);
    panel["kernels"][0]["directions"] = "cube";
    CHECK_THAT(failure_of(panel), says(line_with("PE 0 has no neighbour there"), "no cube to the west"));
}

TEST_CASE("SRAM that cannot suffice names the line and what is held") {
    CHECK_THAT(failure_of(small_panel("too_large", one, only_y)), says(line_with("16 MiB"), "no room for 16777216"));
    CHECK_THAT(failure_of(small_panel("holds_too_much", one, only_y)),
               says(line_with("the third of 3 MiB"), "no room for 3145728 bytes", "of command 0 (fill)"));
}

TEST_CASE("numbers of panels that their type does not hold are errors with their place, and its ends are not") {
    const auto tensor_of = [](const std::string& dtype, const Json& values) {
        Json tensors = one;
        tensors["y"] = {{"shape", {4}}, {"dtype", dtype}, {"values", values}};
        return failure_of(small_panel("holds_a_number", tensors, {{"y", "y"}, {"n", 1}}));
    };
    const auto argument_of = [](const std::string& dtype, const Json& value) {
        Json tensors = one;
        tensors["y"]["values"] = "zeros";
        return failure_of(
            small_panel("holds_a_number", tensors, {{"y", "y"}, {"n", {{"value", value}, {"dtype", dtype}}}}));
    };
    CHECK_THAT(tensor_of("i8", 300), says("/tensors/y/values", "an integer from -128 to 127", "300"));
    CHECK_THAT(tensor_of("i8", {1.5, 2, 3, 4}), says("/tensors/y/values/0", "an integer from -128 to 127"));
    CHECK_THAT(tensor_of("i8", {1, 2, 3, -129}), says("/tensors/y/values/3", "an integer from -128 to 127"));
    CHECK_THAT(tensor_of("u8", -1), says("/tensors/y/values", "an integer from 0 to 255"));
    CHECK_THAT(tensor_of("i1", 2), says("/tensors/y/values", "an integer from 0 to 1"));
    CHECK_THAT(tensor_of("i8", {{"integers", {100, 300}}}), says("/tensors/y/values/integers/1", "-128 to 127"));
    CHECK_THAT(tensor_of("i32", {{"integers", {0.5, 3}}}), says("/tensors/y/values/integers/0", "an integer"));
    CHECK_THAT(tensor_of("i32", {{"integers", {4, 3}}}), says("/tensors/y/values/integers", "low at most high"));
    CHECK_THAT(tensor_of("i8", {{"uniform", {0, 1}}}), says("/tensors/y/values", "\"integers\""));
    for (const Json& values : {Json{-128, 127, 0, 3.0}, Json(-128), Json{{"integers", {3, 3}}}})
        CHECK(tensor_of("i8", values) == "");
    CHECK(tensor_of("u64", 9e18) == "");
    CHECK_THAT(argument_of("i8", 300), says("/arguments/n/value", "an integer from -128 to 127", "300"));
    CHECK_THAT(argument_of("i32", 1099511627776), says("an integer from -2147483648 to 2147483647"));
    CHECK_THAT(argument_of("i64", 1.5), says("an integer from -9223372036854775808 to 9223372036854775807"));
    CHECK_THAT(argument_of("u8", -1), says("an integer from 0 to 255"));
    CHECK_THAT(argument_of("u64", -1), says("an integer from 0 to 18446744073709551615"));
    CHECK_THAT(argument_of("i8", "y.shape[0]"), !Catch::Contains("/arguments"));
    CHECK_THAT(argument_of("i1", "y.shape[0]"),
               says("/arguments/n/value", "found 16, expected an integer from 0 to 1"));
    CHECK(argument_of("u64", 18446744073709551615U) == "");
    CHECK(argument_of("i8", -128) == "");
    CHECK(argument_of("i64", 3.0) == "");
    CHECK(argument_of("f16", 300) == "");
}

TEST_CASE("integers of panels and files are what is written there, to the last digit, or an error") {
    const ScratchFolder folder;
    const std::string file = (folder / "numbers.safetensors").string();
    const auto failure_with = [](const std::string& dtype, const Json& values, const Json& number) {
        Json tensors = one;
        tensors["y"] = {{"shape", {4}}, {"dtype", dtype}, {"values", values}};
        const Json argument = {{"value", number}, {"dtype", dtype}};
        return failure_of(small_panel("holds_just_that", tensors, {{"y", "y"}, {"n", argument}}));
    };
    const auto stored = [&](std::int64_t number) {
        const std::vector<std::int64_t> numbers(4, number);
        const OutputTensor tensor{"y", {4}, {}, numbers};
        write_safetensors(file, std::span(&tensor, 1), {});
        return Json{{"file", file}};
    };
    constexpr std::int64_t odd = (std::int64_t{1} << 53) + 1;  // no double
    const auto most = std::numeric_limits<std::int64_t>::max(), least = std::numeric_limits<std::int64_t>::min();
    for (const std::int64_t number : {odd, most, least}) {
        CAPTURE(number);
        CHECK(failure_with("i64", number, number) == "");
        CHECK(failure_with("i64", std::vector<std::int64_t>(4, number), number) == "");
        CHECK(failure_with("i64", stored(number), number) == "");
        CHECK_THAT(failure_with("i64", number, number ^ 1), says("another number"));
        CHECK_THAT(failure_with("i32", stored(number), 0),
                   says("/tensors/y", fmt::format("y of {} has {} as its element 0", file, number),
                        "expected an integer from -2147483648 to 2147483647"));
    }
    constexpr std::uint64_t most_unsigned = std::numeric_limits<std::uint64_t>::max();
    CHECK(failure_with("u64", most_unsigned, most_unsigned) == "");
    CHECK_THAT(failure_with("u64", most_unsigned, most_unsigned - 1), says("another number"));
    CHECK_THAT(failure_with("i64", most_unsigned, 0), says("/tensors/y/values", "to 9223372036854775807"));
    CHECK_THAT(failure_with("u64", stored(-1), 0), says("has -1 as its element 0", "from 0 to 18446744073709551615"));
    CHECK(failure_with("u8", stored(255), 255) == "");
    CHECK_THAT(failure_with("u8", stored(256), 0), says("has 256 as its element 0", "from 0 to 255"));
    for (const std::int64_t expected : {odd, odd - 1}) {
        CAPTURE(expected);
        Json tensors = one;
        tensors["y"] = {{"shape", {4}}, {"dtype", "i64"}, {"values", odd}};
        Json panel = small_panel("holds_a_number", tensors, {{"y", "y"}, {"n", 1}});
        panel["check"] = {{"y", stored(expected)}};
        CHECK(Programs(panel).run().result.verdict.pass == (expected == odd));
    }
}

TEST_CASE("a place that says twice on which PEs it is, is an error") {
    const auto placed = [](const Json& place) {
        Json tensors = two;
        tensors["x"]["place"] = place;
        return failure_of(small_panel("reads_beyond", tensors, x_and_y));
    };
    CHECK_THAT(placed({{"shard", 0}, {"over", "cube"}, {"on", {2, 3}}}), says("/tensors/x/place/on", "no \"over\""));
    CHECK_THAT(placed({{"replicate", "cube"}, {"on", {2, 3}}}), says("/tensors/x/place/on", "no \"cube\""));
    CHECK_THAT(placed({{"replicate", "pe"}, {"on", {2, 3}}}), says(line_with("beyond the last")));
}

TEST_CASE("a product of f32 with 16-bit floats is one of these, that of two kinds of 16 bits an error") {
    const auto panel = [](const std::string& left, const std::string& right) {
        const auto tensor = [](const std::string& dtype, const Json& values) {
            return Json{{"shape", {16, 16}}, {"dtype", dtype}, {"values", values}};
        };
        // 1 + 2^-20 is 1 in 16 bits.
        const Json tensors = {{"x", tensor(left, left == "f32" ? 1 + 0x1p-20 : 1.0)},
                              {"w", tensor(right, right == "f32" ? 1 + 0x1p-20 : 1.0)},
                              {"y", tensor("f32", "unknown")}};
        return small_panel("multiplies_unlike", tensors, {{"x", "x"}, {"w", "w"}, {"y", "y"}});
    };
    CHECK(result_of(panel("f32", "f16")) == std::vector<float>(256, 16.0F));
    CHECK(result_of(panel("bf16", "f32")) == std::vector<float>(256, 16.0F));
    CHECK(result_of(panel("f32", "f32")) == std::vector<float>(256, 16.0F + 32 * 0x1p-20F));
    CHECK_THAT(failure_of(panel("bf16", "f16")), says(line_with("unlike operands"), "both must have one dtype"));
}

TEST_CASE("what a check names is looked at before anything runs, in the words of the run") {
    const auto tensor = [](const Json& shape, const Json& values) {
        return Json{{"shape", shape}, {"dtype", "f32"}, {"values", values}};
    };
    const Json tensors = {{"x", tensor({4, 4}, "unknown")},   {"a", tensor({4, 4}, "ones")},
                          {"b", tensor({4}, "ones")},         {"c", tensor({4, 3}, "ones")},
                          {"d", tensor({1, 4, 4}, "normal")}, {"y", tensor({100}, "zeros")}};
    const std::vector<std::pair<Json, std::string>> checks = {
        {{{"reference", "copy"}, {"x", "x"}}, "x has no values before the program runs"},
        {{{"reference", "matmul"}, {"a", "a"}, {"b", "b"}}, "a and b need the same number of dimensions"},
        {{{"reference", "matmul"}, {"a", "a"}, {"b", "c"}, {"transpose_b", true}}, "the inner dimensions"},
        {{{"reference", "matmul"}, {"a", "a"}, {"b", "c"}}, "the matmul of these has 12 elements, y has 100"},
        {{{"reference", "block_matmul"}, {"a", "d"}, {"b", "d"}, {"rows", 2}}, "so many rows of blocks"},
        {{{"reference", "swiglu"}, {"x", "a"}, {"gate", "c"}, {"up", "a"}}, "the shapes of gate and up differ"},
        {{{"reference", "swiglu"}, {"x", "a"}, {"gate", "c"}, {"up", "c"}}, "swiglu of these has 12 elements"},
        {{{"reference", "layer_norm"}, {"x", "c"}, {"weight", "b"}}, "weight needs an element per column"},
        {{{"reference", "softmax"}, {"x", "c"}}, "the softmax of these has 12 elements"},
        {{{"reference", "sum"}, {"x", "c"}}, "the sum of these has 3 elements"},
        {{{"reference", "sum"}, {"x", "b"}}, "the sum of these has 1 elements"},
        {{{"reference", "add"}, {"x", "c"}, {"y", "b"}}, "x and y have different sizes"},
        {{{"reference", "all_to_all"}, {"x", "b"}}, "x needs two dimensions at least"},
        {{{"reference", "copy"}, {"x", "b"}}, "the copy of these has 4 elements"},
        {{{"reference", "attention"}, {"q", "d"}, {"k", "d"}, {"v", "a"}}, "the same number of dimensions, 3 at"},
        {{{"reference", "attention"}, {"q", "d"}, {"k", "d"}, {"v", "d"}}, "attention of these has 16 elements"},
        {{{"reference", "attention_dk"}, {"q", "d"}, {"k", "d"}, {"v", "d"}, {"do", "b"}}, "do needs the shape"},
        {{{"reference", "naive_mesh_attention"}, {"q", "a"}, {"k", "a"}, {"v", "a"}, {"chunk", 3}}, "so many chunks"},
        {{{"reference", "paged_attention"}, {"q", "d"}, {"k", "d"}, {"v", "d"}, {"pages", "a"}, {"lengths", "b"}},
         "q needs to be [users, heads, d]"},
        {{{"file", "nowhere.safetensors"}}, "nowhere.safetensors"},
    };
    for (const auto& [check, expected] : checks) {
        CAPTURE(check.dump());
        Json panel = small_panel("holds_a_number", tensors, {{"y", "y"}, {"n", 1}});
        panel["check"] = {{"y", check}};
        CHECK_THAT(failure_of(panel), says(expected));
        CHECK_THROWS_WITH(run::check_inputs(Programs(panel).panel()), says(expected));
        panel["values"]["mode"] = "none";
        CHECK_NOTHROW(run::check_inputs(Programs(panel).panel()));
    }
}

// SPDX-License-Identifier: Apache-2.0
// Pointers to elements of another type than the memory's: every type over every other holds the same bytes, and moves
// as many as it has.
#include "tests/interpreter/program_text.h"

#include <catch2/catch.hpp>

#include <cstring>

namespace tilemesh::test {
namespace {

using program::Type;

/// 16 bytes, of which no float of any type is NaN, as elements of an integer type.
std::vector<std::int64_t> bytes_as(Type type, const std::vector<std::uint8_t>& bytes) {
    const std::size_t width = program::bytes_of(type);
    std::vector<std::int64_t> numbers;
    for (std::size_t i = 0; i < bytes.size(); i += width) {
        std::uint64_t bits = 0;
        for (std::size_t k = 0; k < width; ++k) bits |= std::uint64_t{bytes[i + k]} << (8 * k);
        numbers.push_back(program::wrapped(type, static_cast<std::int64_t>(bits)));
    }
    return numbers;
}

std::vector<std::uint8_t> some_bytes() {
    std::vector<std::uint8_t> bytes(16);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(37 * i + 3);
    return bytes;
}

const std::vector<Type> integers{Type::i8,  Type::u8,  Type::i16, Type::u16,
                                 Type::i32, Type::u32, Type::i64, Type::u64};

}  // namespace

TEST_CASE("loads and stores through a pointer of another type move the same bytes") {
    const auto bytes = some_bytes();
    for (const Type from : integers)
        for (const Type through : integers)
            for (const Type to : integers) {
                CAPTURE(name_of(from), name_of(through), name_of(to));
                const auto x = array("x", from, {static_cast<std::int64_t>(16 / program::bytes_of(from))}, {},
                                     bytes_as(from, bytes));
                const auto y = array("y", to, {static_cast<std::int64_t>(16 / program::bytes_of(to))});
                const std::string type(name_of(through));
                Trial trial;
                trial.parameters = "%x, %y";
                trial.arguments = {pointer(x), pointer(y)};
                trial.text = "%i = arange 0, " + std::to_string(16 / program::bytes_of(through)) +
                             "\n%p = as_pointer %x, " + type +
                             "\n%p = add %p, %i\n%v = load %p\n%q = as_pointer %y, " + type +
                             "\n%q = add %q, %i\nstore %q, %v";
                CHECK(failure_of(trial).empty());
                REQUIRE(integers_of(*y) == bytes_as(to, bytes));
            }
}

TEST_CASE("floats between bytes, at a pointer that is not the first") {
    const auto x = array("x", Type::u8, {12}, {}, {0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0xC0, 0x3F});
    const auto y = array("y", Type::f32, {1});
    Trial trial;
    trial.parameters = "%x, %y";
    trial.arguments = {pointer(x), pointer(y)};
    trial.text =
        "%p = add %x, 8\n%p = as_pointer %p, f32\n%v = load %p\n%w = add %v, 1.0\nstore %p, %w\nstore %y, %v";
    CHECK(failure_of(trial).empty());
    CHECK(floats_of(*y) == std::vector<float>{1.5F});
    CHECK(integers_of(*x) == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0x20, 0x40});
}

TEST_CASE("a pointer of another type stays where it is, as a tile of pointers too") {
    const auto x = array("x", Type::i16, {16}, {},
                         std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
    const auto y = array("y", Type::i16, {4});
    Trial trial;
    trial.parameters = "%x, %y";
    trial.arguments = {pointer(x), pointer(y)};
    trial.text =
        "%i = arange 0, 4\n%s = mul %i, 4\n%p = add %x, %s\n%w = as_pointer %p, i64\n%p = as_pointer %w, i16\n%p = "
        "add %p, 1\n"
        "%v = load %p\n%q = add %y, %i\nstore %q, %v";
    CHECK(failure_of(trial).empty());
    CHECK(integers_of(*y) == std::vector<std::int64_t>{1, 5, 9, 13});
}

TEST_CASE("a load through one type waits for a store through another, where they meet") {
    const auto x = array("x", Type::u8, {64}, {}, std::vector<std::int64_t>(64, 0));
    const auto y = array("y", Type::i32, {4});
    Trial trial;
    trial.parameters = "%x, %y";
    trial.arguments = {pointer(x), pointer(y)};
    trial.text =
        "%i = arange 0, 16\n%p = add %x, %i\nstore %p, 1\n%j = arange 0, 4\n%q = as_pointer %x, i32\n%q = add %q, "
        "%j\n"
        "%v = load %q\n%r = add %y, %j\nstore %r, %v";
    CHECK(failure_of(trial).empty());
    CHECK(integers_of(*y) == std::vector<std::int64_t>(4, 0x01010101));
}

TEST_CASE("pointers that lie between elements of their type, and integers as pointers, are complaints") {
    const auto x = array("x", Type::u8, {16}, {}, std::vector<std::int64_t>(16, 0));
    Trial trial;
    trial.parameters = "%x";
    trial.arguments = {pointer(x)};
    const auto failure = [&](const std::string& text) {
        trial.text = text;
        return failure_of(trial);
    };
    const std::string between = "a pointer to i32 that is no whole number of them from the beginning of x";
    CHECK_THAT(failure("%p = add %x, 2\n%p = as_pointer %p, i32"), Catch::Contains(between));
    CHECK_THAT(failure("%i = arange 0, 4\n%p = add %x, %i\n%p = as_pointer %p, i32"), Catch::Contains(between));
    CHECK_THAT(failure("%p = as_pointer 16, i32"),
               Catch::Contains("the constant 16 cannot become a pointer: pass the tensor"));
    CHECK_THAT(failure("%p = as_pointer %x, i32\n%p = add %p, 4\n%v = load %p"),
               Catch::Contains("elements 4 to 4 do not lie inside x"));
}

}  // namespace tilemesh::test

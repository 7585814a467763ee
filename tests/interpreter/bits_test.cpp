// SPDX-License-Identifier: Apache-2.0
// Bits of what commands compute, values of many dimensions, and stores that merge.
#include "tests/interpreter/program_text.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

namespace tilemesh::test {
namespace {

using program::Type;

/// Eight floats go in, what the statements make of %x comes out, as integers of a type.
std::vector<std::int64_t> computed(const std::vector<float>& values, const std::string& statements, Type type,
                                   ValueMode mode = ValueMode::full) {
    const auto x = array("x", Type::f32, {8}, values), y = array("y", type, {8});
    Trial trial;
    trial.parameters = "%xp, %yp";
    trial.arguments = {pointer(x), pointer(y)};
    trial.values = mode;
    trial.text =
        "%i = arange 0, 8\n%p = add %xp, %i\n%x = load %p\n" + statements + "\n%p = add %yp, %i\nstore %p, %y";
    run(trial);
    return integers_of(*y);
}

}  // namespace

TEST_CASE("floats have bits, integers of commands all 32 of them") {
    const std::vector<float> values{1.0F, -2.0F, 0.5F, 3e38F, -0.0F, 1e-40F, 16777216.0F, 7.0F};
    const auto bits = computed(values, "%y = cast %x, i32, bitcast=true", Type::i32);
    CHECK(bits == std::vector<std::int64_t>{0x3f800000, -1073741824, 0x3f000000, 0x7f61b1e6, -2147483648, 71362,
                                            0x4b800000, 0x40e00000});
    CHECK(computed(values,
                   "%b = cast %x, i32, bitcast=true\n%c = xor %b, 1\n%d = xor %c, 1\n%f = cast %d, f32, "
                   "bitcast=true\n%y = cast %f, i32, bitcast=true",
                   Type::i32) == bits);
    const auto product = computed(values, "%b = cast %x, i32, bitcast=true\n%y = mul %b, 3", Type::i32);
    for (std::size_t i = 0; i < 8; ++i) CHECK(product[i] == static_cast<std::int32_t>(bits[i] * 3));
}

TEST_CASE("floats that an integer type does not hold become its ends") {
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> values{1e20F, inf, -1e20F, -inf, nan, -2.75F, 2147483520.0F, 4e9F};
    const auto cast = [&](const std::string& type, Type as) { return computed(values, "%y = cast %x, " + type, as); };
    const std::int64_t most = std::numeric_limits<std::int64_t>::max();
    CHECK(cast("i32", Type::i32) ==
          std::vector<std::int64_t>{2147483647, 2147483647, -2147483648, -2147483648, 0, -2, 2147483520, 2147483647});
    CHECK(cast("u32", Type::u32) ==
          std::vector<std::int64_t>{4294967295, 4294967295, 0, 0, 0, 0, 2147483520, 4000000000});
    CHECK(cast("i64", Type::i64) ==
          std::vector<std::int64_t>{most, most, -most - 1, -most - 1, 0, -2, 2147483520, 4000000000});
    // Those of u64 are kept as two's complement, and 1e20 is beyond them too.
    CHECK(cast("u64", Type::u64) == std::vector<std::int64_t>{-1, -1, 0, 0, 0, 0, 2147483520, 4000000000});
}

TEST_CASE("shifts, masks and divisions of computed integers are those of C") {
    const std::vector<float> values{1, -1, 7, -7, 100, -100, 130, 3};
    const std::vector<std::pair<std::string, std::int64_t (*)(std::int64_t)>> cases = {
        {"shr %n, 2", [](std::int64_t n) { return n >> 2; }},
        {"shl %n, 30",
         [](std::int64_t n) { return std::int64_t{static_cast<std::int32_t>(static_cast<std::uint64_t>(n) << 30)}; }},
        {"and %n, 12", [](std::int64_t n) { return n & 12; }},
        {"or %n, 65536", [](std::int64_t n) { return n | 65536; }},
        {"invert %n", [](std::int64_t n) { return ~n; }},
        {"floordiv %n, 3", [](std::int64_t n) { return n / 3; }},
        {"mod %n, 3", [](std::int64_t n) { return n % 3; }},
        {"abs %n", [](std::int64_t n) { return n < 0 ? -n : n; }},
        {"cdiv %n, 3", [](std::int64_t n) { return (n + 2) / 3; }},
        {"cast %n, i8", [](std::int64_t n) { return std::int64_t{static_cast<std::int8_t>(n)}; }},
        {"cast %n, u8", [](std::int64_t n) { return std::int64_t{static_cast<std::uint8_t>(n)}; }},
    };
    for (const auto& [text, function] : cases) {
        INFO(text);
        const auto got = computed(values, "%n = cast %x, i32\n%y = " + text, Type::i32);
        for (std::size_t i = 0; i < 8; ++i) CHECK(got[i] == function(static_cast<std::int64_t>(values[i])));
    }
}

TEST_CASE("integers of commands are divided exactly, rounded up in steps of their type, unsigned ones have no sign") {
    const std::vector<float> values{0, 1, 2, 3, 4, 5, 6, 7};
    const auto large = computed(values, "%n = cast %x, i32\n%m = add %n, 207820992\n%y = cdiv %m, 3", Type::i32);
    for (std::size_t i = 0; i < 8; ++i) CHECK(large[i] == (207820992 + static_cast<std::int64_t>(i) + 2) / 3);
    // 5 + 254 - 1 is 2 in 8 bits, also where loads know it.
    const std::string eights = "%n = cast %x, i32\n%n = and %n, 0\n%n = add %n, 5\n%a = cast %n, u8\n";
    CHECK(computed(values, eights + "%y = cdiv %a, 254", Type::u8) == std::vector<std::int64_t>(8, 0));
    CHECK(computed(values, "%a = full (8,), 5, u8\n%y = cdiv %a, 254", Type::u8) == std::vector<std::int64_t>(8, 0));
    const std::string all_set = "%n = cast %x, i32\n%n = or %n, -1\n%u = cast %n, u32\n";
    CHECK(computed(values, all_set + "%y = abs %u", Type::u32) == std::vector<std::int64_t>(8, 4294967295));
    CHECK(computed(values, "%u = full (8,), -1, u64\n%y = abs %u", Type::u64) == std::vector<std::int64_t>(8, -1));
    const std::string least = "%n = full (8,), -9223372036854775807, i64\n%n = sub %n, 1\n%m = full (8,), -1, i64\n";
    CHECK(computed(values, least + "%y = floordiv %n, %m", Type::i64) ==
          std::vector<std::int64_t>(8, std::numeric_limits<std::int64_t>::min()));
    CHECK(computed(values, least + "%y = mod %n, %m", Type::i64) == std::vector<std::int64_t>(8, 0));
}

TEST_CASE("a shift to the right brings in the sign of what is shifted, whatever shifts it") {
    const std::vector<float> values(8, 0);
    CHECK(computed(values, "%n = full (8,), -8, i32\n%b = full (8,), 1, u32\n%y = shr %n, %b", Type::u32) ==
          std::vector<std::int64_t>(8, 4294967292));
    CHECK(computed(values, "%n = full (8,), -8, i64\n%b = full (8,), 1, u64\n%y = shr %n, %b", Type::u64) ==
          std::vector<std::int64_t>(8, -4));
    CHECK(computed(values, "%n = full (8,), -8, u64\n%b = full (8,), 1, i64\n%y = shr %n, %b", Type::u64) ==
          std::vector<std::int64_t>(8, std::numeric_limits<std::int64_t>::max() - 3));
}

TEST_CASE("a sum in a dtype is what that holds of it, by commands and of what is known") {
    const std::vector<float> values{100, 100, 23, 0, 0, 0, 0, 0};
    CHECK(computed(values,
                   "%n = cast %x, i8\n%s = sum %n, 0, dtype=i8\n%w = cast %s, i32\n%y = broadcast_to %w, (8,)",
                   Type::i32) == std::vector<std::int64_t>(8, -33));
    CHECK(computed(values, "%n = full (8,), 100, i8\n%s = sum %n, 0, dtype=i8\n%w = cast %s, i32\n%y = add %w, 0",
                   Type::i32) == std::vector<std::int64_t>(8, 32));
    CHECK(computed(values, "%n = cast %x, i8\n%s = sum %n, 0\n%y = broadcast_to %s, (8,)", Type::i32) ==
          std::vector<std::int64_t>(8, 223));
    // That of u8 is a u32: what is below 0 wraps.
    CHECK(computed(values,
                   "%n = cast %x, u8\n%s = sum %n, 0\n%s = sub %s, 224\n%w = cast %s, i64\n"
                   "%y = broadcast_to %w, (8,)",
                   Type::i64) == std::vector<std::int64_t>(8, 4294967295));
}

TEST_CASE("a load's other value is one of the element's type") {
    const auto h = array("h", Type::f16, {4}, {1, 2, 3, 4}), f = array("f", Type::f32, {8});
    const auto b = array("b", Type::u8, {4}, {}, {1, 2, 3, 4}), n = array("n", Type::i64, {8});
    const auto w = array("w", Type::i64, {4}, {}, {1, 2, 3, 4});
    Trial trial;
    trial.parameters = "%h, %b, %w, %f, %n";
    trial.arguments = {pointer(h), pointer(b), pointer(w), pointer(f), pointer(n)};
    trial.text =
        "%i = arange 0, 4\n%m = lt %i, 2\n%p = add %h, %i\n%x = load %p, mask=%m, other=0.1\n%x = cast %x, f32\n"
        "%q = add %f, %i\nstore %q, %x\n"
        "%x = load %p, mask=%m, other=1e6\n%x = cast %x, f32\n%j = add %i, 4\n%q = add %f, %j\nstore %q, %x\n"
        "%p = add %b, %i\n%x = load %p, mask=%m, other=-1\n%x = cast %x, i64\n%x = mul %x, 2\n%q = add %n, %i\n"
        "store %q, %x\n%p = add %w, %i\n%x = load %p, mask=%m, other=9007199254740993\n%q = add %n, %j\n"
        "store %q, %x";
    run(trial);
    CHECK(floats_of(*f) == std::vector<float>{1, 2, 0.0999755859375F, 0.0999755859375F, 1, 2,
                                              std::numeric_limits<float>::infinity(),
                                              std::numeric_limits<float>::infinity()});
    CHECK(integers_of(*n) == std::vector<std::int64_t>{2, 4, 510, 510, 1, 2, 9007199254740993, 9007199254740993});
}

TEST_CASE("softmax takes any axis") {
    const std::vector<float> values{0, 1, 2, 3, 3, 1, 0, -1};
    const auto along = [&](const std::string& axis) {
        return computed(values,
                        "%a = reshape %x, (2, 4)\n%s = softmax %a, dim=" + axis +
                            "\n%s = mul %s, 1000000\n%s = reshape %s, (8,)\n%y = cast %s, i32",
                        Type::i32);
    };
    const auto rows = along("1"), columns = along("0");
    for (std::size_t c = 0; c < 4; ++c) {
        const double first = std::exp(values[c]), second = std::exp(values[4 + c]);
        CHECK(columns[c] == Approx(1e6 * first / (first + second)).margin(2));
        CHECK(columns[4 + c] == Approx(1e6 * second / (first + second)).margin(2));
        CHECK(rows[c] == Approx(1e6 * first / (1 + std::exp(1) + std::exp(2) + std::exp(3))).margin(2));
    }
}

TEST_CASE("four dimensions are reshaped, turned around and reduced as three are") {
    std::vector<float> values;
    for (int i = 0; i < 8; ++i) values.push_back(static_cast<float>(i * i));
    CHECK(
        computed(
            values,
            "%a = reshape %x, (2, 2, 1, 2)\n%b = permute %a, (3, 2, 0, 1)\n%c = reshape %b, (8,)\n%y = cast %c, i32",
            Type::i32) == std::vector<std::int64_t>{0, 4, 16, 36, 1, 9, 25, 49});
    CHECK(computed(values,
                   "%a = reshape %x, (2, 2, 1, 2)\n%s = sum %a, 1, keep_dims=true\n%b = sub %a, %s\n%c = reshape %b, "
                   "(8,)\n%y = "
                   "cast %c, i32",
                   Type::i32) == std::vector<std::int64_t>{-4, -9, 0, -1, -36, -49, -16, -25});
}

TEST_CASE("stores that merge keep the extreme, and what was never stored counts as nothing") {
    const auto x = array("x", Type::i32, {4}, {}, {5, -3, 9, 2}), y = array("y", Type::i32, {1}, {}, {4}),
               z = array("z", Type::i32, {1});
    Trial trial;
    trial.parameters = "%x, %y, %z";
    trial.arguments = {pointer(x), pointer(y), pointer(z)};
    trial.text =
        "%i = arange 0, 4\n%p = add %x, %i\n%v = load %p\n%at = mul %i, 0\n%q = add %y, %at\natomic_max %q, %v\n%r = "
        "add %z, %at\natomic_min %r, %v";
    run(trial);
    CHECK(integers_of(*y) == std::vector<std::int64_t>{9});
    CHECK(integers_of(*z) == std::vector<std::int64_t>{-3});
}

TEST_CASE("what an atomic operation of integers finds is known, one instance after the other") {
    const auto x = array("x", Type::i32, {2}, {}, {7, 40});
    const auto y = array("y", Type::i32, {4}, {}, {0, 0, 0, 0});
    Trial trial;
    trial.parameters = "%x, %y";
    trial.arguments = {pointer(x), pointer(y)};
    trial.text =
        "%a = atomic_add %x, 3\nstore %y, %a\n%b = atomic_max %x, 5\n%q = add %y, 1\nstore %q, %b\n"
        "%c = atomic_cas %x, 10, 20\n%r = add %y, 2\nstore %r, %c\n%n = atomic_cas %x, 10, 30\n%s = add %y, 3\n"
        "store %s, %n\n%z = add %x, 1\natomic_xchg %z, 9";
    run(trial);
    CHECK(integers_of(*y) == std::vector<std::int64_t>{7, 10, 10, 20});
    CHECK(integers_of(*x) == std::vector<std::int64_t>{20, 9});
}

TEST_CASE("bits of what has another size, and what atomics of floats find, are refused with their place") {
    const auto x = array("x", Type::f32, {8}, std::vector<float>(8, 1.0F));
    Trial trial;
    trial.parameters = "%x";
    trial.arguments = {pointer(x)};
    trial.text = "%i = arange 0, 8\n%p = add %x, %i\n%v = load %p\n%y = cast %v, i16, bitcast=true";
    CHECK(failure_of(trial).find("32 bits are not 16") != std::string::npos);
    trial.text = "%i = arange 0, 8\n%p = add %x, %i\n%old = atomic_max %p, 1.0\n%y = add %old, 1";
    CHECK(failure_of(trial).find("what atomic_max of f32 finds: only of integers") != std::string::npos);
}

}  // namespace tilemesh::test

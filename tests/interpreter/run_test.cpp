// SPDX-License-Identifier: Apache-2.0
// Does a program do what its text says, and do its errors say where?
#include "tests/interpreter/program_text.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

namespace tilemesh::test {

using program::Type;
using program::Value;

TEST_CASE("loops, branches and calls run in order") {
    const auto out = array("out", Type::i64, {6}, {}, std::vector<std::int64_t>(6, 0));
    Trial trial;
    trial.parameters = "%out";
    trial.arguments = {pointer(out)};
    trial.text = R"(
  %sum = 0
  for %i = 0, 10, 3 {
    %odd = mod %i, 2
    if %odd {
      continue
    }
    %sum = add %sum, %i
  }
  store %out, %sum
  %n = 0
  loop {
    %done = ge %n, 5
    if %done {
      break
    }
    %n = add %n, 2
  }
  %p = add %out, 1
  store %p, %n
  %q, %r = call &divided, 17, by=5
  %p = add %out, 2
  store %p, %q
  %p = add %out, 3
  store %p, %r
  for %i = 5, 0, -2 {
    %last = %i
  }
  %p = add %out, 4
  store %p, %last
  for %i = 3, 3, 1 {
    %last = 99
  }
  %p = add %out, 5
  store %p, %last
}
function divided(%a, %by, %unused=7) {
  %q = floordiv %a, %by
  %r = mod %a, %by
  if %r {
    return %q, %r
  }
  return %q, -1)";
    run(trial);
    CHECK(integers_of(*out) == std::vector<std::int64_t>{0 + 6, 6, 3, 2, 1, 1});
}

TEST_CASE("integers that are loaded decide what runs and where memory is read") {
    const auto table = array("table", Type::i32, {4}, {}, {2, 0, 3, 1});
    const auto from = array("from", Type::f32, {8}, {0, 1, 2, 3, 4, 5, 6, 7});
    const auto to = array("to", Type::f32, {8}, std::vector<float>(8, -1));
    for (const ValueMode mode : {ValueMode::full, ValueMode::none}) {
        Trial trial;
        trial.parameters = "%table, %from, %to";
        trial.arguments = {pointer(table), pointer(from), pointer(to)};
        trial.values = mode;
        trial.text = R"(
  %lanes = arange 0, 4
  %at = add %table, %lanes
  %pages = load %at
  %pages = expand_dims %pages, 1
  %start = mul %pages, 2
  %two = arange 0, 2
  %offsets = add %start, %two
  %first = load %table
  if %first {
    %p = add %from, %offsets
    %x = load %p
    %q = mul %lanes, 2
    %q = expand_dims %q, 1
    %q = add %q, %two
    %q = add %to, %q
    store %q, %x
  })";
        const machine::Outcome outcome = run(trial);
        CHECK(outcome.commands == 4);  // two of the table, one gather, one store
        if (mode == ValueMode::full) CHECK(floats_of(*to) == std::vector<float>{4, 5, 0, 1, 6, 7, 2, 3});
    }
}

TEST_CASE("numbers of u64 that are loaded are ordered without a sign") {
    const std::int64_t most = -1, half = std::numeric_limits<std::int64_t>::min();  // 2^64 - 1, 2^63
    const auto x = array("x", Type::u64, {4}, {}, {half, 7, most, half + 5});
    const auto out = array("out", Type::u64, {12}, {}, std::vector<std::int64_t>(12));
    Trial trial;
    trial.parameters = "%xp, %out";
    trial.arguments = {pointer(x), pointer(out)};
    trial.text = R"(
%i = arange 0, 4
%p = add %xp, %i
%x = load %p
%m = max %x, 0
%n = argmin %x, 0
%l = gt %x, 9223372036854775808
%l = cast %l, u64
%q = minimum %x, 9223372036854775810
%d = floordiv %x, 16
store %out, %m
%p = add %out, 1
store %p, %n
%p = add %out, 2
%s = sum %l, 0
store %p, %s
%p = add %out, 4
%p = add %p, %i
store %p, %q
%p = add %p, 4
store %p, %d
)";
    CHECK(failure_of(trial).empty());
    const std::int64_t sixteenth = std::int64_t{1} << 59;
    CHECK(integers_of(*out) == std::vector<std::int64_t>{most, 1, 2, 0, half, 7, half + 2, half + 2, sixteenth, 0,
                                                         2 * sixteenth - 1, sixteenth});
}

TEST_CASE("times are those of the commands alone, in every mode") {
    // HBM moves 4 * 16 = 64 bytes in 64 ns; the vector engine 16 elements in 16 ns; the store 64 ns.
    const auto x = array("x", Type::f32, {16}, std::vector<float>(16, 2.0F));
    const auto y = array("y", Type::f32, {16});
    for (const ValueMode mode : {ValueMode::full, ValueMode::none}) {
        Trial trial;
        trial.parameters = "%x, %y";
        trial.arguments = {pointer(x), pointer(y)};
        trial.values = mode;
        trial.text = R"(
  %i = arange 0, 16
  %p = add %x, %i
  %v = load %p
  %v = mul %v, 3.0
  %q = add %y, %i
  store %q, %v)";
        CHECK(to_nanoseconds(run(trial).time) == 64.0 + 16.0 + 64.0);
    }
    CHECK(floats_of(*y) == std::vector<float>(16, 6.0F));
}

TEST_CASE("who needs loaded integers stands still until they have arrived") {
    // 64 ns to load them; only then is the fill of 16 ns issued.
    const auto table = array("table", Type::i32, {16}, {}, std::vector<std::int64_t>(16, 1));
    for (const bool needed : {true, false}) {
        Trial trial;
        trial.parameters = "%table";
        trial.arguments = {pointer(table)};
        trial.values = ValueMode::none;
        trial.text = std::string("%i = arange 0, 16\n%p = add %table, %i\n%v = load %p\n") +
                     (needed ? "%s = sum %v, 0\n" : "") + "%z = zeros (16,)\nwait %z";
        CHECK(to_nanoseconds(run(trial).time) == (needed ? 64 + 16 : 64));
    }
}

TEST_CASE("a masked load moves what the mask lets through, and fills the rest") {
    const auto x = array("x", Type::f32, {16}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
    const auto y = array("y", Type::f32, {16}, std::vector<float>(16, -1));
    Trial trial;
    trial.parameters = "%x, %y";
    trial.arguments = {pointer(x), pointer(y)};
    trial.text = R"(
  %i = arange 0, 16
  %p = add %x, %i
  %low = lt %i, 12
  %high = ge %i, 8
  %m = logical_and %low, %high
  %v = load %p, mask=%m, other=-5.0
  %q = add %y, %i
  %even = mod %i, 2
  %even = eq %even, 0
  store %q, %v, mask=%even)";
    const machine::Outcome outcome = run(trial);
    CHECK(floats_of(*y) == std::vector<float>{-5, -1, -5, -1, -5, -1, -5, -1, 8, -1, 10, -1, -5, -1, -5, -1});
    for (std::size_t i = 0; i < outcome.components.size(); ++i)
        if (outcome.components[i].path == "machine.cube0.hbm0")
            CHECK(outcome.totals[i].bytes.value() == 64 + 64);  // bursts: one run, and all eight elements in one
}

TEST_CASE("errors of a program name its file, line and column") {
    const auto x = array("x", Type::f32, {16}, std::vector<float>(16, 1.0F));
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"%i = arange 0, 17 @ 3:5\n%p = add %x, %i @ 4:5\n%v = load %p @ 5:9", "k.py:5:9: "},
        {"%i = arange 0, 16\n%p = add %x, %i\n%v = load %p\nif %v @ 7:8 {\n}", "k.py:7:8: "},
        {"%i = arange 0, 16\n%p = add %x, %i\n%v = load %p\n%q = add %x, %v @ 8:1", "k.py:8:1: "},
        {"%a = zeros (4, 8)\n%b = zeros (4, 8)\n%c = dot %a, %b @ 9:2", "k.py:9:2: "},
        {"%a = zeros (4, 8)\n%b = zeros (3, 8)\n%c = add %a, %b @ 10:2", "k.py:10:2: "},
        {"%a = zeros (4, 8) @ 2:1\n%b = reshape %a, (5, 8) @ 11:2", "k.py:11:2: "},
        {"%a = floordiv 1, 0 @ 12:2", "k.py:12:2: "},
        {"loop {\n%a = add 1, 2 @ 13:2\n}", "k.py:13"},
        {"static_assert false, \"no\" @ 14:1", "k.py:14:1: "},
        {"%a = zeros (1000000, 1000) @ 15:1", "k.py:15:1: "},
        {"send \"E\", %x @ 16:1", "k.py:16:1: "},
    };
    for (const auto& [text, place] : cases) {
        Trial trial;
        trial.parameters = "%x";
        trial.arguments = {pointer(x)};
        trial.text = text;
        const std::string failure = failure_of(trial);
        INFO(text << "\n" << failure);
        CHECK(failure.rfind(place, 0) == 0);
        CHECK(failure.find("program (0, 0, 0)") + failure.find("kernel k") != 2 * std::string::npos);
    }
}

TEST_CASE("every elementwise command computes its function, rounded to its type") {
    std::vector<float> values;
    for (int i = 0; i < 16; ++i) values.push_back(round_to(Dtype::f16, 0.3F + 0.21F * static_cast<float>(i)));
    const auto x = array("x", Type::f16, {16}, values);
    const std::vector<std::pair<std::string, double (*)(double)>> functions = {
        {"exp", [](double v) { return std::exp(v); }},
        {"exp2", [](double v) { return std::exp2(v); }},
        {"log", [](double v) { return std::log(v); }},
        {"log2", [](double v) { return std::log2(v); }},
        {"sqrt", [](double v) { return std::sqrt(v); }},
        {"rsqrt", [](double v) { return 1 / std::sqrt(v); }},
        {"sin", [](double v) { return std::sin(v); }},
        {"cos", [](double v) { return std::cos(v); }},
        {"erf", [](double v) { return std::erf(v); }},
        {"tanh", [](double v) { return std::tanh(v); }},
        {"abs", [](double v) { return std::fabs(v); }},
        {"floor", [](double v) { return std::floor(v); }},
        {"ceil", [](double v) { return std::ceil(v); }},
        {"neg", [](double v) { return -v; }},
        {"sigmoid", [](double v) { return 1 / (1 + std::exp(-v)); }},
    };
    for (const auto& [name, function] : functions) {
        const auto y = array("y", Type::f32, {16});
        Trial trial;
        trial.parameters = "%x, %y";
        trial.arguments = {pointer(x), pointer(y)};
        trial.text = "%i = arange 0, 16\n%p = add %x, %i\n%v = load %p\n%v = cast %v, f32\n%v = " + name +
                     " %v\n%q = add %y, %i\nstore %q, %v";
        run(trial);
        INFO(name);
        const std::vector<float> got = floats_of(*y);
        for (std::size_t i = 0; i < 16; ++i)
            CHECK(got[i] == Approx(function(static_cast<double>(values[i]))).epsilon(2e-6));
    }
}

}  // namespace tilemesh::test

// SPDX-License-Identifier: Apache-2.0
// What happens when several programs share a PE: do they overlap, in an order that nothing but the model decides, and
// does each still see its own memory in order?
#include "tests/interpreter/program_text.h"

#include <catch2/catch.hpp>

namespace tilemesh::test {
namespace {

using program::Type;

/// Each instance: a product of [4, 4] tiles (64 ns), then 64 ns of vector work on it, three times.
Trial products_and_vectors(int instances, int processors) {
    Trial trial;
    trial.instances = instances;
    trial.processors = processors;
    trial.values = ValueMode::none;
    trial.text = R"(
  %a = zeros (4, 4), f16
  for %i = 0, 3, 1 {
    %s = dot %a, %a
    %t = mul %s, 2.0
    %t = mul %t, 2.0
    %t = mul %t, 2.0
    %t = mul %t, 2.0
    %a = cast %t, f16
  })";
    return trial;
}

}  // namespace

TEST_CASE("two programs on a PE do products and vector work at once") {
    // Alone: 16 to fill, then three times 64 + 5 * 16. Four of them one after the other; two at a time they overlap.
    const double alone = to_nanoseconds(run(products_and_vectors(1, 1)).time);
    CHECK(alone == 16 + 3 * (64 + 80));
    CHECK(to_nanoseconds(run(products_and_vectors(4, 1)).time) == 4 * alone);
    const double shared = to_nanoseconds(run(products_and_vectors(4, 2)).time);
    CHECK(shared < 0.7 * 4 * alone);
    CHECK(shared >= 4 * (16 + 3 * 80));  // no faster than the vector engine
}

TEST_CASE("programs that share a PE take the same time however the machine is built") {
    for (const int processors : {2, 3, 5, 8}) {
        Trial trial = products_and_vectors(11, processors);
        const machine::Outcome forward = run(trial);
        trial.reverse = true;
        const machine::Outcome backward = run(trial);
        CHECK(forward.time == backward.time);
        CHECK(forward.commands == backward.commands);
    }
}

TEST_CASE(
    "processors of a PE act at picoseconds of their own, and an engine that they share begins in the next one") {
    for (int processors = 2; processors <= 3; ++processors)
        for (int acts = 0; acts < processors; ++acts) {
            CAPTURE(processors, acts);
            Trial trial;
            trial.instances = trial.processors = processors;
            trial.values = ValueMode::none;
            trial.text = "%pid = program_id 0\n%acts = eq %pid, " + std::to_string(acts) +
                         "\nif %acts {\n%a = zeros (10, 10)\nwait %a\n}";
            CHECK(run(trial).time == Picoseconds(static_cast<std::uint64_t>(acts) + 1 + 100'000));
        }
}

TEST_CASE("programs that share a PE load what they have stored themselves") {
    const auto x = array("x", Type::f32, {64}, std::vector<float>(64, 1.0F));
    Trial trial;
    trial.parameters = "%x";
    trial.arguments = {pointer(x)};
    trial.instances = 8;
    trial.processors = 4;
    trial.text = R"(
  %pid = program_id 0
  %i = arange 0, 8
  %first = mul %pid, 8
  %i = add %i, %first
  %p = add %x, %i
  for %n = 0, 5, 1 {
    %v = load %p
    %v = add %v, %v
    store %p, %v
  })";
    run(trial);
    CHECK(floats_of(*x) == std::vector<float>(64, 32.0F));
}

TEST_CASE("programs that share a PE wait for each other's SRAM") {
    // A tile of 60 % of the SRAM each: they run one after the other, and none fails.
    const std::uint64_t room = counting_machine().pe.sram.value();
    const auto elements = static_cast<std::int64_t>(room * 6 / 10 / 4);
    Trial trial;
    trial.instances = 4;
    trial.processors = 2;
    trial.values = ValueMode::none;
    trial.text = "%a = zeros (" + std::to_string(elements) + ",)\nwait %a\n%b = sum %a, 0\nwait %b";
    CHECK(failure_of(trial) == "");
}

}  // namespace tilemesh::test

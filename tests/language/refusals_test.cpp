// SPDX-License-Identifier: Apache-2.0
// Mistakes in a kernel are refused as the command is issued, in one message that names kernel, PE, command and
// shapes.
#include "tests/language/says.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// What PE 1 of the ideal line is told for this kernel, after one command that is right.
std::string refusal(const std::function<void(tl::Context& tl, const Tile& tile)>& mistake) {
    const auto text = [&](tl::Context& tl) { mistake(tl, tl.zeros({4, 6})); };
    return failure_of(ideal_line(), {{1, text}});
}

Says names_place(const std::string& command) { return says("kernel test_kernel", "machine.cube0.pe1", command); }

}  // namespace

TEST_CASE("operands that do not multiply are named with both shapes") {
    CHECK_THAT(refusal([](auto& tl, auto& tile) { tl.dot(tile, tile); }),
               names_place("command 1 (dot)").also("[4, 6] and [4, 6]"));
    CHECK_THAT(refusal([](auto& tl, auto& tile) { tl.dot(tile, tl.zeros({6})); }),
               names_place("command 2 (dot)").also("[4, 6] and [6]"));
    CHECK_THAT(refusal([](auto& tl, auto&) {
                   tl.dot(tl.zeros({3, 4, 6}), tl.zeros({2, 6, 4}));
               }),
               names_place("command 3 (dot)").also("[3, 4, 6] and [2, 6, 4]"));
    CHECK_THAT(refusal([](auto& tl, auto& tile) {
                   tl.dot(tile, tl.zeros({6, 5}, Dtype::f16));
               }),
               names_place("command 2 (dot)").also("f32 [4, 6] and f16 [6, 5]"));
    CHECK_THAT(refusal([](auto& tl, auto& tile) {
                   tl.dot(tile, tl.zeros({6, 5}), tl.zeros({4, 6}));
               }),
               names_place("command 3 (dot)").also("f32 [4, 6]").also("f32 [4, 5]"));
    CHECK_THAT(refusal([](auto& tl, auto& tile) {
                   tl.dot(tile, tl.zeros({6, 5}), tl.zeros({4, 5}, Dtype::f16));
               }),
               names_place("command 3 (dot)").also("f16 [4, 5]"));
}

TEST_CASE("shapes that do not broadcast are named") {
    CHECK_THAT(refusal([](auto& tl, auto& tile) {
                   tl.add(tile, tl.zeros({4, 5}));
               }),
               names_place("command 2 (add)").also("[4, 6] and [4, 5]"));
    CHECK_THAT(refusal([](auto& tl, auto&) { tl.add(1.0F, 2.0F); }),
               names_place("command 1 (add)").also("at least one tile"));
}

TEST_CASE("an axis that does not exist is refused") {
    CHECK_THAT(refusal([](auto& tl, auto& tile) { tl.max(tile, 2); }),
               names_place("command 1 (max)").also("axis 2 does not exist in [4, 6]"));
    CHECK_THAT(refusal([](auto& tl, auto& tile) { tl.sum(tile, -3); }),
               names_place("command 1 (sum)").also("axis -3"));
    CHECK_THAT(refusal([](auto& tl, auto& tile) { tl.softmax(tile, 0); }), names_place("command 1 (softmax)"));
}

TEST_CASE("views check element counts, strides and ranges") {
    CHECK_THAT(refusal([](auto& tl, auto& tile) {
                   tl.reshape(tile, {5, 5});
               }),
               names_place("before command 1 (reshape)").also("[4, 6] has 24 elements, [5, 5] has 25"));
    CHECK_THAT(refusal([](auto& tl, auto& tile) { tl.reshape(tl.trans(tile), {24}); }),
               names_place("before command 1 (reshape)").also("strided"));
    CHECK_THAT(refusal([](auto& tl, auto& tile) { tl.reshape(tl.slice(tile, 1, 0, 3), {12}); }),
               names_place("before command 1 (reshape)").also("strided"));
    CHECK_THAT(refusal([](auto& tl, auto& tile) { tl.slice(tile, 1, 3, 7); }),
               names_place("before command 1 (slice)").also("[3, 7) of axis 1"));
    CHECK_THAT(refusal([](auto& tl, auto& tile) { tl.slice(tile, 0, 2, 2); }),
               names_place("before command 1 (slice)"));
    CHECK_THAT(refusal([](auto& tl, auto&) { tl.trans(tl.zeros({4})); }), names_place("before command 2 (trans)"));
}

TEST_CASE("where wants a mask, and shapes want elements") {
    CHECK_THAT(refusal([](auto& tl, auto& tile) { tl.where(tile, tile, 0.0F); }),
               names_place("command 1 (where)").also("f32"));
    CHECK_THAT(refusal([](auto& tl, auto&) { tl.zeros({4, 0}); }), names_place("command 1 (fill)").also("[4, 0]"));
    CHECK_THAT(refusal([](auto& tl, auto&) { tl.arange(5, 5); }), names_place("command 1 (fill)"));
}

TEST_CASE("a tile that was moved away is missed where it is used") {
    CHECK_THAT(refusal([](auto& tl, auto&) { tl.exp(Tile()); }), names_place("command 1 (exp)").also("no tile"));
    CHECK_THAT(refusal([](auto& tl, auto& tile) { tl.dot(tile, Tile()); }), names_place("command 1 (dot)"));
    CHECK_THAT(refusal([](auto& tl, auto&) { tl.send(2, Tile()); }), names_place("command 1 (send)"));
    CHECK_THAT(refusal([](auto& tl, auto&) { tl.wait(Tile()); }), names_place("before command 1 (wait)"));
}

TEST_CASE("a box must lie inside its tensor and have its dtype") {
    Tensor tensor("keys", 1, 0, {8, 6}, Dtype::f16);
    CHECK_THAT(refusal([&](auto& tl, auto&) {
                   tl.load(tl::at(tensor, 0, 5), {4, 6});
               }),
               names_place("command 1 (load)").also("[4, 6] at [0, 5, 0]").also("keys [8, 6]"));
    CHECK_THAT(refusal([&](auto& tl, auto&) {
                   tl.load(tl::at(tensor, 0, -1), {4, 6});
               }),
               names_place("command 1 (load)"));
    CHECK_THAT(refusal([&](auto& tl, auto&) {
                   tl.load(tl::at(tensor), {4, 6}, Dtype::bf16);
               }),
               names_place("command 1 (load)").also("keys is f16, expected bf16"));
    CHECK_THAT(refusal([&](auto& tl, auto& tile) { tl.store(tl::at(tensor), tile); }),
               names_place("command 1 (store)").also("f32 [4, 6]").also("f16"));
    CHECK_THAT(refusal([&](auto& tl, auto&) { tl.load(tl::Pointer(), {4, 6}); }), names_place("command 1 (load)"));
}

TEST_CASE("messages need a neighbour or a PE that exists, and not oneself") {
    // PE 1 of a line has neighbours to the east and west only.
    CHECK_THAT(refusal([](auto& tl, auto& tile) { tl.send(tl::Direction::north, tile); }),
               names_place("command 1 (send)").also("north"));
    CHECK_THAT(refusal([](auto& tl, auto&) { tl.recv(tl::Direction::south, {4}, Dtype::f32); }),
               names_place("command 1 (recv)").also("south"));
    CHECK_THAT(refusal([](auto& tl, auto& tile) { tl.send(8, tile); }),
               names_place("command 1 (send)").also("PE 8 does not exist"));
    CHECK_THAT(refusal([](auto& tl, auto& tile) { tl.send(1, tile); }),
               names_place("command 1 (send)").also("itself"));
    CHECK_THAT(refusal([](auto& tl, auto&) { tl.recv(1, {4}, Dtype::f32); }),
               names_place("command 1 (recv)").also("itself"));
}

TEST_CASE("shapes of more than three dimensions, and sizes and indices beyond 32 bits, are refused") {
    constexpr std::int64_t beyond = std::int64_t{1} << 31;
    CHECK_THAT(refusal([](auto& tl, auto&) {
                   tl.zeros({2, 3, 4, 5});
               }),
               names_place("before command 1").also("4 dimensions, expected at most 3"));
    CHECK_THAT(refusal([](auto& tl, auto&) {
                   tl.zeros({beyond + 4, 6});
               }),
               names_place("before command 1").also("dimension 2147483652 does not fit"));
    CHECK_THAT(refusal([](auto& tl, auto&) {
                   tl.zeros({beyond - 1, beyond - 1, beyond - 1});
               }),
               names_place("before command 1").also("more than 2^62 elements"));
    CHECK_THAT(refusal([](auto& tl, auto&) {
                   tl.zeros({1 << 16, 1 << 15});
               }),
               names_place("command 1 (fill)").also("2147483648 elements, expected less than 2^31"));
    // Cut to 32 bits this index would be 0 and the load right.
    machine::Simulation simulation(ideal_line());
    Tensor& tensor = simulation.allocate(1, "tensor", {4}, Dtype::f32);
    simulation.launch(
        1, "test_kernel", [&](tl::Context& tl) { tl.load(tl::at(tensor, 0, 0, 2 * beyond), {4}); }, ValueMode::none);
    CHECK_THROWS_WITH(simulation.run(), names_place("before command 0").also("index 4294967296 does not fit"));
}

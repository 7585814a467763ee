// SPDX-License-Identifier: Apache-2.0
// Views: trans, reshape and slice show the same tile differently; they cost nothing and reinterpret nothing.
#include "tests/language/arrays.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

TEST_CASE("trans swaps the last two dimensions and is no reinterpretation of memory") {
    const Array a = random_array({2, 3, 4}, 1);
    CHECK(distance(compute({a}, [](auto& tl, auto& x) { return tl.trans(x[0]); }),
                   make_array({2, 4, 3}, [&](int b, int r, int c) { return a.at(b, c, r); })) == 0.0);
    CHECK(distance(compute({a}, [](auto& tl, auto& x) { return tl.trans(tl.trans(x[0])); }), a) == 0.0);
}

TEST_CASE("reshape keeps the order of the elements") {
    const Array a = random_array({2, 3, 4}, 1);
    for (const Shape& shape : {Shape{24}, Shape{6, 4}, Shape{3, 8}, Shape{4, 3, 2}, Shape{1, 24, 1}}) {
        const Array got = compute({a}, [&](auto& tl, auto& x) { return tl.reshape(x[0], shape); });
        CHECK(got.shape == shape);
        CHECK(got.data == a.data);
    }
}

TEST_CASE("slice takes a range of any axis, and slices of slices add up") {
    const Array a = random_array({3, 5, 7}, 1);
    CHECK(distance(compute({a}, [](auto& tl, auto& x) { return tl.slice(x[0], 0, 1, 3); }),
                   make_array({2, 5, 7}, [&](int b, int r, int c) { return a.at(b + 1, r, c); })) == 0.0);
    CHECK(distance(compute({a}, [](auto& tl, auto& x) { return tl.slice(x[0], 1, 2, 4); }),
                   make_array({3, 2, 7}, [&](int b, int r, int c) { return a.at(b, r + 2, c); })) == 0.0);
    CHECK(distance(compute({a}, [](auto& tl, auto& x) { return tl.slice(x[0], -1, 6, 7); }),
                   make_array({3, 5, 1}, [&](int b, int r, int) { return a.at(b, r, 6); })) == 0.0);
    CHECK(distance(compute({a},
                           [](auto& tl, auto& x) {
                               return tl.slice(tl.trans(tl.slice(tl.slice(x[0], 1, 1, 5), 1, 1, 3)), 1, 2, 6);
                           }),
                   make_array({3, 4, 2}, [&](int b, int r, int c) { return a.at(b, c + 2, r + 2); })) == 0.0);
}

TEST_CASE("a contiguous slice can be reshaped, and keeps its place") {
    const Array a = random_array({6, 4}, 1);
    CHECK(distance(compute({a},
                           [](auto& tl, auto& x) {
                               return tl.reshape(tl.slice(x[0], 0, 2, 5), {2, 6});
                           }),
                   make_array({2, 6}, [&](int, int r, int c) {
                       const int flat = r * 6 + c + 2 * 4;
                       return a.at(0, flat / 4, flat % 4);
                   })) == 0.0);
}

TEST_CASE("a view is no command and takes neither time nor SRAM") {
    std::uint64_t before = 0, after = 0;
    Bytes taken, still_taken;
    machine::Simulation simulation(counting_line());
    const auto text = [&](tl::Context& tl) {
        const Tile tile = tl.zeros({4, 8});
        before = tl.commands_issued();
        taken = simulation.machine().pe(0).sram().used();
        const Tile view = tl.slice(tl.reshape(tl.trans(tl.trans(tile)), {2, 16}), 0, 1, 2);
        after = tl.commands_issued();
        still_taken = simulation.machine().pe(0).sram().used();
    };
    simulation.launch(0, "views", text, ValueMode::none);
    const machine::Outcome outcome = simulation.run();
    CHECK(after == before);
    CHECK(still_taken == taken);
    CHECK(outcome.time == from_nanoseconds(4 * 8));  // the fill alone
}

// SPDX-License-Identifier: Apache-2.0
// Are index tiles, however they are kept, the numbers that the operations give element by element? Random expressions
// against plain arrays.
#include "sim/program/index_tile.h"

#include "tests/interpreter/dice.h"

#include <catch2/catch.hpp>

#include <array>
#include <functional>

namespace tilemesh::program {
namespace {

using test::Dice;

constexpr std::array<std::int32_t, 3> whole{3, 5, 7};

/// A tile and what its elements should be, over the whole shape.
struct Both {
    Ref<IndexTile> tile;
    std::function<std::int64_t(std::int64_t, std::int64_t, std::int64_t)> at;
};

Both leaf(Dice& dice) {
    const auto slot = static_cast<std::size_t>(dice.between(0, 2));
    std::array<std::int32_t, 3> dims{1, 1, 1};
    dims[slot] = whole[slot];
    const auto index = [slot](std::int64_t b, std::int64_t r, std::int64_t c) {
        return std::array<std::int64_t, 3>{b, r, c}[slot];
    };
    if (dice.between(0, 3) == 0) {
        const std::int64_t value = dice.between(-9, 9);
        return {filled(Shape(3, {1, 1, 1}), value, Type::i32), [=](auto, auto, auto) { return value; }};
    }
    if (dice.between(0, 2) == 0) {
        std::vector<std::int64_t> numbers;
        for (std::int32_t i = 0; i < whole[slot]; ++i) numbers.push_back(dice.between(-20, 20));
        return {tabled(Shape(3, dims), numbers, Type::i32),
                [=](auto b, auto r, auto c) { return numbers[static_cast<std::size_t>(index(b, r, c))]; }};
    }
    auto tile = make<IndexTile>();
    tile->shape = Shape(3, dims);
    const std::int64_t base = dice.between(-5, 5), step = dice.between(-4, 4);
    tile->base = base;
    tile->terms[slot].step = step;
    return {tile, [=](auto b, auto r, auto c) { return base + step * index(b, r, c); }};
}

Both grown(Dice& dice, int depth) {
    if (depth == 0) return leaf(dice);
    const Both a = grown(dice, depth - 1), b = grown(dice, depth - 1);
    const std::array operands{a.tile, b.tile};
    switch (dice.between(0, 5)) {
        case 0:
            return {add(a.tile, b.tile, Type::i32),
                    [=](auto i, auto j, auto k) { return a.at(i, j, k) + b.at(i, j, k); }};
        case 1:
            return {subtract(a.tile, b.tile, Type::i32),
                    [=](auto i, auto j, auto k) { return a.at(i, j, k) - b.at(i, j, k); }};
        case 2:
            return {multiply(a.tile, b.tile, Type::i32),
                    [=](auto i, auto j, auto k) { return a.at(i, j, k) * b.at(i, j, k); }};
        case 3:
            return {combine([](std::int64_t x, std::int64_t y, std::int64_t) { return x % (y * y + 1); }, operands,
                            Type::i32),
                    [=](auto i, auto j, auto k) {
                        const std::int64_t y = b.at(i, j, k);
                        return a.at(i, j, k) % (y * y + 1);
                    }};
        case 4:
            return {combine([](std::int64_t x, std::int64_t y, std::int64_t) { return std::max(x, y); }, operands,
                            Type::i32),
                    [=](auto i, auto j, auto k) { return std::max(a.at(i, j, k), b.at(i, j, k)); }};
        default:
            return {cast(a.tile, Type::i8), [=](auto i, auto j, auto k) { return wrapped(Type::i8, a.at(i, j, k)); }};
    }
}

}  // namespace

TEST_CASE("index tiles are what their operations give element by element") {
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        Dice dice(seed);
        const Both both = grown(dice, static_cast<int>(dice.between(0, 3)));
        const Ref<IndexTile> all = broadcast_to(both.tile, Shape(3, whole));
        std::int64_t least = std::numeric_limits<std::int64_t>::max(),
                     most = std::numeric_limits<std::int64_t>::min();
        bool same = true;
        for (std::int64_t b = 0; b < whole[0]; ++b)
            for (std::int64_t r = 0; r < whole[1]; ++r)
                for (std::int64_t c = 0; c < whole[2]; ++c) {
                    const std::int64_t expected = wrapped(Type::i32, both.at(b, r, c));
                    same = same && wrapped(Type::i32, all->at(b, r, c)) == expected;
                    least = std::min(least, all->at(b, r, c));
                    most = std::max(most, all->at(b, r, c));
                }
        INFO("seed " << seed);
        REQUIRE(same);
        // Bounds may be wide only where a sum's terms cannot be extreme at once, which sums over dimensions can.
        REQUIRE(all->least() == least);
        REQUIRE(all->most() == most);
        if (all->uniform()) REQUIRE(least == most);
    }
}

TEST_CASE("blocks of offsets stay three numbers") {
    // (row + 64) * 128 + col, as kernels write it.
    Ref<IndexTile> rows = iota(0, 64);
    rows = add(rows, filled(Shape(), 64, Type::i32), Type::i32);
    auto column = make<IndexTile>();
    column->shape = Shape{64, 1};
    column->base = rows->base;
    column->terms[1] = rows->terms[2];
    const Ref<IndexTile> block =
        add(multiply(column, filled(Shape(), 128, Type::i32), Type::i32), iota(0, 128), Type::i32);
    CHECK(block->shape == Shape{64, 128});
    CHECK(!block->all);
    CHECK(block->base == 64 * 128);
    CHECK(block->terms[1].step == 128);
    CHECK(block->terms[2].step == 1);
}

TEST_CASE("integers wrap at their width") {
    const Ref<IndexTile> big = filled(Shape{2}, 2'000'000'000, Type::i32);
    CHECK(add(big, big, Type::i32)->at(0, 0, 1) == 4'000'000'000 - (std::int64_t{1} << 32));
    CHECK(add(big, big, Type::i64)->at(0, 0, 1) == 4'000'000'000);
    CHECK(multiply(filled(Shape{2}, 200, Type::u8), filled(Shape{2}, 2, Type::u8), Type::u8)->at(0, 0, 0) == 144);
}

}  // namespace tilemesh::program

// SPDX-License-Identifier: Apache-2.0
// Is a mask where it says it is true, however it is asked: element by element, row by row, as a rectangle?
#include "sim/program/mask.h"

#include "tests/interpreter/dice.h"

#include <catch2/catch.hpp>

namespace tilemesh::program {
namespace {

using test::Dice;

constexpr std::array<std::int32_t, 3> whole{2, 6, 9};

Ref<IndexTile> along(Dice& dice, std::size_t slot) {
    std::array<std::int32_t, 3> dims{1, 1, 1};
    dims[slot] = whole[slot];
    auto tile = make<IndexTile>();
    tile->shape = Shape(3, dims);
    tile->base = dice.between(-4, 12);
    tile->terms[slot].step = dice.between(-2, 2);
    return tile;
}

Ref<Mask> random_mask(Dice& dice, int depth) {
    if (depth > 0) {
        const auto what = static_cast<Mask::What>(dice.between(1, 4));
        const Ref<Mask> a = random_mask(dice, depth - 1);
        if (what == Mask::What::negation) return negation(a);
        return join(what, a, random_mask(dice, depth - 1));
    }
    const auto comparison = static_cast<Comparison>(dice.between(0, 3));
    const Ref<IndexTile> left = along(dice, static_cast<std::size_t>(dice.between(0, 2)));
    if (dice.between(0, 2) > 0) return compare(comparison, left, filled(Shape(), dice.between(-3, 12), Type::i32));
    return compare(comparison, left, along(dice, static_cast<std::size_t>(dice.between(0, 2))));
}

bool truth(const Mask& mask, std::int64_t b, std::int64_t r, std::int64_t c) {
    const auto at = [&](const IndexTile& tile) {
        const auto& dims = tile.shape.slots();
        return tile.base + tile.terms[0].at(dims[0] == 1 ? 0 : b) + tile.terms[1].at(dims[1] == 1 ? 0 : r) +
               tile.terms[2].at(dims[2] == 1 ? 0 : c);
    };
    switch (mask.what) {
        case Mask::What::both:
            return truth(*mask.first, b, r, c) && truth(*mask.second, b, r, c);
        case Mask::What::either:
            return truth(*mask.first, b, r, c) || truth(*mask.second, b, r, c);
        case Mask::What::exclusive:
            return truth(*mask.first, b, r, c) != truth(*mask.second, b, r, c);
        case Mask::What::negation:
            return !truth(*mask.first, b, r, c);
        default:
            break;
    }
    const std::int64_t x = at(*mask.left), y = at(*mask.right);
    switch (mask.comparison) {
        case Comparison::less:
            return x < y;
        case Comparison::less_equal:
            return x <= y;
        case Comparison::equal:
            return x == y;
        default:
            return x != y;
    }
}

}  // namespace

TEST_CASE("masks are true where their expression is, and rectangles where they say") {
    const Shape shape(3, whole);
    int rectangles = 0;
    for (std::uint64_t seed = 0; seed < 4000; ++seed) {
        Dice dice(seed);
        const Ref<Mask> mask = random_mask(dice, static_cast<int>(dice.between(0, 3)));
        const auto rectangle = rectangle_of(*mask, shape);
        rectangles += rectangle ? 1 : 0;
        const Ref<IndexTile> numbers = broadcast_to(numbers_of(mask), shape);
        std::vector<float> row(static_cast<std::size_t>(mask->shape.cols()));
        INFO("seed " << seed);
        bool right = true;
        for (std::int64_t b = 0; b < whole[0]; ++b)
            for (std::int64_t r = 0; r < whole[1]; ++r) {
                const auto& dims = mask->shape.slots();
                mask->decide(static_cast<std::int32_t>(dims[0] == 1 ? 0 : b),
                             static_cast<std::int32_t>(dims[1] == 1 ? 0 : r), row);
                for (std::int64_t c = 0; c < whole[2]; ++c) {
                    const bool expected = truth(*mask, b, r, c);
                    right = right && numbers->at(b, r, c) == (expected ? 1 : 0);
                    right = right && (row[static_cast<std::size_t>(dims[2] == 1 ? 0 : c)] != 0.0F) == expected;
                    if (!rectangle) continue;
                    const bool inside = b >= rectangle->begin[0] && b < rectangle->end[0] &&
                                        r >= rectangle->begin[1] && r < rectangle->end[1] &&
                                        c >= rectangle->begin[2] && c < rectangle->end[2];
                    right = right && inside == expected;
                }
            }
        REQUIRE(right);
    }
    CHECK(rectangles > 1000);  // half-spaces and what they make are recognised
}

}  // namespace tilemesh::program

// SPDX-License-Identifier: Apache-2.0
// Do loads and stores touch the bytes that their pointers and masks name, each once and where they live?
#include "sim/program/array_access.h"

#include "tests/interpreter/dice.h"

#include <catch2/catch.hpp>

#include <map>
#include <set>

namespace tilemesh::program {
namespace {

using test::Dice;

/// [6, 10, 8] over homes by one of its dimensions, or whole.
Ref<Array> random_array(Dice& dice) {
    const std::vector<std::int64_t> shape{6, 10, 8};
    ArrayLayout layout;
    const std::int64_t axis = dice.between(0, 2), homes = dice.between(1, 4);
    for (std::int64_t i = 0; i < 3; ++i)
        (i < axis ? layout.outer : i == axis ? layout.length : layout.inner) *= shape[static_cast<std::size_t>(i)];
    std::int64_t first = 0;
    for (std::int64_t i = 0; i < homes; ++i) {
        const std::int64_t count = layout.length / homes + (i < layout.length % homes ? 1 : 0);
        layout.homes.push_back({static_cast<int>(7 - i), static_cast<std::uint64_t>(1000 * i), first, count});
        first += count;
    }
    return make<Array>("x", Type::f16, shape, layout);
}

/// Home and byte of an element, worked out from the layout's definition.
std::pair<int, std::uint64_t> place_of(const ArrayLayout& layout, std::int64_t element) {
    const std::int64_t inner = element % layout.inner, index = element / layout.inner % layout.length,
                       outer = element / layout.inner / layout.length;
    for (const Home& home : layout.homes) {
        if (index < home.first || index >= home.first + home.count) continue;
        const std::int64_t local = (outer * home.count + index - home.first) * layout.inner + inner;
        return {home.pe, home.address + 2 * static_cast<std::uint64_t>(local)};
    }
    return {-1, 0};
}

}  // namespace

TEST_CASE("an access moves each byte that it names once, from where it lives") {
    int accesses = 0;
    for (std::uint64_t seed = 0; seed < 4000; ++seed) {
        Dice dice(seed);
        const Ref<Array> array = random_array(dice);
        auto places = make<IndexTile>();
        places->shape = Shape{dice.between(1, 3), dice.between(1, 4), dice.between(1, 5)};
        places->base = dice.between(0, 60);
        const std::array<std::int64_t, 8> steps{0, 1, 1, 2, 8, 16, 80, 24};
        for (std::size_t i = 0; i < 3; ++i)
            if (places->shape.slots()[i] > 1)
                places->terms[i].step = steps[static_cast<std::size_t>(dice.between(0, 7))];
        Ref<IndexTile> used = places;
        if (dice.between(0, 3) == 0)  // no sum over the dimensions
            used = combine([](std::int64_t x, std::int64_t, std::int64_t) { return x * x % 479; },
                           std::span(&used, 1), Type::i64);
        if (used->most() >= array->elements()) continue;  // a case of its own
        Ref<Mask> mask;
        const std::int64_t kind = dice.between(0, 2);
        if (kind == 1)
            mask = compare(Comparison::less, iota(0, places->shape.cols()),
                           filled(Shape(), dice.between(1, 5), Type::i32));
        if (kind == 2) mask = compare(Comparison::less, used, filled(Shape(), dice.between(0, 300), Type::i64));
        std::set<std::pair<int, std::uint64_t>> expected;
        for (std::int64_t b = 0; b < places->shape.batch(); ++b)
            for (std::int64_t r = 0; r < places->shape.rows(); ++r)
                for (std::int64_t c = 0; c < places->shape.cols(); ++c) {
                    if (mask && !(kind == 1 ? mask->at(0, 0, c) : mask->at(b, r, c))) continue;
                    const auto place = place_of(array->layout(), used->at(b, r, c));
                    expected.insert(place);
                    expected.insert({place.first, place.second + 1});
                }
        const ArrayAccess access(array, used, mask, 0, {});
        std::map<std::pair<int, std::uint64_t>, int> moved;
        std::uint64_t bytes = 0;
        std::vector<int> homes;
        for (const AccessPart& part : access.parts()) {
            if (homes.empty() || homes.back() != part.home) homes.push_back(part.home);
            for (std::uint64_t s = 0; s < part.segments; ++s)
                for (std::uint64_t i = 0; i < part.bytes; ++i, ++bytes)
                    ++moved[{part.home, part.address + s * part.stride + i}];
        }
        INFO("seed " << seed);
        REQUIRE(moved.size() == expected.size());
        REQUIRE(bytes == expected.size());
        REQUIRE(std::all_of(moved.begin(), moved.end(),
                            [&](const auto& byte) { return expected.count(byte.first) == 1; }));
        REQUIRE(access.bytes().value() == bytes);
        REQUIRE(std::set<int>(homes.begin(), homes.end()).size() == homes.size());  // each home's parts together
        REQUIRE(array->bytes_touched() == bytes);
        ++accesses;
    }
    CHECK(accesses > 2000);
}

TEST_CASE("accesses to other columns of one matrix do not meet, those that share an element do") {
    Dice dice(1);
    const Ref<Array> array = random_array(dice);
    const auto columns = [&](std::int64_t first) {
        auto places = make<IndexTile>();
        places->shape = Shape{10, 4};
        places->base = first;
        places->terms[1].step = 8;
        places->terms[2].step = 1;
        return ArrayAccess(array, places, {}, 0, {});
    };
    CHECK(!columns(0).meets(columns(4)));
    CHECK(columns(0).meets(columns(3)));
    CHECK(columns(0).meets(columns(0)));
    CHECK(columns(0).meets(columns(80 - 8)));
    CHECK(!columns(0).meets(columns(80)));
}

TEST_CASE("an access outside of its tensor is refused") {
    Dice dice(2);
    const Ref<Array> array = random_array(dice);
    CHECK_THROWS_AS(ArrayAccess(array, iota(478, 482), {}, 0, {}), ShapeError);
    CHECK_THROWS_AS(ArrayAccess(array, iota(-1, 2), {}, 0, {}), ShapeError);
    CHECK_NOTHROW(ArrayAccess(array, iota(476, 480), {}, 0, {}));
}

}  // namespace tilemesh::program

// SPDX-License-Identifier: Apache-2.0
// tl.reduce with functions of one's own: one that adds is the vector engine's sum, any other is called pair by pair.
#include "tests/programs/programs.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

const Json x_and_y = {{"x", "x"}, {"y", "y"}};

Json tensors_of(const std::vector<float>& values) {
    return {{"x", {{"shape", {values.size()}}, {"dtype", "f32"}, {"values", values}}},
            {"y", {{"shape", {64}}, {"dtype", "f32"}}}};
}

}  // namespace

TEST_CASE("reduce calls any function of two values, or of two pairs of values, along any axis") {
    std::vector<float> x(64);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>((i * 37) % 11) - 5.0F;
    const std::vector<float> y = result_of(small_panel("own_reductions", tensors_of(x), x_and_y));
    for (std::size_t i = 0; i < 8; ++i) {
        const auto row = x.begin() + static_cast<std::ptrdiff_t>(8 * i);
        float down = 1, along = 1;
        for (std::size_t j = 0; j < 8; ++j) {
            down *= x[j * 8 + i];
            along *= x[i * 8 + j];
        }
        CAPTURE(i);
        CHECK(y[i] == std::accumulate(row, row + 8, 0.0F));
        CHECK(y[8 + i] == down);
        const auto most = std::max_element(row, row + 8);
        CHECK(y[16 + i] == *most);
        CHECK(y[24 + i] == static_cast<float>(most - row));
        CHECK(y[32 + i] == along);
        CHECK(y[40 + i] == *row);  // in order: the leftmost stays
    }
    CHECK(y[48] == 40320);
    CHECK(y[49] == std::accumulate(x.begin(), x.end(), 0.0F));
}

TEST_CASE("reduce with a function of one's own along an axis that is no power of two goes column by column") {
    const Json tensors = tensors_of({1, 2, 3, 4, 5, 6});
    CHECK(result_of(small_panel("odd_reduction", tensors, x_and_y))[0] == 720);
}

TEST_CASE("greatest and least, and where they are, are those of numpy's fmax and fmin") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const auto same = [](float a, float b) { return a == b || (a != a && b != b); };
    // NaN first, last, between, alone, and nothing else.
    const std::vector<std::vector<float>> tiles = {
        {nan, 3, -2, 5, 5, -2, 3, nan, nan, nan, nan, nan, 1, nan, nan, 1},
        {nan, nan, 2, 4, nan, 7, nan, 4, nan, 7, 2, -4, nan, nan, 8, 4},
        {4, 3, 2, 1, 1, 2, 3, 4, 4, 4, 4, 4, -1, -2, -3, -4},
    };
    for (const std::vector<float>& x : tiles) {
        std::vector<float> given(x);
        for (float& value : given) value = value != value ? 99 : value;  // the kernel's word for it
        const std::vector<float> y = result_of(small_panel("extremes", tensors_of(given), x_and_y));
        for (std::size_t axis = 0; axis < 2; ++axis)
            for (std::size_t line = 0; line < 4; ++line)
                for (const bool most : {true, false}) {
                    float best = nan, at = 0;
                    for (std::size_t i = 0; i < 4; ++i) {
                        const float one = axis == 0 ? x[i * 4 + line] : x[line * 4 + i];
                        const float next = most ? std::fmax(best, one) : std::fmin(best, one);
                        if (!same(best, next)) at = static_cast<float>(i);
                        best = next;
                    }
                    CAPTURE(axis, line, most);
                    const std::size_t first = axis * 16 + (most ? 0 : 8) + line;
                    CHECK(same(y[first], best));
                    CHECK(y[first + 4] == at);
                }
    }
}

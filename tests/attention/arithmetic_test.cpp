// SPDX-License-Identifier: Apache-2.0
// The reference's inner loops, in every version this machine can run, against the standard library.
#include "sim/attention/reference_arithmetic.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace tilemesh::attention;

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();
}

TEST_CASE("exponentials are within two units in the last place, and 0 where they would leave the normal numbers") {
    for (const ReferenceArithmetic& arithmetic : reference_arithmetics()) {
        CAPTURE(arithmetic.instruction_set);
        for (double greatest = 0.0; greatest < 720.0; greatest += 7.3) {
            double scores[panel_columns];
            scores[0] = 5.0;  // the maximum
            for (int i = 1; i < 15; ++i) scores[i] = 5.0 - greatest - 0.37 * i;
            scores[15] = -infinity;
            double given[panel_columns];
            std::copy(std::begin(scores), std::end(scores), given);
            RunningSoftmax state{-infinity, 0.0};
            CHECK(arithmetic.absorb(scores, panel_columns, state) == 0.0);
            CHECK(state.maximum == 5.0);
            double sum = 0.0;
            for (int i = 0; i < 16; ++i) {
                const double expected = given[i] - 5.0 > -708.0 ? std::exp(given[i] - 5.0) : 0.0;
                CHECK(std::abs(scores[i] - expected) <= 2 * std::numeric_limits<double>::epsilon() * expected);
                sum += expected;
            }
            CHECK(state.sum == Approx(sum).epsilon(1e-15));
        }
    }
}

TEST_CASE("absorbing in two parts is absorbing at once") {
    for (const ReferenceArithmetic& arithmetic : reference_arithmetics()) {
        CAPTURE(arithmetic.instruction_set);
        double low[panel_columns], high[panel_columns], both[2 * panel_columns];
        for (int i = 0; i < 16; ++i) {
            both[i] = low[i] = std::sin(i);
            both[16 + i] = high[i] = 3.0 + std::cos(i);
        }
        RunningSoftmax parts{-infinity, 0.0}, whole{-infinity, 0.0};
        arithmetic.absorb(low, panel_columns, parts);
        const double before = parts.maximum;
        const double factor = arithmetic.absorb(high, panel_columns, parts);
        arithmetic.absorb(both, 2 * panel_columns, whole);
        CHECK(factor == std::exp(before - parts.maximum));
        CHECK(parts.maximum == whole.maximum);
        CHECK(parts.sum == Approx(whole.sum).epsilon(1e-15));
    }
}

TEST_CASE("scores that are all hidden leave no trace") {
    for (const ReferenceArithmetic& arithmetic : reference_arithmetics()) {
        CAPTURE(arithmetic.instruction_set);
        double scores[panel_columns];
        std::fill(std::begin(scores), std::end(scores), -infinity);
        RunningSoftmax empty{-infinity, 0.0}, begun{2.0, 1.5};
        CHECK(arithmetic.absorb(scores, panel_columns, empty) == 0.0);
        CHECK(empty.maximum == -infinity);
        CHECK(empty.sum == 0.0);
        std::fill(std::begin(scores), std::end(scores), -infinity);
        CHECK(arithmetic.absorb(scores, panel_columns, begun) == 1.0);
        CHECK(begun.maximum == 2.0);
        CHECK(begun.sum == 1.5);
        CHECK(scores[3] == 0.0);
    }
}

TEST_CASE("products agree with a triple loop, stored and accumulated") {
    constexpr std::int64_t rows = 24, inner = 37, columns = 48, panel_rows = 40;
    const auto left_at = [](std::int64_t r, std::int64_t k) { return static_cast<double>((r * 7 + k * 3) % 11 - 5); };
    const auto right_at = [](std::int64_t k, std::int64_t c) {
        return static_cast<double>((k * 5 + c * 2) % 13 - 6);
    };
    std::vector<double> left(rows * inner), right(panel_rows * columns);
    for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t k = 0; k < inner; ++k) left[static_cast<std::size_t>(r * inner + k)] = left_at(r, k);
    }
    for (std::int64_t k = 0; k < inner; ++k) {
        for (std::int64_t c = 0; c < columns; ++c) {
            right[static_cast<std::size_t>((c / 16 * panel_rows + k) * 16 + c % 16)] = right_at(k, c);
        }
    }
    for (const ReferenceArithmetic& arithmetic : reference_arithmetics()) {
        CAPTURE(arithmetic.instruction_set);
        std::vector<double> result(rows * columns, 99.0);
        Product product{left.data(), inner, right.data(), panel_rows, result.data(),
                        columns,     rows,  inner,        columns,    false};
        arithmetic.multiply(product);
        product.accumulate = true;
        arithmetic.multiply(product);
        bool exact = true;  // small integers: every order of summing gives the same
        for (std::int64_t r = 0; r < rows; ++r) {
            for (std::int64_t c = 0; c < columns; ++c) {
                double sum = 0.0;
                for (std::int64_t k = 0; k < inner; ++k) sum += left_at(r, k) * right_at(k, c);
                exact = exact && result[static_cast<std::size_t>(r * columns + c)] == 2.0 * sum;
            }
        }
        CHECK(exact);
    }
}

TEST_CASE("what the error analysis sums of a tile agrees with a loop over its keys") {
    // Weights below 2^-25 are lost, of a p that is divided by the sum (4) those below 2^-23; p is f16, with 11
    // digits.
    const double lost = 0x1p-25, sum = 4.0;
    std::vector<double> weights(32), values(32), noise(32);
    RowMoments expected;
    for (std::size_t i = 0; i < 32; ++i) {
        weights[i] = i % 5 == 0 ? 0.0 : std::ldexp(1.0 + 0.03 * static_cast<double>(i), -static_cast<int>(i));
        values[i] = 1.0 + std::sin(static_cast<double>(i));
        noise[i] = 2.0 + std::cos(static_cast<double>(i));
        const double w = weights[i], v = values[i], n = noise[i];
        if (w == 0.0) continue;
        expected.values += w * v * v;
        expected.squared_values += w * v * w * v;
        expected.squares += w * w;
        expected.squared_noise += w * n * w * n;
        expected.greatest_noise = std::max(expected.greatest_noise, w * n * n);
        expected.lost += w < lost ? w * v : 0.0;
        expected.lost_of_sum += w < lost * sum ? w * v : 0.0;
        const double place = std::exp2(std::floor(std::log2(w)) - 10);
        expected.rounded += std::floor(w / place + 0.5) * place - w;
        expected.all_values += v * v;
        expected.keys += 1.0;
    }
    for (const ReferenceArithmetic& arithmetic : reference_arithmetics()) {
        CAPTURE(arithmetic.instruction_set);
        RowMoments moments;
        arithmetic.measure({.weights = weights.data(),
                            .values = values.data(),
                            .noise = noise.data(),
                            .count = 32,
                            .lost_below = lost,
                            .sum = sum,
                            .digits_beyond = 42},
                           moments);
        CHECK(moments.values == Approx(expected.values));
        CHECK(moments.squared_values == Approx(expected.squared_values));
        CHECK(moments.squares == Approx(expected.squares));
        CHECK(moments.squared_noise == Approx(expected.squared_noise));
        CHECK(moments.greatest_noise == Approx(expected.greatest_noise));
        CHECK(moments.lost == Approx(expected.lost));
        CHECK(moments.lost_of_sum == Approx(expected.lost_of_sum));
        CHECK(moments.rounded == Approx(expected.rounded));
        CHECK(moments.all_values == Approx(expected.all_values));
        CHECK(moments.keys == expected.keys);
        CHECK(expected.lost_of_sum > expected.lost);
    }
}

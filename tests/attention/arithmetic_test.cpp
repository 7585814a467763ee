// SPDX-License-Identifier: Apache-2.0
// The reference's inner loops, in every version this machine can run, against the standard library.
#include "sim/attention/reference_arithmetic.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

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

// SPDX-License-Identifier: Apache-2.0
// Term by term, what correct arithmetic errs: a row or a sum with one source of error more has a unit larger by just
// that. And the roundings and sums that the terms are made of, against the real ones.
#include "sim/attention/error_model.h"
#include "cases.h"
#include "sim/attention/reference_gradients.h"
#include "sim/base/random.h"

#include <fmt/format.h>

#include <cmath>

using namespace tilemesh;
using namespace tilemesh::attention;

namespace {

/// Four keys, two of weight 1 and two of 1/2, with values of norm 2 that cancel to an output of norm 1.
RowMoments some_row() {
    RowMoments row;
    row.keys = 4;
    row.weights = 3;
    row.squares = 2.5;
    row.values = 4 * row.weights;
    row.squared_values = 4 * row.squares;
    row.all_values = 4 * row.keys;
    return row;
}
RowFacts some_facts() { return {.noise_unit = 3.0, .sum = 3.0, .squared_output = 1.0, .value_dim = 16}; }
constexpr double unit2 = f32_unit * f32_unit;

}  // namespace

TEST_CASE("a type's rounding is that of the numbers it has") {
    for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::f8e4m3, Dtype::f8e5m2}) {
        const Rounding rounding = rounding_of(dtype);
        const auto stored = [&](double value) { return round_to(dtype, static_cast<float>(value)); };
        CAPTURE(name_of(dtype));
        // The neighbour of 1 is two of the largest errors away, that of 0 one spacing.
        CHECK(stored(1.0 + 2 * rounding.largest) == 1.0 + 2 * rounding.largest);
        CHECK(stored(1.0 + rounding.largest) == 1.0F);
        CHECK(stored(rounding.spacing) == rounding.spacing);
        CHECK(rounding.spacing > 0.0);
        CHECK(stored(rounding.spacing / 2) == 0.0F);
        // Numbers spread evenly over their logarithm.
        if (dtype == Dtype::f32) continue;
        double squares = 0.0;
        for (int i = 0; i < 4096; ++i) {
            const auto value = static_cast<double>(std::exp2(static_cast<float>(i) / 4096.0F));
            squares += square(static_cast<double>(stored(value)) / value - 1.0);
        }
        CHECK(rounding.relative == Approx(std::sqrt(squares / 4096)).epsilon(0.01));
    }
}

TEST_CASE("8-bit probabilities end 2^7 closer to 0 than their type, those of backward passes 2^15 closer") {
    for (const Dtype dtype : {Dtype::f8e4m3, Dtype::f8e5m2})
        CHECK(rounding_of_probability(dtype).spacing == rounding_of(dtype).spacing / 128);
    for (const Dtype dtype : {Dtype::f16, Dtype::bf16})
        CHECK(rounding_of_probability(dtype).spacing == rounding_of(dtype).spacing);
    const GradientRounding backward = gradient_rounding_of(problem_from(
        R"({"heads_q": 1, "heads_kv": 1, "head_dim": 8, "dtype": "f16", "users": [{"queries": 1, "keys": 1}]})"));
    CHECK(backward.p.spacing == rounding_of(Dtype::f16).spacing / 32768);
    CHECK(backward.ds.spacing == rounding_of(Dtype::f16).spacing);
}

TEST_CASE("a sum in f32 errs by what is said of a sum of so many terms") {
    for (const int terms : {16, 256, 1024, 8192}) {
        double squares = 0.0;
        constexpr int sums = 200;
        for (std::uint64_t seed = 0; seed < sums; ++seed) {
            double exact = 0.0;
            float found = 0.0F, block = 0.0F;
            for (int i = 0; i < terms; ++i) {
                const auto index = static_cast<std::uint64_t>(i);
                const float term = static_cast<float>(random_below(seed, 0, index, 1 << 24)) * 0x1p-24F;
                exact += static_cast<double>(term);
                block += term;
                if (i % 1024 != 1023 && i + 1 != terms) continue;
                found += block;
                block = 0.0F;
            }
            squares += square(static_cast<double>(found) / exact - 1.0) / sums;
        }
        CAPTURE(terms);
        CHECK(std::sqrt(sum_noise(terms) / squares) > 1.0);
        CHECK(std::sqrt(sum_noise(terms) / squares) < 8.0);  // of blocks added in another order less
    }
}

TEST_CASE("errors of scores move an output by as much as its values differ") {
    const Arithmetic arithmetic;
    const RowFacts facts = some_facts();
    RowMoments row = some_row();
    const double without = unit_of(row, facts, arithmetic).o;
    // One key of weight 1 errs.
    row.largest_noise = 1e3;
    row.greatest_noise = row.squared_noise = 1e6;
    row.noise_values = 4e6;
    const double spread = row.values / facts.sum - facts.squared_output;
    REQUIRE(spread == 3.0);
    CHECK(unit_of(row, facts, arithmetic).o - without ==
          Approx(product_noise * square(facts.noise_unit) * row.greatest_noise / facts.sum * spread));
    // Values that are alike: |o|^2 is the mean of |v|^2.
    row.values = facts.squared_output * facts.sum;
    const double alike = unit_of(row, facts, arithmetic).o;
    row.greatest_noise = row.squared_noise = row.noise_values = 0.0;
    CHECK(alike == unit_of(row, facts, arithmetic).o);
}

TEST_CASE("a large value of little weight is not moved by the error of the score that has the weight") {
    // Weights 1 and 1e-6 of values of norm 1 and 1e6 at right angles, |o|^2 about 2. Both scores err by 1e-2.
    const double noise2 = 1e-4 / (product_noise * 9.0);
    const auto unit = [&](double factor) {
        RowMoments row;
        row.keys = 2;
        row.weights = 1.0;
        row.squares = 1.0;
        row.values = 1.0 + 1e6;
        row.squared_values = 2.0;
        row.all_values = 1.0 + 1e12;
        row.largest_noise = factor * std::sqrt(noise2);
        row.greatest_noise = row.squared_noise = square(row.largest_noise);
        row.noise_values = square(row.largest_noise) * row.squared_values;
        return unit_of(row, {.noise_unit = 3.0, .sum = 1.0, .squared_output = 2.0, .value_dim = 16}, {}).o;
    };
    // Exactly: 1e-4 (|v_0 - o|^2 + 1e-12 |v_1 - o|^2) = 2e-4.
    const double moved = unit(1.0) - unit(0.0);
    CHECK(moved >= 2e-4);
    CHECK(moved <= 5 * 2e-4);
    // Scores that err by more than e^s - 1 is near s for may change places.
    CHECK(unit(1e3) - unit(0.0) == Approx(1e6).epsilon(0.01));
}

TEST_CASE("weights below the limit under which they are 0 are lost when a greater score comes") {
    const auto lost = [](double factor) {
        RowMoments row = some_row();
        row.rescale(factor, least_exponential);
        return row.lost;
    };
    CHECK(lost(0.5) == 0.0);
    // Each less than 2^-126 of values of norm 2.
    CHECK(lost(1e-20) == Approx(least_exponential * std::sqrt(4.0 * 16.0)));
    CHECK(lost(0x1p-300) <= 0x1p-150 * std::sqrt(12.0 * 4.0));
}

TEST_CASE("weights that p rounds to 0 are missed in the output, those after the division apart from those before") {
    RowMoments row = some_row();
    const RowFacts facts = some_facts();
    const auto unit = [&](bool of_sum) { return unit_of(row, facts, {.of_sum = of_sum}).o; };
    const double before = unit(false), after = unit(true);
    row.lost = 0.03;
    row.lost_of_sum = 0.06;
    CHECK(unit(false) - before == Approx(square(0.03 / facts.sum)));
    CHECK(unit(true) - after == Approx(square(0.06 / facts.sum)));
}

TEST_CASE("weights and outputs that are alike are rounded alike") {
    const Arithmetic arithmetic;
    RowMoments row = some_row();
    RowFacts facts = some_facts();
    const Rounding p = rounding_of(Dtype::f16);
    const double without = unit_of(row, facts, arithmetic).o;
    // All weights are rounded up by 1/2048: the output grows by as much. What independent roundings make is in the
    // unit already, and so is what is to be expected of weights that lie as far apart.
    row.rounded = row.weights / 2048;
    const double here = square(1.0 / 2048) - 4 * square(p.relative) * row.squares / square(facts.sum);
    const double apart = row.keys * row.squares / square(row.weights) - 1.0;
    const double expected = square(p.largest / 2) / (1.0 + apart / square(p.largest));
    CHECK(unit_of(row, facts, arithmetic).o - without == Approx(here - expected).epsilon(1e-6));
    // One weight alone is its own sum.
    row.keys = 1.0;
    const double rounded = unit_of(row, facts, arithmetic).o;
    row.rounded = 0.0;
    CHECK(rounded == unit_of(row, facts, arithmetic).o);
    facts.output_rounding = 0.01;
    CHECK(unit_of(row, facts, arithmetic).o - rounded ==
          Approx(0.01 - p.squared(facts.squared_output, 16.0)).epsilon(1e-6));
}

TEST_CASE("an lse has the roundings of its own size and of the maximum, once, and once more with each conversion") {
    const RowMoments row = some_row();
    RowFacts facts = some_facts();
    const auto unit = [&](std::int64_t conversions) { return unit_of(row, facts, {.lse_roundings = conversions}); };
    const RowUnit small = unit(2);
    facts.maximum = 50.0;
    facts.lse = 60.0;
    const double of_maximum = unit2 * (60.0 * 60.0 + 4 * 50.0 * 50.0);
    // And two units of each score, independently.
    const double of_scores = 4 * unit2 * 50.0 * 50.0 * row.squares / square(facts.sum);
    CHECK(unit(0).lse - small.lse == Approx(of_maximum + of_scores));
    CHECK(unit(2).lse - small.lse == Approx(3 * of_maximum + of_scores));
    CHECK(unit(2).o - unit(0).o == Approx(2 * of_maximum * 3.0).epsilon(1e-3));
}

TEST_CASE("the exponent of a sink is rounded as others are, to lse and output alike") {
    const RowMoments row = some_row();
    RowFacts facts = some_facts();
    const RowUnit without = unit_of(row, facts, {});
    facts.sink = 1e4;
    const RowUnit with = unit_of(row, facts, {});
    CHECK(with.o - without.o == Approx(9 * unit2 * 1e8 * facts.squared_output));
    CHECK(with.lse - without.lse == Approx(9 * unit2 * 1e8));
}

TEST_CASE("errors of the weights of a gradient are scaled as it is, and what is lost of them counts") {
    const std::vector<double> result{0.5, 0.25};
    const auto unit = [&](const SumMoments& sum, double scale) {
        return unit_of(sum, rounding_of(Dtype::f16), scale, result, Dtype::f16);
    };
    const double without = unit({}, 0.25);
    CHECK(unit({.error = 8.0}, 0.25) - without == Approx(8.0 / 16));
    CHECK(unit({.lost_squares = 4.0}, 0.25) - without == Approx(4.0 / 16));
    CHECK(unit({.sizes = 2.0, .lost = 1.0}, 0.25) - without == Approx(square(0.5) * 0.3125));
}

TEST_CASE("under a sink o may be lost whole where f32 has no factor so small, and only there") {
    const auto unit = [](double dilution) {
        RowFacts facts = some_facts();
        facts.dilution = dilution;
        facts.sum = 1.0;  // the sink's alone
        return unit_of(some_row(), facts, {}).o / facts.squared_output;
    };
    CHECK(unit(least_exponential / 2) >= 1.0);
    for (const double held : {0x1p-20, 0x1p-60, 2 * least_exponential}) CHECK(unit(held) < 1e-4);
}

TEST_CASE("dsink may be lost whole where the sink's share is no number of f32, and only there") {
    const auto relative_units = [](int sink) {
        const Problem problem = problem_from(fmt::format(
            R"({{"heads_q": 2, "heads_kv": 1, "head_dim": 4, "dtype": "f32", "users": [{{"queries": 5, "keys": 3}}],
                "sink": {{"values": [0, {}]}}}})",
            sink));
        const Inputs inputs = Inputs::generated(problem, 1, Inputs::Queries::held, 1, Inputs::Pass::backward);
        const Gradients gradients = ReferenceGradients(problem, inputs, 0).all();
        std::vector<double> units;
        for (std::size_t head = 0; head < 2; ++head)
            units.push_back(gradients.unit_dsink[head] / square(gradients.dsink[head]));
        return units;
    };
    for (const int sink : {0, -20, -60, -80}) CHECK(relative_units(sink)[1] < 1e-8);
    CHECK(relative_units(-95)[1] >= 1.0);
    CHECK(relative_units(-95)[0] < 1e-8);  // the other head's is a number
}

TEST_CASE("products with weights below f32's spacing: standard has divided them by the sum before, others after") {
    const auto of_keys = [](bool of_sum) {
        RowFacts facts = some_facts();
        facts.sum = 100.0;
        facts.squared_output = 0.0;
        RowMoments row;
        const double without = unit_of(row, facts, {.of_sum = of_sum, .output = Dtype::f32}).o;
        row.keys = 400;
        return unit_of(row, facts, {.of_sum = of_sum, .output = Dtype::f32}).o - without;
    };
    const double products = 400.0 * 16.0 * square(rounding_of(Dtype::f32).spacing) / 12.0;
    CHECK(of_keys(true) == Approx(products));
    CHECK(of_keys(false) == Approx(products / square(100.0)));
}

TEST_CASE("keys whose weights err alike add what their values make together, to p and to scores") {
    RowMoments row = some_row();
    const RowFacts facts = some_facts();
    const auto unit = [&] { return unit_of(row, facts, {}).o; };
    const double without = unit();
    const Rounding p = rounding_of(Dtype::f16);
    // Two pairs of keys with products of values 2 v.v = 8, of weights 1 and 1/2.
    row.alike_values = 8.0 + 2.0;
    row.alike_all = 16.0;
    CHECK(unit() - without ==
          Approx((square(p.relative) + 4 * unit2) * 10.0 / 9.0 + square(p.spacing) / 12 * 16.0 / 9.0).epsilon(1e-6));
    // Groups of which a part is seen are an estimate, which takes nothing away.
    row.alike_values = row.alike_all = row.alike_noise = -100.0;
    CHECK(unit() == without);
    row.rescale(0.5, 0.0);
    CHECK(row.alike_values == -25.0);
    CHECK(row.alike_noise == -25.0);
    CHECK(row.alike_all == -100.0);

    const std::vector<double> result{0.5, 0.25};
    const auto gradient = [&](const SumMoments& sum) { return unit_of(sum, p, 0.5, result, Dtype::f16); };
    CHECK(gradient({.error = 1.0, .alike = 8.0}) - gradient({.error = 1.0}) == Approx(8.0 / 4));
    CHECK(gradient({.error = 1.0, .alike = -8.0}) == gradient({.error = 1.0}));
}

TEST_CASE("sums of biases are rounded on the way, which may move all scores of a row alike") {
    const ScoreSteps ends{.score = 1.0}, goes_far{.score = 1.0, .biases = 950.0 * 950.0};
    const double more = score_noise(goes_far, 0.0) - score_noise(ends, 0.0);
    CHECK(more == Approx(unit2 * square(950.0) / 3));
    RowMoments row = some_row();
    const RowFacts facts = some_facts();
    const double without = unit_of(row, facts, {}).lse;
    row.common_noise = facts.sum * 1e-4;
    CHECK(unit_of(row, facts, {}).lse - without == Approx(1e-4));
    const std::vector<double> result{0.5, 0.25};
    const auto gradient = [&](double shift) {
        return unit_of({.weights = 2.0, .shift = shift}, rounding_of(Dtype::f32), 1.0, result, Dtype::f32);
    };
    CHECK(gradient(2e-4) - gradient(0.0) == Approx(1e-4 * 0.3125));
}

TEST_CASE("a running output in bf16 loses by every addition if all are alike, at most all; else as roundings do") {
    // So many keys of weight 1 whose values are of norm 1 and equal, or as large and of any direction.
    const auto unit = [](std::int64_t keys, double squared_output, double size) {
        const auto n = static_cast<double>(keys);
        RowMoments row;
        row.keys = row.weights = row.squares = n;
        row.values = row.squared_values = row.all_values = n * square(size);
        const RowFacts facts{.sum = n, .squared_output = squared_output * square(size), .value_dim = 16};
        const auto of = [&](Dtype state) {
            return unit_of(row, facts, {.output = Dtype::f32, .state = state, .state_roundings = keys}).o;
        };
        return (of(Dtype::bf16) - of(Dtype::f32)) / facts.squared_output;
    };
    const double relative2 = square(rounding_of(Dtype::bf16).relative);
    for (const std::int64_t keys : {16, 64, 256}) {
        const auto n = static_cast<double>(keys);
        CHECK(unit(keys, 1.0, 1.0) == Approx((n + square(0.35 * n)) * relative2));
        CHECK(unit(keys, 1.0 / n, 1.0) == Approx(n * relative2));
    }
    CHECK(unit(1 << 20, 1.0, 1.0) == Approx(1.0 + (1 << 20) * relative2));
    // Below the normal numbers the spacing is what they lose by.
    const double size = 1e-39, spacing2 = 16 * square(rounding_of(Dtype::bf16).spacing / size) / 12;
    CHECK(unit(4, 0.25, size) >= 4 * spacing2 / 16 / 0.25);
}

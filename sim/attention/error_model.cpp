// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/error_model.h"

#include "sim/base/error.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tilemesh::attention {

namespace {

/// Digits behind the leading one, and the exponent of the distance of the numbers next to 0.
struct Format {
    int digits, least;
};
Format format_of(Dtype dtype) {
    switch (dtype) {
        case Dtype::f32:
            return {23, -149};
        case Dtype::f16:
            return {10, -24};
        case Dtype::bf16:
            return {7, -133};
        case Dtype::f8e4m3:
            return {3, -9};
        case Dtype::f8e5m2:
            return {2, -16};
        default:
            fail<InternalError>("no rounding error of dtype {}", name_of(dtype));
    }
}

}  // namespace

Rounding rounding_of(Dtype dtype) {
    // Half a unit in the last place at most, a uniform error below that; mantissas are spread evenly over their
    // logarithm: (largest / sqrt 3) sqrt(3 / (8 ln 2)) in the mean.
    constexpr double even = 0.42466;
    const Format format = format_of(dtype);
    const double largest = std::ldexp(1.0, -format.digits - 1);
    return {even * largest, largest, std::ldexp(1.0, format.least)};
}

double greatest_of(Dtype dtype) {
    const int exponents = dtype == Dtype::f16 ? 16 : 128;
    return std::ldexp(2.0 - std::ldexp(1.0, -format_of(dtype).digits), exponents - 1);
}

Rounding rounding_of_probability(Dtype dtype) {
    Rounding rounding = rounding_of(dtype);
    if (is_fp8(dtype)) rounding.spacing *= 0x1p-7;
    return rounding;
}

int digits_beyond(Dtype dtype) { return 52 - format_of(dtype).digits; }

double distance_from(Dtype dtype, std::span<const double> vector) {
    double squares = 0.0;
    for (const double value : vector) {
        const auto stored = static_cast<double>(round_to(dtype, static_cast<float>(value)));
        if (std::isfinite(stored)) squares += square(stored - value);
    }
    return squares;
}

Arithmetic arithmetic_of(const Problem& problem) {
    return {.probability = problem.probability(), .output = problem.output_dtype()};
}

double size_noise(std::int64_t terms) {
    return square(f32_unit * (0.3 * std::sqrt(static_cast<double>(terms)) + 2.0));
}

double sum_noise(double terms) {
    // Sums are made in blocks of some hundred terms and those added up.
    const double steps = std::min(terms, 1024.0) + terms / 1024.0;
    return square(f32_unit) * (0.3 * steps + 4.0);
}

void RowMoments::rescale(double factor, double lost_below) {
    weights *= factor;
    values *= factor;
    squared_values *= square(factor);
    squares *= square(factor);
    squared_noise *= square(factor);
    noise_values *= square(factor);
    alike_values *= square(factor);
    alike_noise *= square(factor);
    greatest_noise *= factor;
    common_noise *= factor;
    lost *= factor;
    lost_of_sum *= factor;
    rounded *= factor;
    // After a step that large, weights that were not lost may be: each less than that limit, together at most all
    // there is.
    if (factor < 1.0 / 16)
        lost = std::max(lost, std::min(std::sqrt(values * keys * factor), lost_below * std::sqrt(keys * all_values)));
}

GradientRounding gradient_rounding_of(const Problem& problem) {
    const Rounding storage = rounding_of(problem.output_dtype());
    // Backward kernels hold p times 2^15 (kernels/backward/block.h).
    GradientRounding rounding{storage, storage};
    rounding.p.spacing *= 0x1p-15;
    return rounding;
}

double unit_of(const SumMoments& m, const Rounding& weights, double scale, std::span<const double> result,
               Dtype output) {
    double squared_norm = 0.0;
    for (const double value : result) squared_norm += square(value);
    const auto dim = static_cast<double>(result.size());
    double unit =
        square(scale) * (m.error + std::max(m.alike, 0.0) + m.lost_squares + sum_noise(m.number) * m.terms) +
        sum_noise(m.number) * squared_norm +
        std::max(rounding_of(output).squared(squared_norm, dim), distance_from(output, result));
    // What is lost is part of the sum, and may lie along it.
    if (m.sizes > 0.0) unit += square(m.lost / m.sizes) * squared_norm;
    // Weights that are alike are rounded alike.
    if (m.weights > 0.0) {
        const double independent = 4 * square(weights.relative) * (m.squares / m.weights) / m.weights;
        unit += std::max(0.0, square(m.rounded / m.weights) - independent) * squared_norm;
        unit += m.shift / m.weights * squared_norm;
    }
    return unit;
}

namespace {

/// What rounding the running output after every addition makes, relative to a row with this sum of weights.
double of_running_output(const RowMoments& m, const RowFacts& row, const Arithmetic& arithmetic, double sum) {
    const Rounding state = rounding_of(arithmetic.state);
    const double l2 = square(sum), o2 = row.squared_output, number = static_cast<double>(arithmetic.state_roundings);
    // The distance of the numbers near 0 is one of o times the sum, or, once that is divided out on the way, of o.
    const double squared_spacing = static_cast<double>(row.value_dim) * square(state.spacing) /
                                   (arithmetic.lse_roundings > 0 ? std::min(l2, 1.0) : l2);
    double squared = number * (square(state.relative) * std::max(m.squared_values / l2, o2) + squared_spacing / 12);
    // Additions that are alike are rounded alike: the same part of a spacing is lost each time, up to all of it once
    // they are less than half of one. They are as alike as they vary little beside a spacing, which is about sqrt 2
    // times the largest rounding; correlations as in alike.h. The sum grows while they are made, and what is lost
    // changes from one power of 2 to the next: 0.35 of the largest loss is left (found with constant values in bf16,
    // 64 to 1,024 additions: 0.15 to 0.35).
    const double additions = std::min(number, m.keys);
    if (additions <= 1.0) return squared;
    const double variance = std::max(0.0, m.squared_values / l2 - o2 / m.keys) / additions;
    const double spacing2 = 2 * square(state.largest) * o2 + squared_spacing;
    const double correlation = spacing2 > 0.0 ? std::exp(-2 * square(std::numbers::pi) * variance / spacing2) : 0.0;
    const double each = square(state.relative) * o2 + squared_spacing / 12;
    return squared + correlation * std::min(square(0.35 * additions) * each, o2);
}

}  // namespace

RowUnit unit_of(const RowMoments& m, const RowFacts& row, const Arithmetic& arithmetic) {
    if (row.sum == 0.0) return {};
    const Rounding p = rounding_of_probability(arithmetic.probability), output = rounding_of(arithmetic.output),
                   f32 = rounding_of(Dtype::f32);
    // The sum as it was before the sink, of which p knows nothing.
    const double sum = row.sum / row.dilution, l2 = square(sum), o2 = row.squared_output;
    // Weights that are alike err alike (alike.h). Where only some of a group is seen the pairs are an estimate.
    const double alike = std::max(m.alike_values, 0.0), alike_noise = std::max(m.alike_noise, 0.0),
                 alike_all = std::max(m.alike_all, 0.0);
    // An error s of a score changes o by p (v - o) s. Summed over the keys that is at most the spread of v times the
    // greatest p s^2, and no more where one key has all the weight or all values are alike. While s is small, so that
    // e^s is about 1 + s, the squares can be summed key by key, which tells a large v from one that has weight.
    const double spread = std::max(0.0, m.values / sum - o2);
    const double of_product = product_noise * square(row.noise_unit),
                 of_size = size_noise(row.size_terms) * square(row.maximum);
    double o = std::min((of_product * m.greatest_noise + of_size) / sum, 1.0) * spread;
    if (of_product * square(m.largest_noise) + of_size < 1.0 / 16) {
        const double of_values = of_product * (m.noise_values + alike_noise) + of_size * (m.squared_values + alike),
                     of_output = of_product * m.squared_noise + of_size * m.squares;
        o = std::min(o, 2 * (of_values + of_output * o2) / l2);
    }
    // p as an operand. exp2 errs by about two units of f32, in p of any type.
    const double terms = m.squared_values / l2, spacing = arithmetic.of_sum ? p.spacing * m.weights : p.spacing;
    o += (square(p.relative) + 4 * square(f32_unit)) * (terms + alike / l2) +
         square(spacing) / 12.0 * (m.all_values + alike_all) / l2;
    o += square((arithmetic.of_sum ? m.lost_of_sum : m.lost) / sum);
    // Weights that are alike are rounded alike, which moves o along itself: as much as it does here, or, since
    // other maxima on the way make other weights, as their spread lets expect. Of a fused kernel they are near 1,
    // just below a power of 2.
    if (m.weights > 0.0) {
        const double largest = arithmetic.of_sum || is_fp8(arithmetic.probability) ? p.largest : p.largest / 2;
        const double spread_of_weights = std::max(0.0, m.keys * m.squares / square(m.weights) - 1.0);
        const double expected = square(largest) / (1.0 + spread_of_weights / square(p.largest));
        const double here = std::max(0.0, square(m.rounded) - 4 * square(p.relative) * m.squares) / l2;
        if (m.keys > 1.0) o += std::max(here, expected) * o2;
    }
    o += sum_noise(m.keys) * (terms + o2);
    // Where products lie below the spacing of f32; those of a whole row are of weights that the sum has divided
    // before.
    o += m.keys * static_cast<double>(row.value_dim) * square(f32.spacing) / 12.0 / (arithmetic.of_sum ? 1.0 : l2);
    if (arithmetic.state != Dtype::f32) o += of_running_output(m, row, arithmetic, sum);
    const double of_maximum = square(f32_unit) * (square(row.lse) + 4 * square(row.maximum));
    const auto conversions = static_cast<double>(arithmetic.lse_roundings);
    o += conversions * std::min(of_maximum, 1.0) * spread;
    const double of_sink = 9 * square(f32_unit * row.sink);
    o += of_sink * o2;
    if (row.dilution < flushed_below) o += o2;  // the sink's factor may be 0
    o += std::max(output.squared(o2, static_cast<double>(row.value_dim)), row.output_rounding);
    const double of_scores = (of_product * m.squared_noise + of_size * m.squares) / l2;
    // The sum of l, exp2 and the logarithm.
    const double of_sum = sum_noise(m.keys) + 16 * square(f32_unit);
    return {o, of_scores + m.common_noise / sum + of_sink + of_sum + (1.0 + conversions) * of_maximum};
}

}  // namespace tilemesh::attention

// SPDX-License-Identifier: Apache-2.0
// How large an error correct arithmetic makes on these inputs: the unit by which a verdict measures. A statistical
// error analysis (independent roundings add as squares; Higham and Mary, A new approach to probabilistic rounding
// error analysis, 2019) of attention whose scores, sums and state are f32 and whose p and results are rounded to
// their storage types. What depends on the inputs is summed beside the f64 reference, row by row (RowMoments); what
// depends on the types comes in here. A unit is a root mean square: most errors are near one unit, hardly any beyond
// four.
#pragma once

#include "sim/attention/problem.h"
#include "sim/base/dtype.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <span>

namespace tilemesh::attention {

/// Rounding to a type: the relative error of a normal number, in the mean over all mantissas (root mean square) and
/// at most, and the distance of the numbers next to 0.
struct Rounding {
    double relative = 0.0;
    double largest = 0.0;
    double spacing = 0.0;
    /// The squared error of `count` numbers of this squared norm.
    double squared(double squared_norm, double count) const {
        return relative * relative * squared_norm + count * spacing * spacing / 12.0;
    }
};
Rounding rounding_of(Dtype dtype);
/// The greatest number of a type of outputs: f16, bf16 or f32.
double greatest_of(Dtype dtype);

/// Half the distance from 1 to the next f32: the largest relative error of an operation in f32.
constexpr double f32_unit = 0x1p-24;

/// The squared distance of a vector from what a type has next to it. Where many results are alike, so are their
/// roundings, and the mean over all mantissas says little. Elements beyond the type's range are left out.
double distance_from(Dtype dtype, std::span<const double> vector);

/// Where a kernel rounds.
struct Arithmetic {
    Dtype probability = Dtype::f16;  // p as operand of the value product
    bool of_sum = false;             // p is rounded after its division by the sum, not relative to the greatest p
    Dtype output = Dtype::f16;
    Dtype state = Dtype::f32;          // of the running output,
    std::int64_t state_roundings = 0;  // rounded so often
    std::int64_t lse_roundings = 0;    // conversions of a partial result to (out, lse), of which lse is f32
};
Arithmetic arithmetic_of(const Problem& problem);
/// Of p as such an operand. Fused kernels hold 8-bit ones times a power of 2 (kernels/attention/attend.h), so they
/// end closer to 0.
Rounding rounding_of_probability(Dtype dtype);
/// Exponentials below this are 0 (sim/tile/vector_math.h).
constexpr double least_exponential = 0x1p-126;
/// Below this an exponential, which errs by its own rounding and that of its argument, may be one of them.
constexpr double flushed_below = least_exponential * (1.0 + 0x1p-12);

/// How a score comes about, for what it errs by.
struct ScoreSteps {
    double norms = 0.0;    // |q| |k|, times the scale
    double product = 0.0;  // scale q.k
    double slope = 1.0;    // of the cap there
    double capped = 0.0;   // what the cap makes of it
    double score = 0.0;    // with biases
    double biases = 0.0;   // their squares, and those of the sums on the way to the last (biases.h)
};
constexpr double square(double x) { return x * x; }
/// The squared error of a product that cancels is this times |q|^2 |k|^2; and of any one this times its square, since
/// partial sums grow to it, each rounded by about 0.3 units of its size; then there are a scale and a difference.
constexpr double product_noise = f32_unit * f32_unit;
double size_noise(std::int64_t terms);
/// The squared error of what is rounded on the way to the sum of biases is this times its square: a uniform error of
/// up to a unit. Biases are often alike, so this is not a mean over mantissas.
constexpr double bias_noise = f32_unit * f32_unit / 3;
/// The squared error of a score that is more than a product, of whose terms size_noise is given: the cap has its
/// roundings, biases are rounded to f32 before they are added, one after the other. 0 for a score of -inf.
inline double score_noise(const ScoreSteps& steps, double of_size) {
    if (std::isinf(steps.score)) return 0.0;
    const double of_product = product_noise * square(steps.norms) + of_size * square(steps.product);
    return square(steps.slope) * of_product + bias_noise * steps.biases +
           square(f32_unit) *
               (4 * square(steps.capped) + 2 * square(steps.score - steps.capped) + 4 * square(steps.score));
}
/// The squared error of a sum of so many f32 terms, relative to the squares of the terms and of the sum.
double sum_noise(double terms);

/// Of one row, with weights w = exp(score - greatest score): sums over the keys it sees. n is what the error of a
/// score is proportional to: |k|, or the error itself (over f32_unit) where there is a cap or a bias.
struct RowMoments {
    double weights = 0.0;         // w
    double values = 0.0;          // w |v|^2
    double squared_values = 0.0;  // w^2 |v|^2
    double squares = 0.0;         // w^2
    double squared_noise = 0.0;   // w^2 n^2
    double noise_values = 0.0;    // w^2 n^2 |v|^2
    double greatest_noise = 0.0;  // the greatest w n^2
    double largest_noise = 0.0;   // the greatest n
    double lost = 0.0;            // w |v| of those that p rounds to 0
    double lost_of_sum = 0.0;     // the same if p is rounded after its division by the sum of w
    double rounded = 0.0;         // w rounded to the type of p, less w
    double all_values = 0.0;      // |v|^2
    double keys = 0.0;            // their number
    double common_noise = 0.0;    // w times the squared error of biases, which may be the same for all keys
    // Of keys that are alike (alike.h), whose weights err alike: what their pairs add to three of the sums above.
    double alike_values = 0.0, alike_noise = 0.0, alike_all = 0.0;

    /// A greater score has come: every weight is times `factor` from now on, and 0 below `lost_below`.
    void rescale(double factor, double lost_below);
};

/// Squared units of one row.
struct RowUnit {
    double o = 0.0;  // of the vector o - reference
    double lse = 0.0;
};
struct RowFacts {
    double noise_unit = 0.0;                     // what n is times: |q|, the scale multiplied in, or 1
    std::int64_t size_terms = 0;                 // head_dim, or 0 where n has the size of the scores in it
    double maximum = 0.0, sum = 0.0, lse = 0.0;  // with the sink
    double dilution = 1.0;                       // what a weight of 1 has become by the sink, which comes last
    double sink = 0.0;                           // its share of the sum, times its size
    double squared_output = 0.0;                 // |o|^2
    double output_rounding = 0.0;                // squared distance of o from its neighbour in the type of outputs
    std::int64_t value_dim = 0;
};
RowUnit unit_of(const RowMoments& moments, const RowFacts& row, const Arithmetic& arithmetic);

/// What the error of a sum of weighted vectors is made of, summed over its terms: x of dq or dk (weights ds), y of dv
/// (weights p).
struct SumMoments {
    double error = 0.0;  // squared error of the weight, times the vector's square
    double alike = 0.0;  // the same of pairs of vectors whose weights are alike (alike.h), times their product
    double terms = 0.0;  // squared weight times the vector's square
    double sizes = 0.0;  // |weight| times the vector's norm; and of weights that round to 0 this and its square:
    double lost = 0.0, lost_squares = 0.0;
    double common = 0.0;                  // an error of D is squared times this: p times the vector's square
    double weights = 0.0, squares = 0.0;  // p, and its square
    double rounded = 0.0;                 // p rounded to its type, less p
    double shift = 0.0;                   // p times the squared error of biases, which may be common to all
    double number = 0.0;
};
/// Rounding of the weights of a backward pass as operands.
struct GradientRounding {
    Rounding ds, p;  // p is held times a power of 2
};
GradientRounding gradient_rounding_of(const Problem& problem);
/// The squared unit of such a sum, `result`, which is stored in `output`; `scale` is a factor of it.
double unit_of(const SumMoments& moments, const Rounding& weights, double scale, std::span<const double> result,
               Dtype output);

/// How many of the 53 digits of an f64 a type leaves out; rounded_at() rounds to those that stay, at any exponent.
int digits_beyond(Dtype dtype);
inline double rounded_at(int digits, double value) {
    const std::uint64_t last = std::uint64_t{1} << digits;
    return std::bit_cast<double>((std::bit_cast<std::uint64_t>(value) + last / 2) & ~(last - 1));
}

}  // namespace tilemesh::attention

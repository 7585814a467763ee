// SPDX-License-Identifier: Apache-2.0
// Written with the vector extension of gcc and clang, so that speed does not hang on an auto-vectoriser's mood. The
// always-inline bodies take on the instruction set of the function they are inlined into; each set has two such
// functions, and reference_arithmetics() lists them. (Not the loader's function clones: those break under
// sanitizers.)
#include "sim/attention/reference_arithmetic.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace tilemesh::attention {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// How many doubles a vector has, and how many rows of the result the product keeps in registers (two vectors each).
struct Plain {
    static constexpr int width = 2, rows = 4;
    typedef double Vector __attribute__((vector_size(16)));
    typedef std::uint64_t Bits __attribute__((vector_size(16)));
};
struct Avx2 {
    static constexpr int width = 4, rows = 4;
    typedef double Vector __attribute__((vector_size(32)));
    typedef std::uint64_t Bits __attribute__((vector_size(32)));
};
struct Avx512 {
    static constexpr int width = 8, rows = 8;
    typedef double Vector __attribute__((vector_size(64)));
    typedef std::uint64_t Bits __attribute__((vector_size(64)));
};

template <class Simd>
[[gnu::always_inline]] inline void multiply_body(const Product& p) {
    using Vector = typename Simd::Vector;
    constexpr int width = Simd::width, rows = Simd::rows;
    static_assert(row_multiple % rows == 0 && panel_columns % (2 * width) == 0);
    for (std::int64_t column = 0; column < p.columns; column += 2 * width) {
        const double* const right =
            p.right + column / panel_columns * p.panel_rows * panel_columns + column % panel_columns;
        for (std::int64_t row = 0; row < p.rows; row += rows) {
            const double* const left = p.left + row * p.left_stride;
            double* const result = p.result + row * p.result_stride + column;
            Vector low[rows], high[rows];
            for (int i = 0; i < rows; ++i) {
                low[i] = high[i] = Vector{};
                if (!p.accumulate) continue;
                std::memcpy(&low[i], result + i * p.result_stride, sizeof(Vector));
                std::memcpy(&high[i], result + i * p.result_stride + width, sizeof(Vector));
            }
            for (std::int64_t k = 0; k < p.inner; ++k) {
                Vector right_low, right_high;
                std::memcpy(&right_low, right + k * panel_columns, sizeof(Vector));
                std::memcpy(&right_high, right + k * panel_columns + width, sizeof(Vector));
#pragma GCC unroll 8
                for (int i = 0; i < rows; ++i) {
                    const double factor = left[i * p.left_stride + k];
                    low[i] += factor * right_low;
                    high[i] += factor * right_high;
                }
            }
            for (int i = 0; i < rows; ++i) {
                std::memcpy(result + i * p.result_stride, &low[i], sizeof(Vector));
                std::memcpy(result + i * p.result_stride + width, &high[i], sizeof(Vector));
            }
        }
    }
}

// exp(x) for x <= 0: x = k ln 2 + r with |r| <= ln 2 / 2, exp(r) by its Taylor series to r^13 (the next term is below
// 5e-18), and k added to the exponent. Below -708 the result would leave the normal numbers; it is taken as 0.
template <class Simd>
[[gnu::always_inline]] inline void exponentials(typename Simd::Vector& value) {
    using Vector = typename Simd::Vector;
    using Bits = typename Simd::Bits;
    constexpr double log2_e = 1.4426950408889634, ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45;
    constexpr double to_integer = 0x1.8p52;  // adding it leaves the rounded value in the low bits
    constexpr double inverse_factorials[] = {
        1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
        1.0 / 720,        1.0 / 120,       1.0 / 24,       1.0 / 6,       0.5,          1.0,         1.0};
    const Vector shifted = value * log2_e + to_integer;
    const Vector whole = shifted - to_integer;
    const Vector rest = (value - whole * ln2_high) - whole * ln2_low;
    Vector series = rest * inverse_factorials[0] + inverse_factorials[1];
#pragma GCC unroll 12
    for (int i = 2; i < 14; ++i) series = series * rest + inverse_factorials[i];
    const Bits scaled = (Bits)series + ((Bits)shifted << 52);
    const Bits in_range = (Bits)(value > -708.0);  // also drops what -inf has become
    value = (Vector)(scaled & in_range);
}

template <class Simd>
[[gnu::always_inline]] inline double absorb_body(double* scores, std::int64_t count, RunningSoftmax& state) {
    using Vector = typename Simd::Vector;
    constexpr int width = Simd::width;
    Vector greatest = Vector{} - infinity;
    for (std::int64_t i = 0; i < count; i += width) {
        Vector s;
        std::memcpy(&s, scores + i, sizeof s);
        greatest = s > greatest ? s : greatest;
    }
    double maximum = state.maximum;
    for (int i = 0; i < width; ++i) maximum = greatest[i] > maximum ? greatest[i] : maximum;
    const double safe_maximum = maximum == -infinity ? 0.0 : maximum;
    Vector sums = Vector{};
    for (std::int64_t i = 0; i < count; i += width) {
        Vector s;
        std::memcpy(&s, scores + i, sizeof s);
        s -= safe_maximum;
        exponentials<Simd>(s);
        sums += s;
        std::memcpy(scores + i, &s, sizeof s);
    }
    double sum = 0.0;
    for (int i = 0; i < width; ++i) sum += sums[i];
    const double factor = state.maximum == -infinity ? 0.0 : std::exp(state.maximum - safe_maximum);
    state.sum = state.sum * factor + sum;
    state.maximum = maximum;
    return factor;
}

template <class Simd>
[[gnu::always_inline]] inline void measure_body(const WeightedKeys& tile, RowMoments& moments) {
    using Vector = typename Simd::Vector;
    using Bits = typename Simd::Bits;
    constexpr int width = Simd::width;
    Vector values{}, squared_values{}, squares{}, squared_noise{}, noise_values{}, greatest{}, largest{}, lost{},
        lost_of_sum{}, rounded{}, all{}, number{};
    const Vector one = Vector{} + 1.0;
    const double below_of_sum = tile.lost_below * tile.sum;
    const std::uint64_t last = std::uint64_t{1} << tile.digits_beyond;
    for (std::int64_t i = 0; i < tile.count; i += width) {
        Vector w, v, n;
        std::memcpy(&w, tile.weights + i, sizeof w);
        std::memcpy(&v, tile.values + i, sizeof v);
        std::memcpy(&n, tile.noise + i, sizeof n);
        const Vector wv = w * v, wn = w * n;
        values += wv * v;
        squared_values += wv * wv;
        squares += w * w;
        squared_noise += wn * wn;
        noise_values += wn * wn * (v * v);
        greatest = wn * n > greatest ? wn * n : greatest;
        lost += (Vector)((Bits)wv & (Bits)(w < tile.lost_below));
        lost_of_sum += (Vector)((Bits)wv & (Bits)(w < below_of_sum));
        rounded += (Vector)(((Bits)w + last / 2) & ~(last - 1)) - w;
        const Bits seen = (Bits)(w > 0.0);
        const Vector noise = (Vector)((Bits)n & seen);
        largest = noise > largest ? noise : largest;
        all += (Vector)((Bits)(v * v) & seen);
        number += (Vector)((Bits)one & seen);
    }
    for (int i = 0; i < width; ++i) {
        moments.values += values[i];
        moments.squared_values += squared_values[i];
        moments.squares += squares[i];
        moments.squared_noise += squared_noise[i];
        moments.noise_values += noise_values[i];
        moments.largest_noise = largest[i] > moments.largest_noise ? largest[i] : moments.largest_noise;
        moments.greatest_noise = greatest[i] > moments.greatest_noise ? greatest[i] : moments.greatest_noise;
        moments.lost += lost[i];
        moments.lost_of_sum += lost_of_sum[i];
        moments.rounded += rounded[i];
        moments.all_values += all[i];
        moments.keys += number[i];
    }
}

void measure_plain(const WeightedKeys& tile, RowMoments& moments) { measure_body<Plain>(tile, moments); }
void multiply_plain(const Product& product) { multiply_body<Plain>(product); }
double absorb_plain(double* scores, std::int64_t count, RunningSoftmax& state) {
    return absorb_body<Plain>(scores, count, state);
}

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] void multiply_avx2(const Product& product) { multiply_body<Avx2>(product); }
[[gnu::target("avx2,fma")]] double absorb_avx2(double* scores, std::int64_t count, RunningSoftmax& state) {
    return absorb_body<Avx2>(scores, count, state);
}
[[gnu::target("avx2,fma")]] void measure_avx2(const WeightedKeys& tile, RowMoments& moments) {
    measure_body<Avx2>(tile, moments);
}
[[gnu::target("avx512f,avx512dq,fma")]] void measure_avx512(const WeightedKeys& tile, RowMoments& moments) {
    measure_body<Avx512>(tile, moments);
}
[[gnu::target("avx512f,avx512dq,fma")]] void multiply_avx512(const Product& product) {
    multiply_body<Avx512>(product);
}
[[gnu::target("avx512f,avx512dq,fma")]] double absorb_avx512(double* scores, std::int64_t count,
                                                             RunningSoftmax& state) {
    return absorb_body<Avx512>(scores, count, state);
}
#endif

}  // namespace

std::vector<ReferenceArithmetic> reference_arithmetics() {
    std::vector<ReferenceArithmetic> versions;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) {
        versions.push_back({"avx512", multiply_avx512, absorb_avx512, measure_avx512});
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        versions.push_back({"avx2", multiply_avx2, absorb_avx2, measure_avx2});
    }
#endif
    versions.push_back({"plain", multiply_plain, absorb_plain, measure_plain});
    return versions;
}

}  // namespace tilemesh::attention

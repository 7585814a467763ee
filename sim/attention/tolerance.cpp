// SPDX-License-Identifier: Apache-2.0
// The comparison with the reference and its limits.
#include "sim/attention/tolerance.h"

#include "sim/base/error.h"

#include <algorithm>
#include <cmath>

namespace tilemesh::attention {
namespace {

// Fused flash attention on a current GPU, normal inputs, 1K to 8K, causal or not, has a relative L2 error against f64
// of 2.5e-4 to 2.9e-4 in f16 and 2.0e-3 to 2.3e-3 in bf16: the rounding of p and of the output to 11 and 8 bits. At
// short contexts a few large rows weigh more and the error varies more, hence the wider limit below 1024 keys. In f32
// the error is that of sums in f32, growing slowly with context.
struct Limit {
    Dtype dtype;
    double short_context, long_context;
};
constexpr Limit limits[] = {
    {Dtype::f16, 4e-4, 3e-4},
    {Dtype::bf16, 3e-3, 2.5e-3},
    {Dtype::f32, 1e-5, 1e-5},
    // Of p alone, whose rounding to 4 and to 3 bits is 2^7 and 2^8 times that to f16; the output is f16.
    {Dtype::f8e4m3, 4e-2, 3.5e-2},
    {Dtype::f8e5m2, 8e-2, 7e-2},
};
constexpr std::int64_t long_context_keys = 1024;

// lse is made of f32 scores and sums in every dtype (only p as an operand is rounded), so its error is near 1e-6. The
// limit catches what is wrong rather than rounded: one key of a thousand missing moves lse by 1e-3.
constexpr double lse_limit = 1e-4;

double ratio(double squared_error, double squared_norm) {
    return squared_error == 0.0 ? 0.0 : std::sqrt(squared_error / squared_norm);  // infinite when only the norm is 0
}

}  // namespace

Tolerance default_tolerance(const Problem& problem) { return default_tolerance(problem, Dtype::f32, 0); }

Tolerance default_tolerance(const Problem& problem, Dtype state, std::int64_t roundings) {
    const bool long_context = std::all_of(problem.users.begin(), problem.users.end(),
                                          [](const User& user) { return user.keys >= long_context_keys; });
    const auto allows = [&](Dtype dtype) {
        for (const Limit& limit : limits)
            if (limit.dtype == dtype) return long_context ? limit.long_context : limit.short_context;
        fail<InternalError>("no tolerance for dtype {}", name_of(dtype));
    };
    const double storage = allows(problem.probability());
    if (state == Dtype::f32) return {storage, lse_limit};
    // Errors of the roundings are independent, so they add as squares; each is at most that of an output rounded
    // once.
    const double kept = allows(state) * std::sqrt(static_cast<double>(std::max<std::int64_t>(1, roundings)));
    return {std::hypot(storage, kept), lse_limit};
}

double scatter_of(std::uint64_t rows, std::int64_t width) {
    // The mean of n squares scatters with the root of n, and of a few dozen rows the largest few decide. Two
    // roundings of 2^-11 (f16) are 2.44 times 4e-4.
    const double share = std::min(1.0, static_cast<double>(width) / narrow_row);
    return std::clamp(8.0 / std::sqrt(std::max(1.0, static_cast<double>(rows) * share)), 1.0, 2.44);
}

RowWeight weight_of(bool sampled, std::int64_t value_dim) {
    return sampled && value_dim >= narrow_row ? RowWeight::alike : RowWeight::by_norm;
}

void Comparison::complain(std::string reason) {
    if (reason_.empty()) reason_ = std::move(reason);
}

void Comparison::add(std::span<const float> o, std::span<const float> lse, std::span<const double> expected_o,
                     std::span<const double> expected_lse) {
    const std::size_t rows = expected_lse.size();
    if (o.size() != expected_o.size() || (rows == 0 ? !o.empty() : o.size() % rows != 0) ||
        (!lse.empty() && lse.size() != rows)) {
        fail<InternalError>("comparing {} outputs and {} lse with {} and {} of the reference", o.size(), lse.size(),
                            expected_o.size(), rows);
    }
    const std::size_t value_dim = rows == 0 ? 0 : o.size() / rows;
    const bool some_see_nothing =
        std::any_of(expected_lse.begin(), expected_lse.end(), [](double value) { return std::isinf(value); });
    for (std::size_t row = 0; row < rows; ++row) {
        double row_error = 0.0, row_norm = 0.0;
        for (std::size_t i = row * value_dim; i < (row + 1) * value_dim; ++i) {
            if (!std::isfinite(o[i])) {
                complain(fmt::format("output {} in row {} is {}, expected {:.6g}", i % value_dim, rows_ + row, o[i],
                                     expected_o[i]));
            }
            const double error = static_cast<double>(o[i]) - expected_o[i];
            row_error += error * error;
            row_norm += expected_o[i] * expected_o[i];
            max_error_ = worse(max_error_, std::abs(error));
        }
        // Such a row has no norm that its error could be relative to, and no rounding either.
        if (some_see_nothing && row_norm == 0.0 && row_error > 0.0) {
            complain(fmt::format("row {} sees no key and is not 0", rows_ + row));
        }
        if (weight_ == RowWeight::by_norm) {
            squared_error_ += row_error;
            squared_norm_ += row_norm;
        } else if (row_norm > 0.0) {
            squared_error_ += row_error / row_norm;
            squared_norm_ += 1.0;
        }
        worst_row_ = worse(worst_row_, ratio(row_error, row_norm));
    }
    for (std::size_t row = 0; row < lse.size(); ++row) {
        const double expected = expected_lse[row];
        const bool same_infinity = static_cast<double>(lse[row]) == expected;
        if (!(std::isfinite(lse[row]) && std::isfinite(expected)) && !same_infinity) {
            complain(fmt::format("lse {} is {}, expected {:.9g}", rows_ + row, lse[row], expected));
            max_lse_error_ = worse(max_lse_error_, std::abs(static_cast<double>(lse[row]) - expected));
        } else if (!same_infinity) {
            const double error = std::abs(static_cast<double>(lse[row]) - expected);
            max_lse_error_ = worse(max_lse_error_, error);
            const double limit = tolerance_.lse * std::max(1.0, std::abs(expected));
            if (error > limit) {
                complain(fmt::format("lse {} is {:.9g}, expected {:.9g} within {:.3g}", rows_ + row, lse[row],
                                     expected, limit));
            }
        }
    }
    rows_ += rows;
}

Verdict Comparison::verdict() const {
    Verdict verdict{.pass = false,
                    .relative_l2 = ratio(squared_error_, squared_norm_),
                    .max_error = max_error_,
                    .max_lse_error = max_lse_error_,
                    .worst_row = worst_row_,
                    .rows_checked = rows_,
                    .reason = reason_};
    if (verdict.reason.empty() && !(verdict.relative_l2 <= tolerance_.relative_l2)) {
        verdict.reason = fmt::format("relative L2 error is {:.3g}, expected at most {:.3g}", verdict.relative_l2,
                                     tolerance_.relative_l2);
    }
    verdict.pass = verdict.reason.empty();
    return verdict;
}

}  // namespace tilemesh::attention

// SPDX-License-Identifier: Apache-2.0
// The comparison with the reference and its limits.
#include "sim/attention/tolerance.h"

#include "sim/attention/error_model.h"
#include "sim/base/error.h"

#include <algorithm>
#include <cmath>

namespace tilemesh::attention {
namespace {

/// A NaN has no sign that anybody would want to see.
std::string shown(float value) { return std::isnan(value) ? "nan" : fmt::format("{:.9g}", value); }

double ratio(double squared_error, double squared_norm) {
    return squared_error == 0.0 ? 0.0 : std::sqrt(squared_error / squared_norm);  // infinite when only the norm is 0
}

}  // namespace

double scatter_of(std::uint64_t rows, std::int64_t width) {
    // The mean of n squares scatters with the root of n, and of a few dozen rows the largest few decide. Two
    // roundings of half a unit in the last place are 2.4 times their root mean square.
    const double share = std::min(1.0, static_cast<double>(width) / narrow_row);
    return std::clamp(8.0 / std::sqrt(std::max(1.0, static_cast<double>(rows) * share)), 1.0, 2.44);
}

RowWeight weight_of(bool sampled, std::int64_t value_dim) {
    return sampled && value_dim >= narrow_row ? RowWeight::alike : RowWeight::by_norm;
}

void Comparison::InUnits::add(double squared, double norm) {
    constexpr std::size_t enough = 64 * narrow_row;
    sum += squared;
    ++rows;
    if (norms.size() < enough) norms.insert(static_cast<float>(norm));
}

void Comparison::complain(std::string reason) {
    if (reason_.empty()) reason_ = std::move(reason);
}

void Comparison::add(std::span<const float> o, std::span<const float> lse, std::span<const double> expected_o,
                     std::span<const double> expected_lse, const RowUnits& units, double least_norm) {
    const std::size_t rows = expected_lse.size();
    if (o.size() != expected_o.size() || (rows == 0 ? !o.empty() : o.size() % rows != 0) ||
        (!lse.empty() && lse.size() != rows)) {
        fail<InternalError>("comparing {} outputs and {} lse with {} and {} of the reference", o.size(), lse.size(),
                            expected_o.size(), rows);
    }
    const std::size_t value_dim = rows == 0 ? 0 : o.size() / rows;
    width_ = static_cast<std::int64_t>(value_dim);
    double all_norm = 0.0;
    elements_ += expected_o.size();
    for (const double value : expected_o)
        overflown_ += std::isinf(round_to(tolerance_.output, static_cast<float>(value))) ? 1 : 0;
    const bool some_see_nothing =
        std::any_of(expected_lse.begin(), expected_lse.end(), [](double value) { return std::isinf(value); });
    for (std::size_t row = 0; row < rows; ++row) {
        double row_error = 0.0, row_norm = 0.0;
        for (std::size_t i = row * value_dim; i < (row + 1) * value_dim; ++i) {
            if (!std::isfinite(o[i])) {
                complain(fmt::format("output {} in row {} is {}, expected {:.6g}", i % value_dim, rows_ + row,
                                     shown(o[i]), expected_o[i]));
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
            all_norm += row_norm;
        } else if (row_norm > 0.0) {
            squared_error_ += row_error / row_norm;
            squared_norm_ += 1.0;
        }
        worst_row_ = worse(worst_row_, ratio(row_error, row_norm));
        // What is 0 for want of anything visible has no rounding.
        if (units.o.empty() || units.o[row] == 0.0 || (row_norm == 0.0 && row_error == 0.0)) continue;
        const double in_units = row_error / units.o[row];
        if (worse(worst_in_units_, in_units) != worst_in_units_) worst_number_ = rows_ + row;
        worst_in_units_ = worse(worst_in_units_, in_units);
        all_.add(in_units, row_norm);
        if (!units.heads.empty()) heads_[units.heads[row]].add(in_units, row_norm);
        if (weight_ == RowWeight::by_norm) squared_unit_ += units.o[row];
        if (weight_ == RowWeight::alike && row_norm > 0.0) squared_unit_ += units.o[row] / row_norm;
    }
    squared_norm_ += std::max(all_norm, least_norm * least_norm);
    for (std::size_t row = 0; row < lse.size(); ++row) {
        const double expected = expected_lse[row];
        const bool same_infinity = static_cast<double>(lse[row]) == expected;
        if (!(std::isfinite(lse[row]) && std::isfinite(expected)) && !same_infinity) {
            complain(fmt::format("lse {} is {}, expected {:.9g}", rows_ + row, shown(lse[row]), expected));
            max_lse_error_ = worse(max_lse_error_, std::abs(static_cast<double>(lse[row]) - expected));
        } else if (!same_infinity) {
            const double error = std::abs(static_cast<double>(lse[row]) - expected);
            max_lse_error_ = worse(max_lse_error_, error);
            if (!units.lse.empty()) {
                const double in_units = error * error / units.lse[row];
                if (worse(worst_lse_in_units_, in_units) != worst_lse_in_units_) worst_lse_number_ = rows_ + row;
                worst_lse_in_units_ = worse(worst_lse_in_units_, in_units);
                continue;
            }
            const double limit = tolerance_.lse * std::max(1.0, std::abs(expected));
            if (error > limit) {
                complain(fmt::format("lse {} is {:.9g}, expected {:.9g} within {:.3g}", rows_ + row, lse[row],
                                     expected, limit));
            }
        }
    }
    rows_ += rows;
}

void Comparison::judge_units(Verdict& verdict) const {
    const auto take = [&](double error, double allowed, const std::string& of) {
        Verdict other;
        other.units = error;
        other.units_allowed = allowed;
        other.units_of = of;
        if (!verdict.units_of.empty() && other.share() <= verdict.share()) return;
        verdict.units = error;
        verdict.units_allowed = allowed;
        verdict.units_of = of;
    };
    if (all_.rows > 0 && !tolerance_.relative_l2) {
        take(all_.mean(), limit_of_all * all_.scatter(width_), "all rows");
        for (const auto& [head, rows] : heads_)
            take(rows.mean(), limit_of_head * rows.scatter(width_), fmt::format("head {}", head));
        take(std::sqrt(worst_in_units_), limit_of_row, fmt::format("row {}", worst_number_));
    }
    if (worst_lse_in_units_ > 0.0 || std::isnan(worst_lse_in_units_))
        take(std::sqrt(worst_lse_in_units_), limit_of_lse, fmt::format("lse {}", worst_lse_number_));
    if (verdict.share() > 1.0 && verdict.reason.empty()) {
        verdict.reason = fmt::format("the error of {} is {:.3g} of the {:.3g} units that this arithmetic may have",
                                     verdict.units_of, verdict.units, verdict.units_allowed);
    }
}

/// Why numbers are not finite that could not be: said first, since a kernel can do nothing about it.
std::string Comparison::overflow() const {
    if (overflown_ == 0 || reason_.empty()) return reason_;
    const double greatest = greatest_of(tolerance_.output);
    return fmt::format("{} overflows: {} of {} elements are beyond {:.6g}; {}", name_of(tolerance_.output),
                       overflown_, elements_, greatest, reason_);
}

Verdict Comparison::verdict() const {
    Verdict verdict{.pass = false,
                    .relative_l2 = ratio(squared_error_, squared_norm_),
                    .max_error = max_error_,
                    .max_lse_error = max_lse_error_,
                    .worst_row = worst_row_,
                    .rows_checked = rows_,
                    .reason = overflow()};
    verdict.allowed_l2 = ratio(squared_unit_, squared_norm_) * limit_of_all * all_.scatter(width_);
    if (tolerance_.relative_l2 && verdict.reason.empty() && !(verdict.relative_l2 <= *tolerance_.relative_l2)) {
        verdict.reason = fmt::format("relative L2 error is {:.3g}, expected at most {:.3g}", verdict.relative_l2,
                                     *tolerance_.relative_l2);
    }
    judge_units(verdict);
    verdict.pass = verdict.reason.empty();
    return verdict;
}

}  // namespace tilemesh::attention

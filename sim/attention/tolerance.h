// SPDX-License-Identifier: Apache-2.0
// Is an output right? Its distance from the f64 reference is measured in units of what correct arithmetic of its
// types errs on these inputs (error_model.h), over all rows, per head and in the worst row; and row by row its
// log-sum-exp, which a missing or doubled chunk moves even where the output's norm hides it.
#pragma once

#include "sim/attention/problem.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

namespace tilemesh::attention {

struct Tolerance {
    std::optional<double> relative_l2;  // none: outputs are judged by their units
    double lse = 1e-4;                  // where rows come without units: absolute for |lse| up to 1, relative beyond
    Dtype output = Dtype::f32;          // in which outputs are stored
};

// Limits in units (error_model.h). The root mean square over many rows is that of the roundings, of which the unit is
// an estimate good to a few percent; a single head has fewer rows, and they resemble each other more; the worst of
// many rows lies in the tail of sums of bounded errors.
constexpr double limit_of_all = 1.2, limit_of_head = 1.6, limit_of_row = 6.0, limit_of_lse = 6.0;

/// By how much an error of so few rows of `width` numbers may exceed such a limit, which is one on the root mean
/// square of many: 1 from 64 rows on; for a single one 2.4, which is every p and every output rounded by half a unit
/// the same way. Rows narrower than narrow_row count in proportion.
double scatter_of(std::uint64_t rows, std::int64_t width);
/// Fewer numbers than this may all be near 0 by chance, and then a row's own relative error says nothing.
constexpr std::int64_t narrow_row = 16;

struct Verdict {
    bool pass = false;
    double relative_l2 = 0.0;    // as RowWeight says; 0 when output and reference are zero
    double max_error = 0.0;      // greatest |o - reference|
    double max_lse_error = 0.0;  // greatest |lse - reference|; 0 when lse was not given
    double worst_row = 0.0;      // greatest relative L2 error of a single row; for information
    std::uint64_t rows_checked = 0;
    // Of rows with units: the error that is nearest to what it may be, or furthest beyond, in units.
    double units = 0.0, units_allowed = 0.0;
    std::string units_of = {};  // "all rows", "head 3", "row 17", "lse 17"; empty when no row had a unit
    double allowed_l2 = 0.0;    // what all rows may err, as a relative L2 error
    std::string reason;         // why it failed, one line; empty when it passed
    /// Of what it may be; infinite when it is not a number.
    double share() const { return units_of.empty() ? 0.0 : std::isnan(units) ? HUGE_VAL : units / units_allowed; }
};

/// The greater of two errors; one that is not a number is greater than all (std::max would drop it).
inline double worse(double a, double b) { return std::isnan(a) || a > b ? a : b; }

/// How rows enter the relative L2 error. By norm: norm(o - reference) / norm(reference) over all rows together.
/// Alike: the root mean square of each row's own relative error; for samples, in which the one row with the fewest
/// visible keys, whose output is the largest, would else drown the rest (a causal row's norm falls with the root of
/// its position).
enum class RowWeight : std::uint8_t { by_norm, alike };
/// Alike for samples, unless rows are narrow.
RowWeight weight_of(bool sampled, std::int64_t value_dim);

/// Squared units of rows as they are added; empty: none are known.
struct RowUnits {
    std::span<const double> o, lse;
    std::span<const std::int64_t> heads;  // of the rows of o; empty: heads are not judged
};

/// Gathers rows of any number of users into one verdict.
class Comparison {
public:
    explicit Comparison(Tolerance tolerance, RowWeight weight = RowWeight::by_norm)
        : tolerance_(tolerance), weight_(weight) {}
    /// `o` and `expected_o` are [rows, value_dim], `lse` and `expected_lse` [rows] in one and the same order, but the
    /// rows of o and of lse may be ordered differently (as in the full layouts of problem.h). An empty `lse` is not
    /// compared. Other sizes must agree (InternalError).
    void add(std::span<const float> o, std::span<const float> lse, std::span<const double> expected_o,
             std::span<const double> expected_lse) {
        add(o, lse, expected_o, expected_lse, {}, 0.0);
    }
    /// The same with units. The norm of what is expected counts as at least `least_norm` in the relative L2 error by
    /// norm.
    void add(std::span<const float> o, std::span<const float> lse, std::span<const double> expected_o,
             std::span<const double> expected_lse, const RowUnits& units, double least_norm);
    Verdict verdict() const;

private:
    /// Squared errors in squared units.
    struct InUnits {
        double sum = 0.0;
        std::uint64_t rows = 0;
        std::set<float> norms;  // of what is expected, as many as scatter_of asks for
        void add(double squared, double norm);
        double mean() const { return std::sqrt(sum / static_cast<double>(rows)); }
        double scatter(std::int64_t width) const { return scatter_of(norms.size(), width); }
    };
    void complain(std::string reason);
    std::string overflow() const;
    void judge_units(Verdict& verdict) const;

    Tolerance tolerance_;
    RowWeight weight_;
    double squared_error_ = 0.0, squared_norm_ = 0.0;
    double max_error_ = 0.0, max_lse_error_ = 0.0, worst_row_ = 0.0;
    std::uint64_t rows_ = 0;
    std::int64_t width_ = 0;
    std::uint64_t elements_ = 0, overflown_ = 0;  // of what is expected, beyond the type of outputs
    InUnits all_;
    std::map<std::int64_t, InUnits> heads_;
    double worst_in_units_ = 0.0, worst_lse_in_units_ = 0.0;  // squared
    std::uint64_t worst_number_ = 0, worst_lse_number_ = 0;
    double squared_unit_ = 0.0;
    std::string reason_;  // the first thing that no tolerance excuses
};

}  // namespace tilemesh::attention

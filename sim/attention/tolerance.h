// SPDX-License-Identifier: Apache-2.0
// Is an output right? It is compared with the f64 reference by relative L2 error over all rows, and row by row by its
// log-sum-exp, which a missing or doubled chunk moves even where the output's norm hides it.
#pragma once

#include "sim/attention/problem.h"

#include <cmath>
#include <cstdint>
#include <span>
#include <string>

namespace tilemesh::attention {

struct Tolerance {
    double relative_l2 = 0.0;
    double lse = 0.0;  // absolute for |lse| up to 1, relative beyond
};

/// What the dtype allows at the problem's context; the reasons are beside the numbers in tolerance.cpp.
Tolerance default_tolerance(const Problem& problem);
/// The same when the running output is kept in `state` and rounded to it up to `roundings` times.
Tolerance default_tolerance(const Problem& problem, Dtype state, std::int64_t roundings);

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
    std::string reason;  // why it failed, one line; empty when it passed
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

/// Gathers rows of any number of users into one verdict.
class Comparison {
public:
    explicit Comparison(Tolerance tolerance, RowWeight weight = RowWeight::by_norm)
        : tolerance_(tolerance), weight_(weight) {}
    /// `o` and `expected_o` are [rows, value_dim], `lse` and `expected_lse` [rows] in one and the same order, but the
    /// rows of o and of lse may be ordered differently (as in the full layouts of problem.h). An empty `lse` is not
    /// compared. Other sizes must agree (InternalError).
    void add(std::span<const float> o, std::span<const float> lse, std::span<const double> expected_o,
             std::span<const double> expected_lse);
    Verdict verdict() const;

private:
    void complain(std::string reason);

    Tolerance tolerance_;
    RowWeight weight_;
    double squared_error_ = 0.0, squared_norm_ = 0.0;
    double max_error_ = 0.0, max_lse_error_ = 0.0, worst_row_ = 0.0;
    std::uint64_t rows_ = 0;
    std::string reason_;  // the first thing that no tolerance excuses
};

}  // namespace tilemesh::attention

// SPDX-License-Identifier: Apache-2.0
// What attention should give, in f64, computed from the stored input values and nothing else. It shares no arithmetic
// with the tile language or the kernels, so that the two cannot be wrong together. Rows (one query of one head) are
// independent: all of them or any few can be computed, and a row has the same value either way within rounding.
#pragma once

#include "sim/attention/error_model.h"
#include "sim/attention/inputs.h"
#include "sim/attention/problem.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tilemesh::attention {

/// One row of the output: a query index (not position) of a query head.
struct Row {
    std::int64_t query = 0;
    std::int64_t head = 0;
    bool operator==(const Row&) const = default;
};

/// A row that sees no key has output 0 and lse -inf, or that of its sink.
struct Reference {
    std::vector<double> o;  // [queries, heads_q, value_dim], or [rows, value_dim]
    // [heads_q, queries], or [rows]; natural logarithm of the sum of exp(score), the sink's too
    std::vector<double> lse;
    // The two that lse is made of, since at large scores their sum has lost the second: the greatest score (-inf
    // where there is none) and the sum of exp(score - greatest); as lse.
    std::vector<double> maximum = {}, sum = {};
    // For the error analysis: of every row in the order of o, and where its lse is.
    std::vector<RowMoments> moments = {};
    std::vector<RowFacts> facts = {};
    std::vector<std::int64_t> lse_of_row = {}, head_of_row = {};
};

/// The squared unit of every row, in the order of o and of lse.
struct ErrorUnits {
    std::vector<double> o, lse;
};
ErrorUnits units_of(const Reference& reference, const Arithmetic& arithmetic);

/// Every row of a user.
Reference reference(const Problem& problem, const Inputs& inputs, int user, int threads = 1);
/// Only these rows, in their order.
Reference reference_rows(const Problem& problem, const Inputs& inputs, int user, std::span<const Row> rows,
                         int threads = 1);

}  // namespace tilemesh::attention

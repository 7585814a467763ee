// SPDX-License-Identifier: Apache-2.0
// Which rows are computed together, and by whom (reference_worker.h).
#include "sim/attention/reference.h"

#include "sim/attention/in_parallel.h"
#include "sim/attention/reference_worker.h"
#include "sim/base/error.h"

#include <algorithm>
#include <atomic>

namespace tilemesh::attention {
namespace {

std::size_t index(std::int64_t value) { return static_cast<std::size_t>(value); }

/// Computes batches 0 .. count, each made by `batch_of` when its turn comes. Rows do not depend on one another, so
/// the result is the same for any number of threads.
template <class BatchOf>
void compute_all(const Problem& problem, const Inputs& inputs, int user, Reference& result, std::int64_t count,
                 int threads, const BatchOf& batch_of) {
    std::atomic<std::int64_t> next = 0;
    in_parallel(threads, [&] {
        ReferenceWorker worker(problem, inputs, user, result);
        for (std::int64_t batch = next++; batch < count; batch = next++) worker.compute(batch_of(batch));
    });
}

Reference room_for(const Problem& problem, std::int64_t rows) {
    const std::vector<double> column(index(rows));
    return {.o = std::vector<double>(index(rows * problem.value_dim)),
            .lse = column,
            .maximum = column,
            .sum = column,
            .moments = std::vector<RowMoments>(index(rows)),
            .facts = std::vector<RowFacts>(index(rows)),
            .lse_of_row = std::vector<std::int64_t>(index(rows)),
            .head_of_row = std::vector<std::int64_t>(index(rows))};
}

}  // namespace

ErrorUnits units_of(const Reference& reference, const Arithmetic& arithmetic) {
    ErrorUnits units;
    units.lse.resize(reference.lse.size());
    for (std::size_t row = 0; row < reference.moments.size(); ++row) {
        const RowUnit unit = unit_of(reference.moments[row], reference.facts[row], arithmetic);
        units.o.push_back(unit.o);
        units.lse[index(reference.lse_of_row[row])] = unit.lse;
    }
    return units;
}

Reference reference(const Problem& problem, const Inputs& inputs, int user, int threads) {
    const std::int64_t queries = problem.users.at(index(user)).queries;
    const std::int64_t rows_of_kv_head = queries * problem.group(), rows = rows_per_batch(problem);
    const std::int64_t batches_of_kv_head = (rows_of_kv_head + rows - 1) / rows;
    Reference result = room_for(problem, queries * problem.heads_q);
    // Query by query, the heads of a group together: they see the same keys.
    const auto batch_of = [&](std::int64_t number) {
        const std::int64_t kv_head = number / batches_of_kv_head, begin = number % batches_of_kv_head * rows;
        Batch batch;
        for (std::int64_t i = begin; i < std::min(begin + rows, rows_of_kv_head); ++i) {
            const Row row{i / problem.group(), kv_head * problem.group() + i % problem.group()};
            batch.push_back({row, row.query * problem.heads_q + row.head, row.head * queries + row.query});
        }
        return batch;
    };
    compute_all(problem, inputs, user, result, batches_of_kv_head * problem.heads_kv, threads, batch_of);
    return result;
}

Reference reference_rows(const Problem& problem, const Inputs& inputs, int user, std::span<const Row> rows,
                         int threads) {
    const User& sizes = problem.users.at(index(user));
    Batch sorted;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Row& row = rows[i];
        if (row.query < 0 || row.query >= sizes.queries || row.head < 0 || row.head >= problem.heads_q) {
            fail<InternalError>("row of query {} and head {}, of {} queries and {} heads", row.query, row.head,
                                sizes.queries, problem.heads_q);
        }
        sorted.push_back({row, static_cast<std::int64_t>(i), static_cast<std::int64_t>(i)});
    }
    const auto kv_head = [&](const PlacedRow& placed) { return placed.row.head / problem.group(); };
    std::stable_sort(sorted.begin(), sorted.end(), [&](const PlacedRow& a, const PlacedRow& b) {
        return kv_head(a) != kv_head(b) ? kv_head(a) < kv_head(b) : a.row.query < b.row.query;
    });
    std::vector<Batch> batches;
    for (const PlacedRow& placed : sorted) {
        if (batches.empty() || static_cast<std::int64_t>(batches.back().size()) == rows_per_batch(problem) ||
            kv_head(batches.back().front()) != kv_head(placed)) {
            batches.emplace_back();
        }
        batches.back().push_back(placed);
    }
    Reference result = room_for(problem, static_cast<std::int64_t>(rows.size()));
    compute_all(problem, inputs, user, result, static_cast<std::int64_t>(batches.size()), threads,
                [&](std::int64_t number) { return batches[index(number)]; });
    return result;
}

}  // namespace tilemesh::attention

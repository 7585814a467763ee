// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/attention/judge.h"

#include "sim/attention/tolerance.h"
#include "sim/workloads/attention/errors_by_part.h"

#include <algorithm>
#include <numeric>

namespace tilemesh::workloads {
namespace {

/// Rows that were written not once but never, or twice, are wrong whatever their values.
std::string miscounted(const Collected& collected) {
    for (const auto* times : {&collected.times_o, &collected.times_lse}) {
        const auto wrong = std::find_if(times->begin(), times->end(), [](int n) { return n != 1; });
        if (wrong != times->end()) return fmt::format("row {} was written {} times", wrong - times->begin(), *wrong);
    }
    return {};
}

/// How often the running output of a row is rounded at most: after every tile of keys, and at every hop.
std::int64_t state_roundings(const attention::Problem& problem, const Arrangement& a) {
    std::int64_t keys = 0;
    for (const attention::User& user : problem.users) keys = std::max(keys, user.keys);
    const std::int64_t tile = std::max<std::int64_t>(1, std::min(a.tiling.tile_keys, a.tiling.piece_keys));
    return (keys + tile - 1) / tile + 2 * std::int64_t{a.ranks()};
}

/// Where a kernel so arranged rounds.
attention::Arithmetic arithmetic_of(const attention::Problem& problem, const attention::Kernel& kernel,
                                    const Arrangement& a) {
    attention::Arithmetic arithmetic = attention::arithmetic_of(problem);
    arithmetic.of_sum = !kernel.keeps_state;  // whole rows and their softmax
    const attention::StateFormat format = a.schedule.state_format();
    arithmetic.state = format.o;
    arithmetic.state_roundings = state_roundings(problem, a);
    const bool merges =
        a.tiling.launches == attention::Launches::overlapped || a.tiling.launches == attention::Launches::waited;
    if (format.sent == attention::StateFormat::Sent::out_lse || merges)
        arithmetic.lse_roundings = 2 * std::int64_t{a.ranks()};
    return arithmetic;
}

}  // namespace

void judge(const AttentionPanel& panel, const Arrangement& a, const attention::Kernel& kernel,
           const std::vector<std::vector<attention::Launch>>& launches, const ExpectedRows& expected_of,
           bool want_outputs, run::EntryOutcome& entry) {
    const attention::Problem& problem = panel.problem;
    report::KernelResult& result = entry.result;
    attention::Comparison comparison({.relative_l2 = panel.tolerance, .output = problem.output_dtype()},
                                     attention::weight_of(!expected_of.sample.all, problem.value_dim));
    const attention::Arithmetic arithmetic = arithmetic_of(problem, kernel, a);
    std::vector<attention::ErrorUnits> units;
    for (const attention::Reference& expected : expected_of.rows)
        units.push_back(attention::units_of(expected, arithmetic));
    std::string miscount;
    ErrorsByPart parts(problem, a, expected_of.sample);
    // Where every rank holds a copy of the whole result, each copy must be right.
    std::vector<std::vector<int>> copies;
    if (kernel.replicated_queries && a.schedule.results_everywhere()) {
        for (int rank = 0; rank < a.ranks(); ++rank) copies.push_back({rank});
    } else {
        copies.emplace_back(static_cast<std::size_t>(a.ranks()));
        std::iota(copies.front().begin(), copies.front().end(), 0);
    }
    for (const std::vector<int>& ranks : copies) {
        for (int user = 0; user < a.needs.users(); ++user) {
            Collected collected = collect(panel, a, launches, user, ranks, expected_of.sample);
            const attention::Reference& expected = expected_of.rows[static_cast<std::size_t>(user)];
            const attention::ErrorUnits& of_user = units[static_cast<std::size_t>(user)];
            comparison.add(collected.o, collected.lse, expected.o, expected.lse,
                           {of_user.o, of_user.lse, expected.head_of_row}, 0.0);
            if (miscount.empty()) miscount = miscounted(collected);
            if (!result.pictures.is_null()) parts.add(user, collected.o, expected.o);
            if (!want_outputs || ranks.front() != 0) continue;
            const attention::User& shape = problem.users[static_cast<std::size_t>(user)];
            const auto size = [](std::int64_t n) { return static_cast<std::uint64_t>(n); };
            entry.outputs.push_back({fmt::format("user{}.o", user),
                                     {size(shape.queries), size(problem.heads_q), size(problem.value_dim)},
                                     std::move(collected.o)});
            entry.outputs.push_back({fmt::format("user{}.lse", user),
                                     {size(problem.heads_q), size(shape.queries)},
                                     std::move(collected.lse)});
        }
    }
    if (!result.pictures.is_null()) result.pictures["errors"] = parts.json();
    const attention::Verdict verdict = comparison.verdict();
    result.verdict.pass = verdict.pass && miscount.empty();
    result.verdict.why = miscount.empty() ? verdict.reason : miscount;
    result.verdict.relative_l2 = verdict.relative_l2;
    result.verdict.max_error = verdict.max_error;
    result.verdict.lse_error = verdict.max_lse_error;
    result.verdict.rows_checked = verdict.rows_checked;
    result.verdict.units = verdict.units;
    result.verdict.units_allowed = verdict.units_allowed;
    result.verdict.units_of = verdict.units_of;
    result.verdict.tolerance = panel.tolerance.value_or(verdict.allowed_l2);
}

}  // namespace tilemesh::workloads

// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/attention/gradient_run.h"

#include "sim/attention/tolerance.h"
#include "sim/base/dtype.h"
#include "sim/workloads/attention/tensor_values.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>

namespace tilemesh::workloads {
namespace {

using attention::Problem;
using attention::TensorName;

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

/// The maximum of a row without visible keys.
constexpr double lowest = -static_cast<double>(std::numeric_limits<float>::max());
/// dp - D cancels where a row sees few keys. What is left of sums in f32 is noise: this share of what they sum.
constexpr double f32_noise = 8 * 0x1p-24;

/// Root mean square norm of the rows of an input.
double row_norm(const attention::Inputs& inputs, int user, TensorName name, const attention::TensorShape& shape) {
    std::vector<float> row(size(shape.dim));
    double sum = 0.0;
    const std::uint64_t rows = shape.size() / static_cast<std::uint64_t>(shape.dim);
    for (std::uint64_t i = 0; i < rows; ++i) {
        inputs.read(user, name, i * row.size(), row);
        for (const float value : row) sum += static_cast<double>(value) * static_cast<double>(value);
    }
    return std::sqrt(sum / static_cast<double>(std::max<std::uint64_t>(1, rows)));
}

/// One gradient of one user as the PEs wrote it, and how often each row was written.
struct Gathered {
    std::vector<float> values;
    std::vector<int> times;

    void take(std::size_t row, const float* from, std::size_t dim) {
        std::copy_n(from, dim, values.data() + row * dim);
        ++times[row];
    }
    std::string miscount(const char* name) const {
        const auto wrong = std::find_if(times.begin(), times.end(), [](int n) { return n != 1; });
        if (wrong == times.end()) return {};
        return fmt::format("row {} of {} was written {} times", wrong - times.begin(), name, *wrong);
    }
};

/// The head of every row of a tensor [tokens, heads, dim].
std::vector<std::int64_t> heads_of(std::int64_t tokens, std::int64_t heads) {
    std::vector<std::int64_t> list(size(tokens * heads));
    for (std::size_t i = 0; i < list.size(); ++i) list[i] = static_cast<std::int64_t>(i) % heads;
    return list;
}

}  // namespace

std::optional<std::string> gradients_refuse(const run::ValuesChoice& values) {
    if (values.mode != ValueMode::sampled) return {};
    return "dk and dv sum over all queries, so values cannot be sampled in a backward pass; use full or none";
}

double backward_flops(const Problem& problem) {
    return attention::visible_pairs(problem) * 2.0 *
           static_cast<double>(3 * problem.head_dim + 2 * problem.value_dim);
}

PreparedGradients prepare_gradients(const Problem& problem, const attention::Inputs& inputs,
                                    const std::vector<attention::Reference>& forward, int threads) {
    PreparedGradients prepared;
    for (int user = 0; user < static_cast<int>(problem.users.size()); ++user) {
        const attention::Reference& reference = forward[size(user)];
        ForwardResult stored;
        stored.o.assign(reference.o.begin(), reference.o.end());
        stored.l.assign(reference.sum.begin(), reference.sum.end());
        for (const double maximum : reference.maximum)
            stored.m.push_back(static_cast<float>(std::max(maximum * std::numbers::log2e, lowest)));
        std::vector<float> d_o(reference.o.size());
        inputs.read(user, TensorName::d_o, 0, d_o);
        double terms = 0.0;  // what D is a sum of, squared
        for (std::size_t i = 0; i < d_o.size(); ++i) {
            const double term = static_cast<double>(d_o[i]) * reference.o[i];
            terms += term * term;
        }
        const double cancelled = problem.output_dtype() == Dtype::f32 ? f32_noise / 2e-5 : 1e-3;
        const double unit = cancelled * problem.scale * std::sqrt(terms);
        prepared.users.push_back(
            {attention::ReferenceGradients(problem, inputs, user, threads).all(),
             unit * row_norm(inputs, user, TensorName::k, attention::shape_of(problem, user, TensorName::k)),
             unit * row_norm(inputs, user, TensorName::q, attention::shape_of(problem, user, TensorName::q)),
             cancelled * std::sqrt(terms)});
        prepared.forward.push_back(std::move(stored));
    }
    return prepared;
}

namespace {

struct GatheredGradients {
    Gathered dq, dk, dv, dsink;
};

/// Makes `rest`, of the columns behind those of `first`, the whole of both; nothing is left of `first`.
void join_columns(Gathered& first, Gathered& rest, std::size_t first_columns, std::size_t rest_columns) {
    Gathered whole;
    for (std::size_t row = 0; row < first.times.size(); ++row) {
        const auto add = [&](const Gathered& from, std::size_t columns) {
            const auto begin = from.values.begin() + static_cast<std::ptrdiff_t>(row * columns);
            whole.values.insert(whole.values.end(), begin, begin + static_cast<std::ptrdiff_t>(columns));
        };
        add(first, first_columns);
        add(rest, rest_columns);
        const bool alike = rest_columns == 0 || first.times[row] == rest.times[row];
        whole.times.push_back(alike ? first.times[row] : 0);
    }
    rest = std::move(whole);
    first = {};
}

GatheredGradients gather(const AttentionPanel& panel, const Arrangement& a,
                         const std::vector<std::vector<attention::Launch>>& launches, int user) {
    const Problem& problem = panel.problem;
    const attention::User& shape = problem.users[size(user)];
    const auto room = [](std::int64_t rows, std::int64_t dim) {
        return Gathered{std::vector<float>(size(rows * dim)), std::vector<int>(size(rows))};
    };
    const std::int64_t dk_columns = problem.head_dim - (problem.latents ? problem.value_dim : 0);
    GatheredGradients out{
        room(shape.queries * problem.heads_q, problem.head_dim), room(shape.keys * problem.heads_kv, dk_columns),
        room(shape.keys * problem.heads_kv, problem.value_dim), room(problem.sinks.empty() ? 0 : problem.heads_q, 1)};
    for (int rank = 0; rank < a.ranks(); ++rank)
        for (int member = 0; member < a.members(); ++member) {
            const attention::UserGradientTensors& tensors =
                launches[size(rank)][size(member)].gradient_users[size(user)];
            const std::int64_t first_head = a.member_heads[size(member)].begin;
            const RowMap rows{problem.group(), &a.needs.queries(user, rank), first_head};
            if (tensors.dq)
                tensors.dq->visit_rows([&](std::int64_t flat, const float* values) {
                    const attention::Row row = rows.row_of(flat);
                    out.dq.take(size(row.query * problem.heads_q + row.head), values, size(problem.head_dim));
                });
            const auto take_keys = [&](Tensor* tensor, int chunk, Gathered& into, std::int64_t dim) {
                if (!tensor) return;
                const attention::Tokens& keys = a.needs.keys(user, chunk);
                tensor->visit_rows([&](std::int64_t flat, const float* values) {
                    const std::int64_t head = first_head + flat / keys.size();
                    into.take(size(keys.at(flat % keys.size()) * problem.heads_kv + head), values, size(dim));
                });
            };
            const int shared = a.needs.shared_id();
            take_keys(tensors.dk, rank, out.dk, dk_columns);
            take_keys(tensors.dv, rank, out.dv, problem.value_dim);
            take_keys(tensors.shared.k, shared, out.dk, dk_columns);
            take_keys(tensors.shared.v, shared, out.dv, problem.value_dim);
            if (tensors.dsink)
                tensors.dsink->visit_rows([&](std::int64_t flat, const float* values) {
                    out.dsink.take(size(first_head * problem.group() + flat), values, 1);
                });
        }
    if (problem.latents) join_columns(out.dv, out.dk, size(problem.value_dim), size(dk_columns));
    return out;
}

}  // namespace

void judge_gradients(const AttentionPanel& panel, const Arrangement& a,
                     const std::vector<std::vector<attention::Launch>>& launches, const PreparedGradients& prepared,
                     bool want_outputs, run::EntryOutcome& entry) {
    const Problem& problem = panel.problem;
    report::VerdictResult& verdict = entry.result.verdict;
    attention::Comparison dq({.relative_l2 = panel.tolerance, .output = problem.output_dtype()}),
        dk = dq, dv = dq, dsink({.relative_l2 = panel.tolerance});
    std::string miscount;
    for (int user = 0; user < a.needs.users(); ++user) {
        GatheredGradients found = gather(panel, a, launches, user);
        const PreparedGradients::User& expected = prepared.users[size(user)];
        const attention::Gradients& right = expected.expected;
        const attention::User& shape = problem.users[size(user)];
        const std::vector<std::int64_t> query_heads = heads_of(shape.queries, problem.heads_q),
                                        kv_heads = heads_of(shape.keys, problem.heads_kv);
        const auto compare = [](attention::Comparison& gradient, const Gathered& gathered,
                                const std::vector<double>& values, const std::vector<double>& units,
                                const std::vector<std::int64_t>& heads, double floor) {
            // Rows are counted by an lse that nobody gives.
            const std::vector<double> no_lse(units.size());
            gradient.add(gathered.values, {}, values, no_lse, {units, {}, heads}, floor);
        };
        compare(dq, found.dq, right.dq, right.unit_dq, query_heads, expected.floor_dq);
        compare(dk, found.dk, right.dk, right.unit_dk, kv_heads, expected.floor_dk);
        if (!problem.latents) compare(dv, found.dv, right.dv, right.unit_dv, kv_heads, 0.0);
        if (!problem.sinks.empty())  // each head is a row
            compare(dsink, found.dsink, right.dsink, right.unit_dsink, {}, expected.floor_dsink);
        const auto take = [&](const char* name, Gathered& gradient, std::int64_t tokens, std::int64_t heads,
                              std::int64_t dim) {
            verdict.rows_checked += gradient.times.size();
            if (miscount.empty()) miscount = gradient.miscount(name);
            if (want_outputs)
                entry.outputs.push_back({fmt::format("user{}.{}", user, name),
                                         {static_cast<std::uint64_t>(tokens), static_cast<std::uint64_t>(heads),
                                          static_cast<std::uint64_t>(dim)},
                                         std::move(gradient.values)});
        };
        take("dq", found.dq, shape.queries, problem.heads_q, problem.head_dim);
        take("dk", found.dk, shape.keys, problem.heads_kv, problem.head_dim);
        if (!problem.latents) take("dv", found.dv, shape.keys, problem.heads_kv, problem.value_dim);
        if (problem.sinks.empty()) continue;
        if (miscount.empty()) miscount = found.dsink.miscount("dsink");
        if (want_outputs)
            entry.outputs.push_back({fmt::format("user{}.dsink", user),
                                     {static_cast<std::uint64_t>(problem.heads_q)},
                                     std::move(found.dsink.values)});
    }
    verdict.pass = miscount.empty();
    verdict.why = miscount;
    double most = -1.0;
    const auto judge = [&](const char* name, const attention::Comparison& comparison) {
        const attention::Verdict gradient = comparison.verdict();
        verdict.relative_l2 = attention::worse(verdict.relative_l2, gradient.relative_l2);
        verdict.max_error = attention::worse(verdict.max_error, gradient.max_error);
        verdict.tolerance = std::max(verdict.tolerance, panel.tolerance.value_or(gradient.allowed_l2));
        if (gradient.share() > most && !gradient.units_of.empty()) {
            most = gradient.share();
            verdict.units = gradient.units;
            verdict.units_allowed = gradient.units_allowed;
            verdict.units_of = fmt::format("{}, {}", name, gradient.units_of);
        }
        if (gradient.pass) return;
        verdict.pass = false;
        if (verdict.why.empty()) verdict.why = fmt::format("{}: {}", name, gradient.reason);
    };
    judge("dq", dq);
    judge("dk", dk);
    if (!problem.latents) judge("dv", dv);
    if (!problem.sinks.empty()) judge("dsink", dsink);
}

}  // namespace tilemesh::workloads

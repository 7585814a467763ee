// SPDX-License-Identifier: Apache-2.0
#include "sim/run/gradient_run.h"

#include "sim/attention/tolerance.h"
#include "sim/base/dtype.h"
#include "sim/run/tensor_values.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace tilemesh::run {
namespace {

using attention::Problem;
using attention::TensorName;

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

/// Errors of the forward pass (p, o) come in twice, by p and by D, and ds is rounded as well.
double default_tolerance(Dtype dtype) { return dtype == Dtype::f16 ? 1e-3 : dtype == Dtype::bf16 ? 8e-3 : 2e-5; }
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

/// dq, dk or dv over all users.
struct Difference {
    double squared_error = 0.0, squared_norm = 0.0, max_error = 0.0;
    bool finite = true;

    void add(std::span<const float> found, std::span<const double> expected, double floor) {
        double norm = 0.0;
        for (std::size_t i = 0; i < expected.size(); ++i) {
            const double error = static_cast<double>(found[i]) - expected[i];
            finite = finite && std::isfinite(found[i]);
            squared_error += error * error;
            norm += expected[i] * expected[i];
            max_error = std::max(max_error, std::abs(error));
        }
        squared_norm += std::max(norm, floor * floor);
    }
    double relative_l2() const { return squared_error == 0.0 ? 0.0 : std::sqrt(squared_error / squared_norm); }
};

}  // namespace

std::optional<std::string> gradients_refuse(const ValuesChoice& values) {
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
        stored.lse.assign(reference.lse.begin(), reference.lse.end());
        std::vector<float> d_o(reference.o.size());
        inputs.read(user, TensorName::d_o, 0, d_o);
        double terms = 0.0;  // what D is a sum of, squared
        for (std::size_t i = 0; i < d_o.size(); ++i) {
            const double term = static_cast<double>(d_o[i]) * reference.o[i];
            terms += term * term;
        }
        const double cancelled = std::max(1e-3, f32_noise / default_tolerance(problem.dtype));
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

GatheredGradients gather(const Panel& panel, const Arrangement& a,
                         const std::vector<std::vector<attention::Launch>>& launches, int user) {
    const Problem& problem = panel.problem;
    const attention::User& shape = problem.users[size(user)];
    const auto room = [](std::int64_t rows, std::int64_t dim) {
        return Gathered{std::vector<float>(size(rows * dim)), std::vector<int>(size(rows))};
    };
    GatheredGradients out{room(shape.queries * problem.heads_q, problem.head_dim),
                          room(shape.keys * problem.heads_kv, problem.head_dim),
                          room(shape.keys * problem.heads_kv, problem.value_dim),
                          room(problem.sinks.empty() ? 0 : problem.heads_q, 1)};
    for (int rank = 0; rank < a.ranks(); ++rank)
        for (int member = 0; member < a.members(); ++member) {
            const attention::UserGradientTensors& tensors =
                launches[size(rank)][size(member)].gradient_users[size(user)];
            const std::int64_t first_head = a.member_heads[size(member)].begin;
            const RowMap rows{problem.group(), &a.needs.queries(user, rank), first_head};
            const attention::Tokens& keys = a.needs.keys(user, rank);
            if (tensors.dq)
                tensors.dq->visit_rows([&](std::int64_t flat, const float* values) {
                    const attention::Row row = rows.row_of(flat);
                    out.dq.take(size(row.query * problem.heads_q + row.head), values, size(problem.head_dim));
                });
            const auto take_keys = [&](Tensor* tensor, Gathered& into, std::int64_t dim) {
                if (!tensor) return;
                tensor->visit_rows([&](std::int64_t flat, const float* values) {
                    const std::int64_t head = first_head + flat / keys.size();
                    into.take(size(keys.at(flat % keys.size()) * problem.heads_kv + head), values, size(dim));
                });
            };
            take_keys(tensors.dk, out.dk, problem.head_dim);
            take_keys(tensors.dv, out.dv, problem.value_dim);
            if (tensors.dsink)
                tensors.dsink->visit_rows([&](std::int64_t flat, const float* values) {
                    out.dsink.take(size(first_head * problem.group() + flat), values, 1);
                });
        }
    return out;
}

}  // namespace

void judge_gradients(const Panel& panel, const Arrangement& a,
                     const std::vector<std::vector<attention::Launch>>& launches, const PreparedGradients& prepared,
                     bool want_outputs, EntryOutcome& entry) {
    const Problem& problem = panel.problem;
    report::VerdictResult& verdict = entry.result.verdict;
    std::uint64_t query_rows = 0, key_rows = 0;
    for (const attention::User& user : problem.users) {
        query_rows += static_cast<std::uint64_t>(user.queries * problem.heads_q);
        key_rows += static_cast<std::uint64_t>(user.keys * problem.heads_kv);
    }
    const double scatter =
        attention::scatter_of(std::min(query_rows, key_rows), std::min(problem.head_dim, problem.value_dim));
    verdict.tolerance = panel.tolerance.value_or(default_tolerance(problem.dtype) * scatter);
    Difference dq, dk, dv, dsink;
    std::string miscount;
    for (int user = 0; user < a.needs.users(); ++user) {
        GatheredGradients found = gather(panel, a, launches, user);
        const PreparedGradients::User& expected = prepared.users[size(user)];
        dq.add(found.dq.values, expected.expected.dq, expected.floor_dq);
        dk.add(found.dk.values, expected.expected.dk, expected.floor_dk);
        dv.add(found.dv.values, expected.expected.dv, 0.0);
        dsink.add(found.dsink.values, expected.expected.dsink, expected.floor_dsink);
        const attention::User& shape = problem.users[size(user)];
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
        take("dv", found.dv, shape.keys, problem.heads_kv, problem.value_dim);
        if (problem.sinks.empty()) continue;
        if (miscount.empty()) miscount = found.dsink.miscount("dsink");
        if (want_outputs)
            entry.outputs.push_back({fmt::format("user{}.dsink", user),
                                     {static_cast<std::uint64_t>(problem.heads_q)},
                                     std::move(found.dsink.values)});
    }
    verdict.pass = miscount.empty();
    verdict.why = miscount;
    const auto judge = [&](const char* name, const Difference& difference) {
        const double error = difference.relative_l2();
        verdict.relative_l2 = std::max(verdict.relative_l2, error);
        verdict.max_error = std::max(verdict.max_error, difference.max_error);
        if (difference.finite && error <= verdict.tolerance) return;
        verdict.pass = false;
        if (verdict.why.empty())
            verdict.why = difference.finite ? fmt::format("relative L2 error of {} is {:.2e}, tolerance {:.2e}", name,
                                                          error, verdict.tolerance)
                                            : fmt::format("{} is not finite", name);
    };
    judge("dq", dq);
    judge("dk", dk);
    judge("dv", dv);
    if (!problem.sinks.empty()) judge("dsink", dsink);
}

}  // namespace tilemesh::run

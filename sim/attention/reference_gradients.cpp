// SPDX-License-Identifier: Apache-2.0
// Which rows and keys are computed, in which batches, and what they need of the forward pass. The passage of a batch
// over the other side is gradient_worker.cpp.
#include "sim/attention/reference_gradients.h"

#include "sim/attention/gradient_worker.h"
#include "sim/attention/in_parallel.h"
#include "sim/base/error.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

namespace tilemesh::attention {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double unsettled = std::numeric_limits<double>::quiet_NaN();

std::size_t index(std::int64_t value) { return static_cast<std::size_t>(value); }

/// Cuts items into batches, kv head by kv head, by token within.
template <class KvHead>
std::vector<GradientBatch> batches_of(const Problem& problem, std::vector<GradientItem> items,
                                      const KvHead& kv_head) {
    std::stable_sort(items.begin(), items.end(), [&](const GradientItem& a, const GradientItem& b) {
        return kv_head(a) != kv_head(b) ? kv_head(a) < kv_head(b) : a.token < b.token;
    });
    const auto capacity = index(PairSums::row_capacity(problem.head_dim, problem.value_dim));
    std::vector<GradientBatch> batches;
    for (const GradientItem& item : items) {
        if (batches.empty() || batches.back().size() == capacity ||
            kv_head(batches.back().front()) != kv_head(item)) {
            batches.emplace_back();
        }
        batches.back().push_back(item);
    }
    return batches;
}

}  // namespace

ReferenceGradients::ReferenceGradients(const Problem& problem, const Inputs& inputs, int user, int threads)
    : problem_(problem), inputs_(inputs), user_(user), threads_(threads) {
    const std::size_t rows = index(problem.users.at(index(user)).queries * problem.heads_q);
    maximum_.assign(rows, unsettled);
    sum_.assign(rows, 0.0);
    d_.assign(rows, 0.0);
    d_noise_.assign(rows, 0.0);
}

std::size_t ReferenceGradients::number_of(std::int64_t query, std::int64_t head) const {
    return index(head * problem_.users[index(user_)].queries + query);
}

/// Computes maximum, sum and D of those rows that do not have them yet.
void ReferenceGradients::settle(std::span<const Row> rows) {
    constexpr std::size_t rows_at_once = 8192;  // o of so many is held while D is computed
    std::vector<Row> open;
    std::vector<float> d_o(index(problem_.value_dim));
    const auto settle_open = [&] {
        const Reference forward = reference_rows(problem_, inputs_, user_, open, threads_);
        for (std::size_t i = 0; i < open.size(); ++i) {
            inputs_.read_head(user_, TensorName::d_o, {open[i].query, open[i].query + 1}, open[i].head, d_o);
            double sum = 0.0, squares = 0.0, gradient_squares = 0.0;
            for (std::size_t c = 0; c < d_o.size(); ++c) {
                const double o = forward.o[i * d_o.size() + c];
                sum += static_cast<double>(d_o[c]) * o;
                squares += o * o;
                gradient_squares += square(static_cast<double>(d_o[c]));
            }
            const std::size_t row = number_of(open[i].query, open[i].head);
            if (problem_.lse_gradient) sum -= static_cast<double>(problem_.lse_gradient->at(user_, row));
            maximum_[row] = forward.maximum[i];
            sum_[row] = forward.sum[i];
            d_[row] = sum;
            // A sum of value_dim products in f32, and a difference.
            const double steps = square(0.3 * std::sqrt(static_cast<double>(d_o.size())) + 1.0);
            d_noise_[row] = square(f32_unit) * (steps * gradient_squares * squares + 4 * square(sum));
            // o and the products lie below f32's spacing under a large sink, and D is held times 2^-15.
            const double spacing2 = square(rounding_of(Dtype::f32).spacing) / 12;
            d_noise_[row] += spacing2 * (gradient_squares + static_cast<double>(d_o.size()) + 0x1p30);
        }
        open.clear();
    };
    for (const Row& row : rows) {
        if (!std::isnan(maximum_[number_of(row.query, row.head)])) continue;
        open.push_back(row);
        if (open.size() == rows_at_once) settle_open();
    }
    if (!open.empty()) settle_open();
}

std::vector<Row> ReferenceGradients::rows_that_see(std::span<const Key> keys) const {
    const User& sizes = problem_.users[index(user_)];
    std::vector<Row> rows;
    for (std::int64_t head = 0; head < problem_.heads_q; ++head) {
        for (std::int64_t query = 0; query < sizes.queries; ++query) {
            if (!std::isnan(maximum_[number_of(query, head)])) continue;
            const std::int64_t position = sizes.query_offset + query;
            const bool sees = std::any_of(keys.begin(), keys.end(), [&](const Key& key) {
                return key.head == head / problem_.group() && problem_.mask->sees({user_, head}, position, key.key);
            });
            if (sees) rows.push_back({query, head});
        }
    }
    return rows;
}

std::vector<double> ReferenceGradients::gradient_rows(std::span<const Row> rows, std::vector<double>* units) {
    const User& sizes = problem_.users[index(user_)];
    std::vector<GradientItem> items;
    for (const Row& row : rows) {
        if (row.query < 0 || row.query >= sizes.queries || row.head < 0 || row.head >= problem_.heads_q) {
            fail<InternalError>("row of query {} and head {}, of {} queries and {} heads", row.query, row.head,
                                sizes.queries, problem_.heads_q);
        }
        items.push_back({row.query, row.head, static_cast<std::int64_t>(items.size())});
    }
    settle(rows);
    const auto batches = batches_of(problem_, std::move(items),
                                    [&](const GradientItem& item) { return item.head / problem_.group(); });
    std::vector<double> dq(rows.size() * index(problem_.head_dim)), unit_dq(rows.size());
    std::atomic<std::size_t> next = 0;
    in_parallel(threads_, [&] {
        GradientWorker worker(problem_, inputs_, user_, {maximum_, sum_, d_, d_noise_}, false);
        for (std::size_t i = next++; i < batches.size(); i = next++) worker.rows(batches[i], dq, unit_dq);
    });
    if (units) *units = std::move(unit_dq);
    return dq;
}

KeyGradients ReferenceGradients::gradient_keys(std::span<const Key> keys) {
    const User& sizes = problem_.users[index(user_)];
    std::vector<GradientItem> items;
    for (const Key& key : keys) {
        if (key.key < 0 || key.key >= sizes.keys || key.head < 0 || key.head >= problem_.heads_kv) {
            fail<InternalError>("key {} of kv head {}, of {} keys and {} kv heads", key.key, key.head, sizes.keys,
                                problem_.heads_kv);
        }
        items.push_back({key.key, key.head, static_cast<std::int64_t>(items.size())});
    }
    settle(rows_that_see(keys));
    const auto batches = batches_of(problem_, std::move(items), [](const GradientItem& item) { return item.head; });
    KeyGradients result{std::vector<double>(keys.size() * index(problem_.head_dim)),
                        std::vector<double>(keys.size() * index(problem_.value_dim)),
                        std::vector<double>(keys.size()), std::vector<double>(keys.size())};
    std::atomic<std::size_t> next = 0;
    in_parallel(threads_, [&] {
        GradientWorker worker(problem_, inputs_, user_, {maximum_, sum_, d_, d_noise_}, true);
        for (std::size_t i = next++; i < batches.size(); i = next++) {
            worker.keys(batches[i], result.dk, result.dv, result.unit_dk, result.unit_dv);
        }
    });
    if (problem_.latents) {
        const std::size_t d = index(problem_.head_dim), dv = index(problem_.value_dim);
        for (std::size_t key = 0; key < keys.size(); ++key)
            for (std::size_t c = 0; c < dv; ++c) result.dk[key * d + c] += result.dv[key * dv + c];
        for (std::size_t key = 0; key < keys.size(); ++key) result.unit_dk[key] += result.unit_dv[key];
        result.dv.clear();
        result.unit_dv.clear();
    }
    return result;
}

Gradients ReferenceGradients::all() {
    const User& sizes = problem_.users[index(user_)];
    std::vector<Row> rows;
    for (std::int64_t query = 0; query < sizes.queries; ++query) {
        for (std::int64_t head = 0; head < problem_.heads_q; ++head) rows.push_back({query, head});
    }
    std::vector<Key> keys;
    for (std::int64_t key = 0; key < sizes.keys; ++key) {
        for (std::int64_t head = 0; head < problem_.heads_kv; ++head) keys.push_back({key, head});
    }
    Gradients result;
    result.dq = gradient_rows(rows, &result.unit_dq);
    KeyGradients of_keys = gradient_keys(keys);
    result.dk = std::move(of_keys.dk);
    result.dv = std::move(of_keys.dv);
    result.unit_dk = std::move(of_keys.unit_dk);
    result.unit_dv = std::move(of_keys.unit_dv);
    if (problem_.sinks.empty()) return result;
    result.dsink.assign(index(problem_.heads_q), 0.0);
    result.unit_dsink.assign(index(problem_.heads_q), 0.0);
    std::vector<double> flushed(index(problem_.heads_q), 0.0);  // of the sums, where p may be 0 in f32
    const double of_sum = sum_noise(static_cast<double>(sizes.queries));
    for (const Row& row : rows) {
        const std::size_t number = number_of(row.query, row.head);
        const auto sink = static_cast<double>(problem_.sink(user_, row.head));
        if (sink == -infinity) continue;
        const double p = std::exp(sink - maximum_[number]) / sum_[number], term = p * d_[number];
        result.dsink[index(row.head)] -= term;
        if (p < flushed_below) flushed[index(row.head)] += std::abs(term);
        // The exponent, in base 2, and l; and D.
        const double of_p = square(f32_unit) * (16 + square(maximum_[number]) + 4 * square(sink));
        result.unit_dsink[index(row.head)] +=
            (of_p + of_sum) * square(term) + square(p) * d_noise_[number] + square(0x1p15 * 0x1p-149) / 12;
    }
    for (std::size_t head = 0; head < result.dsink.size(); ++head)
        result.unit_dsink[head] += square(flushed[head]) + of_sum * square(result.dsink[head]) +
                                   rounding_of(Dtype::f32).squared(square(result.dsink[head]), 1.0);
    return result;
}

}  // namespace tilemesh::attention

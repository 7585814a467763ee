// SPDX-License-Identifier: Apache-2.0
// Counting what the terms of the bounds need.
#include "sim/attention/bound_work.h"

#include "sim/attention/biases.h"
#include "sim/attention/mask_blocks.h"

#include <cstddef>
#include <limits>

namespace tilemesh::attention {
namespace {

/// How many of `ones` are in at least one visible pair with `others`; `visible` answers for runs of both.
template <class Visibility>
std::int64_t involved(const Run& ones, const Run& others, const Visibility& visible) {
    const Visible answer = visible(ones, others);
    if (answer == Visible::none) return 0;
    if (answer == Visible::all || ones.count == 1) return ones.count;
    const std::int64_t middle = ones.count / 2;
    return involved(ones.part(0, middle), others, visible) + involved(ones.part(middle, ones.count), others, visible);
}

/// The kv head whose query heads see least decides where heads differ: what is read is at least that for every head.
template <class Count>
std::int64_t fewest_by_head(const Problem& problem, const Count& count) {
    if (!problem.mask->varies_by_head()) return count(Range{0, 1});
    std::int64_t fewest = std::numeric_limits<std::int64_t>::max();
    for (std::int64_t head = 0; head < problem.heads_kv; ++head)
        fewest = std::min(fewest, count(problem.query_heads({head, head + 1})));
    return fewest;
}

}  // namespace

Work work_of(double triples, double rows, const Problem& problem, const MachineRates& rates, Schedule::Pass pass) {
    const auto d = static_cast<double>(problem.head_dim), dv = static_cast<double>(problem.value_dim);
    const bool forward = pass == Schedule::Pass::forward;
    const double others = forward ? dv : 2 * d + 2 * dv;  // per triple, after q k
    const double per_triple = d / rates.macs_per_ns + others / rates.other_macs_per_ns();
    double simple = forward ? std::max(0.0, triples - rows) : triples;
    double tanhs = 0.0;
    if (problem.soft_cap > 0.0) {
        tanhs = triples;
        const Mask& mask = *problem.mask;
        if (has_biases(mask)) simple += triples;
        if (!forward) simple += triples;
    }
    return {triples * per_triple,
            triples / rates.exp2_per_ns + simple / rates.simple_per_ns + tanhs / rates.tanh_per_ns};
}

double pair_bias_bytes(const Problem& problem, double triples, double triples_of_a_head) {
    switch (problem.mask->pair_bias()) {
        case PairBias::none:
            return 0.0;
        case PairBias::shared:
            return 4.0 * triples_of_a_head;
        case PairBias::by_head:
            break;
    }
    return 4.0 * triples;
}

std::int64_t queries_that_see(const Problem& problem, int user, const Run& queries, const Run& keys) {
    return fewest_by_head(problem, [&](Range heads) {
        return involved(queries, keys, [&](const Run& q, const Run& k) {
            return visible(*problem.mask, {user, heads}, q, k);
        });
    });
}

std::int64_t keys_that_are_seen(const Problem& problem, int user, const Run& queries, const Run& keys) {
    return fewest_by_head(problem, [&](Range heads) {
        return involved(keys, queries, [&](const Run& k, const Run& q) {
            return visible(*problem.mask, {user, heads}, q, k);
        });
    });
}

bool unknown_without_pairs(const Problem& problem, const Tokens& chunk) {
    const auto strided = [](const Run& run) { return run.stride > 1; };
    return !problem.mask->by_difference() && std::any_of(chunk.runs().begin(), chunk.runs().end(), strided);
}

double tensor_bytes(const Problem& problem, std::int64_t heads_kv, const Moved& moved, Schedule::Pass pass) {
    const std::int64_t heads_q = heads_kv * problem.group();
    const std::int64_t d = problem.head_dim, dv = problem.value_dim;
    const bool forward = pass == Schedule::Pass::forward;
    const std::int64_t inputs = moved.queries * heads_q * d + moved.keys * heads_kv * problem.key_columns();
    const std::int64_t results =
        moved.query_ends * heads_q * (forward ? dv : d) +
        (forward ? 0 : moved.queries * heads_q * 2 * dv + moved.key_ends * heads_kv * problem.key_columns());
    const std::int64_t statistics_bytes = forward ? 0 : moved.queries * heads_q * 2 * 4;
    return static_cast<double>(inputs) * static_cast<double>(bytes_per_element(problem.dtype)) +
           static_cast<double>(results) * static_cast<double>(bytes_per_element(problem.output_dtype())) +
           static_cast<double>(statistics_bytes);
}

}  // namespace tilemesh::attention

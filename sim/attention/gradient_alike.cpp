// SPDX-License-Identifier: Apache-2.0
// Which keys have equal weights ds in every row, and which queries equal ds or equal p with every key.
#include "sim/attention/gradient_worker.h"

#include <algorithm>

namespace tilemesh::attention {
namespace {

std::size_t index(std::int64_t value) { return static_cast<std::size_t>(value); }

bool adds_by_pair(const Mask& mask) { return mask.has_slopes() || mask.pair_bias() != PairBias::none; }

}  // namespace

const GradientWorker::AlikeItems& GradientWorker::alike_keys(std::int64_t kv_head) {
    const auto [place, is_new] = alike_.try_emplace(kv_head);
    const Mask& mask = *problem_.mask;
    if (!is_new || adds_by_pair(mask)) return place->second;
    TokenReader keys;
    keys.tokens = sizes_.keys;
    keys.read = [&](std::int64_t key, std::vector<float>& equal, std::vector<float>&) {
        append(TensorName::k, key, kv_head, equal);
        append(TensorName::v, key, kv_head, equal);
        if (mask.has_key_bias()) equal.push_back(mask.key_bias(user_, key));
    };
    keys.glance = [&](std::int64_t key, std::vector<float>& equal, std::vector<float>&) {
        glance(TensorName::k, key, kv_head, equal);
    };
    keys.read_vector = [&](std::int64_t key, std::vector<double>& vector) {
        vector.resize(index(problem_.head_dim));
        read(TensorName::k, key, kv_head, 1.0, vector);
    };
    const std::int64_t group = problem_.group(), rows = sizes_.queries * group;
    keys.seen_by = [&](std::int64_t key) {
        return seen_by(rows, [&](std::int64_t row) { return sees(kv_head * group + row % group, row / group, key); });
    };
    place->second.a = alike_tokens(keys);
    return place->second;
}

/// Queries weigh alike only if what they have of the forward pass is equal too.
const GradientWorker::AlikeItems& GradientWorker::alike_queries(std::int64_t head) {
    const auto [place, is_new] = alike_.try_emplace(head);
    if (!is_new || adds_by_pair(*problem_.mask)) return place->second;
    TokenReader queries;
    queries.tokens = sizes_.queries;
    const auto read_p = [&](std::int64_t query, std::vector<float>& equal, std::vector<float>&) {
        const std::size_t row = index(head * sizes_.queries + query);
        append(TensorName::q, query, head, equal);
        compare_by(equal, forward_.maximum[row]);
        compare_by(equal, forward_.sum[row]);
    };
    const auto read_ds = [&](std::int64_t query, std::vector<float>& equal, std::vector<float>& near) {
        read_p(query, equal, near);
        append(TensorName::d_o, query, head, equal);
        compare_by(equal, forward_.d[index(head * sizes_.queries + query)]);
    };
    const auto reader_of = [&](TensorName tensor, std::int64_t dim) {
        return [&, tensor, dim](std::int64_t query, std::vector<double>& vector) {
            vector.resize(index(dim));
            read(tensor, query, head, 1.0, vector);
        };
    };
    queries.glance = [&](std::int64_t query, std::vector<float>& equal, std::vector<float>&) {
        glance(TensorName::q, query, head, equal);
    };
    queries.seen_by = [&](std::int64_t query) {
        return seen_by(sizes_.keys, [&](std::int64_t key) { return sees(head, query, key); });
    };
    queries.read = read_ds;
    queries.read_vector = reader_of(TensorName::q, problem_.head_dim);
    place->second.a = alike_tokens(queries);
    queries.read = read_p;
    queries.read_vector = reader_of(TensorName::d_o, problem_.value_dim);
    place->second.b = alike_tokens(queries);
    return place->second;
}

void GradientWorker::append(TensorName tensor, std::int64_t token, std::int64_t head, std::vector<float>& to) {
    const bool of_values = tensor == TensorName::v || tensor == TensorName::d_o;
    const std::size_t old = to.size(), dim = index(of_values ? problem_.value_dim : problem_.head_dim);
    to.resize(old + dim);
    inputs_.read_head(user_, tensor, {token, token + 1}, head, std::span(to).subspan(old));
}

/// The first elements of a query or key.
void GradientWorker::glance(TensorName tensor, std::int64_t token, std::int64_t head, std::vector<float>& to) {
    const std::int64_t heads = tensor == TensorName::q ? problem_.heads_q : problem_.heads_kv;
    to.resize(index(std::min(problem_.head_dim, glanced)));
    inputs_.read(user_, tensor, static_cast<std::uint64_t>((token * heads + head) * problem_.head_dim), to);
}

}  // namespace tilemesh::attention

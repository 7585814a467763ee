// SPDX-License-Identifier: Apache-2.0
// The literal kernel. What is wrong with it, so that nobody repeats it: it normalises p by softmax, merges with
// unnormalised weights and divides by l again (K = 0 and V = 1 give n/S instead of 1); it does not scale scores by
// 1/sqrt(d); its "transpose" of K reinterprets memory; all heads share one score (here: only one head is accepted);
// no mask; no tiling (a whole chunk's scores must fit the SRAM). What is slow: every call returns only when its
// result is there, and it computes before its first send and before each forward, so nothing overlaps: T = (n-1) t_c
// + (n-1 + ceil(n/2)) tau on a line of n ranks. Wins never.
#include "kernels/literal/mesh_kv_literal.h"

#include "kernels/attention/plan.h"

#include <algorithm>

namespace tilemesh::kernels {
namespace {

struct Partial {
    Tile m, l, o;
};

Partial partial_attention(tl::Context& tl, Dtype probability, const Tile& q, const Tile& k, const Tile& v) {
    const std::int64_t keys = k.shape().rows(), d = k.shape().cols();
    const Tile scores = tl.dot(q, tl.reshape(k, Shape{1, d, keys}));  // not a transpose
    Partial partial;
    partial.m = tl.max(scores);
    const Tile p = tl.softmax(scores);
    partial.l = tl.sum(tl.exp(scores - partial.m));
    partial.o = tl.dot(tl.cast(p, probability), v);
    tl.wait(partial.o);
    return partial;
}

void merge(tl::Context& tl, Partial& into, const Partial& other) {
    const Tile m = tl.maximum(into.m, other.m);
    const Tile old_scale = tl.exp(into.m - m), new_scale = tl.exp(other.m - m);
    into.l = into.l * old_scale + other.l * new_scale;
    into.o = into.o * old_scale + other.o * new_scale;
    into.m = m;
    tl.wait(into.o);
}

}  // namespace

void mesh_kv_literal(tl::Context& tl, const attention::Launch& launch) {
    const attention::Problem& problem = *launch.problem;
    const attention::UserTensors& tensors = launch.users[0];
    const int rank = launch.rank, n = launch.needs->ranks();
    const bool has_east = rank<n - 1, has_west = rank> 0;
    const auto keys = [&](int origin) { return launch.needs->keys(0, origin).size(); };

    struct Chunk {
        Tile k, v;
        explicit operator bool() const { return static_cast<bool>(k); }
    };
    const Tile q = tl.load(tl::at(*tensors.q), tensors.q->shape());
    Chunk own{tl.load(tl::at(*tensors.k), tensors.k->shape()), tl.load(tl::at(*tensors.v), tensors.v->shape())};
    Partial result = partial_attention(tl, problem.probability(), q, own.k, own.v);

    Chunk eastward = own, westward = own;
    own = Chunk();
    const auto send = [&](int to, const Chunk& chunk) {
        tl.send(launch.peers[static_cast<std::size_t>(to)], chunk.k);
        tl.send(launch.peers[static_cast<std::size_t>(to)], chunk.v);
    };
    const auto receive = [&](int from, int origin) {
        const int pe = launch.peers[static_cast<std::size_t>(from)];
        Chunk chunk;
        chunk.k = tl.recv(pe, Shape{1, keys(origin), problem.head_dim}, problem.dtype);
        chunk.v = tl.recv(pe, Shape{1, keys(origin), problem.value_dim}, problem.dtype);
        tl.wait(chunk.v);
        merge(tl, result, partial_attention(tl, problem.probability(), q, chunk.k, chunk.v));
        return chunk;
    };
    for (int step = 1; step < n; ++step) {
        if (has_east && eastward) send(rank + 1, eastward);
        if (has_west && westward) send(rank - 1, westward);
        eastward = has_west && rank - step >= 0 ? receive(rank - 1, rank - step) : Chunk();
        westward = has_east && rank + step < n ? receive(rank + 1, rank + step) : Chunk();
    }
    tl.store(tl::at(*tensors.o), tl.cast(result.o / result.l, problem.output_dtype()));
    tl.store(tl::at(*tensors.lse), result.m + tl.log(result.l));
}

std::optional<std::string> mesh_kv_literal_refuses(const attention::Problem& problem, const attention::RankGrid& grid,
                                                   std::int64_t) {
    const int ranks = grid.ranks();
    if (problem.heads_q != 1)
        return fmt::format("it contracts all heads into one score: heads_q is {}, must be 1", problem.heads_q);
    if (!problem.users.empty() && !problem.users[0].shared_keys.empty())
        return "it knows no keys that every rank has";
    if (problem.latents) return "it loads and sends v apart from k, and here v is part of k";
    if (problem.users.size() != 1) return fmt::format("it knows one user, the problem has {}", problem.users.size());
    if (problem.mask->name() != "full")
        return fmt::format("it has no mask, the problem's is {}", problem.mask->name());
    if (problem.soft_cap > 0.0 || !problem.sinks.empty()) return "it knows neither a soft cap nor sinks";
    if (problem.users[0].queries < ranks || problem.users[0].keys < ranks) {
        return fmt::format("every one of the {} ranks must have queries and keys", ranks);
    }
    return {};
}

attention::Tiling plan_literal(const attention::Problem& problem, const attention::NeedSets& needs,
                               const attention::Schedule&, std::int64_t heads, const attention::Device& device,
                               const attention::Tiling&, std::string& why_not) {
    attention::Tiling tiling;
    tiling.tile_heads = heads;
    tiling.tile_queries = tiling.tile_keys = tiling.piece_keys = 1;
    for (int rank = 0; rank < needs.ranks(); ++rank) {
        tiling.tile_queries = std::max(tiling.tile_queries, needs.queries(0, rank).size());
        tiling.tile_keys = std::max(tiling.tile_keys, needs.keys(0, rank).size());
    }
    tiling.piece_keys = tiling.tile_keys;
    tiling.group_blocks = 1;
    tiling.queries_stay = tiling.chunks_stay = true;
    const std::int64_t rows = heads * tiling.tile_queries * problem.group();
    const double bytes = sram_needed(problem, tiling, heads, rows, 3 * rows);
    if (bytes > product(device.sram_bytes)) {
        why_not = fmt::format("it has no tiling: {} queries x {} keys need {:.0f} bytes of SRAM, the PE has {}",
                              tiling.tile_queries, tiling.tile_keys, bytes, device.sram_bytes);
    }
    return tiling;
}

}  // namespace tilemesh::kernels

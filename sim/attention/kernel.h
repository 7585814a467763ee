// SPDX-License-Identifier: Apache-2.0
// What an attention kernel is to the rest of tilemesh: a name, what it refuses, the schedule it runs, how it cuts its
// work into tiles, and the text that every participating PE runs. The list of kernels is in kernels/all.cpp and is
// passed in; nothing in sim/ knows it.
#pragma once

#include "sim/attention/item_map.h"
#include "sim/attention/rank_grid.h"
#include "sim/attention/schedule.h"
#include "sim/attention/timeline.h"
#include "sim/tile/context.h"

#include <any>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace tilemesh::attention {

/// What a kernel may know of the PE and its links when it plans. Rates per nanosecond.
struct Device {
    std::uint64_t sram_bytes = 0;
    std::int64_t matrix_rows = 1, matrix_cols = 1;  // of the array: blocks of whole folds waste none of it
    double macs_per_ns = 1;                         // of q k
    double p_macs_per_ns = 1;                       // of products with p
    double exp2_per_ns = 1;
    double simple_per_ns = 1;
    double array_depth_ns = 0;     // from the last operands of a product until its result is there
    double vector_startup_ns = 0;  // the same of a vector command
    double hbm_bytes_per_ns = 1;
    double link_bytes_per_ns = 1;
    double hop_ns = 0;  // latency of one hop
};

/// How the rows of a schedule become pieces of work on a PE.
enum class Launches : std::uint8_t {
    fused,       // one program: everything overlaps as far as data allows
    overlapped,  // every block product, merge and exchange is a launch of its own; an exchange goes on beside the
                 // block product that does not need it
    continued,   // as overlapped, but a block product goes on from the running results of those before: no merges
    waited       // as overlapped, and what an exchange brings is waited for before its step's block products begin
};
/// The register that a launch of its own leaves its partial result in, to be merged into register 0.
constexpr std::int32_t launched_copy = -1;

/// How a kernel cuts its work. In a request 0 means: choose.
struct Tiling {
    std::int64_t tile_heads = 0;    // kv heads in one block
    std::int64_t tile_queries = 0;  // query tokens in one block (each with its group of heads)
    std::int64_t tile_keys = 0;     // keys in one block
    std::int64_t piece_keys = 0;    // keys in one message of a chunk
    std::int64_t fold_keys =
        1;                    // keys of one fold of the matrix array: partly visible tiles are trimmed to whole ones
    std::int64_t stages = 2;  // blocks whose scores are issued before the values of the first (chosen)
    std::int64_t group_blocks = 0;  // query blocks that stay in SRAM together while keys stream past (chosen)
                                    // backward: those of the same heads, in launches of their own; else 0
    Launches launches = Launches::fused;
    /// Blocks of so few rows that latencies decide; then queries stay.
    bool short_blocks() const { return stages > 2; }
    std::int64_t finished_together() const { return short_blocks() ? stages : 1; }  // results, side by side
    /// Scores that wait for their softmax beside those of a block that has just begun (chosen): as many as the array
    /// takes while the first drain, for the commands of two softmaxes fill the vector engine's queue, and what is
    /// issued behind them waits.
    std::int64_t scores_ahead = 1;
    /// Vector commands that follow each other meanwhile, at most those of a softmax: so far are softmaxes apart.
    std::int64_t softmax_pace = 7;
    bool products_apart = false;  // products with values wait for their sum in room of their own (chosen; attend.h)
    bool queries_stay = false;    // all query blocks of a PE fit at once, with all registers of states (chosen)
    bool chunks_stay = false;     // all chunks a PE ever holds fit too, so none is staged in HBM (chosen)

    /// Every field: one that is added and not named here does not compile.
    auto fields() const {
        const auto& [heads, queries, keys, piece, fold, deep, group, launched, ahead, pace, apart, stay, held] =
            *this;
        return std::tie(heads, queries, keys, piece, fold, deep, group, launched, ahead, pace, apart, stay, held);
    }
};

/// K and V of some keys: [heads, keys, head_dim] and [heads, keys, value_dim]. With latents v is null; and of a
/// gradient, v is the sum of dv and the columns of dk that it shares, k what is left of dk, null if nothing is.
struct KeyTensors {
    Tensor* k = nullptr;
    Tensor* v = nullptr;
};
/// Partial results in HBM, f32: m and l [heads, rows, 1], o [heads, rows, value_dim].
struct StateTensors {
    Tensor *m = nullptr, *l = nullptr, *o = nullptr;
};

/// What one PE has in its HBM of its own rank's tokens of one user. Rows are tokens times the query heads of a kv
/// head: row t * group + j is query token t, head j of the group.
struct UserTensors {
    Tensor* q = nullptr;    // [heads, rows, head_dim]; null: this PE has no queries
    Tensor* k = nullptr;    // [heads, keys, head_dim]; null: no keys
    Tensor* v = nullptr;    // [heads, keys, value_dim]; null with latents
    KeyTensors shared;      // the same of the keys that every rank has; null: there are none
    Tensor* o = nullptr;    // [heads, rows, value_dim]
    Tensor* lse = nullptr;  // [heads, rows, 1] f32, natural logarithm; null in a backward pass
    // Biases are f32 and divided by the unit of the scores, keys are those of all ranks, one rank after the other,
    // then shared ones.
    Tensor* bias = nullptr;    // [1, 1, keys]; null: no bias per key
    Tensor* slopes = nullptr;  // [heads, query heads of a kv head, 1]; null: no slopes
    Tensor* sinks = nullptr;   // the same, as the problem has them; null: no sinks
};

/// What a backward pass has beside them: o (in f32), m and l, which the forward pass left, and what it computes.
struct UserGradientTensors {
    // [heads, rows, 1] f32, in, the sink among the scores: maximum of score log2(e); the lowest f32 where there is
    // none.
    Tensor* m = nullptr;
    Tensor* l = nullptr;      // [heads, rows, 1] f32, in: sum of 2^(score log2(e) - m); 0 where there is none
    Tensor* d_o = nullptr;    // [heads, rows, value_dim], in
    Tensor* dq = nullptr;     // [heads, rows, head_dim], out
    Tensor* dk = nullptr;     // [heads, keys, head_dim], out
    Tensor* dv = nullptr;     // [heads, keys, value_dim], out
    Tensor* d_lse = nullptr;  // [heads, rows, 1] f32, in; null: no gradient of lse comes in
    Tensor* dsink = nullptr;  // [heads, query heads of a kv head, 1] f32, out; on rank 0, when there are sinks
    KeyTensors shared;        // dk and dv, out, of the keys that every rank has; on their home rank
    // With latents dk is [heads, keys, head_dim - value_dim], null if that has no columns, and dv the columns before
    // it: the gradient of k, in two tensors.

    // Room for what does not stay in SRAM, f32.
    Tensor* row_over_l = nullptr;  // [heads, rows, 1]
    Tensor* row_d = nullptr;       // [heads, rows, 1]
    Tensor* dq_sum = nullptr;      // [heads, rows, head_dim]
    Tensor* dq_block = nullptr;    // the same, of one block product; null when they are no launches of their own
};

/// Everything one PE's run of a kernel needs.
struct Launch {
    const Problem* problem = nullptr;
    const NeedSets* needs = nullptr;
    const Schedule* schedule = nullptr;
    const std::vector<std::vector<TimedAction>>* timeline = nullptr;  // the schedule's, for the order of issue
    Tiling tiling;
    int rank = 0;
    Range heads;             // kv heads of this PE
    std::vector<int> peers;  // by rank: the PE that owns the same heads there
    std::vector<UserTensors> users;
    std::vector<UserGradientTensors> gradient_users;  // of a backward pass
    /// By user and rank whose queries this PE works for: biases per pair as above, [heads, rows, keys], or [1,
    /// tokens, keys] when all heads share them.
    std::map<std::pair<int, int>, Tensor*> pair_biases;
    // Room in this PE's HBM for what comes from elsewhere or does not stay in SRAM; heads are those of the head part.
    ItemMap<KeyTensors> chunks;     // [heads, keys of the chunk, ...]
    ItemMap<Tensor*> queries;       // [heads, rows of the queries, head_dim]
    ItemMap<StateTensors> states;   // registers, rows of the queries
    ItemMap<KeyTensors> gradients;  // registers, f32: dk and dv of a chunk
    /// What a kernel has worked out for one member of a rank and others may use as well; it knows what. Null: the PE
    /// is alone.
    std::shared_ptr<std::any> of_rank;
    std::shared_ptr<std::any> of_table;  // likewise, for all ranks

    /// The PEs of those ranks.
    std::vector<int> peers_of(std::span<const int> ranks) const {
        std::vector<int> pes;
        for (const int peer : ranks) pes.push_back(peers[static_cast<std::size_t>(peer)]);
        return pes;
    }
    /// kv heads of a head part, counted from this PE's first.
    Range heads_of_part(int part) const { return contiguous_part(heads.size(), schedule->head_parts(), part); }
};

struct Kernel {
    std::string_view name;
    std::string_view summary;         // one line, for `list`
    bool replicated_queries = false;  // every rank has all queries
    bool by_heads = false;            // one rank of all PEs: heads are divided, tokens are not
    bool exact = true;                // false: a specimen whose arithmetic is known to be wrong
    bool moves_states = false;        // partial results travel: a panel may choose how
    bool launches = false;            // knows block products, merges and exchanges as launches of their own
    bool cuts_by_plan = false;        // works on the blocks and tiles of its Tiling, on no part of one and no other
    bool keeps_state = true;          // has a running (m, l, o): a panel may choose its dtype
    Schedule::Pass pass = Schedule::Pass::forward;
    Schedule (*schedule)(const NeedSets&, const RankGrid&) = nullptr;
    /// Why this kernel cannot run the problem on these ranks, whose PEs own at most `heads` kv heads each; nothing
    /// when it can. Null: it runs everything.
    std::optional<std::string> (*refuses)(const Problem&, const RankGrid&, std::int64_t heads) = nullptr;
    /// Tile sizes: those asked for, the rest chosen. InputError-free: returns why not instead.
    Tiling (*plan)(const Problem&, const NeedSets&, const Schedule&, std::int64_t heads, const Device&,
                   const Tiling& request, std::string& why_not) = nullptr;
    void (*text)(tl::Context&, const Launch&) = nullptr;
};

/// An explicit list, passed from main to whoever runs kernels.
using Kernels = std::vector<Kernel>;

}  // namespace tilemesh::attention

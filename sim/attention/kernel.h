// SPDX-License-Identifier: Apache-2.0
// What an attention kernel is to the rest of tilemesh: a name, what it refuses, the schedule it runs, how it cuts its
// work into tiles, and the text that every participating PE runs. The list of kernels is in kernels/all.cpp and is
// passed in; nothing in sim/ knows it.
#pragma once

#include "sim/attention/schedule.h"
#include "sim/attention/timeline.h"
#include "sim/tile/context.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tilemesh::attention {

/// What a kernel may know of the PE and its links when it plans. Rates per nanosecond.
struct Device {
    std::uint64_t sram_bytes = 0;
    std::int64_t matrix_rows = 1, matrix_cols = 1;  // of the array: blocks of whole folds waste none of it
    double macs_per_ns = 1;
    double exp2_per_ns = 1;
    double simple_per_ns = 1;
    double link_bytes_per_ns = 1;
    double hop_ns = 0;  // latency of one hop
};

/// How a kernel cuts its work. In a request 0 means: choose.
struct Tiling {
    std::int64_t tile_heads = 0;    // kv heads in one block
    std::int64_t tile_queries = 0;  // query tokens in one block (each with its group of heads)
    std::int64_t tile_keys = 0;     // keys in one block
    std::int64_t piece_keys = 0;    // keys in one message of a chunk
    std::int64_t fold_keys =
        1;  // keys of one fold of the matrix array: partly visible tiles are trimmed to whole ones
    std::int64_t group_blocks = 0;  // query blocks that stay in SRAM together while keys stream past (chosen)
    bool queries_stay = false;      // all query blocks of a PE fit at once, with their states (chosen)
    bool chunks_stay = false;       // all chunks a PE ever holds fit too, so none is staged in HBM (chosen)
};

/// What one PE has in its HBM for one user. Rows are tokens times the query heads of a kv head: row t * group + j is
/// query token t, head j of the group.
struct UserTensors {
    Tensor* q = nullptr;                  // [heads, rows, head_dim]; null: this PE has no queries
    Tensor* k = nullptr;                  // [heads, keys, head_dim]; null: no keys
    Tensor* v = nullptr;                  // [heads, keys, value_dim]
    Tensor* o = nullptr;                  // [heads, rows, value_dim]
    Tensor* lse = nullptr;                // [heads, rows, 1] f32, natural logarithm
    std::vector<Tensor*> slot_k, slot_v;  // by origin rank: where chunks of others are kept; null where not needed
    Tensor *m = nullptr, *l = nullptr, *acc = nullptr;  // states of query blocks that do not stay in SRAM; f32
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
};

struct Kernel {
    std::string_view name;
    std::string_view summary;         // one line, for `list`
    bool replicated_queries = false;  // every rank has all queries
    bool by_heads = false;            // one rank of all PEs: heads are divided, tokens are not
    bool exact = true;                // false: a specimen whose arithmetic is known to be wrong
    Schedule (*schedule)(const NeedSets&) = nullptr;
    /// Why this kernel cannot run the problem on so many ranks; nothing when it can.
    std::optional<std::string> (*refuses)(const Problem&, int ranks) = nullptr;
    /// Tile sizes: those asked for, the rest chosen. InputError-free: returns why not instead.
    Tiling (*plan)(const Problem&, const NeedSets&, std::int64_t heads, const Device&, const Tiling& request,
                   std::string& why_not) = nullptr;
    void (*text)(tl::Context&, const Launch&) = nullptr;
};

/// An explicit list, passed from main to whoever runs kernels.
using Kernels = std::vector<Kernel>;

}  // namespace tilemesh::attention

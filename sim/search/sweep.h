// SPDX-License-Identifier: Apache-2.0
// Running what a store does not have yet of a space.
#pragma once

#include "sim/run/workers.h"
#include "sim/search/points.h"
#include "sim/search/store.h"

#include <functional>
#include <string>
#include <vector>

namespace tilemesh::search {

/// Part `index` of `count`, by the keys of points: however many workers there are, each point is one's.
struct Shard {
    std::size_t index = 0, count = 1;
    bool has(const std::string& key) const { return std::stoull(key.substr(0, 12), nullptr, 16) % count == index; }
};
/// "2/8" (counted from 0), or "auto": what Slurm (SLURM_ARRAY_TASK_ID), Open MPI (OMPI_COMM_WORLD_RANK) or PMI
/// (PMI_RANK) say of this process. InputError for what is none, and for "auto" outside of these.
Shard parse_shard(const std::string& text);

struct SweepOptions {
    Shard shard;
    int workers = 0;  // 0: one per core
    std::function<void(const run::Progress&)> on_progress = {};
    bool look_only = false;  // run nothing
};

/// A point and what the store has of it.
struct Row {
    Keyed point;
    Json record = {};  // its "result" alone, which is what tables are made from; null: not run yet
};

struct SweepOutcome {
    std::size_t points = 0;   // of the shard
    std::size_t had = 0;      // of them, in the store before
    std::size_t ran = 0;      // by this run
    std::size_t stopped = 0;  // their process was ended from outside, twice: not run yet, and none of their doing
    bool interrupted = false;
    std::vector<Row> rows = {};            // all of the space, as the store has them afterwards
    std::vector<std::string> doubts = {};  // of files that were there and are no results (search::known)
    std::vector<std::string> idle = {};    // conditions that drop no point, a line each
};

/// All points of a space with their keys, in the order of the space, each key once. `idle`: what Space::for_each
/// says.
std::vector<Keyed> keyed_points(const Space& space, const run::Workloads& workloads,
                                std::vector<std::string>* idle = nullptr);

/// Runs what is missing and writes it into the store, also what cannot run, fails or crashes, with the reason. Each
/// file is read once: those that were there before anything runs, the others when all has run.
SweepOutcome run_sweep(const Space& space, const run::Workloads& workloads, const Store& store,
                       const SweepOptions& options);

}  // namespace tilemesh::search

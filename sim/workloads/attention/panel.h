// SPDX-License-Identifier: Apache-2.0
// The attention part of a panel: the problem, where its ranks stand, the kernels with what the user fixed about them,
// and where the inputs come from.
#pragma once

#include "sim/attention/kernel.h"
#include "sim/attention/problem.h"
#include "sim/attention/sharding.h"
#include "sim/attention/state_format.h"
#include "sim/run/workload.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::workloads {

/// What one rank is made of.
enum class RankUnit : std::uint8_t {
    pe,        // one PE
    cube,      // a cube; its PEs divide the kv heads
    cube_pe0,  // a cube of which only PE 0 works, as in the original kernel
};

/// Which unit each rank stands on.
struct RanksChoice {
    RankUnit unit = RankUnit::pe;
    std::optional<std::int64_t> count;  // absent: as many as the machine has (or the placement lists)
    enum class Placement : std::uint8_t {
        identity,      // rank i on unit i
        reversed,      // the same units the other way round
        folded,        // ranks 0, n-1, 1, n-2, 2, ... along a snake through the grid of units
        snake,         // along rows, every second one backwards
        heavy_middle,  // ranks ..., 4, 2, 0, 1, 3, 5, ... along a snake
        hilbert,       // along a Hilbert curve
        list,
    } placement = Placement::identity;
    std::vector<std::int64_t> list;  // of `count` unit numbers, when the placement is a list
    attention::Sharding sharding = attention::Sharding::contiguous;
};

/// A kernel to run and what the user fixed about its tiles. 0: chosen automatically to fill the SRAM.
struct AttentionChoice {
    std::string kernel;
    std::string label;  // unique in the panel; the kernel's name unless given
    std::int64_t tile_queries = 0;
    std::int64_t tile_keys = 0;
    std::int64_t tile_heads = 0;
    std::int64_t piece_keys = 0;
    std::optional<attention::Sharding> sharding;        // instead of the panel's
    std::optional<RanksChoice::Placement> placement;    // instead of the panel's; never a list
    std::optional<attention::StateFormat::Sent> state;  // how partial results travel
    std::optional<Dtype> state_dtype;                   // of the running output
    attention::Launches launches = attention::Launches::fused;
    std::string where;  // "panel.json: /kernels/1", for errors about this choice
};

/// Where q, k and v come from; an empty path means seeded normal values.
struct InputsChoice {
    NamedFile tensors;
    std::string prefix;
};

struct AttentionPanel : run::Setup {
    attention::Problem problem;
    RanksChoice ranks;
    std::vector<AttentionChoice> kernels;
    InputsChoice inputs;
};

/// Names as they are spelled in JSON.
std::string name_of(RankUnit unit);
std::string name_of(attention::Sharding sharding);

/// Reads a panel's keys "problem", "ranks" and "inputs", and these elements of "kernels". All range checks that need
/// no knowledge of kernels happen here.
AttentionPanel read_attention_panel(JsonReader& panel, const run::Setup& setup, std::vector<JsonReader>& kernels);

/// The unit (PE or cube number) of every rank, given how many of them the machine has. InputError when there are more
/// ranks than units, or a placement that repeats a unit or names one that does not exist.
std::vector<std::int64_t> units_of_ranks(const AttentionPanel& panel, const RanksChoice& ranks, std::int64_t units);

/// The panel's ranks with what the kernel has of its own.
RanksChoice ranks_of(const AttentionPanel& panel, const AttentionChoice& choice);

/// Entries of a workload, one per kernel of the panel it was made from.
std::vector<run::Entry> entries_of(const AttentionPanel& panel, std::shared_ptr<const run::Workload> workload);

}  // namespace tilemesh::workloads

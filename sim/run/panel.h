// SPDX-License-Identifier: Apache-2.0
// One experiment as the user wrote it: machine, attention problem, kernels, and what to check. A panel is read once,
// strictly, from JSON that resolve.h has made whole (bases merged, machine inlined, --set applied), then const.
#pragma once

#include "sim/attention/kernel.h"
#include "sim/attention/problem.h"
#include "sim/attention/sharding.h"
#include "sim/attention/state_format.h"
#include "sim/base/json_reader.h"
#include "sim/machine/config.h"
#include "sim/run/resolve.h"
#include "sim/tile/values.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::run {

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
struct KernelChoice {
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
    std::string where;         // "panel.json: /kernels/1", for errors about this choice
    std::string not_possible;  // why it cannot run this panel; empty: it can, or nobody asked yet (entry.h)
};

using tilemesh::ValueMode;

struct ValuesChoice {
    ValueMode mode = ValueMode::sampled;
    std::int64_t rows = 64;  // query rows per user that are computed when sampled
    std::uint64_t seed = 1;  // of generated inputs and of the sample
};

/// Where q, k and v come from; an empty path means seeded normal values.
struct InputsChoice {
    std::filesystem::path tensors;
    std::string prefix;
};

struct Panel {
    std::string name;
    std::string description;
    std::string file;  // what errors about this panel show
    Json resolved;     // everything, machine included: what the result file carries
    machine::MachineConfig machine;
    attention::Problem problem;
    RanksChoice ranks;
    std::vector<KernelChoice> kernels;
    ValuesChoice values;
    InputsChoice inputs;
    std::optional<double> tolerance;  // on relative L2; absent: what the dtype allows
    std::uint64_t layers = 1;
};

/// Names as they are spelled in JSON.
std::string name_of(ValueMode mode);
std::string name_of(RankUnit unit);
std::string name_of(attention::Sharding sharding);

/// Reads a panel from resolved JSON. `machine_file` is what errors below /machine show (empty: the panel's own file
/// and path). All range checks that need no knowledge of kernels happen here.
Panel read_panel(const Json& resolved, const std::string& file, const std::string& machine_file);
Panel read_panel(const ResolvedPanel& resolved);

/// The unit (PE or cube number) of every rank, given how many of them the machine has. InputError when there are more
/// ranks than units, or a placement that repeats a unit or names one that does not exist.
std::vector<std::int64_t> units_of_ranks(const Panel& panel, const RanksChoice& ranks, std::int64_t units);

/// The panel's ranks with what the kernel has of its own.
RanksChoice ranks_of(const Panel& panel, const KernelChoice& choice);

}  // namespace tilemesh::run

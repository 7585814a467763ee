// SPDX-License-Identifier: Apache-2.0
// Machines on which work is launched: a PE that is a whole processor of many units, driven from outside. A launch has
// a fixed cost, its blocks are dealt to the units, and copies that the units themselves carry take some of their
// time. All of it is neutral by default.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/base/units.h"
#include "sim/pe/cores.h"
#include "sim/tile/launch.h"

#include <vector>

namespace tilemesh::pe {

struct LaunchConfig {
    Picoseconds simple;            // from the end of the work before to the first work of a launch, by kind
    Picoseconds attention;         //
    Picoseconds gradients;         //
    Picoseconds exchange;          // the same until the first message can leave
    Picoseconds exchange_message;  // and for every message of the exchange
    double copy_share = 0;         // of the units' time, taken by an exchange for as long as its bytes are on a link
    double gradients_rate = 1;     // share of the engines' rates that a block product of a backward pass reaches
    int units = 1;                 // that share the blocks of one launch
    int blocks_per_unit = 1;       // at work on one unit at once, sharing it evenly
    int gradients_per_unit = 1;    // the same of a backward pass
    CoresConfig cores;  // instead of units for block products cut into chunks: what each core takes for a block and
                        // for a chunk of keys

    Picoseconds start_of(const LaunchedWork& work) const {
        if (work.kind == LaunchedWork::Kind::simple) return simple;
        if (work.kind == LaunchedWork::Kind::attention) return attention;
        if (work.kind == LaunchedWork::Kind::gradients) return gradients;
        return exchange + exchange_message * static_cast<std::uint64_t>(work.messages);
    }
    /// Is there anything to account for?
    bool costs() const {
        const Picoseconds none;
        return simple > none || attention > none || gradients > none || exchange > none || exchange_message > none ||
               copy_share > 0 || gradients_rate < 1 || units > 1 || cores.count > 0;
    }
    /// What the engines' rates are multiplied by while the work is under way; not of an exchange. `rates`: the matrix
    /// engine's, of which cores have their even parts.
    double pace_of(const LaunchedWork& work, const CoreRates& rates) const;
};

LaunchConfig read_launch(JsonReader reader);

/// Blocks are dealt in their order: `blocks_per_unit` rounds over all units to begin with, then each to the unit that
/// has finished one. Blocks on one unit share its rate evenly; a block alone has all of it. Returns the share of the
/// units' time in which they work until the last block is done: 1 when they all end together, at least 1 / units.
double share_at_work(const std::vector<double>& blocks, int units, int blocks_per_unit);

}  // namespace tilemesh::pe

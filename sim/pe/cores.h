// SPDX-License-Identifier: Apache-2.0
// A PE that is a chip of many cores: each works through blocks of queries of its own, one after the other, and keys
// come past in chunks. What a block and a chunk cost a core decides how far a block product stays behind the chip's
// peak. All of it is neutral by default (no cores).
#pragma once

#include "sim/base/fitted_values.h"
#include "sim/base/json_reader.h"
#include "sim/tile/launch.h"

#include <vector>

namespace tilemesh::pe {

/// How chunks of keys and values come to the cores.
enum class KeysOfCores : std::uint8_t {
    multicast,    // one core reads a chunk and hands it to others; a core that does not need it goes on
    chained,      // the same, and cores in one turn go in step: all take as many chunks as the one with most
    read_by_each  // every core reads its own from memory
};
/// In which order query blocks of one head are dealt.
enum class DealtBlocks : std::uint8_t {
    in_order,
    paired  // the first, the last, the second, the last but one, ...: causal blocks of little and much work in turn
};

struct CoresConfig {
    int count = 0;  // 0: the PE is no such chip
    KeysOfCores keys = KeysOfCores::multicast;
    DealtBlocks dealt = DealtBlocks::in_order;
    double chunk_cycles = 0;               // of a core, for each chunk that a block passes, beside the two products
    double output_cycles_per_element = 0;  // and for each element of the block's output: scaled and added to
    // Per nanosecond and core; 0: no time.
    double block_elements = 0;  // queries that come in and outputs that leave while nothing else goes on
    double read_bytes = 0;      // chunks from memory, by the core that reads
    double pass_bytes = 0;      // and on to other cores, or within the core from keys to values
    double memory_bytes = 0;    // of all cores together, when each reads its own
    int exponent_elements = 0;  // of an 8-bit type that share a byte more; 0: none

    std::vector<FittedValue> fitted;  // where numbers of these come from

    double bytes_of(Dtype dtype) const;
};

CoresConfig read_cores(JsonReader reader);

/// What all cores have together.
struct CoreRates {
    double clock_ghz = 1;
    double macs_per_ns = 1;    // of q k
    double p_macs_per_ns = 1;  // of the product with p
};

/// Nanoseconds that a core takes for one chunk: products and what is beside them, or the chunk's way to it if that is
/// longer.
double time_of_chunk(const LaunchedChunks& chunks, const CoresConfig& cores, const CoreRates& rates);

/// Until the last core is done. Blocks are dealt head after head in rows, to each core as many as to the next or one
/// more; a row's n-th blocks are the cores' n-th turn.
double time_of_cores(const LaunchedChunks& chunks, const CoresConfig& cores, const CoreRates& rates);

/// The share of the matrix engine's rate that the launch reaches; 1 of work that is not cut into chunks.
double share_of_cores(const LaunchedWork& work, const CoresConfig& cores, const CoreRates& rates);

}  // namespace tilemesh::pe

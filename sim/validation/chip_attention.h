// SPDX-License-Identifier: Apache-2.0
// Attention measured on chips of many cores: one row of such a file with all that its experiment says of it, and
// which machine and panel stand for it. Reading is liberal: what a row does not tell or cannot be expressed is its
// `left_out`.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/validation/suite.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::validation {

/// What one chip does of a block of queries and keys, both of as many tokens as it holds.
enum class StepWork : std::uint8_t {
    full,
    causal,
    up,    // all queries, the first half of the keys: a step whose keys come from a chip with earlier tokens
    down,  // the second half of the queries, all keys: from a chip with later tokens
    none   // nothing is seen
};

struct ChipAttention {
    std::string experiment, label;  // both name the row; the label may be empty
    std::string group;              // rows of which the order can be compared
    double ms = 0.0;                // measured
    double tolerance = 0.0;         // relative, that the row states; 0: none
    std::string left_out;           // why there is nothing to compare

    std::uint64_t q_heads = 1, kv_heads = 1, d_qk = 1, d_v = 1;
    std::uint64_t tokens = 1;  // new ones of a chip
    std::uint64_t cached = 0;  // keys of all chips before them
    std::uint64_t chips = 1, cores = 1, q_chunk = 1, k_chunk = 1;
    bool causal = false, balanced = false;  // balanced: chip i of n holds pieces i and 2 n - 1 - i
    bool eight_bit = false;                 // keys and values in block floats of 8 bits
    double products_per_cycle = 1.0;        // of a core, relative to two passes (HiFi2)
    double memory_channels = 1.0;           // share of the chip's that this board has
    std::optional<StepWork> work;           // one chip alone
    std::optional<std::uint64_t> step, device;
    std::string keys;  // "multicast", "chained", "read_by_each": how they come to cores
    bool paired = false;
    bool removed = false;  // this row is the machine without a transfer
    bool without_read = false, without_pass = false, without_blocks = false;

    std::string name() const { return label.empty() ? experiment : experiment + ": " + label; }
    /// Of the step on the device, whose keys come from the chip `step` places before it.
    StepWork work_of(std::uint64_t at_step, std::uint64_t at_device) const;
};

/// The rows of {"experiments": [{"experiment", ..., "rows": [...]}]}; keys of a row override those of its experiment.
std::vector<ChipAttention> read_chip_attention(JsonReader& file);

/// Milliseconds of the row's work on the chips of configs/machines.
double predicted_ms(const ChipAttention& row, const Surroundings& surroundings);

/// The name of that machine.
constexpr const char* attention_chip = "blackhole_attention_ring4";

}  // namespace tilemesh::validation

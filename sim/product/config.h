// SPDX-License-Identifier: Apache-2.0
// What a matrix product that is spread over all PEs costs on chips whose PEs are cores with a tile engine: rates of
// the engine, of the movers that feed it and of DRAM, and what a launch takes. The member "products" of a machine.
#pragma once

#include "sim/base/fitted_values.h"
#include "sim/base/json_reader.h"
#include "sim/base/units.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::product {

/// Rows and columns of a tile, the unit of storage and of the engine.
inline constexpr std::uint64_t tile_side = 32;
inline constexpr double tile_multiplies = 32.0 * 32.0 * 32.0;

/// Elements in tiles. Those with blocks share an exponent of 8 bits among 16 elements of a row.
enum class Format : std::uint8_t { bfloat16, bfloat8_b, bfloat4_b };
const std::vector<std::string>& format_words();
std::string name_of(Format format);
/// 2048, 1088 or 576.
std::uint64_t tile_bytes(Format format);

/// How much of the operands' mantissas the engine looks at, in one, two or four passes.
enum class Fidelity : std::uint8_t { lofi, hifi2, hifi4 };
const std::vector<std::string>& fidelity_words();
std::string name_of(Fidelity fidelity);

/// A chip that is kept busy without a pause for longer than `after` goes on with another clock.
struct SustainedClock {
    Picoseconds after;
    double ghz = 1.0;
};

struct ProductConfig {
    double tile_cycles[3] = {16.0, 32.0, 64.0};    // of the engine for a product of two tiles, by fidelity
    double tile_overhead_cycles = 0.0;             // of each product of two tiles
    std::optional<double> unpack_bytes_per_cycle;  // feeding the engine with a tile; none: never what takes longest
    std::optional<double> pack_bytes_per_cycle;    // taking a tile of the result out again, for each block of K
    std::uint64_t core_bytes = 0;                  // of a PE's memory for blocks and what is kept there
    double multicast_bytes_per_cycle = 0.0;        // from one PE to all of its row or column
    double read_bytes_per_cycle = 0.0;             // what one PE gets from DRAM when it is alone
    double block_cycles = 0.0;                     // of bringing a block, whatever its size: handshakes, latency
    std::optional<Rate> write;                     // of DRAM, when all PEs write their results; none: as it reads
    Picoseconds launch;                            // from one product to the next
    std::optional<SustainedClock> sustained;
    std::vector<FittedValue> fitted;

    double cycles_of(Fidelity fidelity) const { return tile_cycles[static_cast<std::size_t>(fidelity)]; }
    /// Of the engine for a product of two tiles of that format, everything included but taking results out.
    double product_cycles(Format format, Fidelity fidelity) const;
    double pack_cycles(Format format) const;
};

/// The member "products" of a machine. InputErrors name file and path.
ProductConfig read_products(JsonReader reader);

}  // namespace tilemesh::product

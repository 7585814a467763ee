// SPDX-License-Identifier: Apache-2.0
// What stands at nodes of a chip's networks that are no cores: memory controllers and links off the chip, each with a
// rate, a latency and a limit of its own. No processor runs on them; reads and writes of others go there.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/noc/config.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tilemesh::noc {

using Cycle = std::uint64_t;

struct DeviceConfig {
    enum class Kind : std::uint8_t { memory, link };
    std::string name;
    Kind kind = Kind::memory;
    std::vector<int> at;  // nodes of the grid that are its ports, in every network
    /// Payload that it moves, through all its ports; 0: any. A memory shares it between both directions, a link has
    /// it in each.
    double bytes_per_cycle = 0.0;
    Cycle latency = 0;              // of a memory's answer; of a link one way, which its answers wait for twice
    std::uint64_t outstanding = 0;  // requests that it works on at once, of all its ports; 0: any

    Cycle answer_after() const { return kind == Kind::link ? 2 * latency : latency; }
    std::string kind_word() const;  // "memory"
    std::string words() const;      // "dram0, a memory"
};

/// [row, column] on the grid.
int read_place(const JsonReader& reader, const GridConfig& grid);
/// A list of such places, none twice.
std::vector<int> read_places(const JsonReader& reader, const GridConfig& grid);

/// [{"name", "kind", "at", "bytes_per_cycle", "latency_cycles", "outstanding"}]: names and places come once.
std::vector<DeviceConfig> read_devices(const JsonReader& list, const GridConfig& grid);

}  // namespace tilemesh::noc

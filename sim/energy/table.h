// SPDX-License-Identifier: Apache-2.0
// What operations and parts of a machine cost in energy and area: numbers with the source that each is from. Tables
// are of one technology, and complete only for what somebody needed: a number that is not there is missing, never
// assumed. Units are the names of the groups that the numbers are in.
#pragma once

#include "sim/base/json_reader.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tilemesh::energy {

/// A number of a table.
struct Price {
    double value = 0.0;  // in the unit of its group
    std::string source;  // where it is from: a paper, a measurement, an estimate and how it was made
    std::string trust;   // high, medium or low; empty: nobody said
    bool operator==(const Price&) const = default;
};

struct Table {
    std::string technology;               // "7 nm"
    std::map<std::string, Price> prices;  // by group and key: "pj_per_mac.f16"

    /// Null: missing.
    const Price* find(const std::string& key) const {
        const auto found = prices.find(key);
        return found == prices.end() ? nullptr : &found->second;
    }
};

/// A group of a table: its unit, which is its key in JSON, and the keys within it.
struct Group {
    std::string unit;
    std::vector<std::string> keys;
};
/// Of `machine.energy`: pJ per operation, W per part.
const std::vector<Group>& energy_groups();
/// Of `machine.area`: mm2 per part.
const std::vector<Group>& area_groups();

/// Reads {"technology", "description", UNIT: {KEY: {"value", "source", "trust"} or a number}}. Every key may be
/// missing and none may be unknown. A number without a source says so in its source; one that was set apart from its
/// source is an InputError, because the source would be another number's.
Table read_table(JsonReader reader, const std::vector<Group>& groups);

/// What a machine's power may be, as the mean over any window; W. None: it may be anything.
struct PowerLimit {
    std::optional<double> machine, cube, pe;
    std::uint64_t window_ps = 0;  // at least so long; 0: as short as windows are
};
PowerLimit read_power_limit(JsonReader reader);

}  // namespace tilemesh::energy

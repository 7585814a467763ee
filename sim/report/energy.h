// SPDX-License-Identifier: Apache-2.0
// What a run has to say of energy and power, as plain structs.
#pragma once

#include "sim/base/units.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tilemesh::report {

/// What one key of the machine's table came to. They sum up to the run's energy.
struct EnergyUse {
    std::string key;     // "pj_per_mac.f16", "watts.pe"
    std::string kind;    // of the parts that spend it: "matrix", "vector", "sram", "hbm", "link", ..., "static"
    std::string unit;    // of what is counted: "bytes"; of static power "parts"
    double count = 0.0;  // how often; of static power how many parts
    double value = 0.0;  // of the key, in the unit that its name says
    double joules = 0.0;
    std::string source;
    std::string trust;  // high, medium, low; empty: nobody said
    bool operator==(const EnergyUse&) const = default;
};

/// What one part of the machine spent. They sum up to the run's energy.
struct EnergyPart {
    std::string path;  // "machine.cube0.pe3.matrix"; "machine.cube0.pe3" itself has its static power
    std::string kind;
    double joules = 0.0;  // static power included
    bool operator==(const EnergyPart&) const = default;
};

/// Of the phases of a kernel; what is outside all of them has no name, static power is a line of its own. They sum up
/// to the run's energy.
struct EnergyPhase {
    std::string phase;  // "ring step 3 / keys 512-1023"
    double joules = 0.0;
    bool operator==(const EnergyPhase&) const = default;
};

/// A limit of power and by how much the run exceeds it; where it does not, `over` is 0.
struct PowerCheck {
    std::string of;  // "machine", "machine.cube3", "machine.cube3.pe1": of its sort the one with the highest peak
    double limit_w = 0.0;
    double peak_w = 0.0;  // greatest mean of any stretch of recorded windows that is at least `window` long
    Picoseconds peak_at;  // begin of that stretch
    Picoseconds window;   // as the machine asks, but at least a recorded window, at most the run
    /// Of the run, what lies in such stretches above the limit, of those alone that do not come apart into two as
    /// long: what is beside a peak is not above the limit because the mean of both is.
    Picoseconds over;
    std::uint64_t parts = 0;  // of this sort above the limit
    bool operator==(const PowerCheck&) const = default;
};

/// mm2 of one sort of part.
struct AreaPart {
    std::string key;  // "mm2_per_mac.matrix"
    double count = 0.0;
    double value = 0.0;  // mm2 each
    double mm2 = 0.0;
    std::string source;
    std::string trust;
    bool operator==(const AreaPart&) const = default;
};

struct AreaResult {
    std::string technology;
    std::vector<std::string> missing;  // why there is no total; empty: there is one
    double mm2 = 0.0;                  // all parts together
    std::vector<AreaPart> parts;       // by key
    bool operator==(const AreaResult&) const = default;
};

struct EnergyResult {
    std::string technology;
    /// Keys that would be needed for a total and what for; then there are no figures. Empty: there are.
    std::vector<std::string> missing;
    double joules = 0.0;         // dynamic and static
    double static_joules = 0.0;  // of them, static
    double energy_delay_js = 0.0;
    double average_w = 0.0;
    double peak_w = 0.0;             // greatest mean of one, or of the last two where the end cuts the last off
    Picoseconds peak_at;             // when that begins
    Picoseconds window;              // how long windows are; the last may be cut off by the end
    std::vector<double> power_w;     // mean of each window
    std::uint64_t query_tokens = 0;  // of all users; 0: the work has none
    double joules_per_query_token = 0.0;
    std::vector<EnergyUse> uses;
    std::vector<EnergyPart> parts;
    std::vector<EnergyPhase> phases;
    std::vector<PowerCheck> limits;
    AreaResult area;  // without parts where the machine has no table of areas
    bool has_total() const { return missing.empty(); }
    bool operator==(const EnergyResult&) const = default;
};

/// The run answered for so many query tokens.
void count_tokens(EnergyResult& energy, std::uint64_t query_tokens);
/// Joules by kind of part, in the order in which they first appear among the uses.
std::vector<std::pair<std::string, double>> by_kind(const EnergyResult& energy);
/// Of the run, what lies in stretches above a limit of power: of the limit for which that is longest. None: no
/// limits.
std::optional<Picoseconds> over_limits(const EnergyResult& energy);
/// Joules by trust of their source: high, medium, low and unknown, those that there are.
std::vector<std::pair<std::string, double>> by_trust(const EnergyResult& energy);

}  // namespace tilemesh::report

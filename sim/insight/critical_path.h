// SPDX-License-Identifier: Apache-2.0
// The chain of steps that determined when a run ended, added up by what it was spent on, and cut into segments.
#pragma once

#include "sim/insight/moment.h"
#include "sim/insight/phases.h"
#include "sim/report/result.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tilemesh::insight {

/// "dot", "link latency".
std::string_view name_of_spent(std::uint8_t spent);

class CriticalPath {
public:
    /// The step lasted until then; steps come in their order.
    void add(const Step& step, Picoseconds until);
    /// A command of this line and phase kept an engine busy, after it had waited.
    void add_command(const std::string* file, std::int32_t line, std::uint32_t phase, Picoseconds waiting,
                     Picoseconds busy);
    report::CriticalPath close(const Phases& phases, const std::vector<std::string>& paths) const;

private:
    struct Key {
        ComponentId component;
        std::uint32_t phase;
        std::uint8_t spent;
        auto operator<=>(const Key&) const = default;
    };
    struct Segment {
        Key key;
        Picoseconds begin, end;
    };
    struct Line {
        Picoseconds critical, busy, waiting;
        void operator+=(const Line& other) {
            critical += other.critical;
            busy += other.busy;
            waiting += other.waiting;
        }
    };
    static constexpr std::size_t most_segments = 4096, most_phases = 256;
    void coarsen();
    Line& of_phase(std::uint32_t phase);
    /// Each phase with what is within it, down to the level at which there would be too many.
    std::vector<report::HotLine> phase_tree(const Phases& phases) const;
    std::string sentence(const std::vector<report::PathShare>& shares) const;

    std::map<Key, Picoseconds> shares_;
    std::vector<Segment> segments_;
    std::map<std::pair<const std::string*, std::int32_t>, Line> lines_;
    std::vector<Line> phases_;  // by their numbers, each without those within it
    Picoseconds until_;
};

}  // namespace tilemesh::insight

// SPDX-License-Identifier: Apache-2.0
// The best point of a space, proved: every point was run, or cannot be better. Bounds come first, of all points,
// without simulating; then points are run in the order of their bounds, and those whose bound is no better than what
// was found are left out. Runs compute no values; what has won is run once more with them, and what is then wrong has
// not won. adr/0037 has the reasons.
#pragma once

#include "sim/run/tasks.h"
#include "sim/search/objectives.h"
#include "sim/search/points.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::search {

/// What became of a point.
enum class Fate : std::uint8_t {
    open,        // nobody knows: the search was interrupted
    ran,         // has figures
    ruled_out,   // its bound is no better than what others have
    same,        // does the same work as an earlier point, `same_as`
    impossible,  // cannot run; `reason`
    failed,      // its run or its process gave up; `reason`
    wrong,       // its answer was wrong when it had won; `reason`
    unjudged,    // ran, and has no figure of an objective: its machine lacks a price; `reason`
};
std::string name_of(Fate fate);

/// `where` of the setting by which points are run without values, the last of each.
inline const std::string without_values = "a search computes no values";

struct Candidate {
    Keyed keyed;      // without values
    Figures least{};  // no run has less; 0: nothing is known
    std::string work{};
    std::size_t same_as = 0;
    Fate fate = Fate::open;
    std::string reason{};
    Figures figures{};       // of its run
    bool was_there = false;  // in the store before
    bool verified = false;   // its answer was computed, and right
    bool internal = false;   // it failed by tilemesh's own fault
    bool died = false;       // its process ended before it had a result: nobody knows what that would have been
};

struct TuneOptions {
    Objectives objectives{{"time"}};
    std::size_t depth = 2;  // of one objective: that many points, the best ones, are proved; of several it is 1
    int workers = 0;        // 0: one per core
    /// Of all points, how many are settled; and in words what is being done.
    std::function<void(const run::Progress&)> on_progress = {};
};

struct Tuned {
    std::vector<Candidate> points;     // in the order of the space, each key once
    std::vector<std::size_t> winners;  // the best first; of several objectives the front
    bool interrupted = false;
    std::size_t unknown = 0;               // points that died or are not judged, and that no bound rules out
    std::vector<std::string> idle = {};    // conditions that drop no point, a line each
    std::vector<std::string> doubts = {};  // of files in the store that are no results (search::known)
    bool proved() const { return !interrupted && unknown == 0 && !winners.empty(); }
    std::size_t count(Fate fate) const;
    std::size_t reused() const;  // of those that ran: in the store before
};

/// InputError when no point of the space can run or be judged, InternalError when a run has less than its bound.
Tuned tune(const Space& space, const run::Workloads& workloads, const Store& store, const TuneOptions& options);

}  // namespace tilemesh::search

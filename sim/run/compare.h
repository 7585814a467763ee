// SPDX-License-Identifier: Apache-2.0
// What moved between two results, entry by entry: whether it is for the worse, beyond its threshold, and what else
// moved with it. Entries are matched by panel name and kernel label.
#pragma once

#include "sim/run/figures.h"
#include "sim/run/thresholds.h"

#include <string>
#include <vector>

namespace tilemesh::run {

/// One thing about an entry that is not what it was.
struct Difference {
    std::string what;  // a metric's name, "verdict", "entry", or what a word is of
    std::string before;
    std::string after;
    const Metric* metric = nullptr;  // of a number
    double change = 0.0;             // relative; 0 for what is not a number
    double moved = 0.0;              // after - before
    bool worse = false;
    bool fails = false;

    /// A verdict, an entry, or a number that is judged for itself: neither follows from another nor only explains.
    bool is_primary() const;
};

enum class Outcome : std::uint8_t { fails, better, changed, added };

struct EntryComparison {
    std::string panel;
    std::string label;
    Outcome outcome = Outcome::changed;
    std::vector<Difference> differences = {};     // verdict or entry first, then in the order of the metrics
    std::vector<std::string> configuration = {};  // "machine.pe.vector.lanes 1024 -> 512"

    const Difference* find(const std::string& what) const;
};

struct Comparison {
    Thresholds thresholds;
    std::vector<EntryComparison> entries;  // those that differ, in the order of the files
    std::size_t compared = 0;              // on both sides
    std::size_t without_result = 0;        // of those: the same state without numbers on both
    std::size_t gone = 0;

    bool fails() const;
    std::size_t count(Outcome outcome) const;
    /// Entries on both sides that do not differ.
    std::size_t same() const;
};

/// A state or verdict that is another one fails, and so does an entry that only the old side has. One that only the
/// new side has and a changed configuration are shown, and fail where thresholds are exact.
Comparison compare(const Snapshot& before, const Snapshot& after, const Thresholds& thresholds);

/// The differing entries, worst first: gone, of another verdict, then by how far what fails moved; then the better
/// ones, changed ones and new ones.
std::vector<const EntryComparison*> worst_first(const Comparison& comparison);

}  // namespace tilemesh::run

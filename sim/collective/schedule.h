// SPDX-License-Identifier: Apache-2.0
// Collectives as tables: who sends which part to whom, in which order, and what must have arrived before. Both ends
// of every transfer come from one row, and values, bytes per link and times all come from the same table. Chips stand
// on a line or around a ring, numbered along it; east is towards the higher numbers.
#pragma once

#include "sim/collective/config.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tilemesh::collective {

/// How bytes find their way.
enum class Algorithm : std::uint8_t {
    relay,       // from neighbour to neighbour through workers, which add what is to be summed
    multicast,   // once from where they are, copies stay at every router on the way (all_gather)
    one_shot,    // straight to every destination, through the routers between
    in_network,  // sums from router to router, each of which adds its own chip's elements (reduce_scatter)
    automatic,   // what the machine's library takes for this operation, topology and size
};
const std::vector<std::string>& algorithm_words();
std::string name_of(Algorithm algorithm);

/// n chips on a line, or on a ring when it closes. Two chips are a line.
struct Chips {
    int n = 1;
    bool ring = false;
    int distance(int from, int to, int direction) const;
    /// As far as somebody else may be.
    int farthest(int chip) const;
};

/// A contiguous range of the tensor.
struct Range {
    std::uint64_t begin = 0, size = 0;
    std::uint64_t end() const { return begin + size; }
    bool operator==(const Range&) const = default;
};
/// Part `part` of n of `elements`: sizes differ by at most one, longer ones first.
Range part_of(std::uint64_t elements, int n, int part);

struct Row {
    int from = 0, to = 0;  // chips
    int direction = 1;     // 1 east, -1 west
    int part = 0;          // of the tensor: its number, and which elements of it
    Range range;
    bool copies = false;  // every chip on the way keeps a copy, too
    bool sum = false;     // partial sums: the receiver adds its own elements
    bool adds = false;    // every chip on the way adds its own elements in its router
    int after = -1;  // passes on what arrived with that row, the receiver's own added; -1: from the sender's input

    /// From router to router, where something becomes of it at each.
    bool stops() const { return copies || adds; }
};

/// Of one operation that is one call. Rows of one sender and direction leave in the order of the table; what a row
/// comes after stands before it.
struct Schedule {
    Operation operation = Operation::all_gather;
    Algorithm algorithm = Algorithm::relay;
    Chips chips;
    std::uint64_t elements = 0;  // of the tensor, as data of collectives counts: see configs/README.md
    std::vector<Row> rows;

    /// Does the row cross the link from that chip in its direction?
    bool crosses(const Row& row, int chip) const;
};

/// Whether that algorithm is one for this operation.
bool can(Algorithm algorithm, Operation operation);
/// all_gather, reduce_scatter or all_to_all by `algorithm`, which must be possible and not automatic.
Schedule schedule_of(Operation operation, Algorithm algorithm, const Chips& chips, std::uint64_t elements);
/// What the machine's library takes.
Algorithm chosen(const CollectiveConfig& config, Operation operation, const Chips& chips, Bytes bytes);

/// Elements that cross the link from a chip to its neighbour in that direction.
std::uint64_t elements_on_link(const Schedule& schedule, int chip, int direction);
/// Elements that a chip reads from its memory and writes to it: what it sends, what comes, what is added, and its own
/// part, which it keeps.
std::uint64_t elements_through_memory(const Schedule& schedule, int chip);
/// No schedule can put less on its busiest link: from what must cross a cut. In elements, rounded down.
std::uint64_t least_on_busiest_link(Operation operation, const Chips& chips, std::uint64_t elements);

}  // namespace tilemesh::collective

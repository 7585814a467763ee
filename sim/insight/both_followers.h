// SPDX-License-Identifier: Apache-2.0
// Passes everything on to two followers.
#pragma once

#include "sim/pe/follower.h"

namespace tilemesh::insight {

class BothFollowers final : public pe::Follower {
public:
    BothFollowers(pe::Follower& first, pe::Follower& second) : first_(first), second_(second) {}

    void phase_begins(At at, std::span<const Phase> path) override {
        both([&](pe::Follower& f) { f.phase_begins(at, path); });
    }
    void phase_ends(At at) override {
        both([&](pe::Follower& f) { f.phase_ends(at); });
    }
    void spent(At at, std::uint64_t instructions, Picoseconds when) override {
        both([&](pe::Follower& f) { f.spent(at, instructions, when); });
    }
    void issued(At at, const Command& command, Place place, Picoseconds when) override {
        both([&](pe::Follower& f) { f.issued(at, command, place, when); });
    }
    void released(At at, const TileRecord& tile, Picoseconds when) override {
        both([&](pe::Follower& f) { f.released(at, tile, when); });
    }
    void waited(At at, const TileRecord& tile, Picoseconds when) override {
        both([&](pe::Follower& f) { f.waited(at, tile, when); });
    }
    void drained(At at, Picoseconds when) override {
        both([&](pe::Follower& f) { f.drained(at, when); });
    }
    void arrived_at_barrier(At at, Picoseconds when) override {
        both([&](pe::Follower& f) { f.arrived_at_barrier(at, when); });
    }
    void passed_barrier(At at, Picoseconds when) override {
        both([&](pe::Follower& f) { f.passed_barrier(at, when); });
    }
    void launched(At at, const LaunchedWork& work, Picoseconds when) override {
        both([&](pe::Follower& f) { f.launched(at, work, when); });
    }
    void finished(At at, Picoseconds when) override {
        both([&](pe::Follower& f) { f.finished(at, when); });
    }
    void computed(int pe, const Command& command, Place place, Picoseconds begin, Picoseconds end,
                  Picoseconds ready) override {
        both([&](pe::Follower& f) { f.computed(pe, command, place, begin, end, ready); });
    }
    void began(int pe, const Command& command, Place place, Picoseconds when) override {
        both([&](pe::Follower& f) { f.began(pe, command, place, when); });
    }
    void share_done(int pe, const Command& command, const Share& share) override {
        both([&](pe::Follower& f) { f.share_done(pe, command, share); });
    }
    void message_arrived(int from, int to, std::uint64_t number, Picoseconds when) override {
        both([&](pe::Follower& f) { f.message_arrived(from, to, number, when); });
    }
    void ended(int pe, const Command& command, Place place, Picoseconds when) override {
        both([&](pe::Follower& f) { f.ended(pe, command, place, when); });
    }
    void freed(int pe, const TileRecord& tile, Picoseconds when) override {
        both([&](pe::Follower& f) { f.freed(pe, tile, when); });
    }

private:
    template <class Call>
    void both(Call call) {
        call(first_);
        call(second_);
    }

    pe::Follower& first_;
    pe::Follower& second_;
};

}  // namespace tilemesh::insight

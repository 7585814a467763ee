// SPDX-License-Identifier: Apache-2.0
// A link or slice that serves one thing at a time, on every machine that is followed. What comes is told of in the
// order of the measured run, which may be another one elsewhere: so a machine's server works whenever something is
// there, on what came first or on what fits between.
#pragma once

#include "sim/insight/moment.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace tilemesh::insight {

class Server {
public:
    /// Work of this length comes at `arrival`; returns when it is done.
    std::uint64_t serve(std::size_t clock, std::uint64_t arrival, std::uint64_t length) {
        std::vector<Busy>& busy = busy_[clock];
        auto next = std::find_if(busy.begin(), busy.end(), [=](const Busy& one) { return one.until >= arrival; });
        const auto first = next;
        Busy all{arrival, arrival};
        std::uint64_t left = length;
        while (next != busy.end() && next->from <= all.until + left) {
            if (next->from > all.until) left -= next->from - all.until;
            all.from = std::min(all.from, next->from);
            all.until = std::max(all.until, next->until);
            ++next;
        }
        all.until += left;
        if (first == next) {
            busy.insert(first, all);
        } else {
            *first = all;
            busy.erase(first + 1, next);
        }
        if (busy.size() > most) busy.erase(busy.begin());
        return all.until;
    }

    /// It turned out to be done only then.
    void correct(std::size_t clock, std::uint64_t done, std::uint64_t then) {
        if (then > done) serve(clock, done, then - done);
    }

    Moment last;  // of the measured run: when it was free again

private:
    struct Busy {
        std::uint64_t from, until;
    };
    static constexpr std::size_t most = 64;  // stretches remembered; nothing comes so late that it would need more
    std::array<std::vector<Busy>, most_clocks> busy_;
};

}  // namespace tilemesh::insight

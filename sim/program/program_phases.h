// SPDX-License-Identifier: Apache-2.0
// Which phase a program is in: its instance, the calls and loops that it is in, each loop with its iteration, and
// what it has named itself (the operation `phase`, until the loop or call that it stands in goes on or ends).
#pragma once

#include "sim/program/program.h"
#include "sim/tile/context.h"

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

namespace tilemesh::program {

class ProgramPhases {
public:
    /// Does nothing if nobody asks.
    explicit ProgramPhases(tl::Context& tl) : tl_(tl), wanted_(tl.follows_phases()) {}
    ProgramPhases(const ProgramPhases&) = delete;
    ProgramPhases& operator=(const ProgramPhases&) = delete;
    ~ProgramPhases() {
        if (begun_) tl_.end_phase();
    }

    /// A call has begun, the outermost of an instance with its number; `depth`: how many are under way.
    void call(std::size_t depth, const std::string& function, std::int64_t instance) {
        if (wanted_) push({depth, calls, {function, depth == 1 ? instance : -1}});
    }
    void leave(std::size_t depth) {
        if (wanted_) pop(depth);
    }
    /// An iteration of a loop, which is one of its function's by number.
    void iteration(std::size_t depth, std::int32_t loop, std::int32_t line, std::int64_t number) {
        if (wanted_) next(depth, loop, line, number);
    }
    void end_loop(std::size_t depth, std::int32_t loop) {
        if (wanted_) pop_from(depth, loop);
    }
    void named(std::size_t depth, const std::string& name, std::int64_t number);

private:
    static constexpr std::int32_t calls = -1, names = -2;
    struct Level {
        std::size_t depth;
        std::int32_t what;  // a loop, or one of those above
        Phase phase;
    };
    std::string_view kept(std::string text) { return *texts_.insert(std::move(text)).first; }
    void next(std::size_t depth, std::int32_t loop, std::int32_t line, std::int64_t number);
    void pop_from(std::size_t depth, std::int32_t loop);
    void push(const Level& level);
    void pop(std::size_t depth);
    void tell();

    tl::Context& tl_;
    bool wanted_, begun_ = false;
    std::vector<Level> levels_;
    std::vector<Phase> path_;
    std::unordered_set<std::string> texts_;
};

}  // namespace tilemesh::program

// SPDX-License-Identifier: Apache-2.0
// A processor whose stretches take and do what a test says, for tests of what is measured and passed over.
#pragma once

#include "kernels/attention/repeats.h"

#include <algorithm>

namespace kernel_test {

using namespace tilemesh;
using kernels::Repeats;
using kernels::Stretch;

class SetClock final : public Repetition {
public:
    Reading read() const override { return now; }
    Picoseconds longest_pause() const override { return pause; }
    Effort* charge(Effort*) override { return nullptr; }
    void begin() override {}
    void end() override {}
    void pass(Picoseconds length, Picoseconds until) override {
        engines += length;
        now.time = std::max(now.time, until);
    }
    Picoseconds hold_up(Picoseconds ready) override {
        const Picoseconds held = ready > engines ? ready - engines : Picoseconds();
        engines += held;
        return held;
    }
    void passed(const Effort& effort) override { all_passed += effort; }
    void doubt(Picoseconds error) override { doubted += error; }

    /// A round of so many picoseconds with one product, which takes all of it.
    void work(std::uint64_t ps) { work(ps, static_cast<std::int64_t>(ps)); }
    void work(std::uint64_t ps, std::int64_t busy) {
        now.time += Picoseconds(ps);
        ++now.effort.of(EngineKind::matrix).commands;
        now.effort.of(EngineKind::matrix).work += 10;
        now.effort.of(EngineKind::matrix).busy += busy;
    }

    Reading now;
    Effort all_passed;
    Picoseconds engines, doubted, pause;
};

inline void issue(Repeats& repeats, SetClock& clock, const Stretch& stretch, std::uint64_t round, std::int64_t busy) {
    repeats.begin(stretch);
    for (std::size_t i = 0; i < stretch.first + stretch.alike; ++i) {
        clock.work(round, busy);
        repeats.round_ends();
    }
    repeats.end();
}

inline void issue(Repeats& repeats, SetClock& clock, const Stretch& stretch, std::uint64_t round) {
    issue(repeats, clock, stretch, round, static_cast<std::int64_t>(round));
}

inline void pass(Repeats& repeats, const Stretch& stretch) {
    repeats.begin_passing(stretch);
    repeats.end_passing();
}

}  // namespace kernel_test

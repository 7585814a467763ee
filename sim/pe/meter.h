// SPDX-License-Identifier: Apache-2.0
// What a command processor's kernel has asked of its PE's engines, and what of it was passed over instead of
// simulated (sim/tile/repetition.h; adr/0048).
#pragma once

#include "sim/memory/slice.h"
#include "sim/pe/config.h"
#include "sim/tile/repetition.h"

#include <utility>

namespace tilemesh::pe {

class CommandProcessor;

class Meter final : public Repetition {
public:
    Meter(CommandProcessor& processor, const PeConfig& config, const memory::Slice& hbm)
        : processor_(processor), config_(config), hbm_(hbm.peak()), longest_pause_(hbm.longest_pause()) {}

    /// A command has been issued.
    void count(const Command& command);

    // Repetition
    Reading read() const override;
    Picoseconds longest_pause() const override { return longest_pause_; }
    Effort* charge(Effort* whose) override { return std::exchange(whose_, whose); }
    void begin() override;
    void end() override;
    void pass(Picoseconds length, Picoseconds until) override;
    Picoseconds hold_up(Picoseconds ready) override;
    void passed(const Effort& effort) override { passed_ += effort; }
    void doubt(Picoseconds error) override { doubt_ += error; }

    const Effort& all_passed() const { return passed_; }
    Picoseconds all_doubt() const { return doubt_; }

private:
    CommandProcessor& processor_;
    const PeConfig& config_;
    Rate hbm_;
    Picoseconds longest_pause_;
    Effort issued_, passed_;
    Effort* whose_ = nullptr;  // what is issued, if not nobody's
    Picoseconds doubt_;
};

}  // namespace tilemesh::pe

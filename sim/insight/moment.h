// SPDX-License-Identifier: Apache-2.0
// A moment of a run: when it was, when it would have been on other machines, and the step of the run that led to it.
// Moments follow from each other by two operations, "after the later of" and "so much later", which is all that the
// graph of a run (graph.h) consists of.
#pragma once

#include "sim/base/recorder.h"
#include "sim/base/units.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tilemesh::insight {

/// The measured run, and as many machines as are estimated beside it.
inline constexpr std::size_t most_clocks = 32;

/// Times of one thing on every machine that is followed, in picoseconds.
using Clocks = std::array<std::uint64_t, most_clocks>;

/// What a step of a run spent its time on: a command by its opcode, or one of these.
enum class Spent : std::uint8_t {
    issue = 64,   // the command processor's work
    launch,       // the start of a launch
    descriptor,   // of a transfer
    hbm_latency,  // from the request at a slice to its first byte
    hbm,          // bytes at the slice's rate, and those of others before them
    sram_port,
    link_latency,  // routers and wires
    link,          // bytes at a link's rate, and those of others before them
    credits,       // on their way back to a sender
    unexplained,
};

/// A stretch of the chain that led to a moment, from `start` to the start of the step that follows it.
struct Step {
    Step* before = nullptr;
    Picoseconds start;
    std::uint32_t users = 0;    // moments and steps that come from here
    ComponentId component = 0;  // where the time was spent
    std::uint32_t phase = 0;    // of the command
    std::int32_t line = 0;      // of its source
    const std::string* file = nullptr;
    std::uint8_t spent = 0;  // an opcode or Spent
};

/// All steps that still lead somewhere, in memory that is used again.
class Steps {
public:
    Steps() = default;
    Steps(const Steps&) = delete;
    Steps& operator=(const Steps&) = delete;
    ~Steps() {
        for (Step* block : blocks_) delete[] block;
    }
    Step* make() {
        if (free_ == nullptr) grow();
        Step* step = std::exchange(free_, free_->before);
        *step = Step();
        ++made_;
        return step;
    }
    /// A user less; without users a step goes, and is no user of the one before it any more.
    void drop(Step* step) {
        while (step != nullptr && --step->users == 0) {
            Step* before = step->before;
            step->before = std::exchange(free_, step);
            step = before;
        }
    }
    std::uint64_t made() const { return made_; }

private:
    void grow();

    std::vector<Step*> blocks_;
    Step* free_ = nullptr;
    std::uint64_t made_ = 0;
};

class Moment {
public:
    explicit Moment(std::size_t clocks = 1) : clocks_(clocks) { at_.fill(0); }
    Moment(const Moment& other) : steps_(other.steps_), step_(other.step_), clocks_(other.clocks_) {
        copy_times(other);
        if (step_) ++step_->users;
    }
    Moment(Moment&& other) noexcept
        : steps_(other.steps_), step_(std::exchange(other.step_, nullptr)), clocks_(other.clocks_) {
        copy_times(other);
    }
    Moment& operator=(const Moment& other) {
        if (this == &other) return *this;
        come_from(other);
        clocks_ = other.clocks_;
        copy_times(other);
        return *this;
    }
    Moment& operator=(Moment&& other) noexcept {
        std::swap(steps_, other.steps_);
        std::swap(step_, other.step_);
        clocks_ = other.clocks_;
        copy_times(other);
        return *this;
    }
    ~Moment() {
        if (step_) steps_->drop(step_);
    }

    /// In the measured run.
    Picoseconds when() const { return Picoseconds(at_[0]); }
    std::uint64_t at(std::size_t clock) const { return at_[clock]; }
    std::size_t clocks() const { return clocks_; }
    Step* step() const { return step_; }

    /// Not before `other` on any machine. True if in the measured run `other` is the later of the two, whose step
    /// this one then has.
    bool after(const Moment& other) {
        const bool decides = other.at_[0] > at_[0];
        if (decides || !step_) come_from(other);
        for (std::size_t i = 0; i < clocks_; ++i) at_[i] = std::max(at_[i], other.at_[i]);
        return decides;
    }
    void later_by(const Clocks& times) {
        for (std::size_t i = 0; i < clocks_; ++i) at_[i] += times[i];
    }
    /// On one machine alone; true if that is the measured one and `other` decides there.
    bool after_on(std::size_t clock, const Moment& other) {
        if (other.at_[clock] <= at_[clock]) return false;
        at_[clock] = other.at_[clock];
        if (clock == 0) come_from(other);
        return clock == 0;
    }
    void not_before(std::size_t clock, std::uint64_t when) { at_[clock] = std::max(at_[clock], when); }
    void set(std::size_t clock, std::uint64_t when) { at_[clock] = when; }
    /// What follows is spent on this.
    void enter(Steps& steps, Step* step) {
        step->before = step_;  // takes over this moment's use of it
        step->users = 1;
        steps_ = &steps;
        step_ = step;
    }

private:
    void copy_times(const Moment& other) {
        at_[0] = other.at_[0];
        for (std::size_t i = 1; i < clocks_; ++i) at_[i] = other.at_[i];
    }
    void come_from(const Moment& other) {
        if (other.step_) ++other.step_->users;
        if (step_) steps_->drop(step_);
        steps_ = other.steps_;
        step_ = other.step_;
    }

    Steps* steps_ = nullptr;
    Step* step_ = nullptr;
    std::size_t clocks_;
    Clocks at_;
};

}  // namespace tilemesh::insight

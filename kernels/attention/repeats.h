// SPDX-License-Identifier: Apache-2.0
// Stretches of work that repeat, and which of them a PE passes over (adr/0048): a few of a kind are issued and
// measured, then some are passed over by what those took, then one is measured again. The more often it is as long as
// it was taken for, the more are passed over until then.
#pragma once

#include "sim/tile/context.h"

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <unordered_map>
#include <vector>

namespace tilemesh::kernels {

/// So many rounds that are alike, and something before and after. Stretches of one kind differ in the number of
/// rounds alone.
struct Stretch {
    std::uint64_t kind = 0;  // a hash of what is issued; 0: nothing is known of it
    std::uint64_t pace = 0;  // a hash of what else its time depends on
    std::size_t first = 0;   // of the rounds that are alike, among all rounds
    std::size_t alike = 0;
};

class Repeats {
public:
    /// Null: nothing is passed over.
    explicit Repeats(Repetition* repetition) : repetition_(repetition) {}
    /// Does the machine let kernels pass over anything?
    explicit operator bool() const { return repetition_ != nullptr; }

    /// What follows does not follow what came before as one stretch another.
    void interrupt() {
        before_ = 0;
        follows_passed_ = false;
        forget_row();
    }
    bool may_pass(const Stretch& stretch) const { return unrest_ == 0 && known(stretch) && !is_doubtful(); }
    /// Could the stretch be measured, if `before` was issued just before it, and has it to be?
    bool wants_before(const Stretch& stretch, const Stretch& before) const;
    /// Of what is passed over now: has HBM so little to do that a load more or less delays nobody?
    bool calm() const { return calm_; }

    // A stretch that is issued, round by round.
    void begin(const Stretch& stretch);
    void round_ends();
    void end();
    /// How many of its rounds, from the next one on, may be passed over: the last ones took the same time. At most so
    /// many come before one in which something else is done.
    std::size_t rounds_to_pass(std::size_t most = std::numeric_limits<std::size_t>::max()) const;
    /// What this issues belongs to something else: how much that is, but for what in it was set aside itself.
    template <class Issue>
    Effort aside(const Issue& issue) {
        if (!repetition_) {
            issue();
            return {};
        }
        const Effort before = repetition_->read().effort - beside_;
        issue();
        const Effort effort = repetition_->read().effort - beside_ - before;
        beside_ += effort;
        return effort;
    }
    /// Where the blocks of the stretch add up what they ask of engines, part of it when the next one has begun.
    Effort* of_blocks() { return &of_blocks_.back(); }
    /// What was issued for the stretch at another time.
    void add(const Effort& effort) { beside_ -= effort; }

    // A stretch that is passed over, part by part; or rounds of the one that is issued.
    void begin_passing(const Stretch& stretch);
    void begin_passing_rounds(std::size_t rounds);
    /// Until this share of it has been passed over.
    void pass_to(double share);
    /// What comes when this share is done needs something that is there then; engines have a share to do until then,
    /// which the stages that are held back leave them.
    void needs(Picoseconds ready, double done, double held_back);
    /// The processor was busy with something else: what it would have issued next begins now at the earliest.
    void interrupted() { passing_from_ += repetition_->hold_up(repetition_->read().time); }
    /// That much of it has been issued after all.
    void was_issued(const Effort& effort) { repetition_->passed(Effort() - effort); }
    void end_passing();
    /// Nothing follows.
    void close();

private:
    struct Sample {
        double fixed = 0, round = 0;  // picoseconds: of the stretch without its rounds that are alike, of one of them
        double mean_round = 0;        // of all of them
        Effort effort, round_effort;  // of all of it but its blocks, of such a round
        const Effort* of_blocks = nullptr;
        std::int64_t rounds = 0;
    };
    struct Kind {
        Sample fastest;             // measured
        int agreements = 0;         // with it, in a row
        int disagreements = 0;      // ever, so many agreements more it takes
        int most = 0, to_pass = 0;  // until it is measured again: altogether, still
        std::int64_t passed = 0;    // since it was measured
        bool calm = false;          // HBM has little to do meanwhile
        bool whole = false;         // its rounds are all issued: passing over some shows in its length
        double off = 0;             // picoseconds: the last one measured, from what it was taken for
        double length(std::size_t rounds) const;
    };
    /// Issued now.
    struct Running {
        Stretch stretch;
        bool warm = false;  // behind one of its kind, or of the one that was before it the last time
        Picoseconds begin;
        std::vector<Repetition::Reading> rounds;
        // Of its rounds that are alike, where some were passed over:
        std::size_t passed = 0, passed_last = 0;  // altogether, the last time
        std::size_t from = 0;                     // issued without a gap since, as an index of `rounds`
        double round = 0;                         // what one was taken for, picoseconds
        bool behind_passed = false;               // the round that is issued now
        double disturbed = 0;                     // picoseconds: what such rounds took, from what others do
        Effort round_effort;
    };
    /// Picoseconds of a round: the mean of the last ones, and of as many before.
    struct Pace {
        double last = 0, before = 0;
    };
    Pace pace_of_rounds() const;
    bool rounds_settled() const;
    /// Is so much in such a length, of rounds of that length, always done in it? How long loads take differs, by
    /// which rows are open and most when HBM is refreshed: of rounds that are not much longer than that some take
    /// longer than others, and of the few that are measured none may.
    bool is_lasting(const Effort& effort, double length, double round) const;
    /// Of engines: the last ones, each as much as the one before.
    bool rounds_ask_the_same() const;
    /// What is passed over now takes so long, and is that much for engines; both count from the first in a row.
    void pass_from(Picoseconds from, double length, const Effort& effort);
    void forget_row() {
        spare_ = {};
        given_ = 0;
    }
    bool known(const Stretch& stretch) const;
    /// What was passed over may be wrong by so many picoseconds.
    void doubt(double error);
    /// Is that too much, or was what is passed over held up for too long? What is measured waits for data as well: it
    /// cannot be told from what comes later than it would. Then nothing is passed over until at least twice the time.
    bool is_doubtful() const;
    bool follows_as_ever(std::uint64_t kind, std::uint64_t before) const;
    Sample sample_of(const Running& running, const Repetition::Reading& end) const;
    void learn(Kind& kind, const Sample& sample, double measured);

    Repetition* repetition_;
    std::unordered_map<std::uint64_t, Kind> kinds_;
    int unrest_ = 0;            // stretches of whatever kind differ from what they were: nothing is passed over
    std::uint64_t before_ = 0;  // the kind of the last stretch, if it was issued just before
    std::unordered_map<std::uint64_t, std::uint64_t> last_before_;  // by kind: what was before it, when it was issued
    std::deque<Effort> of_blocks_;                                  // of all that were issued: blocks point there
    Running running_;
    Effort beside_;  // of what was issued since the stretch began: not its own

    // Passed over now.
    double length_ = 0, waiting_ = 0;  // picoseconds: of it, in which no engine was at work all the time
    bool calm_ = false;
    // Of the stretches passed over in a row: picoseconds that the engines which compute had to spare, each its own,
    // and that they were given more than they last. Where a stretch ends for the processor, engines are somewhere in
    // it: of those that take turns some last longer than engines are at work for them, and some less long.
    std::array<double, 2> spare_{};
    double given_ = 0;
    Picoseconds passing_from_, moved_;
    Picoseconds held_, held_in_all_;      // by data that came late: of it, ever
    Picoseconds doubted_, issued_until_;  // see is_doubtful()
    Picoseconds passed_until_;
    bool follows_passed_ = false;  // the next stretch one that was passed over
};

}  // namespace tilemesh::kernels

// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/repeats.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tilemesh::kernels {
namespace {

constexpr double agrees = 0.02;                       // of the length: less between two measurements is the same
constexpr double calm_share = 0.08;                   // of the length, likewise: HBM is all but idle
constexpr double crowded = 0.5;                       // of the length: time in which its bytes move at HBM's peak
constexpr int first_to_pass = 8, most_to_pass = 256;  // four times as many after every agreement
constexpr std::size_t enough_rounds = 8;              // for the length of one to be known

Picoseconds to_picoseconds(double ps) {
    return Picoseconds(static_cast<std::uint64_t>(std::llround(std::max(0.0, ps))));
}

}  // namespace

double Repeats::Kind::length(std::size_t rounds) const {
    return fastest.fixed + fastest.round * static_cast<double>(rounds);
}

bool Repeats::may_pass(const Stretch& stretch) const {
    const auto found = kinds_.find(stretch.kind ^ stretch.pace);
    return found != kinds_.end() && found->second.to_pass > 0;
}

void Repeats::begin(const Stretch& stretch) {
    const Repetition::Reading now = repetition_->read();
    follows_passed_ = false;
    running_.stretch = stretch;
    const bool in_turns = before_ != 0 && before_that_ == stretch.kind;
    running_.warm = stretch.kind != 0 && (before_ == stretch.kind || in_turns);
    running_.begin = now.time;
    running_.rounds.clear();
    running_.rounds.push_back(now);
    before_that_ = std::exchange(before_, stretch.kind);
    beside_ = Effort();
    running_.before = of_blocks_.empty() ? Effort() : of_blocks_.back();
    of_blocks_.emplace_back();
}

void Repeats::round_ends() {
    running_.rounds.push_back(repetition_->read());
    running_.rounds.back().effort -= beside_;
    running_.rounds.back().effort += of_blocks_.back();
}

void Repeats::set_aside() { aside_ = repetition_->read(); }

Effort Repeats::take_up() {
    const Effort effort = repetition_->read().effort - aside_.effort;
    beside_ += effort;
    return effort;
}

Repeats::Sample Repeats::sample_of(const Running& running, const Repetition::Reading& end) const {
    Sample sample;
    const auto& rounds = running.rounds;
    const double length = static_cast<double>((end.time - running.begin).value());
    sample.effort = end.effort - beside_ - rounds.front().effort;
    sample.of_blocks = &of_blocks_.back();
    sample.issued = sample.effort;
    sample.issued += *sample.of_blocks;
    sample.issued += of_blocks_[of_blocks_.size() - 2] - running.before;
    const std::size_t alike = running.stretch.alike;
    sample.rounds = static_cast<std::int64_t>(alike);
    if (alike >= enough_rounds) {
        // The second half of them, since the first may still be about what came before, without the last, in which
        // blocks leave.
        const std::size_t until = running.stretch.first + alike - 1, half = until - alike / 2;
        sample.round =
            static_cast<double>((rounds[until].time - rounds[half].time).value()) / static_cast<double>(until - half);
        sample.round_effort = rounds[until].effort - rounds[until - 1].effort;
    }
    sample.fixed = length - sample.round * static_cast<double>(alike);
    return sample;
}

void Repeats::end() {
    if (!running_.warm) return;
    const Repetition::Reading now = repetition_->read();
    const double length = static_cast<double>((now.time - running_.begin).value());
    learn(kinds_[running_.stretch.kind ^ running_.stretch.pace], sample_of(running_, now), length);
}

void Repeats::learn(Kind& kind, const Sample& sample, double measured) {
    const bool first = kind.fastest.rounds == 0;
    const double known = first ? measured : kind.length(static_cast<std::size_t>(sample.rounds));
    const double off = std::abs(known - measured);
    kind.agreements = !first && off <= agrees * measured ? kind.agreements + 1 : 0;
    if (kind.passed > 0) repetition_->doubt(to_picoseconds(off * static_cast<double>(kind.passed)));
    // What makes it longer, keys that come late or a crowded HBM, is simulated also where it is passed over.
    if (first || measured < known) kind.fastest = sample;
    kind.passed = 0;
    // Where HBM is crowded, waiting for it cannot be told from what the stretch takes anyway.
    Effort effort = kind.fastest.effort;
    effort += *kind.fastest.of_blocks;
    const auto moving =
        static_cast<double>(effort.of(EngineKind::dma_load).busy + effort.of(EngineKind::dma_store).busy);
    const double length = kind.length(static_cast<std::size_t>(kind.fastest.rounds));
    if (moving > crowded * length) kind.agreements = 0;
    kind.calm = moving <= calm_share * length;
    kind.most = kind.agreements == 0 ? 0 : std::clamp(4 * kind.most, first_to_pass, most_to_pass);
    kind.to_pass = kind.most;
}

void Repeats::begin_passing(const Stretch& stretch) {
    Kind& kind = kinds_.at(stretch.kind ^ stretch.pace);
    --kind.to_pass;
    ++kind.passed;
    before_ = before_that_ = 0;
    const std::int64_t more_rounds = static_cast<std::int64_t>(stretch.alike) - kind.fastest.rounds;
    // Nothing is held back any more of those that were issued.
    Effort effort = kind.fastest.effort, issued = kind.fastest.issued;
    effort += *kind.fastest.of_blocks;
    effort.add(kind.fastest.round_effort, more_rounds);
    // No engine does more than it can.
    issued.add(kind.fastest.round_effort, more_rounds);
    const auto busy =
        static_cast<double>(std::max(issued.of(EngineKind::matrix).busy, issued.of(EngineKind::vector).busy));
    length_ = std::max(kind.length(stretch.alike), busy);
    waiting_ = length_ - busy;
    repetition_->passed(effort);
    // What is issued behind one that was passed over belongs to its time.
    passing_from_ = follows_passed_ ? passed_until_ : repetition_->read().time;
    follows_passed_ = true;
    moved_ = Picoseconds();
    repetition_->begin();
    repetition_->hold_up(passing_from_);  // engines that have nothing to do begin with it
}

void Repeats::pass_to(double share) {
    const Picoseconds until = to_picoseconds(length_ * share);
    if (until <= moved_) return;
    repetition_->pass(until - moved_, passing_from_ + until);
    moved_ = until;
}

void Repeats::needs(Picoseconds ready, double done, double held_back) {
    // It waited while it was measured, too: as long as that may make up for it nothing comes later.
    const double slack = length_ * held_back + waiting_ * (1.0 - done);
    passing_from_ += repetition_->hold_up(ready - std::min(ready, to_picoseconds(slack)));
}

void Repeats::end_passing() {
    pass_to(1.0);
    repetition_->end();
    passed_until_ = passing_from_ + moved_;
}

}  // namespace tilemesh::kernels

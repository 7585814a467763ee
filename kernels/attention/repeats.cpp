// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/repeats.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tilemesh::kernels {
namespace {

constexpr double agrees = 0.02;          // of the length: less between two measurements is the same
constexpr double rounds_agree = 0.005;   // of that of a round, likewise, since few are compared
constexpr double undisturbed = 0.002;    // of that of a stretch: what rounds that are passed over add to the next
constexpr double calm_share = 0.1;       // of the length, likewise: HBM is all but idle
constexpr double crowded = 0.25;         // of the length: time in which its bytes move at HBM's peak
constexpr double at_work = 0.9;          // of the length of rounds: less, and they wait for something
constexpr double hardly_at_work = 0.5;   // of that of stretches: less, and it is others that decide how long they are
constexpr double nearly_always = 0.98;   // of the length of short rounds, likewise
constexpr double short_round = 1e6;      // picoseconds: less, and what a load takes, which row is open, shows in it
constexpr double pauses_in_a_round = 2;  // of HBM, the longest: a load a round ahead comes in time all the same
constexpr double may_be_held = 0.001;    // of all time so far: what was passed over, by data that came late
constexpr double may_be_doubted = 0.005;              // likewise
constexpr int most_disagreements = 6;                 // that count
constexpr int first_to_pass = 8, most_to_pass = 256;  // four times as many after every agreement
constexpr std::size_t enough_rounds = 8;              // for the length of one to be known
// Within a stretch: rounds that are compared with as many before, and as many before those that are not; passed over
// at once at most; not worth it for fewer; issued behind them, so that all is as before when the rest comes.
constexpr std::size_t compared = 4, most_rounds_to_pass = 256, least_rounds_to_pass = 8, rounds_behind = 4;

Picoseconds to_picoseconds(double ps) {
    return Picoseconds(static_cast<std::uint64_t>(std::llround(std::max(0.0, ps))));
}

/// Picoseconds in which its bytes move at HBM's peak.
double moving(const Effort& effort) {
    return static_cast<double>(effort.of(EngineKind::dma_load).busy + effort.of(EngineKind::dma_store).busy);
}

bool is_nothing(const Effort& effort) {
    return std::all_of(effort.parts.begin(), effort.parts.end(), [](const Effort::Part& part) {
        return part.commands == 0 && part.work == 0 && part.bytes == 0 && part.busy == 0;
    });
}

/// Picoseconds in which the engines that compute are at work; the busier of them.
std::array<double, 2> computing(const Effort& effort) {
    return {static_cast<double>(effort.of(EngineKind::matrix).busy),
            static_cast<double>(effort.of(EngineKind::vector).busy)};
}
double busy(const Effort& effort) {
    const auto [matrix, vector] = computing(effort);
    return std::max(matrix, vector);
}

}  // namespace

double Repeats::Kind::length(std::size_t rounds) const {
    return fastest.fixed + fastest.round * static_cast<double>(rounds);
}

bool Repeats::known(const Stretch& stretch) const {
    const auto found = kinds_.find(stretch.kind ^ stretch.pace);
    return found != kinds_.end() && found->second.to_pass > 0;
}

void Repeats::doubt(double error) {
    const Picoseconds by = to_picoseconds(error);
    repetition_->doubt(by);
    doubted_ += by;
    // Every time that something is passed over behind what was issued, engines run dry once; so not a little often.
    if (is_doubtful()) issued_until_ = repetition_->read().time * 2;
}

bool Repeats::is_doubtful() const {
    const Picoseconds now = repetition_->read().time;
    const auto time = static_cast<double>(now.value());
    return now < issued_until_ || static_cast<double>(held_in_all_.value()) > may_be_held * time ||
           static_cast<double>(doubted_.value()) > may_be_doubted * time;
}

bool Repeats::wants_before(const Stretch& stretch, const Stretch& before) const {
    return stretch.kind != 0 && !known(stretch) && follows_as_ever(stretch.kind, before.kind);
}

bool Repeats::follows_as_ever(std::uint64_t kind, std::uint64_t before) const {
    if (before == 0 || before == kind) return before != 0;
    const auto last = last_before_.find(kind);
    return last != last_before_.end() && last->second == before;
}

void Repeats::begin(const Stretch& stretch) {
    const Repetition::Reading now = repetition_->read();
    follows_passed_ = false;
    forget_row();
    running_.stretch = stretch;
    running_.warm = stretch.kind != 0 && follows_as_ever(stretch.kind, before_);
    if (before_ != 0) last_before_[stretch.kind] = before_;
    running_.begin = now.time;
    running_.rounds.clear();
    running_.rounds.push_back(now);
    running_.passed = running_.passed_last = 0;
    running_.disturbed = 0;
    running_.from = stretch.first;
    before_ = stretch.kind;
    beside_ = Effort();
    of_blocks_.emplace_back();
}

void Repeats::round_ends() {
    running_.rounds.push_back(repetition_->read());
    running_.rounds.back().effort -= beside_;
    running_.rounds.back().effort += of_blocks_.back();
    if (std::exchange(running_.behind_passed, false)) {
        const auto& rounds = running_.rounds;
        const Picoseconds took = (rounds.back().time - rounds[rounds.size() - 2].time) - moved_;
        running_.disturbed += std::abs(static_cast<double>(took.value()) - running_.round);
    }
    if (running_.passed_last == 0 || running_.rounds.size() - 1 != running_.from + 3 * compared) return;
    const double off = std::abs(pace_of_rounds().last - running_.round);
    doubt(off * static_cast<double>(std::exchange(running_.passed_last, 0)));
}

Repeats::Pace Repeats::pace_of_rounds() const {
    const auto& rounds = running_.rounds;
    const auto mean = [&](std::size_t end) {
        return static_cast<double>((rounds[end].time - rounds[end - compared].time).value()) / compared;
    };
    const std::size_t last = rounds.size() - 1;
    return {mean(last), mean(last - compared)};
}

bool Repeats::rounds_settled() const {
    if (running_.rounds.size() - 1 < running_.from + 3 * compared) return false;
    const auto [last, before] = pace_of_rounds();
    return std::abs(last - before) <= rounds_agree * last && rounds_ask_the_same();
}

bool Repeats::rounds_ask_the_same() const {
    const auto& rounds = running_.rounds;
    const auto effort = [&](std::size_t i) { return rounds[i].effort - rounds[i - 1].effort; };
    for (std::size_t i = rounds.size() - 1; i > rounds.size() - 2 * compared; --i)
        if (!is_nothing(effort(i) - effort(i - 1))) return false;
    return true;
}

bool Repeats::is_lasting(const Effort& effort, double length, double round) const {
    // Where HBM is crowded, waiting for it cannot be told from what it takes anyway.
    if (moving(effort) > crowded * length) return false;
    // Nor waiting for messages, which is over when they are there.
    if (busy(effort) < hardly_at_work * length) return false;
    if (round < pauses_in_a_round * static_cast<double>(repetition_->longest_pause().value())) return false;
    return round >= short_round || moving(effort) <= calm_share * length || busy(effort) >= nearly_always * length;
}

std::size_t Repeats::rounds_to_pass(std::size_t most) const {
    const Stretch& stretch = running_.stretch;
    const std::size_t done = running_.rounds.size() - 1 + running_.passed, end = stretch.first + stretch.alike;
    const auto kind = kinds_.find(stretch.kind ^ stretch.pace);
    if (kind != kinds_.end() && kind->second.whole) return 0;
    if (done + rounds_behind + least_rounds_to_pass > end || !rounds_settled() || is_doubtful()) return 0;
    const auto& rounds = running_.rounds;
    const Effort effort = rounds.back().effort - rounds[rounds.size() - 2].effort;
    const double length = pace_of_rounds().last;
    if (!is_lasting(effort, length, length) || busy(effort) < at_work * length) return 0;
    const std::size_t to_pass = std::min({end - rounds_behind - done, most_rounds_to_pass, most});
    return to_pass < least_rounds_to_pass ? 0 : to_pass;
}

Repeats::Sample Repeats::sample_of(const Running& running, const Repetition::Reading& end) const {
    Sample sample;
    const auto& rounds = running.rounds;
    const double length = static_cast<double>((end.time - running.begin).value());
    sample.effort = end.effort - beside_ - rounds.front().effort;
    sample.of_blocks = &of_blocks_.back();
    const std::size_t alike = running.stretch.alike;
    sample.rounds = static_cast<std::int64_t>(alike);
    if (running.passed > 0) {
        sample.round = running.round;
        sample.round_effort = running.round_effort;
        sample.effort.add(sample.round_effort, static_cast<std::int64_t>(running.passed));
    } else if (alike >= enough_rounds) {
        // The second half of them, since the first may still be about what came before, without the last, in which
        // blocks leave, and behind the one half way, in which the next group's queries are sent for.
        const std::size_t until = running.stretch.first + alike - 1, behind = (rounds.size() - 1) / 2 + 1;
        const std::size_t half = std::max(until - alike / 2, std::min(behind, until - 2));
        sample.round =
            static_cast<double>((rounds[until].time - rounds[half].time).value()) / static_cast<double>(until - half);
        sample.round_effort = rounds[until].effort - rounds[until - 1].effort;
    }
    sample.fixed = length - sample.round * static_cast<double>(alike);
    sample.mean_round = length / static_cast<double>(rounds.size() - 1 + running.passed);
    return sample;
}

void Repeats::end() {
    const Repetition::Reading now = repetition_->read();
    const double length = static_cast<double>((now.time - running_.begin).value());
    const bool disturbed = running_.disturbed > undisturbed * length;
    if (!running_.warm && !disturbed) return;
    Kind& kind = kinds_[running_.stretch.kind ^ running_.stretch.pace];
    // Engines that had run dry behind rounds that were passed over made it longer than its kind is.
    if (disturbed)
        kind.whole = true;
    else
        learn(kind, sample_of(running_, now), length);
}

void Repeats::learn(Kind& kind, const Sample& sample, double measured) {
    const bool first = kind.fastest.rounds == 0;
    const double known = first ? measured : kind.length(static_cast<std::size_t>(sample.rounds));
    const double off = std::abs(known - measured);
    if (!first && off <= agrees * measured) {
        ++kind.agreements;
        unrest_ = std::max(0, unrest_ - 1);
    } else {
        kind.agreements = 0;
        if (!first) {
            kind.disagreements = std::min(kind.disagreements + 1, most_disagreements);
            unrest_ = std::min(unrest_ + 2, most_disagreements);
        }
    }
    if (kind.passed > 0) doubt(off * static_cast<double>(kind.passed));
    kind.off = off;
    // What makes it longer, keys that come late or a crowded HBM, is simulated also where it is passed over.
    if (first || measured < known) kind.fastest = sample;
    kind.passed = 0;
    Effort effort = kind.fastest.effort;
    effort += *kind.fastest.of_blocks;
    const double length = kind.length(static_cast<std::size_t>(kind.fastest.rounds));
    const bool known_well =
        kind.agreements > kind.disagreements && is_lasting(effort, length, kind.fastest.mean_round);
    kind.calm = moving(effort) <= calm_share * length;
    kind.most = !known_well ? 0 : std::clamp(4 * kind.most, first_to_pass, most_to_pass);
    kind.to_pass = kind.most;
}

void Repeats::close() {
    // What was not measured again is as good as it was before.
    for (auto& [hash, kind] : kinds_) doubt(kind.off * static_cast<double>(std::exchange(kind.passed, 0)));
}

void Repeats::begin_passing(const Stretch& stretch) {
    Kind& kind = kinds_.at(stretch.kind ^ stretch.pace);
    --kind.to_pass;
    ++kind.passed;
    before_ = 0;
    const std::int64_t more_rounds = static_cast<std::int64_t>(stretch.alike) - kind.fastest.rounds;
    // Nothing is held back any more of those that were issued.
    Effort effort = kind.fastest.effort;
    effort += *kind.fastest.of_blocks;
    effort.add(kind.fastest.round_effort, more_rounds);
    calm_ = kind.calm;
    repetition_->passed(effort);
    // What is issued behind one that was passed over belongs to its time.
    pass_from(follows_passed_ ? passed_until_ : repetition_->read().time, kind.length(stretch.alike), effort);
    follows_passed_ = true;
}

void Repeats::begin_passing_rounds(std::size_t rounds) {
    const auto [last, before] = pace_of_rounds();
    running_.round = (last + before) / 2;
    running_.round_effort = running_.rounds.back().effort - running_.rounds[running_.rounds.size() - 2].effort;
    running_.passed += rounds;
    running_.behind_passed = true;
    // Those that can be compared with it are alike, and far enough behind it that queues are as full again. Where
    // there are too few, what is known of it is how far those before differ.
    const std::size_t done = running_.rounds.size() - 1 + running_.passed;
    const bool compares = done + 3 * compared < running_.stretch.first + running_.stretch.alike;
    running_.passed_last = compares ? rounds : 0;
    if (!compares) doubt(std::abs(last - before) / 2 * static_cast<double>(rounds));
    running_.from = running_.rounds.size() - 1;
    calm_ = moving(running_.round_effort) <= calm_share * running_.round;
    Effort effort;
    effort.add(running_.round_effort, static_cast<std::int64_t>(rounds));
    repetition_->passed(effort);
    pass_from(repetition_->read().time, running_.round * static_cast<double>(rounds), effort);
}

void Repeats::pass_from(Picoseconds from, double length, const Effort& effort) {
    // No engine does more than it can, in all of them together. It is the stretch's own work that counts, whatever
    // was issued while it was measured: of kinds that differ that was the end of another.
    const std::array<double, 2> work = computing(effort);
    length_ = std::max({length - given_, work[0] - spare_[0], work[1] - spare_[1]});
    for (std::size_t i = 0; i < work.size(); ++i) spare_[i] = std::min(spare_[i] + length_ - work[i], length);
    given_ += length_ - length;
    waiting_ = std::max(0.0, length_ - busy(effort));
    passing_from_ = from;
    moved_ = held_ = Picoseconds();
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
    const Picoseconds held = repetition_->hold_up(ready - std::min(ready, to_picoseconds(slack)));
    passing_from_ += held;
    held_ += held;
}

void Repeats::end_passing() {
    pass_to(1.0);
    repetition_->end();
    passed_until_ = passing_from_ + moved_;
    held_in_all_ += held_;
    doubt(static_cast<double>(held_.value()));
}

}  // namespace tilemesh::kernels

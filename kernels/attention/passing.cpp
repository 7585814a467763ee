// SPDX-License-Identifier: Apache-2.0
// Groups of query blocks that are passed over where the machine lets kernels do so (adr/0048): which are alike, which
// may be, and what is left to do for one that is.
#include "kernels/attention/run.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace tilemesh::kernels {
namespace {

/// Of whole numbers, one after the other.
class Digest {
public:
    template <class... Numbers>
    Digest& add(Numbers... numbers) {
        (mix(static_cast<std::uint64_t>(numbers)), ...);
        return *this;
    }
    std::uint64_t value() const { return value_; }

private:
    void mix(std::uint64_t number) {
        value_ = (value_ ^ number) * 0x9e3779b97f4a7c15;
        value_ ^= value_ >> 29;
    }
    std::uint64_t value_ = 1;
};

// What is held back of a group goes into the next: of shorter ones it would be a large part, and go further than
// that.
constexpr std::size_t enough_attends = 16;
constexpr std::size_t told_apart = 8;  // rounds that are alike: with fewer their number makes a kind of its own

/// The longest run of equal ones: where it begins, how long it is.
std::pair<std::size_t, std::size_t> longest_run_of(const std::vector<std::uint64_t>& numbers) {
    std::pair<std::size_t, std::size_t> longest{0, 0};
    for (std::size_t i = 0, begin = 0; i < numbers.size(); ++i) {
        if (numbers[i] != numbers[begin]) begin = i;
        if (i + 1 - begin > longest.second) longest = {begin, i + 1 - begin};
    }
    return longest;
}

}  // namespace

Repetition* AttentionRun::repetition_of(tl::Context& tl, const Launch& launch) {
    const bool fused = launch.tiling.launches == attention::Launches::fused;
    const attention::Schedule& table = *launch.schedule;
    const bool keys_alone =
        !table.moves(Item::Kind::queries, launch.rank) && !table.moves(Item::Kind::state, launch.rank);
    return fused && keys_alone ? tl.repetition() : nullptr;
}

Stretch AttentionRun::stretch_of(const Visit& visit, const Group& group) const {
    const QueryWork& work = work_of(visit);
    Digest digest;
    digest.add(work.own, work.finishes, work.merges, visit.tiles.front().chunk.head_part);
    for (std::size_t i = 0; i < group.blocks.size(); ++i) {
        const QueryBlock& block = work.blocks[group.blocks[i]];
        digest.add(block.rows.heads.size(), block.rows.tokens.size(), group.tiles_left[i] > 0, block.visits_left == 1,
                   static_cast<bool>(block.q), states_.written(work.target, group.blocks[i]));
    }
    std::vector<std::uint64_t> rounds;  // of the tiles that somebody sees
    std::size_t attends = 0;
    for (std::size_t t = 0; t < visit.tiles.size(); ++t) {
        const ChunkTile& tile = visit.tiles[t];
        Digest round;
        round.add(tile.keys.size(), tile.chunk.id == launch_.rank, tile.chunk.id == launch_.needs->shared_id());
        bool seen = false;
        for (const std::size_t index : group.blocks) {
            const Visible visible = visit.at(t, index);
            round.add(visible);
            seen = seen || visible != Visible::none;
            attends += visible != Visible::none ? 1 : 0;
            if (visible != Visible::some) continue;
            const ChunkTile part = visible_part(work.blocks[index], tile);
            round.add(part.keys.begin - tile.keys.begin, part.keys.end - tile.keys.begin,
                      this->visible(work.blocks[index], part));
        }
        if (seen) rounds.push_back(round.value());
    }
    Stretch stretch;
    if (attends < enough_attends) return stretch;
    std::tie(stretch.first, stretch.alike) = longest_run_of(rounds);
    for (std::size_t i = 0; i < rounds.size(); ++i)
        if (i <= stretch.first || i >= stretch.first + stretch.alike) digest.add(rounds[i]);
    stretch.kind = digest.add(std::min(stretch.alike, told_apart)).value();
    return stretch;
}

void AttentionRun::begin_repeats(const Visit& visit, std::vector<Group>& groups) {
    repeats_.interrupt();
    sent_for_.assign(visit.tiles.size(), false);
    std::size_t step = 0;
    for (Group& group : groups) {
        const std::size_t end = step + visit.tiles.size() * group.blocks.size();
        group.stretch = stretch_of(visit, group);
        group.stretch.pace = Digest().add(transfers_between(visit, step, end)).value();
        step = end;
    }
}

std::size_t AttentionRun::transfers_between(const Visit& visit, std::size_t begin, std::size_t end) const {
    std::size_t count = 0;
    const double from = begin == 0 ? -std::numeric_limits<double>::infinity() : time_of_step(visit, begin - 1),
                 until = time_of_step(visit, end - 1);
    for (std::size_t i = next_ + 1; i < order_.size() && order_[i].time <= until; ++i)
        count += !issued_[i] && order_[i].action->moves() && order_[i].time > from ? 1 : 0;
    return count;
}

double AttentionRun::next_transfer() {
    // As transfers_until() finds it.
    double stop = std::numeric_limits<double>::infinity();
    for (std::size_t i = first_left(); i < order_.size() && order_[i].time < stop; ++i) {
        if (issued_[i]) continue;
        if (order_[i].action->moves()) return order_[i].time;
        stop = std::min(stop, order_[i].end);
    }
    return std::numeric_limits<double>::infinity();
}

std::size_t AttentionRun::rounds_to_pass(std::size_t tile, std::size_t tiles, const Group* next) const {
    // What the next group needs is sent for half way through: where there is no room for it yet, engines stand still,
    // which nothing shows before.
    const std::size_t half = tiles / 2;
    return next && tile <= half ? repeats_.rounds_to_pass(half - tile) : repeats_.rounds_to_pass();
}

std::vector<std::size_t> AttentionRun::tiles_seen(const Visit& visit, const Group& group) const {
    std::vector<std::size_t> seen;
    for (std::size_t t = 0; t < visit.tiles.size(); ++t) {
        const auto sees = [&](std::size_t block) { return visit.at(t, block) != Visible::none; };
        if (std::any_of(group.blocks.begin(), group.blocks.end(), sees)) seen.push_back(t);
    }
    return seen;
}

bool AttentionRun::may_pass(const Visit& visit, const Group& group, const Group* next) const {
    if (!repeats_ || !repeats_.may_pass(group.stretch)) return false;
    if (next && repeats_.wants_before(next->stretch, group.stretch)) return false;
    if (!next && visits_left_ == 1) return false;  // what is done last is over when the engines are, not before
    // Keys that may be late, and what is sent on behind them, decide how long the first takes that sees them.
    const std::vector<std::size_t> seen = tiles_seen(visit, group);
    return std::none_of(seen.begin(), seen.end(),
                        [&](std::size_t t) { return !sent_for_[t] && !chunks_.own(visit.tiles[t].chunk); });
}

bool AttentionRun::wants(std::size_t tile) const {
    // What stays in SRAM is brought there once for all groups. What is in HBM has been waited for by the first of
    // them; the others find it there.
    return !sent_for_[tile] || !(launch_.tiling.chunks_stay || repeats_.calm());
}

KeyTile AttentionRun::send_for(const Visit& visit, const Group& group, std::size_t tile) {
    sent_for_[tile] = true;
    const ChunkTile& from = visit.tiles[tile];
    const Range heads = work_of(visit).blocks[group.blocks.front()].rows.heads;
    KeyTile data;
    const Effort issued = repeats_.aside([&] { data = chunks_.tile(from.chunk, heads, from.keys); });
    // Those that stay come once, message by message: part of no round (attend_group()).
    if (!launch_.tiling.chunks_stay) repeats_.was_issued(issued);
    return data;
}

void AttentionRun::pass_over(const Visit& visit, Group& group, Group* next) {
    QueryWork& work = work_of(visit);
    attention_.flush();  // nothing takes room in SRAM for longer than it would
    const std::vector<std::size_t> seen = tiles_seen(visit, group);
    steps_done_ += (visit.tiles.size() - seen.size()) * group.blocks.size();
    repeats_.begin_passing(group.stretch);
    {
        const tl::PhaseScope phase(tl_, visit.where());
        enter(work, group);
    }
    repeats_.was_issued(group.entering);
    for (std::size_t b = 0; b < group.blocks.size(); ++b)
        if (group.tiles_left[b] > 0)
            repeats_.aside([&] { terms_.slopes(term_rows(work, work.blocks[group.blocks[b]])); });
    KeyTile first;
    if (!seen.empty() && wants(seen[0])) first = send_for(visit, group, seen[0]);
    pass_tiles(visit, group, {&seen, 0, seen.size()}, next, std::move(first), nullptr);
    repeats_.end_passing();
}

void AttentionRun::pass_tiles(const Visit& visit, Group& group, const PassedTiles& tiles, Group* next, KeyTile ahead,
                              const std::function<void()>& send_for_next) {
    const tl::PhaseScope phase(tl_, visit.where());
    QueryWork& work = work_of(visit);
    const std::vector<std::size_t>& seen = *tiles.seen;
    const std::size_t blocks = group.blocks.size(), steps = (tiles.end - tiles.begin) * blocks;
    const auto share = [&](std::size_t step) { return static_cast<double>(step) / static_cast<double>(steps); };
    const auto pass_to = [&](std::size_t step) { repeats_.pass_to(share(step)); };
    double due = next_transfer();
    KeyTile data;
    for (std::size_t step = 0; step < steps; ++step) {
        const std::size_t t = tiles.begin + step / blocks, block = step % blocks, begin = step - block;
        if (block == 0) {
            data = std::exchange(ahead, {});
            if (t + 1 < tiles.end) {
                if (wants(seen[t + 1])) {
                    pass_to(begin);
                    ahead = send_for(visit, group, seen[t + 1]);
                }
            } else if (send_for_next) {
                pass_to(begin);
                send_for_next();
            }
            if (next && t == seen.size() / 2) {
                pass_to(begin);
                enter(work, *next);
            }
        }
        // Queues are long enough for the kernel to issue about half of a tile's blocks before the tile is there.
        const bool arrived = block >= blocks / 2;
        if (block == blocks / 2 && data.k) {
            for (const Tile* part : {&data.k, &data.v}) {
                tl_.wait(*part);
                repeats_.needs(part->record().ready, share(begin), share(1));
            }
        }
        const std::size_t passed = arrived ? step : begin;
        const double time = time_of_step(visit, steps_done_++);
        if (due <= time) {
            pass_to(passed);
            transfers_until(time);
            repeats_.interrupted();
            due = next_transfer();
        }
        if (visit.at(seen[t], group.blocks[block]) == Visible::none || --group.tiles_left[block] > 0) continue;
        pass_to(passed);
        leave_passed(work, group.blocks[block]);
    }
}

void AttentionRun::leave_passed(QueryWork& work, std::size_t index) {
    repeats_.was_issued(repeats_.aside([&] {
        const BlockRows& rows = work.blocks[index].rows;
        State& state = states_.take(work.target, index, rows);
        if (!state) state = states_.neutral(rows);
        leave(work, index);
    }));
}

}  // namespace tilemesh::kernels

// SPDX-License-Identifier: Apache-2.0
// Tables of merges in the order in which PEs issue them, users side by side: all ranks get through without buffers,
// and end with every share once.
#include "kernels/attention/side_by_side.h"
#include "sim/attention/timeline.h"
#include "tests/schedules/grids.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace example;

namespace {

using kernels::Issue;
using kernels::StatePart;

constexpr int blocks = 2;

/// What a register holds, as ranks whose share is in it: in its maximum, and in the rest, how often.
struct Held {
    std::map<int, int> maximum, rest;
    bool operator==(const Held&) const = default;
    std::map<int, int>& of(StatePart part) { return part == StatePart::maximum ? maximum : rest; }
};

/// Ranks that do what they issue in turn. A message passes when both ends have come to it.
class Ranks {
public:
    /// A message takes one unit of time, the work of a user `work`.
    Ranks(const Schedule& table, std::int64_t fold_keys, double work = 10) : table_(table) {
        const Durations durations{.attend = [work](int, const Action&) { return work; },
                                  .transfer =
                                      [](int, int, const Action&) {
                                          return TransferTime{1, 0};
                                      },
                                  .merge = [](int, const Action&) { return 0.5; }};
        timeline_ = predict(table, durations);
        const kernels::SideBySide all(table, timeline_, fold_keys);
        for (int rank = 0; rank < table.ranks(); ++rank)
            orders_.push_back(
                all.order(rank, kernels::issue_order(rank, table, timeline_[static_cast<std::size_t>(rank)],
                                                     [](const Action&) { return std::size_t{blocks}; })));
        held_.resize(orders_.size());
        next_.resize(orders_.size());
    }

    /// False when they wait for each other.
    bool all() {
        for (bool moved = true; moved;) {
            moved = false;
            for (int rank = 0; rank < table_.ranks(); ++rank) moved = step(rank) || moved;
        }
        for (std::size_t rank = 0; rank < orders_.size(); ++rank)
            if (next_[rank] < orders_[rank].size()) return false;
        return true;
    }

    const std::vector<Issue>& order(int rank) const { return orders_[static_cast<std::size_t>(rank)]; }
    const Held& held(int rank, const Item& item, int block) {
        return held_[static_cast<std::size_t>(rank)][{item, block}];
    }

private:
    const Issue* next(int rank) const {
        const auto at = static_cast<std::size_t>(rank);
        return next_[at] < orders_[at].size() ? &orders_[at][next_[at]] : nullptr;
    }

    bool step(int rank) {
        const Issue* mine = next(rank);
        if (!mine) return false;
        const Action& action = *mine->action;
        const auto at = static_cast<std::size_t>(rank);
        Item other = action.item;
        other.copy = action.other;
        if (action.kind == Action::Kind::receive) return false;
        if (action.kind == Action::Kind::send) {
            const Issue* there = next(action.peer);
            if (!there || there->action->kind != Action::Kind::receive || there->action->peer != rank ||
                there->action->item != action.item || there->piece != mine->piece || there->part != mine->part)
                return false;
            const auto to = static_cast<std::size_t>(action.peer);
            held_[to][{action.item, mine->piece}].of(mine->part) = held_[at][{other, mine->piece}].of(mine->part);
            ++next_[to];
        }
        for (int block = 0; block < blocks; ++block) {
            if (action.kind == Action::Kind::merge)
                for (const auto& [share, times] : held_[at][{other, block}].of(mine->part))
                    held_[at][{action.item, block}].of(mine->part)[share] += times;
            if (action.kind == Action::Kind::attend) {
                const Item own{Item::Kind::state, action.item.user, action.owner, 0, action.item.head_part};
                held_[at][{own, block}] = {{{rank, 1}}, {{rank, 1}}};
            }
        }
        ++next_[at];
        return true;
    }

    const Schedule& table_;
    std::vector<std::vector<TimedAction>> timeline_;
    std::vector<std::vector<Issue>> orders_;
    std::vector<std::map<std::pair<Item, int>, Held>> held_;
    std::vector<std::size_t> next_;
};

NeedSets several(int n, const std::vector<std::int64_t>& keys) {
    std::vector<User> users;
    for (const std::int64_t of_user : keys) users.push_back({of_user * n, 1, of_user * n - 1});
    return NeedSets::replicated_queries(example::problem(users, causal_mask()), n);
}

}  // namespace

TEST_CASE("merges side by side: no rank waits in a circle, and all end with every share once") {
    for (const int n : rank_counts)
        for (const std::vector<std::int64_t>& keys : {std::vector<std::int64_t>{20}, {20, 20, 20}, {40, 30, 7}})
            for (const auto schedule : {kernels::mesh_mlo, kernels::mlo_centre, kernels::mlo_chain,
                                        kernels::mlo_doubling, kernels::mlo_reduce_scatter}) {
                const Schedule table = in_a_row(schedule, several(n, keys));
                if (!table.moves_results_alone()) {
                    CHECK(n == 1);
                    continue;
                }
                for (const double work : {1.0, 1000.0}) {  // steps after all work, and beside it
                    CAPTURE(n, keys.size(), work);
                    Ranks ranks(table, 8, work);
                    REQUIRE(ranks.all());
                    std::map<int, int> once;
                    for (int rank = 0; rank < n; ++rank) once[rank] = 1;
                    for (int rank = 0; rank < n; ++rank)
                        for (int user = 0; user < table.users(); ++user)
                            for (int block = 0; block < blocks; ++block) {
                                const int part = table.results_everywhere() ? 0 : rank;
                                const Item result{Item::Kind::state, user, 0, 0, part};
                                CHECK(ranks.held(rank, result, block) == Held{once, once});
                            }
                }
            }
}

TEST_CASE("merges side by side: every row in both its parts, users with fewer folds of keys first") {
    for (const std::int64_t fold : {4, 8, 64}) {
        const Schedule table = in_a_row(kernels::mlo_centre, several(4, {40, 30, 7}));
        Ranks ranks(table, fold, 1);
        for (int rank = 0; rank < 4; ++rank) {
            std::map<const Action*, int> parts;
            std::vector<int> users;
            bool worked = false;
            for (const Issue& next : ranks.order(rank)) {
                ++parts[next.action];
                const bool attends = next.action->kind == Action::Kind::attend;
                if (attends) users.push_back(next.action->item.user);
                CHECK_FALSE((attends && worked));  // there is no time for steps beside so little work
                worked = worked || !attends;
                CHECK(attends == (next.part == StatePart::whole));
            }
            // 10, 7 and 1 folds of 4, 5, 3 and 0 of 8, none of 64.
            CHECK(users == (fold == 64 ? std::vector<int>{0, 1, 2} : std::vector<int>{2, 1, 0}));
            CHECK(parts.size() == table.program(rank).size());
            for (const auto& [action, count] : parts)
                CHECK(count == (action->kind == Action::Kind::attend  ? 1
                                : action->kind == Action::Kind::merge ? 2
                                                                      : 4));
        }
    }
}

TEST_CASE("steps of users that are through early are issued beside the work of later ones") {
    // Work of 100 a user. The steps of the first two are over long before the last has been worked on.
    const Schedule table = in_a_row(kernels::mlo_centre, several(4, {40, 30, 7}));
    Ranks ranks(table, 8, 100);
    for (int rank = 0; rank < 4; ++rank) {
        std::map<int, double> begin, first, last;  // of a user's work, of its steps
        double end = 0;
        for (const Issue& next : ranks.order(rank)) {
            const int user = next.action->item.user;
            if (next.action->kind == Action::Kind::attend) {
                begin[user] = next.time;
                end = std::max(end, next.end);
                continue;
            }
            first.try_emplace(user, next.time);
            last[user] = next.time;
        }
        CHECK(begin == std::map<int, double>{{2, 0}, {1, 100}, {0, 200}});
        CHECK(end == 300);
        for (const int user : {1, 2}) {
            CHECK(first[user] >= begin[user] + 100);
            CHECK(last[user] < end);
        }
        CHECK(first[0] >= end);
    }
}

TEST_CASE("maxima go ahead of what is left of the step before, a log-sum-exp does not") {
    for (const auto sent : {StateFormat::Sent::mlo, StateFormat::Sent::out_lse}) {
        Schedule table = in_a_row(kernels::mlo_chain, several(3, {20}));
        StateFormat format;
        format.sent = sent;
        table.set_state_format(format);
        Ranks ranks(table, 8);
        // The rank in the middle merges what came before it sends that on.
        std::size_t place = 0, merged = 0, sent_on = 0;
        for (const Issue& next : ranks.order(1)) {
            ++place;
            if (next.action->kind == Action::Kind::merge && next.part == StatePart::rest) merged = place;
            if (next.action->kind == Action::Kind::send && next.part == StatePart::maximum && sent_on == 0)
                sent_on = place;
        }
        CHECK((sent_on < merged) == (sent == StateFormat::Sent::mlo));
    }
}

TEST_CASE("maxima go two steps ahead, fewer where a rank merges in every step") {
    struct Case {
        Schedule (*schedule)(const NeedSets&, const attention::RankGrid&);
        std::vector<std::int64_t> keys;
        int ahead;  // steps
    };
    const std::vector<Case> cases = {{kernels::mlo_chain, {20}, 2},
                                     {kernels::mesh_mlo, {20, 20}, 2},
                                     {kernels::mlo_doubling, {20}, 1},
                                     {kernels::mlo_doubling, {20, 20}, 0},
                                     {kernels::mlo_reduce_scatter, {20}, 2}};
    for (const Case& one : cases) {
        const Schedule table = in_a_row(one.schedule, several(8, one.keys));
        Ranks ranks(table, 8, 1);
        std::map<std::pair<const Action*, int>, double> maxima;  // by message
        for (const Issue& next : ranks.order(3)) {
            if (!next.action->moves()) continue;
            if (next.part == StatePart::maximum)
                maxima[{next.action, next.piece}] = next.time;
            else
                // Maxima are sent with what is left of the step before, before it or after.
                CHECK(std::abs(next.time - maxima.at({next.action, next.piece}) - 6 * (one.ahead + 1)) < 2);
        }
        CHECK(!maxima.empty());
    }
}

// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/schedule_rows.h"

#include "sim/base/error.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace tilemesh::attention {
namespace {

using Kind = Action::Kind;

bool exists(const Schedule& schedule, const NeedSets& needs, const Action& action) {
    const Item& item = action.item;
    if (item.user < 0 || item.user >= schedule.users() || item.id < 0 || item.id > schedule.ranks()) return false;
    const bool of_keys = item.kind == Item::Kind::chunk || item.kind == Item::Kind::gradient;
    if (item.id == needs.shared_id() && !(of_keys && needs.has_shared(item.user))) return false;
    if (item.head_part < 0 || item.head_part >= schedule.head_parts() || item.copy < 0) return false;
    if (action.kind == Kind::attend && (action.owner < 0 || action.owner >= schedule.ranks())) return false;
    const Ranges& keys = action.keys;
    if (!is_united(keys)) return false;
    return keys.empty() || (keys.front().begin >= 0 && keys.back().end <= needs.keys(item.user, item.id).size());
}

void check_row(const Schedule& schedule, const NeedSets& needs, int rank, const Action& action) {
    if (action.kind == Kind::fence) return;
    const bool chunk = action.item.kind == Item::Kind::chunk;
    if (action.moves() && (action.peer < 0 || action.peer >= schedule.ranks() || action.peer == rank))
        fail<InternalError>("schedule: rank {} exchanges {} with rank {}, expected another of {} ranks", rank,
                            name_of(action.item), action.peer, schedule.ranks());
    if (!exists(schedule, needs, action))
        fail<InternalError>("schedule: rank {} names {}, which does not exist", rank, name_of(action.item));
    if ((action.kind == Kind::attend && !chunk) || (action.kind == Kind::merge && !action.item.is_register()))
        fail<InternalError>("schedule: rank {} cannot {} {}", rank, action.kind == Kind::attend ? "attend" : "merge",
                            name_of(action.item));
    if ((chunk || action.item.kind == Item::Kind::gradient) && action.keys.empty())
        fail<InternalError>("schedule: rank {} names no keys of {}", rank, name_of(action.item));
    // A state belongs to its queries: where they are dealt to ranks, only their number says which they are.
    if (action.item.kind == Item::Kind::state && needs.queries_replicated() && action.item.id != 0)
        fail<InternalError>("schedule: rank {} names {}, but all ranks have the same queries, number 0", rank,
                            name_of(action.item));
}

/// The sends of a multicast stand together and are of one thing, to its receivers in their order; both ends agree on
/// which it is.
void check_multicast(const Schedule& schedule, int rank, const Action& action, const Action* previous) {
    if (action.multicast < 0 || !action.moves()) return;
    const std::vector<int>& to = schedule.receivers(action);
    const auto place = std::find(to.begin(), to.end(), action.kind == Kind::send ? action.peer : rank);
    bool sound = place != to.end();
    if (sound && action.kind == Kind::send && place != to.begin()) {
        sound = previous && previous->kind == Kind::send && previous->multicast == action.multicast &&
                previous->peer == *std::prev(place) && previous->item == action.item && previous->keys == action.keys;
    }
    if (!sound)
        fail<InternalError>("schedule: rank {} exchanges {} with rank {} apart from the rest of its multicast", rank,
                            name_of(action.item), action.peer);
}

}  // namespace

void check_rows(const Schedule& schedule, const NeedSets& needs) {
    if (schedule.ranks() != needs.ranks() || schedule.users() != needs.users())
        fail<InternalError>("schedule: table of {} ranks and {} users, expected {} and {}", schedule.ranks(),
                            schedule.users(), needs.ranks(), needs.users());
    for (int rank = 0; rank < schedule.ranks(); ++rank) {
        const Action* previous = nullptr;
        for (const Action& action : schedule.program(rank)) {
            check_row(schedule, needs, rank, action);
            if (previous && std::tuple(action.step, action.kind) < std::tuple(previous->step, previous->kind))
                fail<InternalError>(
                    "schedule: rank {} has {} of step {} after a row of step {}, out of program order", rank,
                    name_of(action.item), action.step, previous->step);
            check_multicast(schedule, rank, action, previous);
            previous = &action;
        }
    }
}

void check_pairs(const Schedule& schedule, const TableEdges& edges) {
    for (std::size_t edge = 0; edge < edges.edges().size(); ++edge) {
        const auto [from, to] = edges.edges()[edge];
        const std::vector<Action>&sender = schedule.program(from), &receiver = schedule.program(to);
        const auto sends = edges.sends(edge), receives = edges.receives(edge);
        for (std::size_t i = 0; i < std::max(sends.size(), receives.size()); ++i) {
            if (i >= receives.size())
                fail<InternalError>("schedule: rank {} sends {} to rank {}, which never receives it", from,
                                    name_of(sender[sends[i]].item), to);
            const Action& received = receiver[receives[i]];
            if (i >= sends.size())
                fail<InternalError>("schedule: rank {} receives {} from rank {}, which never sends it", to,
                                    name_of(received.item), from);
            const Action& sent = sender[sends[i]];
            if (sent.item != received.item || sent.keys != received.keys)
                fail<InternalError>(
                    "schedule: message {} from rank {} to rank {} is {} at the sender, {} at the receiver", i, from,
                    to, name_of(sent.item), name_of(received.item));
        }
    }
}

}  // namespace tilemesh::attention

// SPDX-License-Identifier: Apache-2.0
// Sums over the rows of a schedule's table; every transfer is counted at its sender.
#include "sim/attention/traffic.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace tilemesh::attention {

Counts count(const Schedule& schedule) {
    Counts counts;
    const auto transfers = [&](Item::Kind kind) -> std::uint64_t& {
        switch (kind) {
            case Item::Kind::chunk:
                return counts.chunk_transfers;
            case Item::Kind::queries:
                return counts.query_transfers;
            case Item::Kind::state:
                return counts.state_transfers;
            case Item::Kind::sinks:
                return counts.sink_transfers;
            case Item::Kind::gradient:
                break;
        }
        return counts.gradient_transfers;
    };
    for (const auto& program : schedule.programs()) {
        std::set<Item> written;
        for (const Action& action : program) {
            switch (action.kind) {
                case Action::Kind::send:
                    ++transfers(action.item.kind);
                    break;
                case Action::Kind::receive:
                    if (action.item.is_register()) written.insert(action.item);
                    break;
                case Action::Kind::fence:
                    break;
                case Action::Kind::attend:
                    ++counts.attends;
                    written.insert({Item::Kind::state, action.item.user, action.owner, 0, action.item.head_part});
                    written.insert(
                        {Item::Kind::gradient, action.item.user, action.item.id, 0, action.item.head_part});
                    break;
                case Action::Kind::merge:
                    if (!written.insert(action.item).second) ++counts.merges;
                    break;
            }
        }
    }
    return counts;
}

std::uint64_t chunk_messages(const Schedule& schedule, const std::function<std::uint64_t(const Action&)>& pieces) {
    std::uint64_t messages = 0;
    for (const auto& program : schedule.programs())
        for (const Action& action : program)
            if (action.kind == Action::Kind::send && action.item.kind == Item::Kind::chunk)
                messages += 2 * pieces(action);
    return messages;
}

std::uint64_t transfer_bytes(const Problem& problem, const NeedSets& needs, const Schedule& schedule,
                             const Action& transfer, std::int64_t heads_kv) {
    const Item& item = transfer.item;
    const std::int64_t heads = contiguous_part(heads_kv, schedule.head_parts(), item.head_part).size();
    const bool backward = schedule.pass() == Schedule::Pass::backward;
    const auto stored = static_cast<std::int64_t>(bytes_per_element(problem.dtype));
    const auto f32 = static_cast<std::int64_t>(bytes_per_element(Dtype::f32));
    const auto outputs = static_cast<std::int64_t>(bytes_per_element(problem.output_dtype()));
    const std::int64_t d = problem.head_dim, dv = problem.value_dim;
    // The id of queries and states is a rank; that of a chunk may be that of the shared one, which no rank has.
    const auto rows = [&] { return needs.queries(item.user, item.id).size() * heads * problem.group(); };
    switch (item.kind) {
        case Item::Kind::chunk:
            return static_cast<std::uint64_t>(total(transfer.keys) * heads * problem.key_columns() * stored);
        case Item::Kind::queries:
            return static_cast<std::uint64_t>(rows() * (d * stored + (backward ? dv * outputs + 2 * f32 : 0)));
        case Item::Kind::state:
            return static_cast<std::uint64_t>(rows() *
                                              (backward ? d * f32 : schedule.state_format().sent_row_bytes(dv)));
        case Item::Kind::sinks:
            return static_cast<std::uint64_t>(heads * problem.group() * f32);
        case Item::Kind::gradient:
            break;
    }
    return static_cast<std::uint64_t>(total(transfer.keys) * heads * problem.key_columns() * f32);
}

TransferBytes whole_items(const Problem& problem, const NeedSets& needs, const Schedule& schedule) {
    return [&problem, &needs, &schedule](const Action& transfer) {
        return transfer_bytes(problem, needs, schedule, transfer, problem.heads_kv);
    };
}

std::map<Edge, std::uint64_t> edge_bytes(const Schedule& schedule, const TransferBytes& bytes) {
    std::map<Edge, std::uint64_t> edges;
    for (int rank = 0; rank < schedule.ranks(); ++rank)
        for (const Action& action : schedule.program(rank))
            if (action.kind == Action::Kind::send) edges[{rank, action.peer}] += bytes(action);
    return edges;
}

std::uint64_t LinkTraffic::busiest() const {
    std::uint64_t most = 0;
    for (const auto& [link, carried] : bytes) most = std::max(most, carried);
    return most;
}

void for_each_message(const Schedule& schedule, int rank,
                      const std::function<void(const Action& send, std::span<const int> to)>& visit) {
    std::int32_t last = -1;
    for (const Action& action : schedule.program(rank)) {
        if (action.kind != Action::Kind::send) continue;
        if (action.multicast < 0) visit(action, {&action.peer, 1});
        if (action.multicast >= 0 && action.multicast != last) visit(action, schedule.receivers(action));
        last = action.multicast;
    }
}

WayBytes way_bytes(const Schedule& schedule, const TransferBytes& bytes) {
    constexpr std::size_t none = ~std::size_t{0};
    WayBytes ways;
    std::vector<std::size_t> places(static_cast<std::size_t>(schedule.ranks()), none);  // of ways to one rank
    for (int rank = 0; rank < schedule.ranks(); ++rank) {
        const std::size_t first = ways.size();
        std::map<std::vector<int>, std::size_t> places_of_several;
        for_each_message(schedule, rank, [&](const Action& send, std::span<const int> to) {
            std::size_t& place = to.size() == 1
                                     ? places[static_cast<std::size_t>(to.front())]
                                     : places_of_several.try_emplace({to.begin(), to.end()}, none).first->second;
            if (place == none) {
                place = ways.size();
                ways.push_back({{rank, {to.begin(), to.end()}}, 0});
            }
            ways[place].second += bytes(send);
        });
        for (std::size_t i = first; i < ways.size(); ++i)
            if (const auto& to = ways[i].first.second; to.size() == 1)
                places[static_cast<std::size_t>(to.front())] = none;
    }
    return ways;
}

std::vector<LinkId> links_to(int from, std::span<const int> to, const Route& route) {
    if (to.size() == 1) return route(from, to.front());
    std::set<LinkId> links;
    for (const int rank : to)
        for (const LinkId link : route(from, rank)) links.insert(link);
    return {links.begin(), links.end()};
}

void add_traffic(LinkTraffic& traffic, const WayBytes& ways, const Route& route) {
    std::vector<std::uint64_t> carried;  // by link
    for (const auto& [way, bytes] : ways)
        for (const LinkId link : links_to(way.first, way.second, route)) {
            if (link >= carried.size()) carried.resize(link + 1);
            carried[link] += bytes;
            traffic.hop_bytes += bytes;
        }
    for (LinkId link = 0; link < carried.size(); ++link)
        if (carried[link] > 0) traffic.bytes[link] += carried[link];
}

LinkTraffic link_traffic(const Schedule& schedule, const TransferBytes& bytes, const Route& route) {
    LinkTraffic traffic;
    add_traffic(traffic, way_bytes(schedule, bytes), route);
    return traffic;
}

Route line_route() {
    return [](int from, int to) {
        std::vector<LinkId> links;
        for (int at = from; at < to; ++at) links.push_back(static_cast<LinkId>(2 * at));
        for (int at = from; at > to; --at) links.push_back(static_cast<LinkId>(2 * (at - 1) + 1));
        return links;
    };
}

Route ring_route(int ranks) {
    return [ranks](int from, int to) {
        const int east_hops = (to - from + ranks) % ranks;
        const bool east = ranks > 2 ? 2 * east_hops <= ranks : to > from;  // two are joined once, without a wrap
        std::vector<LinkId> links;
        for (int at = from; at != to; at = (at + (east ? 1 : ranks - 1)) % ranks)
            links.push_back(static_cast<LinkId>(east ? 2 * at : 2 * ((at - 1 + ranks) % ranks) + 1));
        return links;
    };
}

}  // namespace tilemesh::attention

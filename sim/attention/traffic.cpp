// SPDX-License-Identifier: Apache-2.0
// Sums over the rows of a schedule's table; every transfer is counted at its sender.
#include "sim/attention/traffic.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace tilemesh::attention {

Counts count(const Schedule& schedule) {
    Counts counts;
    for (const auto& program : schedule.programs()) {
        std::set<std::pair<int, int>> written;  // (user, register)
        for (const Action& action : program) {
            const std::pair target{action.item.user, action.item.id};
            switch (action.kind) {
                case Action::Kind::send:
                    ++(action.item.kind == Item::Kind::chunk ? counts.chunk_transfers : counts.state_transfers);
                    break;
                case Action::Kind::receive:
                    if (action.item.kind == Item::Kind::state) written.insert(target);
                    break;
                case Action::Kind::attend:
                    ++counts.attends;
                    written.insert({action.item.user, 0});
                    break;
                case Action::Kind::merge:
                    if (!written.insert(target).second) ++counts.merges;
                    break;
            }
        }
    }
    return counts;
}

std::uint64_t chunk_messages(const Schedule& schedule, const std::function<std::uint64_t(const Item&)>& pieces) {
    std::uint64_t messages = 0;
    for (const auto& program : schedule.programs())
        for (const Action& action : program)
            if (action.kind == Action::Kind::send && action.item.kind == Item::Kind::chunk)
                messages += 2 * pieces(action.item);
    return messages;
}

std::uint64_t item_bytes(const Problem& problem, const NeedSets& needs, int rank, const Item& item,
                         std::int64_t heads_kv) {
    if (item.kind == Item::Kind::chunk)
        return static_cast<std::uint64_t>(needs.keys_of(item.user, item.id).size() * heads_kv *
                                          (problem.head_dim + problem.value_dim)) *
               bytes_per_element(problem.dtype);
    const auto f32 = static_cast<std::int64_t>(bytes_per_element(Dtype::f32));
    return static_cast<std::uint64_t>(needs.queries_of(item.user, rank).size() * heads_kv * problem.group() *
                                      (problem.value_dim + 2) * f32);
}

ItemBytes whole_items(const Problem& problem, const NeedSets& needs) {
    return [&problem, &needs](int rank, const Item& item) {
        return item_bytes(problem, needs, rank, item, problem.heads_kv);
    };
}

std::map<Edge, std::uint64_t> edge_bytes(const Schedule& schedule, const ItemBytes& bytes) {
    std::map<Edge, std::uint64_t> edges;
    for (int rank = 0; rank < schedule.ranks(); ++rank)
        for (const Action& action : schedule.program(rank))
            if (action.kind == Action::Kind::send) edges[{rank, action.peer}] += bytes(rank, action.item);
    return edges;
}

std::uint64_t LinkTraffic::busiest() const {
    std::uint64_t most = 0;
    for (const auto& [link, carried] : bytes) most = std::max(most, carried);
    return most;
}

void add_traffic(LinkTraffic& traffic, const std::map<Edge, std::uint64_t>& edges, const Route& route) {
    for (const auto& [edge, bytes] : edges)
        for (const LinkId link : route(edge.first, edge.second)) {
            traffic.bytes[link] += bytes;
            traffic.hop_bytes += bytes;
        }
}

LinkTraffic link_traffic(const Schedule& schedule, const ItemBytes& bytes, const Route& route) {
    LinkTraffic traffic;
    add_traffic(traffic, edge_bytes(schedule, bytes), route);
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
        const bool east = 2 * east_hops <= ranks;
        std::vector<LinkId> links;
        for (int at = from; at != to; at = (at + (east ? 1 : ranks - 1)) % ranks)
            links.push_back(static_cast<LinkId>(east ? 2 * at : 2 * ((at - 1 + ranks) % ranks) + 1));
        return links;
    };
}

}  // namespace tilemesh::attention

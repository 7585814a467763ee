// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/route_tree.h"

#include <algorithm>
#include <utility>

namespace tilemesh::noc {
namespace {

class TreeOfRoutes {
public:
    explicit TreeOfRoutes(std::span<const Route> routes) : routes_(routes) { tree_.ends.resize(routes.size()); }
    RouteTree grown() {
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < routes_.size(); ++i) all.push_back(i);
        grow(all, 0);
        return std::move(tree_);
    }

private:
    /// The branch of those routes, which are alike up to their hop number `depth`, and all behind it.
    std::size_t grow(const std::vector<std::size_t>& routes, std::size_t depth) {
        const std::size_t number = tree_.branches.size();
        tree_.branches.emplace_back();
        Route common;
        for (; together(routes, depth); ++depth) {
            Hop hop = routes_[routes.front()][depth];
            for (const std::size_t route : routes) hop.channel_class |= routes_[route][depth].channel_class;
            common.push_back(hop);
        }
        tree_.branches[number].route = std::move(common);
        if (routes.size() == 1) {
            tree_.ends[routes.front()] = number;
            return number;
        }
        std::vector<std::vector<std::size_t>> ways;
        for (const std::size_t route : routes) {
            const auto same = std::find_if(ways.begin(), ways.end(), [&](const std::vector<std::size_t>& way) {
                return together({way.front(), route}, depth);
            });
            if (same == ways.end()) {
                ways.push_back({route});
            } else {
                same->push_back(route);
            }
        }
        for (const std::vector<std::size_t>& way : ways) {
            const std::size_t onward = grow(way, depth);
            tree_.branches[number].onward.push_back(onward);
        }
        return number;
    }
    /// Do all of them have that hop, over one link?
    bool together(const std::vector<std::size_t>& routes, std::size_t depth) const {
        const Route& first = routes_[routes.front()];
        return std::all_of(routes.begin(), routes.end(), [&](std::size_t route) {
            return depth < routes_[route].size() && routes_[route][depth].link == first[depth].link;
        });
    }

    std::span<const Route> routes_;
    RouteTree tree_;
};

}  // namespace

RouteTree tree_of(std::span<const Route> routes) { return TreeOfRoutes(routes).grown(); }

std::vector<std::vector<std::int32_t>> injections(const NetworkConfig& network, const Topology& topology, int from,
                                                  std::span<const std::int32_t> to, int asked) {
    std::vector<std::pair<int, std::vector<std::int32_t>>> ways;  // by first link; -1: alone
    for (const std::int32_t pe : to) {
        const bool joins = network.router.multicast && pe >= 0 && pe < topology.pes();
        const auto network_to = [&] { return asked >= 0 ? asked : topology.choice(from, pe); };
        const int link = joins ? static_cast<int>(topology.route(from, pe, network_to()).front().link) : -1;
        const auto same = std::find_if(ways.begin(), ways.end(), [=](const auto& way) { return way.first == link; });
        if (link < 0 || same == ways.end()) {
            ways.push_back({link, {pe}});
        } else {
            same->second.push_back(pe);
        }
    }
    std::vector<std::vector<std::int32_t>> receivers;
    for (auto& [link, pes] : ways) receivers.push_back(std::move(pes));
    return receivers;
}

}  // namespace tilemesh::noc

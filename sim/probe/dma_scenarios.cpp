// SPDX-License-Identifier: Apache-2.0
// Choosing transfers on a topology.
#include "sim/probe/dma_scenarios.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

namespace tilemesh::probe {
namespace {

/// Crossings between cubes, then links; from the slice to the PE, as the data of a load goes.
std::pair<int, int> distance(const noc::Topology& topology, DmaTransfer transfer) {
    std::pair<int, int> length{0, 0};
    for (const noc::Hop& hop : topology.route(transfer.home, transfer.pe)) {
        length.first += topology.links()[hop.link].die_to_die ? 1 : 0;
        ++length.second;
    }
    return length;
}

/// From a PE of the cube of `near`, the first of the nearest or farthest slices that `allowed` takes; nothing when it
/// takes none.
std::optional<DmaTransfer> extreme(const noc::Topology& topology, int near, bool farthest,
                                   const std::function<bool(int pe, int home)>& allowed) {
    std::optional<DmaTransfer> best;
    std::pair<int, int> best_distance;
    const int first = near / topology.pes_per_cube() * topology.pes_per_cube();
    for (int pe = first; pe < first + topology.pes_per_cube(); ++pe) {
        for (int home = 0; home < topology.pes(); ++home) {
            if (pe == home || !allowed(pe, home)) continue;
            const auto length = distance(topology, {pe, home});
            if (best && (farthest ? length <= best_distance : length >= best_distance)) continue;
            best = DmaTransfer{pe, home};
            best_distance = length;
        }
    }
    return best;
}

/// The PEs of the cube of `home`, itself first, then by distance from it.
std::vector<int> nearest_in_cube(const noc::Topology& topology, int home) {
    std::vector<int> pes;
    const int first = home / topology.pes_per_cube() * topology.pes_per_cube();
    for (int i = 0; i < topology.pes_per_cube(); ++i) pes.push_back(first + i);
    std::stable_sort(pes.begin(), pes.end(), [&](int a, int b) {
        return distance(topology, {a, home}) < distance(topology, {b, home});
    });
    return pes;
}

}  // namespace

std::vector<DmaScenario> dma_scenarios(const noc::Topology& topology, int home, const std::vector<int>& sharers) {
    const auto cube_of = [&](int pe) { return pe / topology.pes_per_cube(); };
    const auto same_cube = [&](int pe, int other) { return cube_of(pe) == cube_of(other); };
    const auto other_cube = [&](int pe, int other) { return cube_of(pe) != cube_of(other); };
    std::vector<DmaScenario> scenarios = {{"local", "a PE on its own slice", {{home, home}}}};
    const auto add = [&](const char* name, const char* what, bool farthest,
                         const std::function<bool(int, int)>& allowed) {
        if (const auto found = extreme(topology, home, farthest, allowed))
            scenarios.push_back({name, what, {*found}});
    };
    add("same_cube_best", "the nearest other PE of the cube", false, same_cube);
    add("same_cube_worst", "the farthest other PE of the cube", true, same_cube);
    add("other_cube_best", "the nearest PE of another cube", false, other_cube);
    add("other_cube_worst", "the farthest PE of another cube", true, other_cube);
    const std::vector<int> near = nearest_in_cube(topology, home);
    for (const int count : sharers) {
        if (static_cast<std::size_t>(count) > near.size()) continue;
        DmaScenario scenario{
            fmt::format("sharing_{}", count), fmt::format("{} PEs of a cube on one slice", count), {}};
        for (int i = 0; i < count; ++i) scenario.transfers.push_back({near[static_cast<std::size_t>(i)], home});
        scenarios.push_back(std::move(scenario));
    }
    DmaScenario all_local{"all_local", "every PE on its own slice", {}};
    DmaScenario all_on_one{"all_on_one", "every PE on one slice", {}};
    for (int pe = 0; pe < topology.pes(); ++pe) {
        all_local.transfers.push_back({pe, pe});
        all_on_one.transfers.push_back({pe, home});
    }
    scenarios.push_back(std::move(all_local));
    scenarios.push_back(std::move(all_on_one));
    return scenarios;
}

std::vector<DmaTransfer> dma_by_distance(const noc::Topology& topology) {
    const auto longest = extreme(topology, 0, true, [](int, int) { return true; });
    if (!longest) return {{0, 0}};
    std::vector<DmaTransfer> transfers = {{longest->pe, longest->pe}};
    for (const noc::Hop& hop : topology.route(longest->pe, longest->home))
        transfers.push_back({longest->pe, topology.links()[hop.link].to});
    return transfers;
}

}  // namespace tilemesh::probe

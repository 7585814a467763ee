// SPDX-License-Identifier: Apache-2.0
// The DMA probes: that the parts of a time are the whole of it, that each part answers to its own key, and that near
// and far are what they are called. Machines are the bundled ones, whatever their figures are.
#include "sim/base/json_reader.h"
#include "sim/probe/dma_bench.h"
#include "sim/run/resolve.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <set>

using namespace tilemesh;
using namespace tilemesh::probe;

namespace {

machine::MachineConfig machine_called(const std::string& name, const std::function<void(Json&)>& change = {}) {
    Json json = run::resolve_machine_file(TILEMESH_CONFIGS "/machines/" + name + ".json").json;
    if (change) change(json);
    return machine::read_machine(JsonReader(json, name));
}

Picoseconds slowest(const DmaTimes& times) {
    return *std::max_element(times.latencies.begin(), times.latencies.end());
}

const DmaScenario& called(const std::vector<DmaScenario>& scenarios, const std::string& name) {
    const auto found = std::find_if(scenarios.begin(), scenarios.end(),
                                    [&](const DmaScenario& scenario) { return scenario.name == name; });
    REQUIRE(found != scenarios.end());
    return *found;
}

int crossings(const noc::Topology& topology, DmaTransfer transfer) {
    int count = 0;
    for (const noc::Hop& hop : topology.route(transfer.home, transfer.pe))
        count += topology.links()[hop.link].die_to_die ? 1 : 0;
    return count;
}

}  // namespace

TEST_CASE("the parts of a transfer's time add up to the whole, to the picosecond") {
    for (const bool write : {false, true}) {
        for (const char* name : {"cubes_4x4", "cube_line8"}) {
            for (const std::uint64_t bytes : {std::uint64_t{64}, std::uint64_t{1000}, std::uint64_t{16384}}) {
                DmaBench bench(machine_called(name), bytes, write);
                for (const DmaScenario& scenario : dma_scenarios(bench.topology(), 0, {2, 8})) {
                    const DmaTimes times = bench.run(scenario.transfers);
                    const std::size_t last = times.latencies.size() - 1;
                    const DmaBreakdown parts = bench.breakdown(scenario.transfers[last], times.latencies[last]);
                    INFO(name << " " << scenario.name << " " << bytes << " " << write);
                    CHECK(parts.whole() == static_cast<std::int64_t>(times.latencies[last].value()));
                    CHECK(parts.descriptor > 0);
                    CHECK(parts.routers >= 0);
                    CHECK(parts.hbm > 0);
                    if (scenario.transfers.size() == 1) CHECK(parts.queueing == 0);
                }
            }
        }
    }
}

TEST_CASE("a slower crossing shows in the die-to-die part alone, a slower descriptor in its own") {
    const DmaBench topology_only(machine_called("cubes_4x4"), 64, false);
    const DmaTransfer far = dma_scenarios(topology_only.topology(), 0, {})[4].transfers.front();
    const int there = crossings(topology_only.topology(), far);
    REQUIRE(there == 6);  // corner to corner of 4 x 4 cubes
    const auto parts_with = [&](const std::function<void(Json&)>& change) {
        DmaBench bench(machine_called("cubes_4x4", change), 16384, false);
        return bench.breakdown(far, slowest(bench.run({far})));
    };
    const DmaBreakdown before = parts_with({});
    const DmaBreakdown crossing = parts_with([](Json& json) {
        Json& latency = json["network"]["die_to_die"]["latency_ns"];
        latency = latency.get<double>() + 5.0;
    });
    CHECK(crossing.die_to_die - before.die_to_die == 2 * there * 5000);
    CHECK(crossing.routers == before.routers);
    CHECK(crossing.descriptor == before.descriptor);
    const DmaBreakdown descriptor = parts_with([](Json& json) {
        Json& cycles = json["pe"]["dma"]["descriptor_cycles"];
        cycles = cycles.get<double>() + 7.0;
    });
    CHECK(descriptor.descriptor - before.descriptor == 7000);  // at 1 GHz
    CHECK(descriptor.routers == before.routers);
    CHECK(descriptor.die_to_die == before.die_to_die);
}

TEST_CASE("best and worst are the nearest and the farthest of their kind") {
    const DmaBench bench(machine_called("cubes_4x4"), 16384, false);
    const noc::Topology& topology = bench.topology();
    const auto scenarios = dma_scenarios(topology, 0, {1, 2, 3, 8});
    const auto time_of = [&](const char* name) { return slowest(bench.run(called(scenarios, name).transfers)); };
    const auto cube = [&](int pe) { return pe / topology.pes_per_cube(); };
    for (const char* name : {"same_cube_best", "same_cube_worst"}) {
        const DmaTransfer transfer = called(scenarios, name).transfers.front();
        CHECK(transfer.pe != transfer.home);
        CHECK(cube(transfer.pe) == cube(transfer.home));
    }
    for (const char* name : {"other_cube_best", "other_cube_worst"}) {
        const DmaTransfer transfer = called(scenarios, name).transfers.front();
        CHECK(cube(transfer.pe) != cube(transfer.home));
    }
    CHECK(crossings(topology, called(scenarios, "other_cube_best").transfers.front()) == 1);
    CHECK(time_of("local") < time_of("same_cube_best"));
    CHECK(time_of("same_cube_best") < time_of("same_cube_worst"));
    CHECK(time_of("other_cube_best") < time_of("other_cube_worst"));
    CHECK(time_of("same_cube_worst") < time_of("other_cube_worst"));
    for (const char* name : {"sharing_1", "sharing_2", "sharing_3", "sharing_8"}) {
        std::vector<DmaTransfer> transfers = called(scenarios, name).transfers;
        CHECK(std::to_string(transfers.size()) == std::string(name).substr(8));
        for (const DmaTransfer& transfer : transfers) CHECK(cube(transfer.pe) == cube(transfer.home));
        std::sort(transfers.begin(), transfers.end());
        CHECK(std::adjacent_find(transfers.begin(), transfers.end()) == transfers.end());
    }
    CHECK(time_of("sharing_1") == time_of("local"));
}

TEST_CASE("several PEs on one slice take at least the slice's time for all their bytes") {
    const std::uint64_t bytes = 16384;
    const machine::MachineConfig config = machine_called("cubes_4x4");
    const DmaBench bench(config, bytes, false);
    for (const DmaScenario& scenario : dma_scenarios(bench.topology(), 0, {1, 2, 3, 8})) {
        const DmaTimes times = bench.run(scenario.transfers);
        INFO(scenario.name);
        CHECK(bench.share_of_peak(scenario.transfers, times) <= 1.0);
        CHECK(slowest(times) <= times.span);
    }
}

TEST_CASE("the share of the peak is of the slices that are used, however many PEs use them") {
    const std::uint64_t bytes = 16384;
    const machine::MachineConfig config = machine_called("cubes_4x4");
    const DmaBench bench(config, bytes, false);
    const double peak = config.hbm.peak().gbytes_per_s();
    const auto scenarios = dma_scenarios(bench.topology(), 0, {8});
    for (const auto& [name, slices] : {std::pair{"sharing_8", 1}, std::pair{"all_local", 128}}) {
        const auto& transfers = called(scenarios, name).transfers;
        const DmaTimes times = bench.run(transfers);
        const double moved = static_cast<double>(bytes * transfers.size()) / to_nanoseconds(times.span);
        INFO(name);
        CHECK(bench.share_of_peak(transfers, times) == Approx(moved / (peak * slices)));
    }
}

TEST_CASE("those who share a slice are the nearest to it") {
    const auto scenarios = dma_scenarios(noc::Topology(machine_called("cube_line8").network), 5, {1, 3, 5});
    const auto pes = [&](const char* name) {
        std::set<int> found;
        for (const DmaTransfer& transfer : called(scenarios, name).transfers) found.insert(transfer.pe);
        return found;
    };
    CHECK(pes("sharing_1") == std::set<int>{5});
    CHECK(pes("sharing_3") == std::set<int>{4, 5, 6});
    CHECK(pes("sharing_5") == std::set<int>{3, 4, 5, 6, 7});
}

TEST_CASE("a machine of one cube has no other cube, one of one PE has only itself") {
    const noc::Topology cube(machine_called("cube_2x4").network);
    for (const DmaScenario& scenario : dma_scenarios(cube, 0, {3, 9})) {
        CHECK_FALSE(scenario.name.starts_with("other_cube"));
        CHECK(scenario.name != "sharing_9");
    }
    const noc::Topology single(machine_called("cube_line8", [](Json& json) { json["cube"]["cols"] = 1; }).network);
    CHECK(dma_scenarios(single, 0, {1}).size() == 4);  // local, sharing_1, all_local, all_on_one
    CHECK(dma_by_distance(single).size() == 1);
}

TEST_CASE("the list by distance goes one link further at a time") {
    const noc::Topology topology(machine_called("cubes_4x4").network);
    const auto transfers = dma_by_distance(topology);
    for (std::size_t i = 0; i < transfers.size(); ++i)
        CHECK(topology.route(transfers[i].pe, transfers[i].home).size() == i);
    CHECK(transfers.size() == 1 + 15 + 7);  // a grid of 8 x 16 PEs, corner to corner
}

// SPDX-License-Identifier: Apache-2.0
#include "sim/machine/config.h"

#include "sim/base/fitted_values.h"
#include "sim/collective/config.h"
#include "sim/machine/chip.h"
#include "sim/noc/topology.h"
#include "sim/product/config.h"

#include <fmt/core.h>

namespace tilemesh::machine {

namespace {

/// Only all-to-all networks have many links.
void check_links(const MachineConfig& machine, const JsonReader& reader) {
    constexpr std::size_t most_links = std::size_t{1} << 17, most_neighbours = 30;
    const auto& network = machine.network;
    const auto links_of = [](const noc::GridConfig& grid) {
        const bool all = grid.kind == noc::TopologyKind::all_to_all;
        return all ? static_cast<std::size_t>(grid.nodes()) * static_cast<std::size_t>(grid.nodes() - 1) : 0;
    };
    const std::size_t of_one = links_of(network.pes_in_cube) * static_cast<std::size_t>(network.cubes.nodes()) +
                               links_of(network.cubes) * static_cast<std::size_t>(network.pes_in_cube.rows);
    const std::size_t links = of_one * network.networks().size();
    if (links > most_links) {
        reader.complain(fmt::format("network: all-to-all makes {} links, expected at most {}", links, most_links));
    }
    if (links == 0 || network.port) return;
    const noc::Topology topology(network);
    for (int pe = 0; pe < topology.pes(); ++pe) {
        const std::size_t neighbours = topology.link_ends(pe).size() / 2;
        if (neighbours <= most_neighbours) continue;
        reader.complain(
            fmt::format("network: {} has {} neighbours, expected at most {}, each with engines of its "
                        "own, or a network.port to share",
                        topology.pe_name(pe), neighbours, most_neighbours));
    }
}

}  // namespace

MachineConfig read_machine(JsonReader reader) {
    if (is_chip(reader)) {
        reader.complain(
            "networks: a chip of which only the networks are known is for the probe `programs`; kernels and other "
            "probes need `pe`, `hbm` and `network`, which can have several `networks` of its own");
    }
    MachineConfig machine;
    machine.name = reader.string("name");
    reader.string("description", "");
    const noc::GridConfig cube = noc::read_grid(reader.member("cube"));
    noc::GridConfig cubes;
    if (auto member = reader.optional_member("cubes")) cubes = noc::read_grid(*member);
    machine.pe = pe::read_pe(reader.member("pe"));
    machine.hbm = memory::read_hbm(reader.member("hbm"));
    machine.network = noc::read_network(reader.member("network"), cube, cubes);
    if (auto table = reader.optional_member("energy"))
        machine.energy = energy::read_table(*table, energy::energy_groups());
    if (auto table = reader.optional_member("area")) machine.area = energy::read_table(*table, energy::area_groups());
    if (auto limit = reader.optional_member("power_limit")) {
        machine.power_limit = energy::read_power_limit(*limit);
        if (!machine.energy) limit->complain("power is known with the key \"energy\" only, expected it too");
    }
    // Who runs collectives or products keeps these (sim/workloads); a mistake in them is one in every panel.
    if (const auto collectives = reader.optional_member("collectives")) collective::read_collectives(*collectives);
    if (const auto products = reader.optional_member("products")) product::read_products(*products);
    read_fitted_values(reader);  // said for people; a number that it names must be there
    const bool wraps_inside = cube.kind == noc::TopologyKind::ring || cube.kind == noc::TopologyKind::torus;
    if (cubes.nodes() > 1 && wraps_inside) {
        reader.complain(
            fmt::format("cube/topology: found {}, expected line, mesh or all_to_all when there are several "
                        "cubes: a wrap-around inside a cube has no free side left",
                        noc::name_of(cube.kind)));
    }
    if (cube.nodes() > 4096 || cubes.nodes() > 4096 || machine.pes() > 4096) {
        reader.complain(fmt::format("{} cubes of {} PEs are {} PEs, expected at most 4096", cubes.nodes(),
                                    cube.nodes(), std::int64_t{cubes.nodes()} * cube.nodes()));
    }
    check_links(machine, reader);
    reader.finish();
    return machine;
}

}  // namespace tilemesh::machine

// SPDX-License-Identifier: Apache-2.0
#include "sim/machine/config.h"

#include "sim/noc/topology.h"

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
    const std::size_t links = links_of(network.pes_in_cube) * static_cast<std::size_t>(network.cubes.nodes()) +
                              links_of(network.cubes) * static_cast<std::size_t>(network.pes_in_cube.rows);
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

/// Which values were fitted, from which rows of which data, and what they stand for: each must be a number of this
/// machine, and still be the one in it.
void read_fitted(JsonReader& machine) {
    const auto list = machine.optional_member("fitted_from");
    if (!list) return;
    for (JsonReader& element : list->elements()) {
        const std::string path = element.string("parameter");
        const double value = element.number("value", -1e18, 1e18);
        element.string("meaning");
        for (const JsonReader& row : element.member("rows").elements()) row.as_string();
        element.finish();
        const Json::json_pointer pointer(path.empty() || path[0] != '/' ? "/" + path : path);
        if (!machine.value().contains(pointer) || !machine.value().at(pointer).is_number())
            element.complain(fmt::format("parameter: found {}, expected the path of a number of this machine", path));
        const double used = machine.value().at(pointer).get<double>();
        if (used != value) element.complain(fmt::format("value: found {}, but {} is {}", value, path, used));
    }
}

}  // namespace

bool is_chip(const JsonReader& machine) { return machine.is_object() && machine.has("networks"); }

ChipConfig read_chip(JsonReader reader) {
    ChipConfig chip;
    chip.name = reader.string("name");
    reader.string("description", "");
    const noc::GridConfig grid = noc::read_grid(reader.member("cube"));
    if (grid.nodes() > 4096)
        reader.complain(fmt::format("cube: found {} nodes, expected at most 4096", grid.nodes()));
    chip.networks = noc::read_chip_networks(reader, grid);
    read_fitted(reader);
    reader.finish();
    return chip;
}

void check_machine(const JsonReader& reader) {
    if (is_chip(reader)) {
        read_chip(reader);
    } else {
        read_machine(reader);
    }
}

MachineConfig read_machine(JsonReader reader) {
    if (is_chip(reader)) {
        reader.complain(
            "networks: kernels and probes of other kinds than `programs` use one network and cannot choose between "
            "several yet, expected a machine with `network`, `pe` and `hbm`");
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

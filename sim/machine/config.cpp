// SPDX-License-Identifier: Apache-2.0
#include "sim/machine/config.h"

#include <fmt/core.h>

namespace tilemesh::machine {

MachineConfig read_machine(JsonReader reader) {
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
    reader.finish();
    return machine;
}

}  // namespace tilemesh::machine

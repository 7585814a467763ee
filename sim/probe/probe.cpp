// SPDX-License-Identifier: Apache-2.0
// Reading what all probes have in common.
#include "sim/probe/probe.h"

#include <algorithm>

namespace tilemesh::probe {

Probe read_probe(const Json& resolved, const Origins& origins) {
    Probe probe;
    probe.resolved = resolved;
    JsonReader reader(probe.resolved, origins);
    if (!reader.is_object()) reader.reject("a probe");
    probe.name = reader.string("name", "");
    probe.description = reader.string("description", "");
    JsonReader machine = reader.member("machine");
    if (!machine.is_object()) machine.reject("the path of a machine file, or a machine");
    JsonReader keys = reader.member("probe");
    reader.finish();

    const std::vector<Kind> kinds = all_kinds();
    std::vector<std::string> names;
    for (const Kind& kind : kinds) names.push_back(kind.name);
    probe.kind = keys.word("kind", names);
    const Kind& kind =
        kinds[static_cast<std::size_t>(std::find(names.begin(), names.end(), probe.kind) - names.begin())];
    if (kind.read_on_chip) {
        if (!machine::is_chip(machine)) machine.complain("networks: missing, expected the list of a chip's networks");
        const machine::ChipConfig chip = machine::read_chip(machine);
        probe.machine = chip.name;
        probe.run = kind.read_on_chip(keys, chip);
    } else {
        const machine::MachineConfig config = machine::read_machine(machine);
        probe.machine = config.name;
        probe.run = kind.read(keys, config);
    }
    return probe;
}

}  // namespace tilemesh::probe

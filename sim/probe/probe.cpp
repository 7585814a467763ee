// SPDX-License-Identifier: Apache-2.0
// Reading what all probes have in common.
#include "sim/probe/probe.h"

#include <algorithm>

namespace tilemesh::probe {

Probe read_probe(const Json& resolved, const std::string& file, const std::string& machine_file) {
    Probe probe;
    probe.resolved = resolved;
    JsonReader reader(probe.resolved, file);
    if (!reader.is_object()) reader.reject("a probe");
    probe.name = reader.string("name", "");
    probe.description = reader.string("description", "");
    JsonReader machine = reader.member("machine");
    if (!machine.is_object()) machine.reject("the path of a machine file, or a machine");
    probe.machine = machine::read_machine(machine_file.empty() ? machine : JsonReader(machine.value(), machine_file));
    JsonReader keys = reader.member("probe");
    reader.finish();

    const std::vector<Kind> kinds = all_kinds();
    std::vector<std::string> names;
    for (const Kind& kind : kinds) names.push_back(kind.name);
    probe.kind = keys.word("kind", names);
    const auto kind = std::find(names.begin(), names.end(), probe.kind) - names.begin();
    probe.run =
        kinds[static_cast<std::size_t>(kind)].read(keys, probe.machine, std::filesystem::path(file).parent_path());
    return probe;
}

}  // namespace tilemesh::probe

// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/races.h"

#include "sim/check/untimed_machine.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

namespace tilemesh::workloads {

std::string races_of(const ProgramWorkload& workload, std::size_t kernel, const run::Prepared& prepared) {
    std::shared_ptr<const void> laid_out;  // outlives the machine
    check::UntimedMachine machine(workload.panel().machine);
    laid_out = workload.launch(kernel, prepared, machine);
    const std::vector<check::Finding> findings = machine.run().findings;
    std::string first;
    std::uint64_t more = 0;
    // What is in no order first: it may be why nobody seems to have written.
    for (const std::string_view kind : {"race", "unwritten"})
        for (const check::Finding& finding : findings) {
            if (finding.kind != kind) continue;
            more += finding.times - (first.empty() ? 1 : 0);
            if (first.empty()) first = fmt::format("{}: {}", finding.kind, finding.text);
        }
    if (more > 0) first += fmt::format(" (and {} more, see check --kernels)", more);
    return first;
}

}  // namespace tilemesh::workloads

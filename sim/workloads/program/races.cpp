// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/races.h"

#include "sim/check/untimed_machine.h"

#include <fmt/format.h>

namespace tilemesh::workloads {

std::string races_of(const ProgramWorkload& workload, std::size_t kernel, const run::Prepared& prepared) {
    std::shared_ptr<const void> laid_out;  // outlives the machine
    check::UntimedMachine machine(workload.panel().machine);
    laid_out = workload.launch(kernel, prepared, machine);
    std::string first;
    std::uint64_t more = 0;
    for (const check::Finding& finding : machine.run().findings) {
        if (finding.kind != "race" && finding.kind != "unwritten") continue;
        more += finding.times;
        if (first.empty()) {
            first = fmt::format("{}: {}", finding.kind, finding.text);
            --more;
        }
    }
    if (more > 0) first += fmt::format(" (and {} more, see check --kernels)", more);
    return first;
}

}  // namespace tilemesh::workloads

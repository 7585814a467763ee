// SPDX-License-Identifier: Apache-2.0
#include "tests/check/checked.h"

#include "tests/programs/programs.h"

namespace tilemesh::test {

check::Report check_panel(const Json& panel) {
    const Programs programs(panel);
    const run::PreparedPanel prepared(programs.panel(), 1);
    const run::Entry& entry = programs.panel().kernels.front();
    entry.workload->check(entry.number);
    std::shared_ptr<const void> laid_out;  // outlives the machine
    check::UntimedMachine machine(programs.panel().machine);
    laid_out = entry.workload->launch(entry.number, prepared.of(entry), machine);
    return machine.run();
}

check::Report check_texts(const machine::MachineConfig& config, const Texts& texts,
                          const std::function<void(machine::Target&)>& lay_out) {
    check::UntimedMachine machine(config);
    if (lay_out) lay_out(machine);
    for (const auto& [pe, text] : texts) machine.launch(pe, "test_kernel", text, ValueMode::none);
    return machine.run();
}

std::string found(const check::Report& report, const std::string& kind) {
    std::string text;
    for (const check::Finding& finding : report.findings)
        if (finding.kind == kind) text += finding.text + "\n";
    return text;
}

}  // namespace tilemesh::test

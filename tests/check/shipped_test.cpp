// SPDX-License-Identifier: Apache-2.0
// What is shipped is sound: programs of every panel, and attention in full sizes without time.
#include "tests/check/checked.h"
#include "tests/programs/programs.h"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace tilemesh;
using namespace tilemesh::test;

TEST_CASE("every shipped program is sound, and needs no receive buffer") {
    for (const std::string& name : program_panels()) {
        INFO(name);
        const Programs programs(name, {"values.mode=none"});
        const run::PreparedPanel prepared(programs.panel(), 1);
        for (const run::Entry& entry : programs.panel().kernels) {
            INFO(entry.label);
            std::shared_ptr<const void> laid_out;
            check::UntimedMachine machine(programs.panel().machine);
            laid_out = entry.workload->launch(entry.number, prepared.of(entry), machine);
            const check::Report report = machine.run();
            for (const check::Finding& finding : report.findings) UNSCOPED_INFO(finding.kind << ": " << finding.text);
            CHECK(report.sound());
            CHECK(report.least_buffer.has_value());
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Every shipped panel with programs, values in full: each kernel's answer is right, with and without values it takes
// the same time, and the README of the kernels knows it.
#include "sim/workloads/program/program_run.h"
#include "tests/programs/programs.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

using namespace tilemesh;
using namespace tilemesh::test;

TEST_CASE("every kernel of every panel in configs/panels/programs gives the right answer") {
    const std::vector<std::string> names = program_panels();
    REQUIRE(names.size() >= 20);
    for (const std::string& name : names) {
        Programs programs(name);
        REQUIRE(programs.kernels() >= 1);
        for (std::size_t kernel = 0; kernel < programs.kernels(); ++kernel) {
            CAPTURE(name, programs.label(kernel));
            const Ran ran = programs.run(kernel);
            CHECK(ran.result.verdict.mode == "full");
            CHECK(ran.result.verdict.why.empty());
            CHECK(ran.result.verdict.pass);
        }
    }
}

TEST_CASE("the time of a program does not depend on whether values are computed") {
    for (const std::string name :
         {"mesh_wave", "flash_backward_causal", "paged_decode", "all_reduce", "layer_norm"}) {
        CAPTURE(name);
        const Ran with = Programs(name).run(), without = Programs(name, {"values.mode=none"}).run();
        CHECK(with.result.time == without.result.time);
        CHECK(with.result.commands == without.result.commands);
    }
}

TEST_CASE("kernels/programs/README.md lists every kernel that a panel runs") {
    std::ifstream file(std::string(TILEMESH_SOURCE_DIR) + "/kernels/programs/README.md");
    std::ostringstream text;
    text << file.rdbuf();
    for (const std::string& name : program_panels()) {
        const Programs programs(name);
        for (std::size_t kernel = 0; kernel < programs.kernels(); ++kernel) {
            if (!dynamic_cast<const workloads::ProgramWorkload*>(programs.panel().kernels[kernel].workload.get()))
                continue;
            const std::string wanted = "`" + programs.panel().kernels[kernel].kernel + "`";
            CAPTURE(name, wanted);
            CHECK(text.str().find(wanted) != std::string::npos);
        }
    }
}

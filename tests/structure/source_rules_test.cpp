// SPDX-License-Identifier: Apache-2.0
// The rules themselves: each is shown a text that breaks it, so that an empty list from the real tree means
// something.
#include <catch2/catch.hpp>

#include "tests/structure/source_rules.h"

namespace {

const std::string head = "// SPDX-License-Identifier: Apache-2.0\n// What it is for.\n";

size_t broken(const std::string& path, const std::string& body) { return broken_rules(path, head + body).size(); }

}  // namespace

TEST_CASE("an include may point down the layers and not up") {
    CHECK(broken("sim/tile/a.cpp", "#include \"sim/base/units.h\"\n") == 0);
    CHECK(broken("sim/base/a.cpp", "#include \"sim/tile/tile.h\"\n") == 1);
    CHECK(broken("sim/noc/a.cpp", "#include \"sim/pe/config.h\"\n") == 1);
    CHECK(broken("sim/pe/a.cpp", "#  include \"sim/machine/config.h\"\n") == 1);
    CHECK(broken("sim/machine/a.cpp", "#include \"sim/run/panel.h\"\n") == 1);
    CHECK(broken("sim/run/a.cpp", "#include \"sim/machine/config.h\"\n#include \"sim/report/table.h\"\n") == 0);
    CHECK(broken("sim/run/a.cpp", "#include \"tools/cli/command.h\"\n") == 1);
}

TEST_CASE("attention and report see neither each other nor the machine") {
    CHECK(broken("sim/attention/a.cpp", "#include \"sim/report/result.h\"\n") == 1);
    CHECK(broken("sim/report/a.cpp", "#include \"sim/attention/problem.h\"\n") == 1);
    CHECK(broken("sim/report/a.cpp", "#include \"sim/machine/config.h\"\n") == 1);
}

TEST_CASE("kernels never see the machine, and the simulator never sees the kernels") {
    CHECK(broken("kernels/wave/a.cpp", "#include \"sim/attention/schedule.h\"\n") == 0);
    CHECK(broken("kernels/wave/a.cpp", "#include \"sim/machine/config.h\"\n") == 1);
    CHECK(broken("sim/run/a.cpp", "#include \"kernels/all.h\"\n") == 1);
    CHECK(broken("tools/cli/a.cpp", "#include \"kernels/all.h\"\n") == 0);
}

TEST_CASE("what runs panels knows no workload, and a workload knows what runs panels") {
    CHECK(broken("sim/run/a.cpp", "#include \"sim/attention/problem.h\"\n") == 1);
    CHECK(broken("sim/run/a.cpp", "#include \"sim/workloads/attention/panel.h\"\n") == 1);
    CHECK(broken("sim/workloads/attention/a.cpp", "#include \"sim/run/workload.h\"\n") == 0);
    CHECK(broken("sim/workloads/attention/a.cpp", "#include \"kernels/all.h\"\n") == 1);
}

TEST_CASE("memory sees the network's clock and nothing else of it") {
    CHECK(broken("sim/memory/a.cpp", "#include \"sim/noc/sim_time.h\"\n") == 0);
    CHECK(broken("sim/memory/a.cpp", "#include \"sim/noc/link.h\"\n") == 1);
}

TEST_CASE("only the parts of the machine include SystemC") {
    CHECK(broken("sim/pe/a.cpp", "#include <systemc>\n") == 0);
    CHECK(broken("sim/run/a.cpp", "#include <systemc>\n") == 1);
    CHECK(broken("kernels/a.cpp", "#include <systemc.h>\n") == 1);
    CHECK(broken("sim/tile/a.cpp", "#include <vector>\n") == 0);
}

TEST_CASE("a header of the project is named by its path from the root") {
    CHECK(broken("sim/tile/a.cpp", "#include \"tile.h\"\n") == 1);
    CHECK(broken("tests/tile/a.cpp", "#include \"cases.h\"\n") == 0);
    CHECK(broken("tools/example_kernels/a.cpp", "#include \"two_pass.h\"\n") == 0);
}

TEST_CASE("a file begins with its licence and its purpose and ends before it has a second topic") {
    CHECK(broken_rules("sim/base/a.h", "int a;\nint b;\n").size() == 2);
    CHECK(broken_rules("sim/base/a.cpp", "int a;\nint b;\n").size() == 1);
    CHECK(broken_rules("sim/base/a.cpp", head).empty());
    std::string lines;
    for (int i = 0; i < 348; ++i) {
        lines += "int a;\n";
    }
    CHECK(broken("sim/base/a.cpp", lines) == 0);
    CHECK(broken("sim/base/a.cpp", lines + "int a;\n") == 1);
}

TEST_CASE("a folder nobody gave a place in the layering is found") { CHECK(broken("sim/new/a.cpp", "") == 1); }

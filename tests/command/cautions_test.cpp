// SPDX-License-Identifier: Apache-2.0
// Does a run say that it entered a regime in which its figures are less certain, and is silent otherwise?
#include "sim/report/cautions.h"
#include "sim/report/table.h"
#include "tests/command/made_up.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tilemesh;

namespace {

std::vector<std::string> regimes_of(report::KernelResult kernel) {
    report::summarise(kernel);
    std::vector<std::string> names;
    for (const report::Caution& caution : kernel.cautions) names.push_back(caution.regime);
    return names;
}

report::ComponentResult& part(report::KernelResult& kernel, const std::string& path) {
    return *std::find_if(kernel.components.begin(), kernel.components.end(),
                         [&](const report::ComponentResult& component) { return component.path == path; });
}

}  // namespace

TEST_CASE("an ordinary run is in no doubtful regime") {
    CHECK(regimes_of(made_up_kernel("k")).empty());
    CHECK(made_up_kernel("k").cautions.empty());
}

TEST_CASE("a link above seven tenths of its rate is one") {
    auto kernel = made_up_kernel("k");
    part(kernel, "machine.cube0.link.pe0.east").bytes = Bytes(7000);  // of 10000
    CHECK(regimes_of(kernel).empty());
    part(kernel, "machine.cube0.link.pe0.east").bytes = Bytes(7001);
    CHECK(regimes_of(kernel) == std::vector<std::string>{"a crowded link"});
}

TEST_CASE("short accesses are one where HBM works for a noticeable part of the time") {
    auto kernel = made_up_kernel("k");
    auto& hbm = part(kernel, "machine.cube0.pe0.hbm");  // 25000 bytes
    hbm.activities = 24;                                // 1042 bytes each
    CHECK(regimes_of(kernel).empty());
    hbm.activities = 25;  // 1000 bytes each
    CHECK(regimes_of(kernel) == std::vector<std::string>{"short HBM accesses"});
    hbm.bytes = Bytes(25 * 1024);  // as long as accesses must be
    CHECK(regimes_of(kernel).empty());
    hbm.bytes = Bytes(25 * 1024 - 1);
    CHECK(regimes_of(kernel).size() == 1);
    hbm.bytes = Bytes(4999);  // 5 % of the peak is 5000
    CHECK(regimes_of(kernel).empty());
}

TEST_CASE("a run of more than twice its bound is one, a failed run none") {
    auto kernel = made_up_kernel("k");
    kernel.bound = "latency";
    kernel.schedule_bound.time = from_nanoseconds(500);
    CHECK(regimes_of(kernel).empty());
    kernel.schedule_bound.time = from_nanoseconds(499);
    kernel.bound = "vector";  // the account knows better
    CHECK(regimes_of(kernel).empty());
    kernel.bound = "issue";
    CHECK(regimes_of(kernel) == std::vector<std::string>{"mostly waiting"});
    part(kernel, "machine.cube0.pe0.matrix").busy = from_nanoseconds(750);  // most of the time it does not wait
    CHECK(regimes_of(kernel).empty());
    part(kernel, "machine.cube0.pe0.matrix").busy = from_nanoseconds(740);
    CHECK(regimes_of(kernel).size() == 1);
    kernel.status = report::Status::failed;
    CHECK(regimes_of(kernel).empty());
}

TEST_CASE("launches that take more than a tenth of the time are one") {
    auto kernel = made_up_kernel("k");  // 1000 ns
    report::ComponentResult launches;
    launches.path = "machine.cube0.pe0.launch";
    launches.kind = "launch";
    launches.busy = from_nanoseconds(100);
    kernel.components.push_back(launches);
    CHECK(regimes_of(kernel).empty());
    kernel.components.back().busy = from_nanoseconds(101);
    CHECK(regimes_of(kernel) == std::vector<std::string>{"short launches"});
}

TEST_CASE("a panel names each regime once, with the kernels that entered it and the evidence") {
    report::PanelResult panel;
    panel.kernels = {made_up_kernel("a"), made_up_kernel("b"), made_up_kernel("c")};
    CHECK(report::cautions_text(panel).empty());
    for (const std::size_t i : {0U, 2U}) {
        part(panel.kernels[i], "machine.cube0.link.pe0.east").bytes = Bytes(8000);
        report::summarise(panel.kernels[i]);
    }
    const std::string text = report::cautions_text(panel);
    CHECK(text.find("a crowded link: a (80% of its rate), c (80% of its rate);") != std::string::npos);
    CHECK(std::count(text.begin(), text.end(), '\n') == 1);
    CHECK(report::panel_text(panel, false).find(text) != std::string::npos);
    for (const char* label : {"d", "e", "f"}) {
        panel.kernels.push_back(panel.kernels[0]);
        panel.kernels.back().label = label;
    }
    CHECK(report::cautions_text(panel).find("c (80% of its rate), d (80% of its rate) and 2 more; waits") !=
          std::string::npos);
}

// SPDX-License-Identifier: Apache-2.0
// Recorded reads of a chip's networks: which rows a trace makes, that nothing of when data came back is used, and
// what is fitted is shown apart.
#include "sim/base/error.h"
#include "sim/run/resolve.h"
#include "sim/validation/families.h"

#include <catch2/catch.hpp>

#include <map>

using namespace tilemesh;
using namespace tilemesh::validation;

namespace {

/// Two processors of a made-up trace: one reads twice from its own core, the other does nothing.
Json trace_called(const std::string& name) {
    return {{"name", name},
            {"golden_cycles", 1000},
            {"processors",
             Json::parse("[[1, 1, 0, 1, 0, 500, 900, [1, 1, 200, 1, 1, 350]], [2, 1, 1, 0, 10, 230, 310, []]]")}};
}

std::vector<Comparison> compared(const Json& trace) {
    const run::Workloads workloads;
    const Json file = {{"traces", {trace}}};
    const std::vector<Case> cases =
        noc_reads_family().read(JsonReader(file, "t.json"), {TILEMESH_CONFIGS, workloads});
    REQUIRE(cases.size() == 1);
    return cases[0].measure();
}

std::string complaint(const Json& trace) {
    try {
        compared(trace);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("a recorded trace is compared as a whole and by every barrier of a processor that reads") {
    const std::vector<Comparison> rows = compared(trace_called("a"));
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].suite == "noc_trace");
    CHECK(rows[0].reference == 1000.0);
    CHECK(rows[1].suite == "noc_barrier");
    CHECK(rows[1].reference == 400.0);
    CHECK(rows[1].name == "a, noc1, x 1 y 1");
    // By the machine's own figures: two reads of 129 flits from the core itself, in and out of its memory at one flit
    // a cycle each way; starts after 210 cycles, second read 150 later, barrier 120 after that.
    const double second = 210.0 + 150.0, latency = 4 * 5 + 20 + 128;
    CHECK(rows[0].measured == second + latency + 40.0 - 20.0);
    CHECK(rows[1].measured == second + latency + 40.0 - (second + 120.0));
}

TEST_CASE("nothing of when reads came back is used, and of when they were issued only the mean gap") {
    const double measured = compared(trace_called("a"))[0].measured;
    Json late = trace_called("a");
    late["processors"][0][5] = 600;
    late["processors"][0][6] = 5000;
    late["golden_cycles"] = 7;
    CHECK(compared(late)[0].measured == measured);
    Json shifted = trace_called("a");
    shifted["processors"][0][7] = {1, 1, 220, 1, 1, 370};
    CHECK(compared(shifted)[0].measured == measured);
    Json wider = trace_called("a");
    wider["processors"][0][7] = {1, 1, 200, 1, 1, 360};
    CHECK(compared(wider)[0].measured == measured + 10.0);
}

TEST_CASE("traces that the machine was fitted to are shown apart") {
    const run::Resolved machine = run::resolve_machine_file(TILEMESH_CONFIGS "/machines/wormhole_noc.json");
    const std::string fitted = machine.json.at("fitted_from").at(0).at("rows").at(0).get<std::string>();
    for (const Comparison& row : compared(trace_called(fitted))) CHECK(row.suite.ends_with("_fitted"));
    for (const Suite& suite : noc_reads_family().suites) CHECK(suite.fitted == suite.name.ends_with("_fitted"));
}

TEST_CASE("mistakes in a trace are named by their path") {
    using Catch::Contains;
    Json trace = trace_called("a");
    trace["processors"][0].erase(7);
    CHECK_THAT(complaint(trace), Contains("t.json: /traces/0/processors/0"));
    trace = trace_called("a");
    trace["processors"][0][0] = 10;
    CHECK_THAT(complaint(trace), Contains("/traces/0/processors/0/0"));
    trace = trace_called("a");
    trace["processors"][0][3] = 2;
    CHECK_THAT(complaint(trace), Contains("/traces/0/processors/0/3") && Contains("network"));
    trace = trace_called("a");
    trace["processors"][0][7].push_back(1);
    CHECK_THAT(complaint(trace), Contains("/traces/0/processors/0/7"));
    trace = trace_called("a");
    trace["processors"].erase(0);
    CHECK_THAT(complaint(trace), Contains("at least one processor that reads"));
}

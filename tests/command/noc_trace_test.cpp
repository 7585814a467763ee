// SPDX-License-Identifier: Apache-2.0
// tools/convert_noc_trace: traces of a profiler become programs.
#include "sim/base/json_reader.h"
#include "tests/command/processes.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace tilemesh;

namespace {

/// What the tool makes of a list of events.
Ran converted(const ScratchFolder& folder, const std::string& events, const std::string& options = "") {
    std::ofstream(folder / "trace.json") << events;
    return run_command(folder, "'" TILEMESH_SOURCE_DIR "/tools/convert_noc_trace' '" +
                                   (folder / "trace.json").string() + "' " + options);
}

/// Two processors of one core: one reads twice from the core at row 3, column 2, with the second read's place and
/// size said before, and waits; the other writes and waits for everything.
const char* const trace = R"([
    {"proc": "BRISC", "sx": 1, "sy": 4, "zone": "kernel", "zone_phase": "begin", "timestamp": 1000},
    {"proc": "BRISC", "sx": 1, "sy": 4, "dx": 2, "dy": 3, "noc": "NOC_0", "type": "READ", "num_bytes": 512,
     "timestamp": 1010},
    {"proc": "BRISC", "sx": 1, "sy": 4, "dx": 5, "dy": 6, "noc": "NOC_0", "type": "READ_SET_STATE", "num_bytes": 64,
     "timestamp": 1020},
    {"proc": "BRISC", "sx": 1, "sy": 4, "dx": -1, "dy": -1, "type": "READ_WITH_STATE", "timestamp": 1050},
    {"proc": "BRISC", "sx": 1, "sy": 4, "dx": 7, "dy": 8, "noc": "NOC_0", "type": "READ", "num_bytes": 32,
     "timestamp": 1070},
    {"proc": "BRISC", "sx": 1, "sy": 4, "type": "READ_BARRIER_START", "timestamp": 1075},
    {"proc": "BRISC", "sx": 1, "sy": 4, "type": "READ_BARRIER_END", "timestamp": 1400},
    {"proc": "NCRISC", "sx": 1, "sy": 4, "dx": 0, "dy": 0, "noc": "NOC_1", "type": "WRITE_", "num_bytes": 100,
     "timestamp": 996},
    {"proc": "NCRISC", "sx": 1, "sy": 4, "type": "WRITE_BARRIER_START", "timestamp": 1001},
    {"proc": "NCRISC", "sx": 1, "sy": 4, "type": "WRITE_BARRIER_END", "timestamp": 1100},
    {"proc": "NCRISC", "sx": 1, "sy": 4, "type": "FULL_BARRIER", "timestamp": 1130},
    {"proc": "", "type": "READ", "timestamp": 0}
])";

Json programs_with(int first_gap, int second_gap) {
    const Json brisc = {{"id", "BRISC 4,1"},
                        {"node", {4, 1}},
                        {"network", "noc0"},
                        {"start_cycles", 4},
                        {"steps",
                         {{{"read", {3, 2}}, {"bytes", 512}, {"gap_cycles", 10}},
                          {{"read", {6, 5}}, {"bytes", 64}, {"gap_cycles", first_gap}},
                          {{"read", {8, 7}}, {"bytes", 32}, {"gap_cycles", second_gap}},
                          {{"barrier", "reads"}, {"gap_cycles", 5}}}}};
    const Json ncrisc = {{"id", "NCRISC 4,1"},
                         {"node", {4, 1}},
                         {"network", "noc1"},
                         {"start_cycles", 0},
                         {"steps",
                          {{{"write", {0, 0}}, {"bytes", 100}, {"gap_cycles", 0}},
                           {{"barrier", "writes"}, {"gap_cycles", 5}},
                           {{"barrier", "all"}, {"gap_cycles", 30}}}}};
    return {{"programs", {brisc, ncrisc}}};
}

/// One event behind a read, and what the tool says of it.
std::string complaint_of(const std::string& event) {
    const ScratchFolder folder;
    const Ran ran = converted(folder, R"([{"proc": "BRISC", "sx": 1, "sy": 4, "dx": 2, "dy": 3, "noc": "NOC_0",
        "type": "READ", "num_bytes": 512, "timestamp": 10}, )" +
                                          event + "]");
    CHECK(ran.exit_code == 1);
    CHECK(ran.out.empty());
    return ran.err;
}

}  // namespace

TEST_CASE("a trace becomes programs: rows before columns, states, barriers of what they wait for, the mean gap") {
    const ScratchFolder folder;
    CHECK(Json::parse(converted(folder, trace).out) == programs_with(30, 30));
    CHECK(Json::parse(converted(folder, trace, "--recorded").out) == programs_with(40, 20));
}

TEST_CASE("what a trace has and programs do not is named by its place") {
    using Catch::Contains;
    const std::string here = R"({"proc": "BRISC", "sx": 1, "sy": 4, "timestamp": 20, )";
    CHECK_THAT(complaint_of(here + R"("type": "WRITE_MULTICAST", "num_bytes": 4})"),
               Contains("event 1") && Contains("WRITE_MULTICAST"));
    CHECK_THAT(complaint_of(here + R"("type": "READ_BARRIER_WITH_TRID"})"), Contains("READ_BARRIER_WITH_TRID"));
    CHECK_THAT(complaint_of(here + R"("type": "READ", "dx": 1, "dy": 1, "noc": "NOC_0"})"), Contains("num_bytes"));
    CHECK_THAT(complaint_of(here + R"("type": "READ", "dx": 1, "dy": 1, "noc": "NOC_1", "num_bytes": 4})"),
               Contains("several networks"));
    CHECK_THAT(complaint_of(R"({"proc": "BRISC", "sx": 1, "sy": 4, "type": "READ"})"), Contains("timestamp"));
    const std::string read = here + R"("type": "READ", "noc": "NOC_0", )";
    CHECK_THAT(complaint_of(read + R"("dx": 1, "dy": 1, "num_bytes": true})"), Contains("event 1: num_bytes: "));
    CHECK_THAT(complaint_of(read + R"("dx": true, "dy": 1, "num_bytes": 4})"), Contains("event 1: dx and dy: "));
    CHECK_THAT(complaint_of(here + R"("type": ["READ"]})"), Contains("error: event 1: type: expected a word"));
    CHECK_THAT(complaint_of(here + R"("type": "READ", "noc": {}, "dx": 1, "dy": 1, "num_bytes": 4})"),
               Contains("error: event 1: noc: expected a word"));
    CHECK_THAT(complaint_of(here + R"("type": "READ", "noc": [1], "dx": 1, "dy": 1, "num_bytes": 4})"),
               Contains("error: event 1: noc: expected a word"));
    CHECK_THAT(complaint_of(R"({"proc": [1], "sx": 1, "sy": 4, "timestamp": 1})"), Contains("proc: expected a word"));
    CHECK_THAT(complaint_of(R"({"proc": "BRISC", "sx": 1, "sy": 4, "timestamp": true})"), Contains("timestamp"));
    const ScratchFolder folder;
    CHECK(converted(folder, "[]").exit_code == 1);
    CHECK_THAT(converted(folder, "[").err, Contains("trace.json"));
    const Ran deep = converted(folder, std::string(100000, '[') + std::string(100000, ']'));
    CHECK_THAT(deep.err, Catch::StartsWith("convert_noc_trace: error: ") && Contains("brackets"));
    CHECK_THAT(converted(folder, trace, "-o '" + (folder / "no" / "such").string() + "'").err,
               Catch::StartsWith("convert_noc_trace: error: "));
}

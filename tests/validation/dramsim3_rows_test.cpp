// SPDX-License-Identifier: Apache-2.0
// Rows of DRAMsim3 run on rows of memory as long as that part's, which decides to how many channels a burst falls.
#include "sim/validation/families.h"
#include "tests/command/fake_workload.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::validation;

namespace {

/// GB/s that tilemesh reaches for a row of random bursts, under what the bundled file says of timing and geometry
/// (rows of 1 KiB) and `row_bytes` if given.
double measured_rate(const std::string& config, int burst, int row_bytes = 0) {
    const std::filesystem::path configs = TILEMESH_CONFIGS;
    Json file = {{"about", parse_json_file(configs / "validation/hbm_bandwidth.json").at("about")}};
    REQUIRE(file["about"]["hbm2_geometry"]["row_bytes"] == 1024);
    if (row_bytes > 0) file["about"]["hbm2_geometry"]["row_bytes"] = row_bytes;
    file["dramsim3_rows"] = Json::array({{{"config", config},
                                          {"pattern", "rand"},
                                          {"burst_B", burst},
                                          {"reqs64B", 140000},
                                          {"GBps", 45.0},
                                          {"avg_read_latency_cyc", 100.0}}});
    const run::Workloads workloads = fake_workloads();
    const std::vector<Case> cases = memory_family().read(JsonReader(file, "rows.json"), {configs, workloads});
    REQUIRE(cases.size() == 1);
    return cases.front().measure().front().measured;
}

/// Two channels of 32 GB/s refresh for 260 of 3,900 ns.
constexpr double refreshed = 64.0 * (1.0 - 260.0 / 3900.0);

/// Bursts that fall to one of two channels by chance and wait in order: one channel is full with `held` of them, the
/// other holds any number from 0 to `held`, each equally often, and stands idle while it holds none.
double one_channel_each(double held) { return refreshed * (1.0 - 0.5 / (held + 1.0)); }

constexpr double queue =
    44.0 * 64.0;  // bytes that a channel holds for bursts of one bank: 40 entries and 4 of the bank

}  // namespace

TEST_CASE("a burst no longer than a row of DRAMsim3's part falls to one channel, a longer one to both") {
    const std::string part = "HBM2_8Gb_x128 2ch tCK=1ns";  // 64 columns of 2 x 128 bits: 2 KiB
    CHECK(measured_rate(part, 512) == Approx(one_channel_each(queue / 512)).epsilon(0.07));
    CHECK(measured_rate(part, 1024) == Approx(one_channel_each(queue / 1024)).epsilon(0.07));
    CHECK(measured_rate(part, 2048) == Approx(one_channel_each(queue / 2048)).epsilon(0.07));
    CHECK(measured_rate(part, 4096) == Approx(refreshed).epsilon(0.07));
}

TEST_CASE("a part whose name states no width has the row that the file states") {
    CHECK(measured_rate("2ch", 1024) == Approx(one_channel_each(queue / 1024)).epsilon(0.07));
    CHECK(measured_rate("2ch", 2048) == Approx(refreshed).epsilon(0.07));
    CHECK(measured_rate("2ch", 2048, 2048) == Approx(one_channel_each(queue / 2048)).epsilon(0.07));
    CHECK(measured_rate("HBM_x64 2ch", 1024, 512) == Approx(one_channel_each(queue / 1024)).epsilon(0.07));
    CHECK(measured_rate("HBM_x64 2ch", 2048) == Approx(refreshed).epsilon(0.07));
}

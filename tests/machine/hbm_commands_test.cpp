// SPDX-License-Identifier: Apache-2.0
// The command-level controllers against closed forms of the standard's timings: hits, misses, conflicts, activation
// limits, bank groups, refresh, turning between reads and writes; and where a mapping puts an address.
#include "sim/base/error.h"
#include "sim/memory/burst_run.h"
#include "tests/machine/hbm_configs.h"

#include <catch2/catch.hpp>

#include <map>
#include <set>

using namespace tilemesh;
using namespace tilemesh::memory;
using tilemesh::test::hbm_config;

namespace {

/// One HBM2 channel without pseudo-channels or refresh: bursts of 32 bytes take 1 ns, so that clocks limit nothing.
Json one_channel(Json changes = Json::object()) {
    Json json = {{"channels_per_pe", 1}, {"pseudo_channels", 1},
                 {"standard", "HBM2"},   {"gbytes_per_s_per_channel", 16.0},
                 {"refresh", "none"},    {"mapping", "row bank bank_group column channel"}};
    json.merge_patch(changes);
    return json;
}

BurstLoad bursts(std::uint64_t burst, std::uint64_t window, std::uint64_t total, bool random = false) {
    BurstLoad load;
    load.burst = burst;
    load.window = window;
    load.total = total;
    load.random = random;
    return load;
}

double burst_ns(const HbmConfig& hbm) {
    return static_cast<double>(hbm.geometry.burst) / hbm.lane_rate().gbytes_per_s();
}

/// Time from the first column command after an activate that takes longer than one clock.
double opening(const HbmConfig& hbm) { return hbm.timing.tRCDRD + hbm.timing.activate_command - hbm.timing.clock; }

}  // namespace

TEST_CASE("a lone access opens its row, reads it and moves one burst") {
    for (const char* standard : {"HBM2", "HBM3"}) {
        const HbmConfig hbm =
            hbm_config({{"standard", standard},
                        {"refresh", "none"},
                        {"gbytes_per_s_per_channel", std::string(standard) == "HBM2" ? 32.0 : 51.2}});
        const double latency = run_bursts(hbm, bursts(32, 32, 32)).latency_mean_ns;
        // Column commands go out on whole clocks.
        CHECK(latency >= opening(hbm) + hbm.timing.tCL + burst_ns(hbm));
        CHECK(latency < opening(hbm) + hbm.timing.tCL + burst_ns(hbm) + hbm.timing.clock);
    }
}

TEST_CASE("an open row saves opening it") {
    HbmConfig hbm = hbm_config(one_channel());
    hbm.capacity = Bytes(32);  // the same burst again and again
    const BurstResult result = run_bursts(hbm, bursts(32, 32, 3200));
    CHECK(result.latency_min_ns == Approx(hbm.timing.tCL + burst_ns(hbm)));
    CHECK(result.counters.activates == 1);
}

TEST_CASE("another row of the same bank waits for closing the open one") {
    HbmConfig hbm = hbm_config(
        one_channel({{"mapping", "row bank_group bank column channel"}, {"bank_groups", 1}, {"banks_per_group", 1}}));
    hbm.capacity = Bytes(2048);  // two rows of one bank, taken in turn
    const BurstResult result = run_bursts(hbm, bursts(1024, 1024, 1024 * 40));
    const HbmTiming& timing = hbm.timing;
    const double reading = 31 * timing.tCCD_L;  // 32 bursts of one bank group
    // The requester sees the last byte a clock later; by then the bank has long been open for tRAS.
    REQUIRE(opening(hbm) + reading > timing.tRAS);
    CHECK(result.latency_mean_ns == Approx(timing.tRP - timing.activate_command + timing.precharge_command +
                                           opening(hbm) + reading + timing.tCL + burst_ns(hbm))
                                        .epsilon(0.02));
    CHECK(result.counters.precharges == 39);
}

TEST_CASE("bursts that always need another row of one bank take a whole row cycle each") {
    HbmConfig hbm = hbm_config(one_channel({{"bank_groups", 1}, {"banks_per_group", 1}, {"row_bytes", 32}}));
    const int count = 400;
    const BurstResult result = run_bursts(hbm, bursts(32, 4096, 32 * count));
    CHECK(result.time_ns / count == Approx(hbm.timing.tRAS + hbm.timing.tRP).epsilon(0.01));
}

TEST_CASE(
    "a row that was written closes tWR after the end of its data, so writes to rows of one bank are far apart") {
    HbmConfig hbm = hbm_config({{"channels_per_pe", 1},
                                {"pseudo_channels", 1},
                                {"gbytes_per_s_per_channel", 25.6},
                                {"refresh", "none"},
                                {"stacks", 1},
                                {"bank_groups", 1},
                                {"banks_per_group", 1},
                                {"row_bytes", 32},
                                {"mapping", "row column channel"}});
    BurstLoad load = bursts(32, 4096, 32 * 400);
    load.write_share = 1.0;
    const BurstResult fewer = run_bursts(hbm, load);
    load.total = 32 * 800;
    const BurstResult more = run_bursts(hbm, load);
    // HBM3: write to end of data 6.25 + 1.25, recovery 20.625 and what a clock is longer than a precharge 0.3125:
    // 28.4375. Precharge to the end of an activate 16.25, which began 0.9375 - 0.3125 before: 44.0625, on a clock
    // 44.375. To the write 9.375 + 0.3125 by which an activate outlasts a clock: 54.0625, on a clock 54.375.
    CHECK((more.time_ns - fewer.time_ns) / 400 == Approx(54.375));
}

TEST_CASE("a write follows a read after tRTW, a read follows a write's last data after tWTR_L") {
    // One bank, so that there is one row to open, and both bursts are in the queue before the first goes out; a row
    // opens as fast for writes as for reads, or the write would overtake the read.
    const HbmConfig hbm = hbm_config({{"channels_per_pe", 1},
                                      {"pseudo_channels", 1},
                                      {"gbytes_per_s_per_channel", 25.6},
                                      {"refresh", "none"},
                                      {"stacks", 1},
                                      {"bank_groups", 1},
                                      {"banks_per_group", 1},
                                      {"mapping", "row column channel"},
                                      {"timing", {{"tRCDWR_ns", 19.375}}}});
    BurstLoad load = bursts(32, 64, 64);
    load.write_share = 0.4;  // a read, then a write
    // tRCD 19.375 + 0.3125 on a clock, tRTW, tCWL, the burst.
    CHECK(run_bursts(hbm, load).time_ns == Approx(20.0 + 11.25 + 6.25 + 1.25));
    load.write_share = 0.5;  // a write, then a read
    // The same opening, tCWL, the burst, tWTR_L, tCL, the burst.
    CHECK(run_bursts(hbm, load).time_ns == Approx(20.0 + 6.25 + 1.25 + 6.25 + 12.5 + 1.25));
}

TEST_CASE("single bursts in rows of many banks are limited by four activates per tFAW") {
    const HbmConfig hbm = hbm_config(one_channel(
        {{"row_bytes", 32}, {"bank_groups", 4}, {"banks_per_group", 16}, {"timing", {{"tFAW_ns", 40.0}}}}));
    const int count = 800;
    const BurstResult result = run_bursts(hbm, bursts(32, 4096, 32 * count));
    REQUIRE(4 * hbm.timing.tRRD_L < hbm.timing.tFAW);
    CHECK(result.time_ns / count == Approx(hbm.timing.tFAW / 4).epsilon(0.02));
}

TEST_CASE("one bank group gives a burst every tCCD_L, several give one every tCCD_S") {
    const HbmConfig one = hbm_config(one_channel({{"bank_groups", 1}}));
    const HbmConfig four = hbm_config(one_channel({{"mapping", "row bank column bank_group channel"}}));
    const std::uint64_t bytes = 1 << 18;
    CHECK(run_bursts(one, bursts(4096, 65536, bytes)).time_ns / (bytes / 32) ==
          Approx(one.timing.tCCD_L).epsilon(0.02));
    CHECK(run_bursts(four, bursts(4096, 65536, bytes)).time_ns / (bytes / 32) ==
          Approx(burst_ns(four)).epsilon(0.02));
}

TEST_CASE("a stream of row hits reaches the peak without refresh") {
    const HbmConfig hbm = hbm_config(
        {{"refresh", "none"}, {"queue_entries", 128}, {"mapping", "bankgroup_and_pseudochannel_interleaved"}});
    CHECK(run_bursts(hbm, bursts(65536, 262144, 1 << 20)).fraction_of_peak == Approx(1.0).margin(0.02));
}

TEST_CASE("what column commands have to be apart beyond their data is said to be lost to that, and to nothing else") {
    // A burst's data takes 1.25 ns.
    for (const double apart : {1.25, 2.5, 5.0}) {
        const HbmConfig hbm =
            hbm_config({{"refresh", "none"},
                        {"queue_entries", 128},
                        {"mapping", "bankgroup_and_pseudochannel_interleaved"},
                        {"timing", {{"tCCD_S_ns", apart}, {"tCCD_L_ns", apart}, {"tCCD_R_ns", apart}}}});
        const BurstResult result = run_bursts(hbm, bursts(65536, 262144, 1 << 20));
        CAPTURE(apart);
        CHECK(result.lost_spacing == Approx(1.0 - 1.25 / apart).margin(0.02));
        CHECK(result.fraction_of_peak + result.lost_spacing == Approx(1.0).margin(0.02));
        CHECK(result.lost_rows < 0.02);
    }
}

TEST_CASE("refreshing all banks takes tRFC and the opening of rows from every tREFI") {
    const Json mapping = {{"queue_entries", 128}, {"mapping", "bankgroup_and_pseudochannel_interleaved"}};
    const HbmConfig hbm = hbm_config(mapping);
    const BurstResult result = run_bursts(hbm, bursts(65536, 262144, 4 << 20));
    const HbmTiming& timing = hbm.timing;
    const double least = timing.tRFC / timing.tREFI;
    const double most = (timing.tRFC + timing.tRAS + 3 * timing.tRP + 2 * timing.tRCDRD) / timing.tREFI;
    CHECK(1 - result.fraction_of_peak > least);
    CHECK(1 - result.fraction_of_peak < most);
    CHECK(result.lost_refresh == Approx(1 - result.fraction_of_peak).margin(0.02));
}

TEST_CASE("refreshing single banks blocks the channel for closing them, so halving the interval costs twice") {
    const auto lost = [](double interval) {
        const HbmConfig hbm = hbm_config({{"refresh", "per_bank"},
                                          {"queue_entries", 128},
                                          {"mapping", "bankgroup_and_pseudochannel_interleaved"},
                                          {"timing", {{"tREFIpb_ns", interval}}}});
        return 1 - run_bursts(hbm, bursts(65536, 262144, 2 << 20)).fraction_of_peak;
    };
    CHECK(lost(200.0) / lost(400.0) == Approx(2.0).epsilon(0.2));
    CHECK(lost(400.0) > 2 * 16.25 / 400.0);  // both pseudo-channels precharge a bank, one after the other
}

TEST_CASE("reads and writes in turn cost the bus its turning, all of one kind do not") {
    const HbmConfig hbm = hbm_config({{"refresh", "none"}});
    BurstLoad load = bursts(4096, 65536, 1 << 20);
    const BurstResult reads = run_bursts(hbm, load);
    load.write_share = 1.0;
    const BurstResult writes = run_bursts(hbm, load);
    load.write_share = 0.5;
    const BurstResult mixed = run_bursts(hbm, load);
    CHECK(reads.lost_turnaround == 0.0);
    CHECK(writes.lost_turnaround == 0.0);
    CHECK(mixed.lost_turnaround > 0.01);
    CHECK(mixed.gbytes_per_s < std::min(reads.gbytes_per_s, writes.gbytes_per_s));
    CHECK(mixed.counters.reads == mixed.counters.writes);
}

TEST_CASE("a channel moves every burst once, and the same load gives the same times") {
    const HbmConfig hbm = hbm_config({});
    const BurstLoad load = bursts(256, 16384, 1 << 18, true);
    const BurstResult one = run_bursts(hbm, load), two = run_bursts(hbm, load);
    CHECK(one.counters.reads == load.total / 32);
    CHECK(one.time_ns == two.time_ns);
    CHECK(one.latency_mean_ns == two.latency_mean_ns);
    CHECK(one.fraction_of_peak + one.lost_refresh + one.lost_rows + one.lost_turnaround <= 1.0 + 1e-9);
}

TEST_CASE("a channel that nothing is asked of loses nothing to its rows") {
    // A burst of 1.25 ns every 500 ns, 32 in a row: a row is opened for each 32, and the bus is at work for a 400th.
    const HbmConfig hbm = hbm_config({{"refresh", "none"},
                                      {"channels_per_pe", 1},
                                      {"pseudo_channels", 1},
                                      {"row_bytes", 1024},
                                      {"burst_bytes", 32},
                                      {"mapping", "row bank bank_group stack column channel"}});
    BurstLoad load = bursts(32, 32, 32 * 200);
    load.every_ns = 500.0;
    const BurstResult result = run_bursts(hbm, load);
    const double row_ns = hbm.timing.tRP + hbm.timing.tRCDRD;
    CHECK(result.counters.activates == 7);
    CHECK(result.fraction_of_peak < 0.01);
    CHECK(result.lost_rows > 0.0);
    CHECK(result.lost_rows <= 7 * row_ns / result.time_ns);
    CHECK(result.idle > 0.98);
    CHECK(result.fraction_of_peak + result.lost_spacing + result.lost_rows + result.lost_turnaround +
              result.lost_refresh + result.idle ==
          Approx(1.0));
}

TEST_CASE("a mapping sends every burst to a place of its own, wherever its fields stand") {
    for (const char* order :
         {"row bank column channel", "row channel column bank_group bank", "256B_chunk_per_channel",
          "row_bank_column_channel_32B", "bankgroup_and_pseudochannel_interleaved",
          "row stack column:4 bank_group channel column:2 pseudo_channel column:64B"}) {
        INFO(order);
        for (const int channels : {3, 4}) {  // not only powers of two
            const HbmGeometry geometry{channels, 2, 2, 4, 4, 32, 512};
            const AddressMap map(geometry, order);
            const std::uint64_t count = static_cast<std::uint64_t>(geometry.lanes() * geometry.banks_per_lane()) * 16;
            std::set<std::tuple<int, int, std::uint64_t>> rows;
            std::map<std::tuple<int, int, std::uint64_t>, int> bursts_of_row;
            int wrong_lanes = 0;
            for (std::uint64_t burst = 0; burst < 2 * count; ++burst) {
                const Place place = map.place(burst * 32);
                ++bursts_of_row[{place.channel, place.bank, place.row}];
                const int lane = place.channel * 2 + place.bank / geometry.banks_per_lane();
                if (lane != map.lane(burst)) ++wrong_lanes;
            }
            CHECK(wrong_lanes == 0);
            CHECK(bursts_of_row.size() == 2 * count / 16);  // two rows in every bank
            for (const auto& [row, bursts] : bursts_of_row)
                if (bursts != 16) FAIL_CHECK("a row holds " << bursts << " bursts");
        }
    }
}

TEST_CASE("a mapping that cannot be is refused with what is wrong") {
    const HbmGeometry geometry;
    CHECK_THROWS_WITH(AddressMap(geometry, "bank row"), Catch::Contains("begin with row"));
    CHECK_THROWS_WITH(AddressMap(geometry, "row bank colum channel"), Catch::Contains("colum"));
    CHECK_THROWS_WITH(AddressMap(geometry, "row bank bank channel"), Catch::Contains("more than once"));
    CHECK_THROWS_WITH(AddressMap(geometry, "row bank column"), Catch::Contains("channel"));
    CHECK_THROWS_WITH(AddressMap(geometry, "row channel column:5"), Catch::Contains("column:5"));
    CHECK_THROWS_WITH(AddressMap(geometry, "row bank:2 channel"), Catch::Contains("only column"));
    HbmGeometry wide;
    wide.burst = 48;
    CHECK_THROWS_WITH(AddressMap(wide, "256B_chunk_per_channel"),
                      Catch::Contains("expected a multiple of burst_bytes (48)"));
}

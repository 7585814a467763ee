// SPDX-License-Identifier: Apache-2.0
// The timing rules of an HBM channel one by one: a channel whose commands, bursts and clock take a nanosecond each,
// all rules but the opening and closing of rows switched off, and the one under test made long enough to decide.
// Every expected time is counted by hand. And what a memory probe makes of such times.
#include "sim/memory/channel_controller.h"
#include "sim/memory/service_profile.h"
#include "sim/probe/memory_load.h"
#include "tests/machine/hbm_configs.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <limits>

using namespace tilemesh;
using namespace tilemesh::memory;
using tilemesh::test::hbm_config;

namespace {

constexpr double opening = 10, closing = 10;  // tRCD and tRP
constexpr int group = 4, stack = 16;          // banks of each

struct Wanted {
    int bank;
    std::uint64_t row = 0;
    bool write = false;
    double at = 0;
};

/// One pseudo-channel of one channel; `changes` are those of hbm, `timing` those of its timing.
HbmConfig bare(Json timing, const Json& changes = Json::object()) {
    Json json = {{"channels_per_pe", 1},
                 {"pseudo_channels", 1},
                 {"gbytes_per_s_per_channel", 32.0},
                 {"stacks", 1},
                 {"refresh", "none"}};
    Json times = Json::object();
    for (const TimingKey& key : timing_keys()) times[std::string(key.key)] = 0.0;
    for (const char* key : {"clock_ns", "activate_command_ns", "precharge_command_ns", "row_command_slot_ns"})
        times[key] = 1.0;
    times["tRCDRD_ns"] = times["tRCDWR_ns"] = opening;
    times["tRP_ns"] = closing;
    times["tCL_ns"] = 5.0;
    times["tCWL_ns"] = 3.0;
    times.merge_patch(timing);
    json["timing"] = times;
    json.merge_patch(changes);
    return hbm_config(json);
}

/// When the column command of each access went out.
std::vector<double> commands(const HbmConfig& hbm, const std::vector<Wanted>& wanted) {
    const CommandTicks ticks(hbm);
    ChannelController channel(hbm, ticks);
    std::vector<double> times(wanted.size(), std::numeric_limits<double>::quiet_NaN());
    std::vector<Completion> completed;
    for (std::int64_t now = 0; now < 1000; ++now) {
        for (std::size_t i = 0; i < wanted.size(); ++i)
            if (wanted[i].at == static_cast<double>(now))
                channel.push({i, wanted[i].row, wanted[i].bank, wanted[i].write});
        channel.tick(now, completed);
    }
    for (const Completion& one : completed)
        times[one.tag] =
            static_cast<double>(one.end) - (wanted[one.tag].write ? hbm.timing.tCWL : hbm.timing.tCL) - 1;
    return times;
}
using Times = std::vector<double>;

}  // namespace

TEST_CASE("banks are opened tRRD_S apart, those of one group tRRD_L") {
    const HbmConfig hbm = bare({{"tRRD_S_ns", 7.0}, {"tRRD_L_ns", 9.0}});
    CHECK(commands(hbm, {{0}, {group}}) == Times{opening, opening + 7});
    CHECK(commands(hbm, {{0}, {1}}) == Times{opening, opening + 9});
}

TEST_CASE("four banks are opened per tFAW") {
    // At 0, 1, 2 and 3; the fifth tFAW after the first.
    CHECK(commands(bare({{"tFAW_ns", 30.0}}), {{0}, {4}, {8}, {12}, {1}}) == Times{10, 11, 12, 13, 40});
}

TEST_CASE("reads are tCCD_S apart, those of one group tCCD_L, those of two stacks tCCD_R") {
    const HbmConfig hbm = bare({{"tCCD_S_ns", 4.0}, {"tCCD_L_ns", 6.0}, {"tCCD_R_ns", 8.0}}, {{"stacks", 2}});
    CHECK(commands(hbm, {{0}, {group}}) == Times{opening, opening + 4});
    CHECK(commands(hbm, {{0}, {0}}) == Times{opening, opening + 6});
    CHECK(commands(hbm, {{0}, {stack}}) == Times{opening, opening + 8});
}

TEST_CASE("writes of one group are tCCD_L apart") {
    const HbmConfig hbm = bare({{"tCCD_L_ns", 6.0}});
    CHECK(commands(hbm, {{0, 0, true}, {0, 0, true}}) == Times{opening, opening + 6});
    CHECK(commands(hbm, {{0, 0, true}, {group, 0, true}}) == Times{opening, opening + 1});
}

TEST_CASE("a row is closed tRTP after it was read, tRAS after it was opened, and the bank opens tRP later") {
    CHECK(commands(bare({{"tRTP_ns", 7.0}}), {{0, 0}, {0, 1}}) == Times{opening, opening + 7 + closing + opening});
    CHECK(commands(bare({{"tRAS_ns", 25.0}}), {{0, 0}, {0, 1}}) == Times{opening, 25 + closing + opening});
}

TEST_CASE("banks are closed tPPD apart") {
    // Opened at 0 and 1, read at 10 and 11, closed at 10 and 16.
    CHECK(commands(bare({{"tPPD_ns", 6.0}}), {{0, 0}, {group, 0}, {0, 1}, {group, 1}}) ==
          Times{10, 11, 10 + closing + opening, 16 + closing + opening});
}

TEST_CASE("a command that opens a row holds the bus of the rows, and the row is open after its end") {
    CHECK(commands(bare({{"activate_command_ns", 3.0}}), {{0}, {group}}) == Times{opening + 2, 3 + opening + 2});
}

TEST_CASE("times between commands are rounded up to whole slots") {
    CHECK(commands(bare({{"tRCDRD_ns", 10.2}}), {{0}}) == Times{11});
    CHECK(commands(bare({{"tRCDRD_ns", 11.0}}), {{0}}) == Times{11});
}

TEST_CASE("a bank that is refreshed opens tRFCpb later, another tRREFD later, one of its group tRRD_L later") {
    const auto after_refresh_of_bank_0 = [](const Json& timing, int bank) {
        Json times = {{"tREFIpb_ns", 50.0}};
        times.merge_patch(timing);
        return commands(bare(times, {{"refresh", "per_bank"}}), {{bank, 0, false, 51}}).front();
    };
    CHECK(after_refresh_of_bank_0({{"tRFCpb_ns", 40.0}}, 0) == 50 + 40 + opening);
    CHECK(after_refresh_of_bank_0({{"tRREFD_ns", 9.0}}, group) == 50 + 9 + opening);
    CHECK(after_refresh_of_bank_0({{"tRRD_L_ns", 12.0}}, 1) == 50 + 12 + opening);
    CHECK(after_refresh_of_bank_0({{"tRRD_L_ns", 12.0}}, group) == 51 + opening);
}

TEST_CASE("a bank that was just read is closed for its refresh when its row may be closed") {
    const HbmConfig hbm =
        bare({{"tREFIpb_ns", 50.0}, {"tRFCpb_ns", 30.0}, {"tRTP_ns", 25.0}}, {{"refresh", "per_bank"}});
    // Opened at 45, read at 55, closed tRTP later at 80, refreshed tRP later at 90, opened tRFCpb later at 120.
    CHECK(commands(hbm, {{0, 0, false, 45}, {0, 1, false, 46}}) == Times{55, 120 + opening});
}

TEST_CASE("the refresh of a bank draws current as opening it does") {
    // The refresh at 50 and three openings from 51 on are four of tFAW.
    const HbmConfig hbm = bare({{"tREFIpb_ns", 50.0}, {"tFAW_ns", 30.0}}, {{"refresh", "per_bank"}});
    CHECK(commands(hbm, {{4, 0, false, 51}, {8, 0, false, 51}, {12, 0, false, 51}, {5, 0, false, 51}}) ==
          Times{61, 62, 63, 50 + 30 + opening});
}

TEST_CASE("writes go out when more than four fifths of their queue are taken, until less than a fifth is left") {
    const HbmConfig hbm = bare(Json::object(), {{"queue_entries", 10}});
    const auto with_writes = [&](int count) {
        std::vector<Wanted> wanted{{0, 0, false}};
        for (int i = 0; i < count; ++i) wanted.push_back({0, 0, true});
        return commands(hbm, wanted);
    };
    // Eight are not: the read goes first.
    const Times eight = with_writes(8);
    CHECK(eight.front() == *std::min_element(eight.begin(), eight.end()));
    // Nine are: eight of them go, then the read, then the last.
    const Times nine = with_writes(9);
    CHECK(std::count_if(nine.begin(), nine.end(), [&](double time) { return time < nine.front(); }) == 8);
}

TEST_CASE("of a hundred accesses the second slowest is the ninety-ninth percentile, not the tenth slowest") {
    // Rows of 32 bursts, one burst at a time: 4 of 100 wait for their row.
    const HbmConfig hbm = bare(Json::object(), {{"mapping", "row bank bank_group stack column channel"}});
    BurstLoad load;
    load.burst = load.window = 32;
    load.total = 32 * 100;
    const BurstResult result = run_bursts(hbm, load);
    CHECK(result.counters.activates == 4);
    CHECK(result.latency_min_ns == hbm.timing.tCL + 1);
    CHECK(result.latency_p99_ns >= opening + hbm.timing.tCL + 1);
}

TEST_CASE("between two measured sizes of runs their paces are mixed") {
    const HbmConfig hbm = hbm_config({{"refresh", "none"}});
    ServiceProfile profile(hbm);
    const double small = profile.ns_per_byte(32, false), large = profile.ns_per_byte(64, false);
    REQUIRE(small > 1.1 * large);
    CHECK(profile.ns_per_byte(48, false) == Approx((small + large) / 2));
    CHECK(profile.ns_per_byte(56, false) == Approx((small + 3 * large) / 4));
}

TEST_CASE("a booked load asks at its interval, and for no more at once than its window holds") {
    // Requests of 256 bytes on one channel of 32 GB/s take 8 ns each.
    const HbmConfig hbm =
        hbm_config({{"standard", "ideal"}, {"channels_per_pe", 1}, {"gbytes_per_s_per_channel", 32.0}});
    BurstLoad load;
    load.burst = load.window = 256;
    load.total = 2560;
    load.every_ns = 20;
    const probe::BookedResult apart = probe::run_booked(hbm, load);
    CHECK(apart.gbytes_per_s == Approx(2560.0 / (9 * 20 + 8)));
    CHECK(apart.latency_mean_ns == Approx(8.0));
    // Two at a time, as fast as they go: all but the first wait for the one before.
    load.every_ns = 0;
    load.window = 512;
    const probe::BookedResult together = probe::run_booked(hbm, load);
    CHECK(together.gbytes_per_s == Approx(32.0));
    CHECK(together.latency_min_ns == Approx(8.0));
    CHECK(together.latency_mean_ns == Approx((8.0 + 9 * 16.0) / 10));
}

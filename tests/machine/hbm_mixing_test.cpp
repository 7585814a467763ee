// SPDX-License-Identifier: Apache-2.0
// Reads and writes that take turns: what the controllers lose by them, by hand, and that transfers are booked with
// it.
#include "sim/memory/channels.h"
#include "sim/probe/memory_load.h"
#include "tests/machine/hbm_configs.h"

#include <fmt/core.h>

#include <catch2/catch.hpp>
#include <filesystem>

using namespace tilemesh;
using namespace tilemesh::memory;
using tilemesh::test::hbm_config;

namespace {

BurstLoad mix(bool random, std::uint64_t burst, double write_share) {
    BurstLoad load;
    load.random = random;
    load.burst = burst;
    load.window = std::max<std::uint64_t>(131072, 4 * burst);
    load.total = std::max<std::uint64_t>(1 << 20, 32 * burst);
    load.write_share = write_share;
    return load;
}

/// One channel of two pseudo-channels whose rows are all open.
struct TwoLanes {
    HbmConfig hbm = hbm_config({{"refresh", "none"}, {"channels_per_pe", 1}, {"queue_entries", 64}});
    ServiceProfile profile{hbm};
    Channels channels{hbm, profile};

    TwoLanes() { channels.leave_open({0, 1 << 17}); }
    /// When `bursts` of one lane have moved that are asked for at the beginning of time.
    double end_ns(int lane, std::uint64_t bursts, bool write) {
        const AddressMap map(hbm.geometry, hbm.mapping);
        std::uint64_t first = 0;
        while (map.lane(first) != lane) ++first;
        const std::uint64_t size = hbm.geometry.burst;
        return to_nanoseconds(channels.book({}, {{first * size, size}, bursts, map.lane_period() * size}, write).end);
    }
};

double commands(const HbmConfig& hbm, const BurstLoad& load) { return run_bursts(hbm, load).gbytes_per_s; }

}  // namespace

TEST_CASE("a controller turns its bus for a batch of writes, not for each of them") {
    const int entries = GENERATE(64, 128, 256);
    const HbmConfig hbm = hbm_config({{"refresh", "none"}, {"queue_entries", entries}});
    const auto ns_per_burst = [&](double share) {  // of one of 8 lanes
        return 8 * 32 / commands(hbm, mix(false, 4096, share));
    };
    // To write 3.75 ns without data, to read 18.75; a batch begins when 4/5 of the queue are writes and ends when 1/5
    // are left, so it has 3/5 of it at least and all of it at most, half of that in each pseudo-channel.
    const double lost = ns_per_burst(0.5) - (ns_per_burst(0.0) + ns_per_burst(1.0)) / 2;
    const double batch = (3.75 + 18.75) / 2 / lost;
    INFO(entries << " entries: " << batch << " bursts");
    CHECK(batch >= 0.6 * entries / 2);
    CHECK(batch <= 1.05 * entries / 2);
}

TEST_CASE("transfers that take turns are booked with what the controllers move, whatever part of them writes") {
    const bool hbm2 = GENERATE(false, true);
    const std::string refresh = GENERATE("none", "all_bank", "per_bank");
    const HbmConfig hbm =
        hbm2 ? hbm_config({{"standard", "HBM2"}, {"gbytes_per_s_per_channel", 32.0}, {"refresh", refresh}})
             : hbm_config({{"refresh", refresh}});
    struct Point {
        bool random;
        std::uint64_t burst;
        double writes;
    };
    for (const Point& point : {Point{false, 4096, 0.1},
                               {false, 4096, 0.5},
                               {false, 16384, 0.75},
                               {false, 65536, 0.5},
                               {true, 64, 0.5},
                               {true, 256, 0.25},
                               {true, 1024, 0.9},
                               {true, 16384, 0.1}}) {
        const BurstLoad load = mix(point.random, point.burst, point.writes);
        const double by_command = commands(hbm, load), booked = probe::run_booked(hbm, load).gbytes_per_s;
        INFO(fmt::format("{} {} {} {} B, {} writes: {} by command, {} booked", hbm2 ? "HBM2" : "HBM3", refresh,
                         point.random ? "random" : "sequential", point.burst, point.writes, by_command, booked));
        CHECK(booked == Approx(by_command).epsilon(0.10));
    }
}

TEST_CASE(
    "transfers are booked so where writes fall at random among a sequence of short runs, and where they are slow") {
    const auto agree = [](const HbmConfig& hbm, const BurstLoad& load) {
        const double by_command = commands(hbm, load), booked = probe::run_booked(hbm, load).gbytes_per_s;
        INFO(load.burst << " B, " << load.write_share << " writes");
        CHECK(booked == Approx(by_command).epsilon(0.10));
    };
    const HbmConfig hbm = hbm_config({{"refresh", "none"}});
    for (const auto& [burst, writes] : {std::pair{512, 0.5}, {512, 0.75}, {1024, 0.25}, {1024, 0.5}}) {
        // Runs that reach a part of the lanes each: every second one, or every fourth, would always meet the same.
        BurstLoad load = mix(false, static_cast<std::uint64_t>(burst), writes);
        load.scattered_writes = true;
        agree(hbm, load);
    }
    // A row that was written closes 300 ns later: apart, writes to rows at random take several times what reads do.
    const HbmConfig slow = hbm_config({{"refresh", "none"}, {"timing", {{"tWR_ns", 300.0}}}});
    for (const std::uint64_t burst : {64, 512, 1024}) {
        CHECK(commands(slow, mix(true, burst, 0.0)) > 2 * commands(slow, mix(true, burst, 1.0)));
        agree(slow, mix(true, burst, 0.5));
    }
}

TEST_CASE("half reads, half writes of 4 KiB on the default machine: both models move the same") {
    Json hbm =
        parse_json_file(std::filesystem::path(TILEMESH_SOURCE_DIR) / "configs/machines/cube_line8.json").at("hbm");
    hbm["bytes_per_pe"] = 1 << 30;
    const HbmConfig config = read_hbm(JsonReader(hbm, "cube_line8"));
    BurstLoad load = mix(false, 4096, 0.5);
    load.total = 4 << 20;
    CHECK(probe::run_booked(config, load).gbytes_per_s == Approx(commands(config, load)).epsilon(0.10));
}

TEST_CASE("reads that are all done before the writes begin pay for one turn only") {
    HbmConfig hbm = hbm_config({{"refresh", "none"}});
    const auto end_ns = [&](auto writes) {  // 64 transfers of 4 KiB at once
        ServiceProfile profile(hbm);
        Channels channels(hbm, profile);
        Picoseconds end;
        for (int i = 0; i < 64; ++i)
            end = channels.book({}, {{static_cast<std::uint64_t>(i) * 4096, 4096}}, writes(i)).end;
        return to_nanoseconds(end);
    };
    const double reads = end_ns([](int) { return false; }), writes = end_ns([](int) { return true; });
    const double phases = end_ns([](int i) { return i >= 32; }), turns = end_ns([](int i) { return i % 2 == 1; });
    const double apart = (reads + writes) / 2;
    CHECK(phases - apart <= 2 * (3.75 + 18.75 + 19.375));  // a turn each way and a row to be opened
    CHECK(turns - apart >= 4 * (phases - apart));
}

TEST_CASE("a pseudo-channel that reads a batch or more stands still while the other of its channel writes") {
    // A batch is what is written at once when 3/5 of the queue of 64 are: 38 bursts, 19 in each pseudo-channel.
    const auto later_by = [](std::uint64_t reads, std::uint64_t writes) {
        TwoLanes held, free;
        held.end_ns(0, reads, false);
        free.end_ns(0, reads, false);
        held.end_ns(1, writes, true);
        return held.end_ns(0, 1, false) - free.end_ns(0, 1, false);
    };
    // Bursts of 32 bytes in open rows go at the pace of a stream, on two lanes.
    const double pace = TwoLanes().profile.stream_ns_per_byte(true) * 32 * 2;
    CHECK(later_by(19, 8) == Approx(8 * pace).margin(0.002));
    CHECK(later_by(64, 40) == Approx(40 * pace).margin(0.002));
    CHECK(later_by(18, 8) == 0.0);
}

TEST_CASE("the first turn of a busy memory costs what every turn does") {
    for (const std::uint64_t bytes : {4096, 16384}) {
        const HbmConfig hbm = hbm_config({{"refresh", "none"}});
        ServiceProfile profile(hbm);
        Channels channels(hbm, profile);
        channels.book({}, {{0, bytes}}, false);
        const Picoseconds end = channels.book({}, {{1 << 20, bytes}}, true).end;
        // Taking turns costs so much for each byte of either, of which one of two turns is half.
        const auto size = static_cast<double>(bytes);
        const double turn = profile.mixing_ns_per_byte(bytes, 0.5, false) * 2 * size / 2;
        CAPTURE(bytes, turn);
        REQUIRE(turn > 1.0);
        const double first_data = hbm.timing.tRCDRD + hbm.timing.tCL;
        const double moving = (profile.ns_per_byte(bytes, false) + profile.ns_per_byte(bytes, true)) * size;
        CHECK(to_nanoseconds(end) == Approx(first_data + moving + turn).margin(0.01));
    }
}

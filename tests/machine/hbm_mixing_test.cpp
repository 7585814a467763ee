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
            end = channels.book({}, {static_cast<std::uint64_t>(i) * 4096, 4096}, 1, 0, writes(i)).end;
        return to_nanoseconds(end);
    };
    const double reads = end_ns([](int) { return false; }), writes = end_ns([](int) { return true; });
    const double phases = end_ns([](int i) { return i >= 32; }), turns = end_ns([](int i) { return i % 2 == 1; });
    const double apart = (reads + writes) / 2;
    CHECK(phases - apart <= 2 * (3.75 + 18.75 + 19.375));  // a turn each way and a row to be opened
    CHECK(turns - apart >= 4 * (phases - apart));
}

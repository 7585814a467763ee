// SPDX-License-Identifier: Apache-2.0
// Whole transfers on the channels of an HBM slice: bandwidth, latency, open rows, queueing, refresh; every expected
// time from the configuration or from the command-level controllers.
#include "sim/memory/channels.h"
#include "tests/machine/hbm_configs.h"

#include <catch2/catch.hpp>

#include <algorithm>

using Catch::Matchers::Contains;
using namespace tilemesh;
using namespace tilemesh::memory;
using tilemesh::test::hbm_config;

namespace {

/// Channels with a profile of their own.
struct Bench {
    HbmConfig hbm;
    ServiceProfile profile{hbm};
    Channels channels{hbm, profile};

    explicit Bench(HbmConfig config) : hbm(std::move(config)) {}
    double end_ns(double now, Segment segment, std::uint64_t count = 1, std::uint64_t stride = 0,
                  bool write = false) {
        return to_nanoseconds(channels.book(from_nanoseconds(now), {segment, count, stride}, write).end);
    }
};

/// The same, one picosecond after the other.
std::uint64_t walked(std::uint64_t interval, std::uint64_t refresh, std::uint64_t begin, std::uint64_t length) {
    std::uint64_t now = begin;
    while (length > 0) {
        if (now % interval < interval - refresh) --length;
        ++now;
    }
    return now;
}

HbmConfig ideal() {
    return hbm_config(
        {{"standard", "ideal"}, {"channels_per_pe", 8}, {"gbytes_per_s_per_channel", 32.0}, {"burst_bytes", 64}});
}

}  // namespace

TEST_CASE("the pace of few runs over many channels is measured, also where most channels get none of them") {
    // A run of 64 bytes lies on one of 64 channels, and queues of one entry are filled by few runs.
    const HbmConfig hbm = hbm_config({{"channels_per_pe", 64}, {"queue_entries", 1}, {"burst_bytes", 64}});
    ServiceProfile profile(hbm);
    const double ns = profile.ns_per_byte(64, false);
    CHECK(ns >= 1.0 / (64 * 51.2));
    CHECK(ns <= 100.0 / 64);  // one after the other on one channel
}

TEST_CASE("any number of channels reaches the share of the peak that 64 of them do") {
    const auto pace = [](int channels, std::uint64_t run, bool write) {
        const HbmConfig hbm = hbm_config({{"channels_per_pe", channels}});
        return ServiceProfile(hbm).ns_per_byte(run, write) * hbm.peak().gbytes_per_s();
    };
    for (const int channels : {65, 96, 100, 200, 1000})
        for (const std::uint64_t run : {4096, 1 << 18, 1 << 20, 1 << 22}) {
            CAPTURE(channels, run);
            for (const bool write : {false, true})
                CHECK(pace(channels, run, write) <= 1.25 * pace(run < 1 << 18 ? channels / 64 * 64 : 64, run, write));
        }
    const HbmConfig hbm = hbm_config({{"channels_per_pe", 100}});
    ServiceProfile profile(hbm);
    for (const bool in_sequence : {false, true})
        CHECK_NOTHROW(profile.mixing_ns_per_byte(profile.longest_run(), 0.5, in_sequence));
}

TEST_CASE("bursts may be of any number of bytes") {
    const HbmConfig hbm =
        hbm_config({{"burst_bytes", 3000}, {"row_bytes", 3000}, {"mapping", "row bank column channel"}});
    ServiceProfile profile(hbm);
    for (const std::uint64_t run : {1, 3000, 10000, 1 << 20})
        CHECK(profile.ns_per_byte(run, false) >= 1.0 / hbm.peak().gbytes_per_s());
}

TEST_CASE("the usual mapping has parts of 256 bytes where a row has them, else the most bursts below that fit") {
    const auto mapping = [](const char* standard, int burst, int row) {
        const HbmConfig hbm = hbm_config({{"standard", standard}, {"burst_bytes", burst}, {"row_bytes", row}});
        Bench bench(hbm);
        const double bytes = 1 << 20;
        CHECK(bench.end_ns(0, {0, 1 << 20}) >= bytes / hbm.peak().gbytes_per_s());
        return hbm.mapping;
    };
    const std::string parts = "row bank stack column bank_group pseudo_channel channel column:";
    for (const char* standard : {"ideal", "HBM3"}) {
        for (const int burst : {1, 32, 64, 256}) CHECK(mapping(standard, burst, 1024) == "256B_chunk_per_channel");
        CHECK(mapping(standard, 48, 1536) == parts + "4");
        CHECK(mapping(standard, 32, 960) == parts + "6");
        CHECK(mapping(standard, 512, 1024) == parts + "1");
        CHECK(mapping(standard, 64, 128) == parts + "2");
    }
    CHECK_THROWS_WITH(hbm_config({{"burst_bytes", 48}, {"row_bytes", 1536}, {"mapping", "256B_chunk_per_channel"}}),
                      Catch::Contains("multiple of burst_bytes (48)"));
}

TEST_CASE("work goes around refreshes exactly as a walk through time does") {
    const Bench bench(hbm_config({{"timing",
                                   {{"tREFI_ns", 0.9},
                                    {"tRFC_ns", 0.1},
                                    {"tRP_ns", 0.0},
                                    {"tRTP_ns", 0.0},
                                    {"tRCDRD_ns", 0.1},
                                    {"tRAS_ns", 0.0},
                                    {"tRCDWR_ns", 0.0},
                                    {"tCWL_ns", 0.0},
                                    {"tCCD_L_ns", 0.0},
                                    {"tWR_ns", 0.0}}}}));
    const std::uint64_t interval = bench.profile.refresh_interval().value(),
                        gap = bench.profile.refresh_gap().value();
    REQUIRE(interval == 900);
    REQUIRE(gap == 200);
    int wrong = 0;
    for (std::uint64_t begin = 0; begin < 2000; begin += 7) {
        for (std::uint64_t length = 1; length < 3000; length += 13) {
            const Picoseconds end = bench.profile.after_refreshes(Picoseconds(begin), Picoseconds(length));
            if (end.value() != walked(interval, gap, begin, length)) ++wrong;
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("an ideal memory moves every transfer at the rate of the channels that it lies on, and nothing else") {
    Bench bench(ideal());
    const double block = 256 / 32.0;
    // 1 to 8 blocks of 256 bytes take the time of one; 9 put a second one on the first channel.
    for (const std::uint64_t blocks : {1, 2, 5, 8}) CHECK(Bench(ideal()).end_ns(0, {0, blocks * 256}) == block);
    CHECK(bench.end_ns(0, {0, 9 * 256}) == 2 * block);
    // A line apart, 64 pieces lie all on one channel; a line and a block apart they take turns.
    CHECK(Bench(ideal()).end_ns(0, {0, 256}, 64, 8 * 256) == 64 * block);
    CHECK(Bench(ideal()).end_ns(0, {0, 256}, 64, 9 * 256) == 8 * block);
    // The first channel is free again after two blocks; a later transfer finds it free.
    CHECK(bench.end_ns(0, {0, 256}) == 3 * block);
    CHECK(bench.end_ns(1000, {0, 256}) == 1000 + block);
}

TEST_CASE("the access latency comes on top of every transfer, at any load") {
    Json keys = {{"access_latency_ns", 5.0}};
    Bench slow(hbm_config(keys)), fast(hbm_config({}));
    for (int i = 0; i < 4; ++i) CHECK(slow.end_ns(0, {0, 16384}) == Approx(fast.end_ns(0, {0, 16384}) + 5.0));
}

TEST_CASE("a long stream moves at the channels' rate less refresh") {
    Bench bench(hbm_config({}));
    const HbmTiming& timing = bench.hbm.timing;
    const double gap = timing.tRTP + 2 * timing.tRP + timing.tRFC + timing.tRCDRD;
    const std::uint64_t bytes = 16 << 20;
    const double rate = static_cast<double>(bytes) / bench.end_ns(0, {0, bytes});
    CHECK(rate == Approx(bench.hbm.peak().gbytes_per_s() * (1 - gap / timing.tREFI)).epsilon(0.03));
    CHECK(rate < bench.hbm.peak().gbytes_per_s());
}

TEST_CASE("a lone transfer takes as long as the controllers take for it, from closed and from open rows") {
    for (const std::uint64_t bytes : {32U, 256U, 4096U, 16384U}) {
        Bench bench(hbm_config({{"refresh", "none"}}));
        HbmConfig small = bench.hbm;
        small.capacity = Bytes(bytes);
        BurstLoad once;
        once.burst = once.window = once.total = bytes;
        BurstLoad twice = once;
        twice.total = 2 * bytes;
        INFO(bytes << " bytes");
        CHECK(bench.end_ns(0, {0, bytes}) == Approx(run_bursts(small, once).latency_mean_ns).margin(0.002));
        const double again = bench.end_ns(10000, {0, bytes}) - 10000;
        CHECK(again == Approx(run_bursts(small, twice).latency_min_ns).margin(0.002));
    }
}

TEST_CASE("a row left open saves opening it, another row there costs closing it as well") {
    Bench bench(hbm_config({{"refresh", "none"}}));
    const HbmTiming& timing = bench.hbm.timing;
    const AddressMap map(bench.hbm.geometry, bench.hbm.mapping);
    const std::uint64_t same_banks = map.frame_bursts() * map.frame_slots() * bench.hbm.geometry.burst;
    const double closed = bench.end_ns(0, {0, 32});
    const double open = bench.end_ns(10000, {0, 32}) - 10000;
    const double foreign = bench.end_ns(20000, {same_banks, 32}) - 20000;
    CHECK(closed - open == Approx(timing.tRCDRD).margin(bench.hbm.timing.clock));
    CHECK(foreign - closed == Approx(timing.tRP).margin(0.002));
    // What was written before the run began is as that left it.
    Bench written(hbm_config({{"refresh", "none"}}));
    written.channels.leave_open({0, 4096});
    CHECK(written.end_ns(0, {0, 32}) == Approx(open).margin(0.002));
}

TEST_CASE("scattered pieces take longer than one piece, small ones longer than large ones") {
    const auto rate = [](std::uint64_t piece) {
        Bench bench(hbm_config({}));
        const std::uint64_t total = 1 << 20, frame = 1 << 16;
        return static_cast<double>(total) / bench.end_ns(0, {0, piece}, total / piece, frame + piece);
    };
    CHECK(rate(32) < 0.5 * rate(1024));
    CHECK(rate(1024) < rate(1 << 16));
}

TEST_CASE(
    "the bus pays for turning between reads and writes while it is busy, and at most for opening rows after it") {
    const auto last_end = [](int every, int offset) {  // 64 transfers, of which each `every`th writes
        Bench bench(hbm_config({{"refresh", "none"}}));
        double end = 0;
        for (int i = 0; i < 64; ++i)
            end = bench.end_ns(0, {static_cast<std::uint64_t>(i) * 65536, 65536}, 1, 0, i % every == offset);
        return end;
    };
    const double reads = last_end(64, 64), writes = last_end(1, 0), turning = last_end(2, 1);
    Bench bench(hbm_config({{"refresh", "none"}}));
    const double turns = 32 * 3.75 + 31 * 18.75;  // to write and to read, by hand in the next test
    const double rows = 32 * bench.hbm.timing.tRCDWR + 31 * bench.hbm.timing.tRCDRD;
    CHECK(turning - (reads + writes) / 2 >= turns);
    CHECK(turning - (reads + writes) / 2 <= turns + rows);
}

TEST_CASE("a turn to writes and a turn to reads leave the data bus empty for what the standard says") {
    const HbmConfig hbm = hbm_config({});
    const ServiceProfile profile(hbm);
    // To write: the command comes tRTW = 11.25 after the read's, its data tCWL = 6.25 later; the read's data ended
    // tCL + its burst = 12.5 + 1.25 after its command. To read: tWTR_L = 6.25 after the data, then tCL.
    CHECK(profile.turnaround_ns(true) == Approx(3.75));
    CHECK(profile.turnaround_ns(false) == Approx(18.75));
}

TEST_CASE("a refresh of all banks closes the rows of one pseudo-channel after the other and opens them again") {
    // tRTP + tRP for each pseudo-channel + tRFC + tRCDRD = 5.625 + 2 x 16.25 + 350 + 19.375
    const HbmConfig two = hbm_config({}), one = hbm_config({{"pseudo_channels", 1}});
    CHECK(to_nanoseconds(ServiceProfile(two).refresh_gap()) == Approx(407.5));
    CHECK(to_nanoseconds(ServiceProfile(one).refresh_gap()) == Approx(391.25));
    CHECK(to_nanoseconds(ServiceProfile(two).refresh_interval()) == Approx(3900.0));
    const HbmConfig single = hbm_config({{"refresh", "per_bank"}});  // is in the pace, not in the calendar
    CHECK(ServiceProfile(single).refresh_gap() == Picoseconds());
}

TEST_CASE("refreshes of all banks that would keep transfers waiting for more than half of the time are refused") {
    const auto every = [](double ns) {
        return hbm_config({{"pseudo_channels", 4}, {"timing", {{"tRP_ns", 60}, {"tRFC_ns", 50}, {"tREFI_ns", ns}}}});
    };
    const double gap = 5.625 + 4 * 60 + 50 + 19.375;
    for (const double ns : {310.0, gap, 316.0, 2 * gap - 0.5})
        CHECK_THROWS_WITH(every(ns), Contains("tREFI_ns") && Contains("expected at least 630 for"));
    const HbmConfig hbm = every(2 * gap);
    const ServiceProfile profile(hbm);
    CHECK(to_nanoseconds(profile.refresh_gap()) == gap);
    CHECK(to_nanoseconds(profile.after_refreshes(Picoseconds(), from_nanoseconds(1000))) == 1000 + 3 * gap);
}

TEST_CASE("every burst is counted once, wherever a segment begins and ends") {
    Bench bench(ideal());
    int wrong = 0;
    for (std::uint64_t begin = 0; begin < 700; begin += 13) {
        for (std::uint64_t bytes = 1; bytes < 6000; bytes += 171) {
            const std::uint64_t bursts = (begin + bytes - 1) / 64 - begin / 64 + 1;
            const auto booking = bench.channels.book(Picoseconds(), {{begin, bytes}}, false);
            if (booking.moved.value() != bursts * 64) ++wrong;
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("runs with no whole burst between them move every burst once, as one run does") {
    for (const auto& [bytes, stride] :
         {std::pair<std::uint64_t, std::uint64_t>{2, 4}, {40, 103}, {64, 64}, {1, 64}}) {
        Bench together(ideal()), alone(ideal());
        const std::uint64_t all = 99 * stride + bytes;
        const auto spaced = together.channels.book({}, {{7, bytes}, 100, stride}, false);
        const auto whole = alone.channels.book({}, {{7, all}}, false);
        CHECK(spaced.moved.value() == ((7 + all - 1) / 64 + 1) * 64);
        CHECK(spaced.moved == whole.moved);
        CHECK(spaced.end == whole.end);
    }
    Bench apart(ideal());
    CHECK(apart.channels.book({}, {{0, 40}, 100, 128}, false).moved == Bytes(100 * 64));
}

TEST_CASE("no data moves before a refresh of all banks is over") {
    const HbmConfig hbm = hbm_config({});
    const std::uint64_t interval = 3'900'000, gap = 407'500;
    for (std::uint64_t now = 3'300'000; now < 3'950'000; now += 7'000) {
        Bench bench(hbm);
        const auto booking = bench.channels.book(Picoseconds(now), {{0, 65536}}, false);
        CHECK(booking.first.value() % interval < interval - gap);
        CHECK(booking.first >= booking.begin);
        CHECK(booking.first < booking.end);
    }
}

TEST_CASE("no transfer beats the peak or keeps the channels busy longer than it lasts") {
    Bench bench(hbm_config({}));
    Picoseconds last;
    std::uint64_t bytes = 0, busy = 0;
    for (std::uint64_t i = 0; i < 200; ++i) {
        const Segment segment{i * 7919 % 1000 * 64, 64 + i % 9 * 4000};
        const auto booking = bench.channels.book(Picoseconds(), {segment}, i % 5 == 0);
        bytes += booking.moved.value();
        busy += booking.busy.value();
        last = std::max(last, booking.end);
        CHECK(booking.begin <= booking.end);
    }
    CHECK(static_cast<double>(bytes) <= bench.hbm.peak().gbytes_per_s() * to_nanoseconds(last));
    CHECK(busy <= last.value());
}

TEST_CASE("no transfer keeps the channels busy for less than its bytes take at their peak") {
    for (const char* mapping : {"row_bank_column_channel_32B", "256B_chunk_per_channel"}) {
        const HbmConfig hbm =
            hbm_config({{"channels_per_pe", 1}, {"gbytes_per_s_per_channel", 25.6}, {"mapping", mapping}});
        for (std::uint64_t bytes = 32; bytes < 8192; bytes += 96) {
            CAPTURE(mapping, bytes);
            const auto booking = Bench(hbm).channels.book(Picoseconds(), {{0, bytes}}, false);
            CHECK(static_cast<double>(booking.busy.value()) >= static_cast<double>(bytes) / 25.6 * 1000.0 - 1.0);
            CHECK(booking.begin + booking.busy <= booking.end);
        }
    }
    // What does not come to a picosecond of each of 14 lanes is not forgotten either.
    Bench seven(hbm_config({{"channels_per_pe", 7}}));
    Picoseconds busy;
    for (int i = 0; i < 1000; ++i)
        busy += seven.channels.book(Picoseconds(), {{static_cast<std::uint64_t>(i) * 32, 32}}, false).busy;
    CHECK(busy.value() >= static_cast<std::uint64_t>(1000 * 32 / (7 * 51.2) * 1000));
}

TEST_CASE("a slice gives every tensor room of its own until it is full") {
    HbmConfig hbm = ideal();
    hbm.capacity = Bytes(3 * 8192);
    SliceBook book(hbm);
    const std::uint64_t first = book.allocate(100, "a", "slice"), second = book.allocate(8192, "b", "slice");
    CHECK(second >= first + 100);
    CHECK(second % 8192 == 0);  // a fresh row of all channels
    CHECK_THROWS_WITH(book.allocate(8193, "keys", "machine.cube0.hbm3"),
                      Catch::Contains("keys needs 8193 bytes of HBM at machine.cube0.hbm3"));
    CHECK_NOTHROW(book.allocate(8192, "c", "slice"));
}

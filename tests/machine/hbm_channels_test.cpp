// SPDX-License-Identifier: Apache-2.0
// The channels of an HBM slice: bursts, rows, refresh, queueing; every expected time from the configuration.
#include "sim/memory/channels.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tilemesh;
using namespace tilemesh::memory;

namespace {

/// Like the default machine's, without refresh unless told.
HbmConfig config(bool refreshes = false) {
    HbmConfig hbm;
    hbm.capacity = Bytes(1 << 30);
    hbm.channels = 8;
    hbm.channel_rate = Rate::gbytes_per_s(32.0);
    hbm.interleave = Bytes(256);
    hbm.burst = Bytes(64);
    hbm.row = Bytes(1024);
    hbm.row_switch = from_nanoseconds(3.0);
    hbm.access_latency = from_nanoseconds(6.0);
    if (refreshes) {
        hbm.refresh_interval = from_nanoseconds(3900.0);
        hbm.refresh = from_nanoseconds(350.0);
    }
    return hbm;
}

Picoseconds duration(const HbmConfig& hbm, Segment segment, std::uint64_t count = 1, std::uint64_t stride = 0) {
    Channels channels(hbm);
    return channels.book(Picoseconds(), segment, count, stride).end;
}

/// The same, one picosecond after the other.
std::uint64_t walked(std::uint64_t interval, std::uint64_t refresh, std::uint64_t begin, std::uint64_t length) {
    std::uint64_t now = begin;
    while (length > 0) {
        if (now % interval < interval - refresh) --length;
        ++now;
    }
    return now;
}

}  // namespace

TEST_CASE("work goes around refreshes exactly as a walk through time does") {
    HbmConfig hbm = config();
    for (const auto& [interval, refresh] : {std::pair{50, 7}, std::pair{11, 10}, std::pair{13, 1}}) {
        hbm.refresh_interval = Picoseconds(static_cast<std::uint64_t>(interval));
        hbm.refresh = Picoseconds(static_cast<std::uint64_t>(refresh));
        const Channels channels(hbm);
        int wrong = 0;
        for (std::uint64_t begin = 0; begin < 120; ++begin) {
            for (std::uint64_t length = 1; length < 150; ++length) {
                const Picoseconds end = channels.after_refreshes(Picoseconds(begin), Picoseconds(length));
                if (end.value() != walked(hbm.refresh_interval.value(), hbm.refresh.value(), begin, length)) ++wrong;
            }
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("a long aligned stream moves at the channels' rate less row switches and refresh") {
    const HbmConfig hbm = config(true);
    const Bytes bytes(64 << 20);
    const double row_ns = static_cast<double>(hbm.row.value()) / hbm.channel_rate.gbytes_per_s();
    const double efficiency = row_ns / (row_ns + to_nanoseconds(hbm.row_switch)) *
                              (1.0 - to_nanoseconds(hbm.refresh) / to_nanoseconds(hbm.refresh_interval));
    REQUIRE(efficiency == Approx(0.83).margin(0.01));  // as of real HBM, about 0.8
    const double rate = static_cast<double>(bytes.value()) / to_nanoseconds(duration(hbm, {0, bytes.value()}));
    CHECK(rate == Approx(hbm.peak().gbytes_per_s() * efficiency).epsilon(0.002));
}

TEST_CASE("a short transfer is dominated by latency, a long one is not") {
    const HbmConfig hbm = config();
    const auto rate = [&](std::uint64_t bytes) {
        return static_cast<double>(bytes) / to_nanoseconds(duration(hbm, {0, bytes}));
    };
    // One burst: a row switch, 64 bytes on one channel, the access latency.
    CHECK(to_nanoseconds(duration(hbm, {0, 64})) == 3.0 + 64 / 32.0 + 6.0);
    CHECK(rate(64) < 0.05 * hbm.peak().gbytes_per_s());
    CHECK(rate(1 << 20) > 0.8 * hbm.peak().gbytes_per_s());
}

TEST_CASE("a transfer is spread over all channels, block by block") {
    const HbmConfig hbm = config();
    // 1 to 8 blocks take the time of one; 9 put a second one on the first channel.
    for (const std::uint64_t blocks : {1, 2, 5, 8})
        CHECK(to_nanoseconds(duration(hbm, {0, blocks * 256})) == 3.0 + 256 / 32.0 + 6.0);
    CHECK(to_nanoseconds(duration(hbm, {0, 9 * 256})) == 3.0 + 512 / 32.0 + 6.0);
}

TEST_CASE("scattered rows cost a row switch each, contiguous ones one per row of the memory") {
    const HbmConfig hbm = config();
    const std::uint64_t pieces = 64, line = 8 * 1024;
    // 64 pieces of one block: in a row they are 8 blocks per channel in 2 rows; a line apart all on one channel.
    CHECK(to_nanoseconds(duration(hbm, {0, pieces * 256})) == 8 * 256 / 32.0 + 2 * 3.0 + 6.0);
    CHECK(to_nanoseconds(duration(hbm, {0, 256}, pieces, line)) == pieces * (256 / 32.0 + 3.0) + 6.0);
    // A line and a block apart they take turns on the channels, each in a row of its own.
    CHECK(to_nanoseconds(duration(hbm, {0, 256}, pieces, line + 256)) == pieces / 8 * (256 / 32.0 + 3.0) + 6.0);
}

TEST_CASE("a transfer that is not aligned to bursts moves one more") {
    const HbmConfig hbm = config();
    const auto moved = [&](Segment segment) {
        Channels channels(hbm);
        return channels.book(Picoseconds(), segment, 1, 0).moved.value();
    };
    CHECK(moved({0, 256}) == 256);
    CHECK(moved({32, 256}) == 256 + 64);
    CHECK(moved({0, 1}) == 64);
    CHECK(moved({63, 2}) == 128);
    CHECK(moved({64, 64}) == 64);
    CHECK(moved({250, 10}) == 128);
    // Within one channel's block: one burst longer.
    CHECK(to_nanoseconds(duration(hbm, {32, 128})) - to_nanoseconds(duration(hbm, {0, 128})) == 64 / 32.0);
}

TEST_CASE("every burst is counted once, wherever a segment begins and ends") {
    const HbmConfig hbm = config();
    int wrong = 0;
    for (std::uint64_t begin = 0; begin < 700; begin += 13) {
        for (std::uint64_t bytes = 1; bytes < 6000; bytes += 171) {
            Channels channels(hbm);
            const std::uint64_t bursts = (begin + bytes - 1) / 64 - begin / 64 + 1;
            if (channels.book(Picoseconds(), {begin, bytes}, 1, 0).moved.value() != bursts * 64) ++wrong;
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("a second transfer on the same channel waits for the first, on another it does not") {
    const HbmConfig hbm = config();
    Channels channels(hbm);
    const double one = 256 / 32.0 + 3.0;
    CHECK(to_nanoseconds(channels.book(Picoseconds(), {0, 256}, 1, 0).end) == one + 6.0);
    // The same row is open: no switch.
    const Channels::Booking second = channels.book(Picoseconds(), {0, 256}, 1, 0);
    CHECK(to_nanoseconds(second.begin) == one);
    CHECK(to_nanoseconds(second.end) == one + 256 / 32.0 + 6.0);
    CHECK(channels.book(Picoseconds(), {256, 256}, 1, 0).begin == Picoseconds());
    // Later, the first channel is free again.
    const Picoseconds later = from_nanoseconds(1000.0);
    CHECK(channels.book(later, {0, 256}, 1, 0).begin == later);
}

TEST_CASE("a slice gives every tensor room of its own until it is full") {
    HbmConfig hbm = config();
    hbm.capacity = Bytes(3 * 8192);
    SliceBook book(hbm);
    const std::uint64_t first = book.allocate(100, "a", "slice"), second = book.allocate(8192, "b", "slice");
    CHECK(second >= first + 100);
    CHECK(second % 8192 == 0);  // a fresh row of all channels
    CHECK_THROWS_WITH(book.allocate(8193, "keys", "machine.cube0.hbm3"),
                      Catch::Contains("keys needs 8193 bytes of HBM at machine.cube0.hbm3"));
    CHECK_NOTHROW(book.allocate(8192, "c", "slice"));
}

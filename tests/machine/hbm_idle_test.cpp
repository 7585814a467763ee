// SPDX-License-Identifier: Apache-2.0
// Time in which nothing waits is skipped: does a channel do afterwards what it would have done had every refresh been
// played, and does the time it takes follow the work and not the idle time?
#include "sim/memory/burst_run.h"
#include "sim/memory/channel_controller.h"
#include "tests/machine/hbm_configs.h"

#include <catch2/catch.hpp>
#include <ctime>

using namespace tilemesh;
using namespace tilemesh::memory;
using tilemesh::test::hbm_config;

namespace {

/// What a channel did with two dozen bursts, in groups, each so long after the end of the one before.
struct Done {
    std::vector<std::int64_t> ends;
    ChannelCounters counters;
};

Done with_pauses(const HbmConfig& hbm, std::int64_t pause, bool skipped) {
    const CommandTicks ticks(hbm);
    ChannelController channel(hbm, ticks);
    Done done;
    std::vector<Completion> completed;
    const auto last_bank = static_cast<std::uint64_t>(hbm.geometry.pseudo_channels * hbm.geometry.banks_per_lane());
    std::int64_t now = 0;
    std::uint64_t tag = 0;
    const auto play_until = [&](std::int64_t end) {  // as the runs do: at each tick that the channel asks for
        for (; now < end; now = std::max(now + 1, channel.wake()))
            if (channel.wake() <= now) channel.tick(now, completed);
        now = end;
    };
    for (int group = 0; group < 6; ++group) {
        for (int i = 0; i < 4; ++i, ++tag)
            channel.push({tag, tag % 5, static_cast<int>(tag * 7919 % last_bank), tag % 3 == 0});
        while (completed.size() < tag) {
            channel.tick(now, completed);
            now = std::max(now + 1, channel.wake());
        }
        const std::int64_t next = now + pause + group;
        if (skipped)
            channel.rest_until(next);
        else
            play_until(next);
        now = next;
    }
    for (const Completion& one : completed) done.ends.push_back(one.end);
    done.counters = channel.counters();
    return done;
}

}  // namespace

TEST_CASE("a channel that has rested does what it would have done had it played every refresh") {
    const std::string mode = GENERATE("none", "all_bank", "per_bank");
    const bool together = GENERATE(false, true);
    // 3900.3125 ns are no whole number of clocks, so that refreshes begin on clocks and between them by turns.
    const double interval = GENERATE(1.0, 3900.3125 / 3900.0);
    for (const char* standard : {"HBM2", "HBM3"}) {
        const HbmConfig preset = hbm_config({{"standard", standard}});
        const HbmConfig hbm = hbm_config(
            {{"standard", standard},
             {"refresh", mode},
             {"refresh_together", together},
             {"timing",
              {{"tREFI_ns", preset.timing.tREFI * interval}, {"tREFIpb_ns", preset.timing.tREFIpb * interval}}}});
        for (const std::int64_t pause : {10, 3000, 12479, 12480, 50001, 300000, 3000000}) {
            INFO(standard << " " << mode << " " << together << " " << interval << ", pauses of " << pause);
            const Done played = with_pauses(hbm, pause, false), skipped = with_pauses(hbm, pause, true);
            CHECK(played.ends == skipped.ends);
            CHECK(played.counters.refreshes == skipped.counters.refreshes);
            CHECK(played.counters.precharges == skipped.counters.precharges);
            CHECK(played.counters.activates == skipped.counters.activates);
            CHECK(played.counters.row_hits == skipped.counters.row_hits);
            CHECK(played.counters.waited_refresh == skipped.counters.waited_refresh);
            CHECK(played.counters.waited_turnaround == skipped.counters.waited_turnaround);
            CHECK(played.counters.waited_rows == skipped.counters.waited_rows);
        }
    }
}

TEST_CASE("a second between requests takes no longer than a microsecond") {
    BurstLoad load;
    load.burst = 256;
    load.total = 256 * 256;
    load.every_ns = 1e9;
    for (const char* mode : {"all_bank", "per_bank"}) {
        const std::clock_t begin = std::clock();
        const BurstResult result = run_bursts(hbm_config({{"refresh", mode}}), load);
        // 4 channels of 2 pseudo-channels; every refresh counts, though none is played.
        const double refreshes = mode == std::string("all_bank") ? 8 * 255e9 / 3900.0 : 8 * 255e9 / 121.875;
        CHECK(static_cast<double>(result.counters.refreshes) == Approx(refreshes).epsilon(1e-6));
        CHECK(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC < 5.0);
    }
}

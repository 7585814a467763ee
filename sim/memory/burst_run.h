// SPDX-License-Identifier: Apache-2.0
// A DMA engine alone with one slice's channels: it issues bursts of consecutive addresses, in sequence or at random,
// with a limited number of bytes outstanding, and every channel's controller serves them command by command.
#pragma once

#include "sim/memory/channel_controller.h"

#include <cstdint>
#include <functional>
#include <optional>

namespace tilemesh::memory {

struct BurstLoad {
    bool random = false;
    std::uint64_t burst = 4096;     // consecutive bytes; random bursts are aligned to their size
    std::uint64_t request = 0;      // bytes that are issued and timed together; 0: a burst
    std::uint64_t window = 65536;   // bytes outstanding at most, one request may always go; 0: whatever queues take
    std::uint64_t total = 1 << 20;  // bytes
    double write_share = 0.0;       // of the requests, spread evenly
    bool scattered_writes = false;  // spread at random instead, so that they fall into step with no mapping
    double every_ns = 0.0;          // no request sooner than this after the one before
    std::uint64_t seed = 1;
    // Only the first so many channels do anything, and the window is shared out: loads that treat all alike need no
    // more to be measured. 0: all.
    int channels = 0;
};

/// The requests of a load: pure functions of their number.
class RequestStream {
public:
    /// InputError when requests do not divide bursts or a burst does not fit into the slice.
    RequestStream(const HbmConfig& config, const BurstLoad& load);
    std::uint64_t request_bytes() const { return request_; }
    std::uint64_t requests() const { return (load_.total + request_ - 1) / request_; }
    std::uint64_t address(std::uint64_t request) const;
    bool writes(std::uint64_t request) const;

private:
    BurstLoad load_;
    std::uint64_t request_, bursts_;  // bursts that the slice has room for
};

struct BurstResult {
    double time_ns = 0;  // until the last byte
    double gbytes_per_s = 0, fraction_of_peak = 0;
    double latency_mean_ns = 0, latency_min_ns = 0, latency_p99_ns = 0;  // of a request, from issue to last byte
    double row_hit_rate = 0;                                             // of all column commands
    // Shares of the time in which a channel had work but its column commands waited, and in which it had none; with
    // fraction_of_peak and what column commands have to be apart beyond their data they make up the whole.
    double lost_refresh = 0, lost_turnaround = 0, lost_rows = 0, lost_spacing = 0, idle = 0;
    ChannelCounters counters;  // of all channels
};

/// InputError when the load and the machine do not fit (an ideal machine has no commands). `on_progress` is told now
/// and then how many requests are done, out of how many.
BurstResult run_bursts(const HbmConfig& config, const BurstLoad& load,
                       const std::function<void(std::uint64_t, std::uint64_t)>& on_progress = {});

/// Nanoseconds per byte of a load's middle half: free of filling and draining, all channels taken to be alike. What
/// comes after it is not run. None: too few bursts reached the channels that are looked at.
std::optional<double> paced_ns_per_byte(const HbmConfig& config, const BurstLoad& load);

}  // namespace tilemesh::memory

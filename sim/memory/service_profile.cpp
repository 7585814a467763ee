// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/service_profile.h"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

namespace tilemesh::memory {

ServiceProfile::ServiceProfile(const HbmConfig& config)
    : config_(config),
      // Enough for every lane to have several rows of it, so that more would change nothing.
      longest_run_(std::bit_ceil(4 * config.geometry.row * static_cast<std::uint64_t>(config.geometry.lanes()))),
      least_ns_per_byte_(1.0 / config.peak().gbytes_per_s()),
      points_(known_of(config)) {
    const HbmTiming& timing = config.timing;
    if (config.refresh != RefreshMode::all_bank) return;
    refresh_interval_ = from_nanoseconds(timing.tREFI);
    refresh_gap_ =
        from_nanoseconds(timing.tRTP + config.geometry.pseudo_channels * timing.tRP + timing.tRFC + timing.tRCDRD);
}

std::shared_ptr<ServiceProfile::Points> ServiceProfile::known_of(const HbmConfig& config) {
    static std::vector<std::pair<HbmConfig, std::shared_ptr<Points>>> known;
    for (const auto& [machine, points] : known)
        if (machine == config) return points;
    return known.emplace_back(config, std::make_shared<Points>()).second;
}

double ServiceProfile::turnaround_ns(bool to_write) const {
    const HbmTiming& timing = config_.timing;
    const double burst = static_cast<double>(config_.geometry.burst) / config_.lane_rate().gbytes_per_s();
    if (!to_write) return timing.tWTR_L + timing.tCL;
    return std::max(0.0, timing.tRTW + timing.tCWL - timing.tCL - burst);
}

const ServiceProfile::Point& ServiceProfile::measured(std::uint64_t run, bool write) {
    const auto [entry, missing] = (*points_)[write ? 1 : 0].try_emplace(run);
    if (!missing) return entry->second;
    HbmConfig config = config_;
    // Refreshes of all banks are booked at their times; those of single banks are everywhere, so they are in the
    // rate.
    if (config.refresh == RefreshMode::all_bank) config.refresh = RefreshMode::none;
    config.capacity = std::max(config.capacity, Bytes(run * 64));
    const HbmGeometry& geometry = config.geometry;
    const std::uint64_t queues =
        static_cast<std::uint64_t>(geometry.channels * config.queue_entries) * geometry.burst;
    BurstLoad loaded;
    loaded.burst = run;
    loaded.write_share = write ? 1.0 : 0.0;
    loaded.random = run < longest_run_;
    loaded.channels = 1;
    loaded.request = std::min(run, std::bit_floor(geometry.row));
    loaded.window = 4 * std::max(queues, run);
    loaded.total = std::max(std::clamp(64 * run, 8 * queues, 16 * queues), (loaded.random ? 32 : 8) * run);
    loaded.total = std::max<std::uint64_t>(8, loaded.total / run) * run;
    entry->second.ns_per_byte = std::max(least_ns_per_byte_, run_bursts(config, loaded).paced_ns_per_byte);
    // The same run twice, one after the other: the second finds its rows open.
    BurstLoad alone = loaded;
    alone.random = false;
    alone.request = alone.window = alone.burst;
    alone.total = 2 * alone.burst;
    config.refresh = RefreshMode::none;
    config.capacity = Bytes(run);
    const BurstResult twice = run_bursts(config, alone);
    entry->second.alone_open_ns = twice.latency_min_ns;
    entry->second.alone_closed_ns = 2 * twice.latency_mean_ns - twice.latency_min_ns;
    return entry->second;
}

template <class Figure>
double ServiceProfile::between(std::uint64_t run, bool write, Figure figure) {
    const std::uint64_t size = std::clamp(run, config_.geometry.burst, longest_run_);
    const std::uint64_t below = std::max(config_.geometry.burst, std::bit_floor(size));
    const double low = figure(measured(below, write));
    if (size == below) return low;
    const std::uint64_t above = std::min(longest_run_, 2 * below);
    const double share = static_cast<double>(size - below) / static_cast<double>(above - below);
    return low + (figure(measured(above, write)) - low) * share;
}

double ServiceProfile::ns_per_byte(std::uint64_t run, bool write) {
    if (config_.standard == Standard::ideal) return least_ns_per_byte_;
    return between(run, write, [](const Point& point) { return point.ns_per_byte; });
}

double ServiceProfile::alone_ns(std::uint64_t run, bool write, bool open) {
    if (config_.standard == Standard::ideal) return 0.0;
    const double beyond =
        run > longest_run_ ? static_cast<double>(run - longest_run_) * stream_ns_per_byte(write) : 0.0;
    const auto figure = [&](const Point& point) { return open ? point.alone_open_ns : point.alone_closed_ns; };
    return between(run, write, figure) + beyond;
}

}  // namespace tilemesh::memory

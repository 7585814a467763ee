// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/service_profile.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>
#include <vector>

namespace tilemesh::memory {

ServiceProfile::ServiceProfile(const HbmConfig& config)
    : config_(config),
      // Enough for every lane to have several rows of it, so that more would change nothing.
      longest_run_(std::bit_ceil(4 * config.geometry.row * static_cast<std::uint64_t>(config.geometry.lanes()))),
      least_ns_per_byte_(1.0 / config.peak().gbytes_per_s()),
      known_(known_of(config)) {
    const HbmTiming& timing = config.timing;
    if (config.refresh != RefreshMode::all_bank) return;
    refresh_interval_ = from_nanoseconds(timing.tREFI);
    refresh_gap_ =
        from_nanoseconds(timing.tRTP + config.geometry.pseudo_channels * timing.tRP + timing.tRFC + timing.tRCDRD);
}

std::shared_ptr<ServiceProfile::Known> ServiceProfile::known_of(const HbmConfig& config) {
    static std::vector<std::pair<HbmConfig, std::shared_ptr<Known>>> known;
    for (const auto& [machine, measured] : known)
        if (machine == config) return measured;
    return known.emplace_back(config, std::make_shared<Known>()).second;
}

double ServiceProfile::turnaround_ns(bool to_write) const {
    const HbmTiming& timing = config_.timing;
    const double burst = static_cast<double>(config_.geometry.burst) / config_.lane_rate().gbytes_per_s();
    if (!to_write) return timing.tWTR_L + timing.tCL;
    return std::max(0.0, timing.tRTW + timing.tCWL - timing.tCL - burst);
}

double ServiceProfile::loaded(std::uint64_t run, bool write) {
    const auto [entry, missing] = known_->loaded[write ? 1 : 0].try_emplace(run);
    if (!missing) return entry->second;
    HbmConfig config = config_;
    // Refreshes of all banks are booked at their times; those of single banks are everywhere, so they are in the
    // rate.
    if (config.refresh == RefreshMode::all_bank) config.refresh = RefreshMode::none;
    config.capacity = std::max(config.capacity, Bytes(run * 64));
    const HbmGeometry& geometry = config.geometry;
    const std::uint64_t queues =
        static_cast<std::uint64_t>(geometry.channels * config.queue_entries) * geometry.burst;
    BurstLoad load;
    load.burst = run;
    load.request = std::min(run, std::bit_floor(geometry.row));
    load.write_share = write ? 1.0 : 0.0;
    load.random = run < longest_run_;
    load.channels = 1;
    // Enough runs to keep the queues full and to average over; short runs are many in any case.
    load.window = std::max(4 * run, std::min(4 * queues, 2 * queues + 32 * run));
    load.total =
        std::max({2 * load.window, std::min(64 * run, 16 * queues), (load.random ? 32 : 8) * run}) / run * run;
    // Of few runs over many channels the one that is looked at may get none.
    std::optional<double> pace;
    for (; !pace; load.total *= 4) pace = run_bursts(config, load).paced_ns_per_byte;
    entry->second = std::max(least_ns_per_byte_, *pace);
    return entry->second;
}

const ServiceProfile::Alone& ServiceProfile::alone(std::uint64_t run, bool write) {
    const auto [entry, missing] = known_->alone[write ? 1 : 0].try_emplace(run);
    if (!missing) return entry->second;
    // The same run twice, one after the other: the second finds its rows open.
    HbmConfig config = config_;
    config.refresh = RefreshMode::none;
    config.capacity = Bytes(run);
    BurstLoad load;
    load.burst = load.window = run;
    load.total = 2 * run;
    load.write_share = write ? 1.0 : 0.0;
    const BurstResult twice = run_bursts(config, load);
    entry->second = {twice.latency_min_ns, 2 * twice.latency_mean_ns - twice.latency_min_ns};
    return entry->second;
}

template <class Figure>
double ServiceProfile::between(std::uint64_t run, Figure figure) const {
    const std::uint64_t size = std::clamp(run, config_.geometry.burst, longest_run_);
    const std::uint64_t below = std::max(config_.geometry.burst, std::bit_floor(size));
    const double low = figure(below);
    if (size == below) return low;
    const std::uint64_t above = std::min(longest_run_, 2 * below);
    const double share = static_cast<double>(size - below) / static_cast<double>(above - below);
    return low + (figure(above) - low) * share;
}

double ServiceProfile::ns_per_byte(std::uint64_t run, bool write) {
    if (config_.standard == Standard::ideal) return least_ns_per_byte_;
    return between(run, [&](std::uint64_t size) { return loaded(size, write); });
}

double ServiceProfile::alone_ns(std::uint64_t run, bool write, bool open) {
    if (config_.standard == Standard::ideal) return 0.0;
    const double beyond =
        run > longest_run_ ? static_cast<double>(run - longest_run_) * stream_ns_per_byte(write) : 0.0;
    const auto figure = [&](std::uint64_t size) {
        return open ? alone(size, write).open_ns : alone(size, write).closed_ns;
    };
    return between(run, figure) + beyond;
}

}  // namespace tilemesh::memory

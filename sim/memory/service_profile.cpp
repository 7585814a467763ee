// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/service_profile.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>
#include <vector>

namespace tilemesh::memory {
namespace {

/// Shares of writes that mixing is measured at; between them it is interpolated.
constexpr std::array measured_shares{1.0 / 16, 1.0 / 8, 1.0 / 4, 1.0 / 2, 3.0 / 4, 7.0 / 8, 15.0 / 16};

/// Channels are alike, so that what one of them does is known from a machine of so many; requests for the others
/// would only be made to be thrown away. As many as a run of the default mapping that is longer than any row is
/// spread over.
constexpr int most_channels = 64;

HbmConfig of_few_channels(HbmConfig config) {
    config.geometry.channels = std::min(config.geometry.channels, most_channels);
    return config;
}

/// Bytes after which the channels come round again.
std::uint64_t period_of(const HbmConfig& config) {
    return AddressMap(config.geometry, config.mapping).lane_period() * config.geometry.burst;
}

double pace_of(const HbmConfig& config, BurstLoad load) {
    // Of few runs over many channels the one that is looked at may get none.
    std::optional<double> pace;
    for (; !pace; load.total *= 4) pace = paced_ns_per_byte(config, load);
    return *pace;
}

}  // namespace

ServiceProfile::ServiceProfile(const HbmConfig& config)
    : config_(config),
      measured_(of_few_channels(config)),
      period_(period_of(config)),
      measured_period_(period_of(measured_)),
      // Enough for every lane to have several rows of it, so that more would change nothing.
      longest_run_(std::bit_ceil(4 * config.geometry.row * static_cast<std::uint64_t>(config.geometry.lanes()))),
      least_ns_per_byte_(1.0 / config.peak().gbytes_per_s()),
      refresh_gap_(config.refresh_gap()),
      known_(known_of(config)) {
    if (config.refresh == RefreshMode::all_bank) refresh_interval_ = from_nanoseconds(config.timing.tREFI);
}

std::shared_ptr<ServiceProfile::Known> ServiceProfile::known_of(const HbmConfig& config) {
    static std::vector<std::pair<HbmConfig, std::shared_ptr<Known>>> known;
    for (const auto& [machine, measured] : known)
        if (machine == config) return measured;
    return known.emplace_back(config, std::make_shared<Known>()).second;
}

std::uint64_t ServiceProfile::queued_bytes() const {
    return static_cast<std::uint64_t>(measured_.geometry.channels * measured_.queue_entries) *
           measured_.geometry.burst;
}

std::uint64_t ServiceProfile::measured_run(std::uint64_t run) const {
    // Up to a period a run brings one piece to each channel that it reaches, beyond it as much as its share.
    if (run <= period_) return std::min(run, measured_period_);
    const double shorter = static_cast<double>(measured_period_) / static_cast<double>(period_);
    const auto length = static_cast<std::uint64_t>(static_cast<double>(run) * shorter);
    return length / measured_.geometry.burst * measured_.geometry.burst;
}

double ServiceProfile::pace(const Measurement& measurement) const {
    const double share = static_cast<double>(measured_.geometry.channels) / config_.geometry.channels;
    return pace_of(measurement.config, measurement.load) * share;
}

double ServiceProfile::turnaround_ns(bool to_write) const {
    const HbmTiming& timing = config_.timing;
    const double burst = static_cast<double>(config_.geometry.burst) / config_.lane_rate().gbytes_per_s();
    if (!to_write) return timing.tWTR_L + timing.tCL;
    return std::max(0.0, timing.tRTW + timing.tCWL - timing.tCL - burst);
}

ServiceProfile::Measurement ServiceProfile::measurement(std::uint64_t run, bool random) const {
    HbmConfig config = measured_;
    // Refreshes of all banks are booked at their times; those of single banks are everywhere, so they are in the
    // rate.
    if (config.refresh == RefreshMode::all_bank) config.refresh = RefreshMode::none;
    config.capacity = std::max(config.capacity, Bytes(run * 64));
    const std::uint64_t queues = queued_bytes();
    BurstLoad load;
    load.request = run <= config.geometry.burst ? run : std::min(run, std::bit_floor(config.geometry.row));
    // Whole requests: the share that fewer channels have of a run is no power of two where the machine has no such
    // number of them, and neither is a burst of such bytes.
    run -= run % load.request;
    load.burst = run;
    load.random = random;
    load.channels = 1;
    // Enough runs to keep the queues full and to average over; short runs are many in any case.
    load.window = std::max(4 * run, std::min(4 * queues, 2 * queues + 32 * run));
    load.total = std::max({2 * load.window, std::min(64 * run, 16 * queues), (random ? 32 : 8) * run});
    // Refreshes of single banks must be many, or one more or fewer of them would be seen in the pace.
    constexpr double refreshes = 64.0, most_bytes = 1e8;
    if (config.refresh == RefreshMode::per_bank) {
        const double bytes =
            std::min(refreshes * config.timing.tREFIpb / (1.0 / config.peak().gbytes_per_s()), most_bytes);
        load.total = std::max(load.total, static_cast<std::uint64_t>(bytes));
    }
    load.total = load.total / run * run;
    return {config, load};
}

double ServiceProfile::loaded(std::uint64_t run, bool write) {
    const auto [entry, missing] = known_->loaded[write ? 1 : 0].try_emplace(run);
    if (!missing) return entry->second;
    Measurement measured = measurement(measured_run(run), run < longest_run_);
    measured.load.write_share = write ? 1.0 : 0.0;
    entry->second = std::max(least_ns_per_byte_, pace(measured));
    return entry->second;
}

double ServiceProfile::mixing(std::uint64_t run, std::size_t share, bool in_sequence) {
    const auto [entry, missing] = known_->mixing.try_emplace(Mix{run, share, in_sequence});
    if (!missing) return entry->second;
    Measurement measured = measurement(measured_run(run), !in_sequence);
    BurstLoad& load = measured.load;
    const std::uint64_t length = load.burst;
    load.request = length;  // goes one way
    load.write_share = measured_shares[share];
    // A sequence of runs that reach a part of the lanes at a time would give some lanes reads only and others writes.
    load.scattered_writes = in_sequence && length < 2 * measured_period_;
    // Queues of reads and of writes find their balance slowly, and the rarer direction must come often.
    load.total = std::max({load.total, 128 * length, 64 * queued_bytes()}) / length * length;
    const auto apart = [&](bool write) { return in_sequence ? stream_ns_per_byte(write) : loaded(run, write); };
    entry->second = pace(measured) - apart(false) * (1.0 - load.write_share) - apart(true) * load.write_share;
    return entry->second;
}

const ServiceProfile::Alone& ServiceProfile::alone(std::uint64_t run, bool write) {
    const auto [entry, missing] = known_->alone[write ? 1 : 0].try_emplace(run);
    if (!missing) return entry->second;
    // The same run twice, one after the other: the second finds its rows open.
    HbmConfig config = measured_;
    const std::uint64_t length = measured_run(run);
    config.refresh = RefreshMode::none;
    config.capacity = Bytes(length);
    BurstLoad load;
    load.burst = load.window = length;
    load.total = 2 * length;
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

double ServiceProfile::mixing_ns_per_byte(std::uint64_t run, double write_share, bool in_sequence) {
    if (config_.standard == Standard::ideal) return 0.0;
    const auto at = [&](std::size_t share) {
        return between(run, [&](std::uint64_t size) { return mixing(size, share, in_sequence); });
    };
    // Of longer runs each turn costs what it does, so that there is less of it per byte.
    const double longer = static_cast<double>(std::max(run, longest_run_)) / static_cast<double>(longest_run_);
    const auto above = static_cast<std::size_t>(
        std::lower_bound(measured_shares.begin(), measured_shares.end(), write_share) - measured_shares.begin());
    if (above == 0) return at(0) / longer;
    if (above == measured_shares.size()) return at(above - 1) / longer;
    const double low = measured_shares[above - 1], high = measured_shares[above];
    const double before = at(above - 1), part = (write_share - low) / (high - low);
    return (before + (at(above) - before) * part) / longer;
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

Picoseconds ServiceProfile::refresh_free(Picoseconds time) const {
    if (refresh_gap_.value() == 0) return time;
    const std::uint64_t interval = refresh_interval_.value();
    const std::uint64_t within = time.value() % interval;
    return within < interval - refresh_gap_.value() ? time : Picoseconds(time.value() - within + interval);
}

Picoseconds ServiceProfile::after_refreshes(Picoseconds begin, Picoseconds length) const {
    if (refresh_gap_.value() == 0) return begin + length;
    // Refresh occupies [k * interval - gap, k * interval) for every k >= 1.
    const std::uint64_t interval = refresh_interval_.value(), gap = refresh_gap_.value();
    const std::uint64_t start = refresh_free(begin).value();
    const std::uint64_t refreshes =
        length.value() == 0 ? 0 : (start % interval + length.value() - 1) / (interval - gap);
    return Picoseconds(start + length.value() + refreshes * gap);
}

}  // namespace tilemesh::memory

// SPDX-License-Identifier: Apache-2.0
#include "sim/probe/traffic_verdict.h"

#include <algorithm>
#include <cmath>

namespace tilemesh::probe {
namespace {

// Shares of the packets that one full link moves in the watch: growth that is certain, and growth that counts at all.
constexpr double clear_growth = 0.1, least_growth = 0.005;
// Shares of the variance of the number under way that its trend explains: of steady growth nearly all of it, of a
// queue that comes and goes many times little.
constexpr double clear_trend = 0.9, trend = 0.6, no_trend = 0.2;

}  // namespace

WatchLimits WatchLimits::of(int packet_flits, double latency, double hops_per_cycle) {
    const auto flits = static_cast<double>(packet_flits);
    // The network fills in about the time of its longest path; looks begin after a quarter of the watch.
    const double first = std::max({static_cast<double>(first_packets) * flits, 40.0 * latency, 4000.0});
    const double most = std::max(40.0 * latency, 5 * most_hops / hops_per_cycle);  // long packets are cut into many
    const double longest = std::min(static_cast<double>(most_packets) * flits, most_hops / hops_per_cycle);
    WatchLimits limits;
    limits.first = static_cast<std::uint64_t>(std::ceil(std::min(first, most)));
    limits.longest = std::max(limits.first, static_cast<std::uint64_t>(longest));
    return limits;
}

TrafficVerdict::TrafficVerdict(const WatchLimits& limits, int packet_flits)
    : longest_(limits.longest),
      link_packets_per_cycle_(1.0 / packet_flits),
      spacing_((limits.first + looks - 1) / looks) {}

void TrafficVerdict::look(std::uint64_t created, std::uint64_t arrived) {
    under_way_[looks_] = static_cast<double>(created - arrived);
    arrived_[looks_++] = arrived;
    if (looks_ < looks) return;
    judge();
    if (decided_) return;
    // Watch on for twice as long: every second look stays.
    for (std::size_t i = 0; i < looks / 2; ++i) {
        under_way_[i] = under_way_[2 * i + 1];
        arrived_[i] = arrived_[2 * i + 1];
    }
    looks_ = looks / 2;
    spacing_ *= 2;
}

void TrafficVerdict::judge() {
    // A straight line through the last three quarters of the looks.
    constexpr std::size_t begin = looks / 4 - 1;
    constexpr auto count = static_cast<double>(looks - begin);
    double mean = 0.0;
    for (std::size_t i = begin; i < looks; ++i) mean += under_way_[i] / count;
    double times = 0.0, both = 0.0, all = 0.0;
    for (std::size_t i = begin; i < looks; ++i) {
        const double time = static_cast<double>(i - begin) - (count - 1) / 2, beside = under_way_[i] - mean;
        times += time * time;
        both += time * beside;
        all += beside * beside;
    }
    const double growth = both / times * (count - 1);
    const double explained = all > 0.0 && both > 0.0 ? both * both / (times * all) : 0.0;
    const double of_a_link = growth / (link_packets_per_cycle_ * static_cast<double>(watched()));
    const bool last = 2 * looks * spacing_ > longest_;
    saturated_ = growth >= 2.0 && of_a_link > least_growth && explained > trend;
    decided_ = last || (of_a_link > clear_growth && explained > clear_trend) ||
               (of_a_link < least_growth && explained < no_trend);
}

}  // namespace tilemesh::probe

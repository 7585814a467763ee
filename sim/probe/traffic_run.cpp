// SPDX-License-Identifier: Apache-2.0
#include "sim/probe/traffic_run.h"

#include "sim/base/error.h"
#include "sim/base/percentile.h"
#include "sim/base/random.h"
#include "sim/noc/fabric.h"
#include "sim/noc/network.h"
#include "sim/probe/traffic_verdict.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <unordered_map>

namespace tilemesh::probe {
namespace {

constexpr double rounding = 2e-3;          // of turns to picoseconds, of what is under way to bytes
constexpr std::uint64_t gaps = 0x3000000;  // stream of random numbers, plus the source

struct InFlight {
    noc::Stream stream;
    Picoseconds created;
    int source = 0, destination = 0;
    bool measured = false;
};

class TrafficRun final : public noc::StreamClient {
public:
    TrafficRun(const noc::NetworkConfig& network, const TrafficLoad& load)
        : network_(network),
          load_(load),
          topology_(network),
          destination_of_(destinations_of(load.pattern, topology_)),
          fabric_(network, topology_),
          cycle_(flit_cycle(network)),
          created_(static_cast<std::size_t>(topology_.pes()), 0),
          accepted_(static_cast<std::size_t>(topology_.pes()), 0),
          from_(cycle_ * load.warmup_cycles),
          until_(cycle_ * (load.warmup_cycles + load.measured_cycles)),
          end_(until_ + cycle_ * load.drain_cycles) {
        if (load.judged && load.outstanding == 0) verdict_.emplace(watch_limits(), load.packet_flits);
    }

    TrafficPoint run();

    void stream_left(Picoseconds) override {}
    void bytes_arrived(noc::Stream& stream, Bytes bytes, Picoseconds when, bool complete) override;

private:
    static constexpr std::uint32_t create_event = 0, arrival_event = 1;
    bool in_window(Picoseconds when) const { return when >= from_ && when < until_; }
    std::uint64_t gap_after(int node);
    void create(int node, Picoseconds now);
    void arrived(InFlight& packet, Picoseconds when);
    const noc::Route& route(int from, int to);
    WatchLimits watch_limits();
    /// The looks that are due before `now`.
    void look_until(Picoseconds now);
    TrafficPoint point();

    const noc::NetworkConfig& network_;
    const TrafficLoad& load_;
    const noc::Topology topology_;
    const Destinations destination_of_;
    noc::Fabric fabric_;
    Picoseconds cycle_;
    std::unordered_map<std::uint64_t, noc::Route> routes_;  // that have been asked for, by source and destination
    std::deque<InFlight> pool_;
    std::vector<std::size_t> free_;
    noc::Calendar calendar_;                         // of the sources
    std::vector<std::uint64_t> created_, accepted_;  // packets so far; bytes in the measured time
    std::uint64_t offered_bytes_ = 0;
    Picoseconds from_, until_, end_;  // of measuring; of following what was measured
    std::optional<TrafficVerdict> verdict_;
    std::uint64_t all_created_ = 0, all_arrived_ = 0;
    std::uint64_t open_ = 0;                // measured and not arrived
    std::vector<std::uint64_t> latencies_;  // ps
    double network_latency_ = 0.0, routers_ = 0.0;
    std::vector<Bytes> moved_before_;
    std::vector<double> link_loads_;
};

const noc::Route& TrafficRun::route(int from, int to) {
    const auto key = static_cast<std::uint64_t>(from) << 32 | static_cast<std::uint64_t>(to);
    const auto [entry, missing] = routes_.try_emplace(key);
    if (missing) entry->second = topology_.route(from, to);
    return entry->second;
}

WatchLimits TrafficRun::watch_limits() {
    constexpr std::uint64_t samples = 4;  // packets of each node
    double links = 0.0;
    Picoseconds longest;
    for (int node = 0; node < topology_.pes(); ++node) {
        for (std::uint64_t i = 0; i < samples; ++i) {
            const noc::Route& way = route(node, destination_of_(node, i));
            links += static_cast<double>(std::max<std::size_t>(way.size(), 1)) / samples;
            longest = std::max(longest, noc::head_latency(network_, topology_, way));
        }
    }
    const Bytes packet = network_.flit * static_cast<std::uint64_t>(load_.packet_flits);
    const std::uint64_t pieces = (packet.value() + network_.packet.value() - 1) / network_.packet.value();
    const double latency = static_cast<double>(longest.value()) / static_cast<double>(cycle_.value());
    return WatchLimits::of(load_.packet_flits, latency + load_.packet_flits,
                           load_.offered / load_.packet_flits * static_cast<double>(pieces) * links);
}

void TrafficRun::look_until(Picoseconds now) {
    while (verdict_ && !verdict_->decided() && cycle_ * verdict_->next_look() <= now)
        verdict_->look(all_created_, all_arrived_);
}

std::uint64_t TrafficRun::gap_after(int node) {
    const double chance = load_.offered / load_.packet_flits;
    if (chance >= 1.0) return 1;
    const auto number = static_cast<std::size_t>(node);
    const double dice = static_cast<double>(random_bits(load_.pattern.seed, gaps + number, created_[number]) >> 11);
    return 1 + static_cast<std::uint64_t>(std::log1p(-dice * 0x1p-53) / std::log1p(-chance));
}

void TrafficRun::create(int node, Picoseconds now) {
    const std::uint64_t index = created_[static_cast<std::size_t>(node)]++;
    ++all_created_;
    if (load_.outstanding == 0) {
        calendar_.post(now + cycle_ * gap_after(node), create_event, static_cast<std::uint32_t>(node));
    }
    if (free_.empty()) {
        free_.push_back(pool_.size());
        pool_.emplace_back();
    }
    InFlight& packet = pool_[free_.back()];
    packet.stream = {};
    packet.stream.tag = free_.back();
    free_.pop_back();
    packet.created = now;
    packet.source = node;
    packet.destination = destination_of_(node, index);
    packet.measured = in_window(now);
    packet.stream.size = network_.flit * static_cast<std::uint64_t>(load_.packet_flits);
    if (packet.measured) {
        ++open_;
        offered_bytes_ += packet.stream.size.value();
    }
    packet.stream.route = &route(node, packet.destination);
    packet.stream.client = this;
    packet.stream.available_from = packet.stream.available_until = packet.stream.entered = now;
    if (packet.stream.route->empty()) {  // to itself, and there is no port to pass
        arrived(packet, now + noc::time_to_self(network_, packet.stream.size));
        return;
    }
    fabric_.inject(packet.stream, noc::TrafficClass::message, now);
}

void TrafficRun::bytes_arrived(noc::Stream& stream, Bytes, Picoseconds when, bool complete) {
    if (complete) arrived(pool_[stream.tag], when);
}

void TrafficRun::arrived(InFlight& packet, Picoseconds when) {
    ++all_arrived_;
    if (in_window(when)) accepted_[static_cast<std::size_t>(packet.destination)] += packet.stream.size.value();
    if (packet.measured) --open_;
    if (packet.measured && when <= end_) {
        latencies_.push_back((when - packet.created).value());
        network_latency_ += static_cast<double>((when - packet.stream.entered).value());
        for (const noc::Hop& hop : *packet.stream.route) {
            routers_ += topology_.links()[hop.link].role == noc::LinkRole::routers ? 1.0 : 0.0;
        }
        routers_ += 1.0;
    }
    free_.push_back(packet.stream.tag);
    if (load_.outstanding > 0) {
        calendar_.post(when, arrival_event, static_cast<std::uint32_t>(packet.source));
    }
}

TrafficPoint TrafficRun::run() {
    for (int node = 0; node < topology_.pes(); ++node) {
        for (int i = 0; i < std::max(load_.outstanding, 1); ++i) {
            const Picoseconds first = load_.outstanding > 0 ? Picoseconds() : cycle_ * (gap_after(node) - 1);
            calendar_.post(first, create_event, static_cast<std::uint32_t>(node));
        }
    }
    const auto moved_until = [&](Picoseconds now) {
        std::vector<Bytes> bytes;
        for (std::size_t i = 0; i < topology_.links().size(); ++i) bytes.push_back(fabric_.bytes_moved(i, now));
        return bytes;
    };
    bool warm = false, measured = false;
    while (true) {
        const Picoseconds now = std::min(calendar_.next(), fabric_.next_event());
        if (!warm && now >= from_) {
            warm = true;
            moved_before_ = moved_until(from_);
        }
        if (!measured && now >= until_) {
            measured = true;
            const std::vector<Bytes> after = moved_until(until_);
            for (std::size_t i = 0; i < after.size(); ++i) {
                const double possible =
                    topology_.links()[i].config.rate.gbytes_per_s() * to_nanoseconds(until_ - from_);
                const double load = static_cast<double>((after[i] - moved_before_[i]).value()) / possible;
                if (load > 1.0 + rounding)
                    fail<InternalError>("link {} moved {} of what it can", topology_.links()[i].name, load);
                link_loads_.push_back(std::min(1.0, load));
            }
        }
        look_until(now);
        const bool judged = !verdict_ || verdict_->decided();
        if (judged && now >= until_ && (open_ == 0 || now >= end_)) break;
        if (calendar_.next() == now) {
            create(static_cast<int>(calendar_.take().what()), now);
        } else {
            fabric_.run_until(now);
        }
    }
    return point();
}

TrafficPoint TrafficRun::point() {
    TrafficPoint point;
    const auto cycles = [&](double ps) { return ps / static_cast<double>(cycle_.value()); };
    const auto per_node_and_cycle = [&](double bytes, double nodes) {
        return bytes / static_cast<double>(network_.flit.value()) / nodes /
               static_cast<double>(load_.measured_cycles);
    };
    const auto nodes = static_cast<double>(topology_.pes());
    double all = 0.0;
    for (const std::uint64_t bytes : accepted_) all += static_cast<double>(bytes);
    point.offered = per_node_and_cycle(static_cast<double>(offered_bytes_), nodes);
    point.accepted = per_node_and_cycle(all, nodes);
    point.least_accepted =
        per_node_and_cycle(static_cast<double>(*std::min_element(accepted_.begin(), accepted_.end())), 1.0);
    if (verdict_) {
        point.unstable = verdict_->saturated();
        point.arrived_of_watched = static_cast<double>(verdict_->arrived()) * load_.packet_flits / nodes /
                                   static_cast<double>(verdict_->watched());
    }
    point.packets = latencies_.size();
    point.packet_hops = fabric_.packet_hops();
    point.link_loads = link_loads_;
    if (latencies_.empty()) return point;
    const auto count = static_cast<double>(latencies_.size());
    double sum = 0.0;
    for (const std::uint64_t latency : latencies_) sum += static_cast<double>(latency);
    point.mean_latency = cycles(sum / count);
    const auto p99 = latencies_.begin() + static_cast<std::ptrdiff_t>(nearest_rank(latencies_.size(), 99.0));
    std::nth_element(latencies_.begin(), p99, latencies_.end());
    point.p99_latency = cycles(static_cast<double>(*p99));
    point.network_latency = cycles(network_latency_ / count);
    point.mean_routers = routers_ / count;
    return point;
}

}  // namespace

Picoseconds flit_cycle(const noc::NetworkConfig& network) { return network.link.rate.time_for(network.flit); }

TrafficPoint run_traffic(const noc::NetworkConfig& network, const TrafficLoad& load) {
    return TrafficRun(network, load).run();
}

}  // namespace tilemesh::probe

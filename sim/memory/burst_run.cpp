// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/burst_run.h"

#include "sim/base/error.h"
#include "sim/base/percentile.h"
#include "sim/base/random.h"
#include "sim/base/ring_queue.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tilemesh::memory {
namespace {

class Run {
public:
    Run(const HbmConfig& config, const BurstLoad& load)
        : config_(config),
          load_(load),
          map_(config.geometry, config.mapping),
          ticks_(config),
          stream_(config, load),
          request_(stream_.request_bytes()),
          requests_(stream_.requests()),
          pending_(static_cast<std::size_t>(config.geometry.channels)) {
        const int channels = load.channels == 0 ? config.geometry.channels : load.channels;
        for (int i = 0; i < channels; ++i) channels_.emplace_back(config_, ticks_);
        window_share_ = std::min(config.geometry.burst, request_) *
                        static_cast<std::uint64_t>(config.geometry.channels) / static_cast<std::uint64_t>(channels);
        const std::uint64_t served = requests_ * request_ / config.geometry.burst *
                                     static_cast<std::uint64_t>(channels) /
                                     static_cast<std::uint64_t>(config.geometry.channels);
        middle_begin_ = served / 4;
        middle_end_ = served - served / 4;
    }

    BurstResult result(const std::function<void(std::uint64_t, std::uint64_t)>& on_progress) {
        constexpr std::uint64_t steps = 200;  // what a line on a terminal can show
        std::uint64_t told = 0;
        while (done_ < requests_) {
            if (on_progress && done_ * steps / requests_ > told) {
                told = done_ * steps / requests_;
                on_progress(done_, requests_);
            }
            step();
        }
        return summary();
    }

    std::optional<double> pace() {
        while (done_ < requests_ && served_ < middle_end_) step();
        const auto middle = static_cast<double>((middle_end_ - middle_begin_) * window_share_);
        if (middle <= 0.0) return {};
        return static_cast<double>(end_ - begin_) * ticks_.nanoseconds_per_tick / middle;
    }

private:
    /// What happens now; then on to when something does next, unless that was the last.
    void step() {
        issue(now_);
        hand_over();
        for (ChannelController& channel : channels_) {
            if (channel.wake() > now_) continue;
            channel.tick(now_, completions_);
        }
        for (const Completion& one : completions_) ends_[underway(one.tag).write ? 1 : 0].push(one);
        completions_.clear();
        complete(now_);
        if (done_ < requests_) now_ = next(now_);
    }

    /// A request of which so many bursts are still to come.
    struct Underway {
        std::uint64_t left;
        std::int64_t issued_at;
        bool write;
    };
    Underway& underway(std::uint64_t request) { return underway_[request - first_underway_]; }

    void complete(std::int64_t now) {
        for (RingQueue<Completion>& ends : ends_)
            while (!ends.empty() && ends.front().end <= now) complete(ends.pop().tag, now);
        forget_done();
    }

    void complete(std::uint64_t request, std::int64_t now) {
        outstanding_ -= window_share_;
        seen_at_ = now + ticks_.clock;  // the engine sees it at its next clock
        if (++served_ == middle_begin_) begin_ = now;
        if (served_ == middle_end_) end_ = now;
        Underway& of = underway(request);
        if (--of.left > 0) return;
        ++done_;
        latencies_.push_back(static_cast<double>(now - of.issued_at) * ticks_.nanoseconds_per_tick);
    }

    void forget_done() {
        while (!underway_.empty() && underway_.front().left == 0) {
            underway_.drop();
            ++first_underway_;
        }
    }

    bool may_go() {
        if (load_.window > 0) return outstanding_ == 0 || outstanding_ + request_ <= load_.window;
        const auto channel = static_cast<std::size_t>(map_.place(stream_.address(issued_)).channel);
        return pending_[channel].empty() && channels_[channel].has_room(stream_.writes(issued_));
    }

    void issue(std::int64_t now) {
        if (now < may_issue_) return;
        while (issued_ < requests_ && may_go()) {
            const std::uint64_t address = stream_.address(issued_), burst = config_.geometry.burst;
            const std::uint64_t first = address / burst, last = (address + request_ - 1) / burst;
            const bool write = stream_.writes(issued_);
            std::uint64_t left = 0;
            Place place;
            for (std::uint64_t i = first; i <= last; ++i) {
                if (i == first || i % map_.row_block() == 0) place = map_.place(i * burst);
                if (place.channel >= static_cast<int>(channels_.size())) {
                    // So are those after it as far as they lie together.
                    i += map_.lane_block() - 1 - i % map_.lane_block();
                    continue;
                }
                ++left;
                pending_[static_cast<std::size_t>(place.channel)].push({issued_, place.row, place.bank, write});
            }
            if (left == 0) ++done_;
            underway_.push({left, now, write});
            if (left == 0) forget_done();
            outstanding_ += left * window_share_;
            ++issued_;
            if (load_.every_ns > 0) {
                may_issue_ = now + static_cast<std::int64_t>(std::ceil(load_.every_ns / ticks_.nanoseconds_per_tick));
                return;
            }
        }
    }

    void hand_over() {
        // A channel's port takes one burst per slot of the command bus.
        waiting_ = false;
        for (std::size_t c = 0; c < channels_.size(); ++c) {
            if (pending_[c].empty() || !channels_[c].has_room(pending_[c].front().write)) continue;
            channels_[c].push(pending_[c].front());
            pending_[c].drop();
            waiting_ = waiting_ || !pending_[c].empty();
        }
    }

    std::int64_t next(std::int64_t now) {
        if (outstanding_ == 0 && issued_ < requests_ && may_issue_ > now) {
            // Nothing waits anywhere, and nothing but the next request can change that.
            for (ChannelController& channel : channels_) channel.rest_until(may_issue_);
            return may_issue_;
        }
        if (waiting_ || (load_.window == 0 && issued_ < requests_ && may_issue_ <= now)) return now + 1;
        std::int64_t next = std::numeric_limits<std::int64_t>::max();
        if (issued_ < requests_ && may_issue_ > now) next = may_issue_;
        if (issued_ < requests_ && seen_at_ > now) next = std::min(next, seen_at_);
        for (const RingQueue<Completion>& ends : ends_)
            if (!ends.empty()) next = std::min(next, ends.front().end);
        for (std::size_t c = 0; c < channels_.size(); ++c) next = std::min(next, channels_[c].wake());
        return std::max(next, now + 1);
    }

    BurstResult summary() {
        BurstResult result;
        for (const ChannelController& channel : channels_) {
            const ChannelCounters& one = channel.counters();
            ChannelCounters& sum = result.counters;
            sum.row_hits += one.row_hits, sum.activates += one.activates, sum.precharges += one.precharges;
            sum.refreshes += one.refreshes, sum.reads += one.reads, sum.writes += one.writes;
            sum.waited_refresh += one.waited_refresh, sum.waited_turnaround += one.waited_turnaround;
            sum.waited_rows += one.waited_rows;
        }
        const ChannelCounters& sum = result.counters;
        const auto time = static_cast<double>(now_), channels = static_cast<double>(channels_.size());
        result.time_ns = time * ticks_.nanoseconds_per_tick;
        const double bytes = static_cast<double>(requests_ * request_);
        result.gbytes_per_s = bytes / result.time_ns;
        result.fraction_of_peak = result.gbytes_per_s / config_.peak().gbytes_per_s();
        std::sort(latencies_.begin(), latencies_.end());
        for (const double latency : latencies_)
            result.latency_mean_ns += latency / static_cast<double>(latencies_.size());
        if (!latencies_.empty()) {
            result.latency_min_ns = latencies_.front();
            result.latency_p99_ns = latencies_[nearest_rank(latencies_.size(), 99.0)];
        }
        const std::uint64_t columns = std::max<std::uint64_t>(1, sum.reads + sum.writes);
        result.row_hit_rate = static_cast<double>(sum.row_hits) / static_cast<double>(columns);
        // Column slots that a burst's data needs anyway are no loss; those that it does not need are no wait.
        result.lost_spacing = result.fraction_of_peak * (1.0 / fastest_columns() - 1.0);
        const double rest = std::max(0.0, 1.0 - result.fraction_of_peak - result.lost_spacing);
        const double waited = static_cast<double>(sum.waited_refresh + sum.waited_turnaround + sum.waited_rows);
        const double scale = waited > 0 ? std::min(1.0 / (time * channels), rest / waited) : 0.0;
        result.lost_refresh = static_cast<double>(sum.waited_refresh) * scale;
        result.lost_turnaround = static_cast<double>(sum.waited_turnaround) * scale;
        result.lost_rows = static_cast<double>(sum.waited_rows) * scale;
        result.idle = rest - waited * scale;
        return result;
    }

    /// The share of the peak that column commands carry at their closest, whatever they are for: tCCD_S apart on a
    /// pseudo-channel, and one per clock of the bus that those of a channel share.
    double fastest_columns() const {
        const std::int64_t apart = std::max((ticks_.ccd_s + ticks_.clock - 1) / ticks_.clock * ticks_.clock,
                                            config_.geometry.pseudo_channels * ticks_.clock);
        const double data_ns = static_cast<double>(config_.geometry.burst) / config_.lane_rate().gbytes_per_s();
        return std::min(1.0, data_ns / (static_cast<double>(apart) * ticks_.nanoseconds_per_tick));
    }

    const HbmConfig& config_;
    const BurstLoad& load_;
    AddressMap map_;
    CommandTicks ticks_;
    RequestStream stream_;
    std::uint64_t request_, requests_;
    RingQueue<Underway> underway_;  // those from first_underway_ on
    std::uint64_t first_underway_ = 0;
    std::vector<RingQueue<Access>> pending_;
    std::vector<ChannelController> channels_;
    std::array<RingQueue<Completion>, 2> ends_;  // of reads, of writes; each in order, since all take equally long
    std::vector<Completion> completions_;
    std::vector<double> latencies_;
    std::uint64_t issued_ = 0, done_ = 0, outstanding_ = 0, window_share_ = 0;
    std::uint64_t served_ = 0, middle_begin_ = 0, middle_end_ = 0;  // bursts
    std::int64_t now_ = 0, may_issue_ = 0, seen_at_ = 0, begin_ = 0, end_ = 0;
    bool waiting_ = false;
};

}  // namespace

RequestStream::RequestStream(const HbmConfig& config, const BurstLoad& load)
    : load_(load),
      request_(load.request == 0 ? load.burst : load.request),
      bursts_(config.capacity.value() / load.burst) {
    if (load.burst % request_ != 0)
        fail<InputError>("requests of {} bytes should divide bursts of {}", request_, load.burst);
    if (bursts_ == 0)
        fail<InputError>("a burst of {} bytes has no room in a slice of {}", load.burst, config.capacity.value());
}

std::uint64_t RequestStream::address(std::uint64_t request) const {
    const std::uint64_t byte = request * request_, burst = byte / load_.burst;
    const std::uint64_t at = load_.random ? random_below(load_.seed, 0, burst, bursts_) : burst % bursts_;
    return at * load_.burst + byte % load_.burst;
}

bool RequestStream::writes(std::uint64_t request) const {
    if (load_.scattered_writes) {
        constexpr std::uint64_t fine = 1 << 20;
        return static_cast<double>(random_below(load_.seed, 1, request, fine)) < load_.write_share * fine;
    }
    const auto writes = [&](std::uint64_t n) { return std::floor(static_cast<double>(n) * load_.write_share + 0.5); };
    return writes(request + 1) > writes(request);
}

BurstResult run_bursts(const HbmConfig& config, const BurstLoad& load,
                       const std::function<void(std::uint64_t, std::uint64_t)>& on_progress) {
    if (config.standard == Standard::ideal)
        fail<InputError>("hbm.standard is ideal, which has no commands to measure: expected HBM2 or HBM3");
    return Run(config, load).result(on_progress);
}

std::optional<double> paced_ns_per_byte(const HbmConfig& config, const BurstLoad& load) {
    return Run(config, load).pace();
}

}  // namespace tilemesh::memory

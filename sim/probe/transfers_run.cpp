// SPDX-License-Identifier: Apache-2.0
#include "sim/probe/transfers_run.h"

#include "sim/base/error.h"
#include "sim/base/longest_run.h"
#include "sim/noc/fabric.h"
#include "sim/noc/network.h"

#include <algorithm>
#include <map>

namespace tilemesh::probe {
namespace {

class Replay final : public noc::StreamClient {
public:
    Replay(const noc::NetworkConfig& network, const std::vector<ListedTransfer>& transfers)
        : transfers_(transfers),
          network_(network),
          topology_(network),
          fabric_(network, topology_),
          streams_(transfers.size()),
          open_(transfers.size(), 0),
          waiting_(transfers.size()) {
        result_.times.resize(transfers.size());
    }

    TransfersResult run() {
        for (std::size_t i = 0; i < transfers_.size(); ++i) {
            open_[i] = transfers_[i].after.size();
            for (const std::size_t before : transfers_[i].after) waiting_[before].push_back(i);
            if (open_[i] == 0) calendar_.post(transfers_[i].start, 0, static_cast<std::uint32_t>(i));
        }
        while (!calendar_.empty() || fabric_.next_event() != Picoseconds::max()) {
            const Picoseconds now = std::min(calendar_.next(), fabric_.next_event());
            if (now > longest_run)
                fail<InputError>("transfers: {} of {} arrive within 53 days, longer than a run may take", arrived_,
                                 transfers_.size());
            if (calendar_.next() == now) {
                const auto event = calendar_.take();
                event.kind() == begin_event ? begin(event.what(), now) : finish(event.what(), now);
            } else {
                fabric_.run_until(now);
            }
        }
        if (arrived_ != transfers_.size()) {
            fail<InternalError>("transfers: {} of {} arrived", arrived_, transfers_.size());
        }
        for (std::size_t i = 0; i < topology_.links().size(); ++i)
            result_.link_bytes.push_back(fabric_.bytes_moved(i, result_.end));
        return result_;
    }

    void stream_left(Picoseconds) override {}
    void bytes_arrived(noc::Stream& stream, Bytes, Picoseconds when, bool complete) override {
        if (complete) calendar_.post(when, finish_event, static_cast<std::uint32_t>(stream.tag));
    }

private:
    static constexpr std::uint32_t begin_event = 0, finish_event = 1;

    void begin(std::size_t number, Picoseconds now) {
        const ListedTransfer& transfer = transfers_[number];
        result_.times[number].begun = now;
        noc::Route& route = routes_[{transfer.source, transfer.destination}];
        if (route.empty()) route = topology_.route(transfer.source, transfer.destination);
        noc::Stream& stream = streams_[number];
        stream.route = &route;
        stream.size = transfer.bytes;
        stream.available_from = stream.available_until = now;
        stream.client = this;
        stream.tag = number;
        if (route.empty()) {  // within one PE
            calendar_.post(now + noc::time_to_self(network_, transfer.bytes), finish_event,
                           static_cast<std::uint32_t>(number));
            return;
        }
        fabric_.inject(stream, noc::TrafficClass::message, now);
    }

    void finish(std::size_t number, Picoseconds now) {
        ++arrived_;
        result_.times[number].arrived = now;
        result_.end = std::max(result_.end, now);
        for (const std::size_t next : waiting_[number]) {
            if (--open_[next] > 0) continue;
            if (transfers_[next].start <= now) result_.times[next].waited_for = static_cast<int>(number);
            calendar_.post(std::max(now, transfers_[next].start), begin_event, static_cast<std::uint32_t>(next));
        }
    }

    const std::vector<ListedTransfer>& transfers_;
    const noc::NetworkConfig& network_;
    const noc::Topology topology_;
    noc::Fabric fabric_;
    noc::Calendar calendar_;
    std::vector<noc::Stream> streams_;
    std::map<std::pair<int, int>, noc::Route> routes_;
    std::vector<std::size_t> open_;                  // dependencies that have not arrived
    std::vector<std::vector<std::size_t>> waiting_;  // who depends on each
    std::size_t arrived_ = 0;
    TransfersResult result_;
};

}  // namespace

std::vector<std::size_t> TransfersResult::critical_chain() const {
    std::vector<std::size_t> chain;
    const auto last =
        std::max_element(times.begin(), times.end(),
                         [](const TransferTimes& a, const TransferTimes& b) { return a.arrived < b.arrived; });
    if (last == times.end()) return chain;
    for (auto at = static_cast<int>(last - times.begin()); at >= 0;
         at = times[static_cast<std::size_t>(at)].waited_for)
        chain.push_back(static_cast<std::size_t>(at));
    std::reverse(chain.begin(), chain.end());
    return chain;
}

TransfersResult run_transfers(const noc::NetworkConfig& network, const std::vector<ListedTransfer>& transfers) {
    return Replay(network, transfers).run();
}

}  // namespace tilemesh::probe

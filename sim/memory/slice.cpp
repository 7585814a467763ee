// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/slice.h"

#include "sim/noc/sim_time.h"

#include <algorithm>
#include <tuple>

namespace tilemesh::memory {

Slice::Slice(sc_core::sc_module_name name, const HbmConfig& config, ServiceProfile& profile, noc::Agenda& agenda,
             ComponentId id, Recorder* recorder)
    : sc_module(name),
      config_(config),
      book_(config),
      channels_(config, profile),
      id_(id),
      recorder_(recorder),
      agenda_(agenda) {}

std::uint64_t Slice::allocate(std::uint64_t bytes, std::string_view what) {
    const std::uint64_t address = book_.allocate(bytes, what, name());
    channels_.leave_open({address, bytes});
    return address;
}

void Slice::request(const Request& request) {
    waiting_.push_back(request);
    waiting_.back().posted = sc_core::sc_delta_count();
    agenda_.enter(*this, request.arrival);
}

void Slice::due() {
    if (waiting_.empty()) return;  // served together with others
    const Picoseconds now = simulated_now();
    const std::uint64_t delta = sc_core::sc_delta_count();
    std::sort(waiting_.begin(), waiting_.end(), [](const Request& a, const Request& b) {
        return std::tie(a.arrival, a.source, a.write, a.command, a.part) <
               std::tie(b.arrival, b.source, b.write, b.command, b.part);
    });
    // What was posted in this very delta cycle waits for the next, so that it never depends on who ran first.
    std::vector<Request> due;
    std::erase_if(waiting_, [&](const Request& request) {
        const bool now_due = request.arrival <= now && request.posted != delta;
        if (now_due) due.push_back(request);
        return now_due;
    });
    for (const Request& request : due) {
        const Channels::Booking booking =
            channels_.book(now, {request.first, request.segments, request.stride}, request.write);
        if (recorder_) {
            recorder_->activity({id_, booking.begin, booking.begin + booking.busy, request.arrival, booking.moved, 0,
                                 request.command, request.write ? "write" : "read"});
        }
        request.client->memory_done(request.tag, std::min(booking.first + config_.access_latency, booking.end),
                                    booking.end);
    }
}

}  // namespace tilemesh::memory

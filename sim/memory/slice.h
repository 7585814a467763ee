// SPDX-License-Identifier: Apache-2.0
// One PE's HBM slice: requests from that PE and, through the network, from others. Requests of one instant are served
// in order of their source, whatever order the simulation's processes ran in.
#pragma once

#include "sim/base/recorder.h"
#include "sim/memory/channels.h"
#include "sim/noc/agenda.h"

#include <cstdint>
#include <systemc>
#include <vector>

namespace tilemesh::memory {

/// Told when a request's data will have moved; the time lies ahead of the clock.
class SliceClient {
public:
    virtual ~SliceClient() = default;
    virtual void memory_done(std::uint64_t tag, Picoseconds first_byte, Picoseconds last_byte) = 0;
};

/// Consecutive or evenly strided segments of one slice.
struct Request {
    Picoseconds arrival;
    int source = 0;  // PE that asks; breaks ties of one instant
    bool write = false;
    Segment first;
    std::uint64_t segments = 1;
    std::uint64_t stride = 0;
    SliceClient* client = nullptr;
    std::uint64_t tag = 0;
    std::uint64_t command = 0;
    std::uint32_t part = 0;    // of a command that makes several requests
    std::uint64_t posted = 0;  // delta cycle of the posting; set by the slice
};

class Slice : public sc_core::sc_module, public noc::Agenda::Entry {
public:
    /// `config` and `profile` must outlive the slice; slices of one machine share them.
    Slice(sc_core::sc_module_name name, const HbmConfig& config, ServiceProfile& profile, noc::Agenda& agenda,
          ComponentId id, Recorder* recorder);

    /// Request arriving at `request.arrival` (now or later).
    void request(const Request& request);
    ComponentId id() const { return id_; }
    Rate peak() const { return config_.peak(); }
    std::uint64_t burst() const { return config_.geometry.burst; }
    Picoseconds longest_pause() const { return config_.longest_pause(); }

    /// Reserves room; returns its address. What is allocated has been written: its rows are as that left them.
    /// InputError when the slice is full.
    std::uint64_t allocate(std::uint64_t bytes, std::string_view what);

    /// Serves what has arrived.
    void due() override;

private:
    const HbmConfig& config_;
    SliceBook book_;
    Channels channels_;
    ComponentId id_;
    Recorder* recorder_;
    std::vector<Request> waiting_;
    noc::Agenda& agenda_;
};

}  // namespace tilemesh::memory

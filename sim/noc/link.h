// SPDX-License-Identifier: Apache-2.0
// One directed link with the output port that feeds it and the input buffers at its far end. Packets move by virtual
// cut-through: one is granted when the link is free and the next buffer has room for all of it; its head goes on
// while its tail is still coming. Inputs take turns (round robin). Buffers are first-in first-out per virtual
// channel, so a packet can be blocked by the one before it, as in input-queued routers.
#pragma once

#include "sim/base/recorder.h"
#include "sim/base/ring_queue.h"
#include "sim/noc/stream.h"

#include <array>
#include <systemc>
#include <vector>

namespace tilemesh::noc {

struct Packet {
    Stream* stream = nullptr;
    std::uint32_t bytes = 0;
    std::uint16_t hop = 0;  // index in the route of the link it wants next
    bool last = false;      // the stream's last
    Picoseconds head;       // from when it may leave this router
    Picoseconds tail;       // not before this may its last byte leave
};

class Link;

/// Packets waiting at a router input, in order.
struct InputBuffer {
    RingQueue<Packet> packets;
    Bytes occupied;
    struct Release {
        Picoseconds when;
        Bytes bytes;
    };
    RingQueue<Release> releases;  // room that becomes free at known times
    Link* upstream = nullptr;
    /// Delta cycle in which the front changed: others see the new front one delta later, so that the order in which
    /// processes of one instant run does not matter.
    std::uint64_t changed = ~std::uint64_t{0};
};

/// Streams waiting to enter a link at its source router, one after another.
struct Injection {
    RingQueue<Stream*> streams;
    std::uint64_t changed = ~std::uint64_t{0};
};

class Link : public sc_core::sc_module {
public:
    SC_HAS_PROCESS(Link);
    Link(sc_core::sc_module_name name, const LinkSpec& spec, const NetworkConfig& network, ComponentId id,
         Recorder* recorder);

    /// Wires this link's output port to the buffers at its source router, and `links` (by number) for the next hops.
    void connect(std::vector<InputBuffer*> inputs, const std::vector<Link*>& links) {
        inputs_ = std::move(inputs);
        links_ = &links;
    }
    InputBuffer& buffer(int virtual_channel) { return buffers_[static_cast<std::size_t>(virtual_channel)]; }
    void inject(Stream& stream, TrafficClass traffic);
    /// Look again at `when`.
    void poke(Picoseconds when);

    const LinkSpec& spec() const { return spec_; }
    ComponentId id() const { return id_; }
    Bytes bytes_moved() const { return moved_; }

private:
    void serve();
    bool try_input(InputBuffer& input, Picoseconds now, std::uint64_t delta, Picoseconds& again);
    bool try_injection(Injection& injection, Picoseconds now, std::uint64_t delta, Picoseconds& again);
    bool has_room(Bytes bytes, const Stream& stream, std::size_t hop, Picoseconds now, Picoseconds& again);
    /// Moves the packet over this link starting now; returns when its last byte leaves the source router.
    Picoseconds grant(const Packet& packet, Picoseconds now, std::uint64_t delta);

    LinkSpec spec_;
    const NetworkConfig& network_;
    ComponentId id_;
    Recorder* recorder_;
    std::vector<InputBuffer*> inputs_;
    const std::vector<Link*>* links_ = nullptr;
    std::array<Injection, traffic_classes> injections_;
    std::array<InputBuffer, 2> buffers_;  // at the far end, one per virtual channel
    std::size_t turn_ = 0;
    Picoseconds free_at_;
    Picoseconds wanted_;
    Bytes moved_;
    sc_core::sc_event wake_;
};

}  // namespace tilemesh::noc

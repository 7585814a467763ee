// SPDX-License-Identifier: Apache-2.0
// A stream is one message on its way: so many bytes from one PE's router to another's, cut into packets as it enters
// the first link. Whoever starts a stream is told when its last byte has left and when bytes arrive. What goes to
// several PEs is a tree of streams: where its way branches, routers copy packets of one stream into the next.
#pragma once

#include "sim/base/ring_queue.h"
#include "sim/base/units.h"
#include "sim/noc/topology.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace tilemesh::noc {

struct Stream;

/// Told about a stream's progress as soon as it is certain; the times may lie ahead of the simulation's clock.
class StreamClient {
public:
    virtual ~StreamClient() = default;
    /// The last byte leaves its source. Delivering it may have ended the stream's life, so there is none to show.
    virtual void stream_left(Picoseconds when) = 0;
    /// A packet of so many bytes arrives; `complete`: with it the whole stream has. Packets of one stream may arrive
    /// in another order than they left, having used different virtual channels.
    virtual void bytes_arrived(Stream& stream, Bytes bytes, Picoseconds when, bool complete) = 0;
};

/// Byte credits of one receive buffer, held by the sending side.
class CreditWindow {
public:
    explicit CreditWindow(Bytes size = Bytes::max()) : size_(size) {}
    /// May `bytes` more be under way at `now`?
    bool room(Bytes bytes, Picoseconds now) {
        while (!returns_.empty() && returns_.front().when <= now) outstanding_ -= returns_.pop().bytes;
        const bool fits = outstanding_ + bytes <= size_;
        if (fits && short_since_ != Picoseconds::max()) waited_ += now - short_since_;
        short_since_ = fits ? Picoseconds::max() : std::min(short_since_, now);
        return fits;
    }
    /// How long somebody has waited for room since this was last asked.
    Picoseconds take_waited() { return std::exchange(waited_, Picoseconds()); }
    void take(Bytes bytes) { outstanding_ += bytes; }
    void give_back(Bytes bytes, Picoseconds when) { returns_.push({when, bytes}); }
    /// When the next credit is due; max: none is on its way.
    Picoseconds next_return() const { return returns_.empty() ? Picoseconds::max() : returns_.front().when; }
    Bytes outstanding() const { return outstanding_; }

private:
    struct Return {
        Picoseconds when;
        Bytes bytes;
    };
    Bytes size_;
    Bytes outstanding_;
    Picoseconds short_since_ = Picoseconds::max(), waited_;
    RingQueue<Return> returns_;
};

struct Stream {
    const Route* route = nullptr;
    Bytes size;
    Bytes injected;
    Bytes arrived;
    Picoseconds available_from;   // when the first byte is there to be sent
    Picoseconds available_until;  // when the last is (equal: all at once); linear in between
    Picoseconds entered;          // when its last packet's head entered the first link
    StreamClient* client = nullptr;
    CreditWindow* credits = nullptr;  // null: the receiver always has room
    Bytes spare;                      // room there that it leaves to others
    /// Not null: the router at the end of the route copies every packet into these, which go on from there. Only
    /// streams that go no further have clients that hear of arrivals, and credits.
    const std::vector<Stream*>* copies = nullptr;
    Stream* end_of_copies = nullptr;  // and into this one, whose packets have arrived with that; it has no route
    Bytes transfer;                   // that it is a part of, whose size decides at which rate; none: it is all
    std::uint64_t tag = 0;            // the client's own
    std::uint64_t command = 0;        // for the record: the command that caused it

    Bytes size_of_transfer() const { return transfer > Bytes() ? transfer : size; }
};

/// Classes of traffic that enter a link side by side. Each has one source per link (the send engine, the slice, the
/// two DMA engines), so that the order within a class never depends on which process of an instant ran first.
enum class TrafficClass : std::uint8_t { message, read_data, write_data, request };
constexpr std::size_t traffic_classes = 4;

}  // namespace tilemesh::noc

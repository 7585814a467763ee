// SPDX-License-Identifier: Apache-2.0
// The transfers that one PE's DMA engines have in flight, to its own HBM slice or through the network to another's. A
// read of a remote slice sends a request, waits for the slice, and streams the data back; a write streams the data
// there, the slice writes it as it comes, and the acknowledgement comes back (adr/0056). What lies in several pieces
// (a box of a tensor in pages, an access of several parts) has a descriptor for each; those of one slice reach it one
// after the other. A transfer with several slices is done when the last has done its share, and not before its bytes
// have passed the port between the engine and the SRAM, at the rate that each of the transfers under way has there.
#pragma once

#include "sim/base/jitter.h"
#include "sim/base/ring_queue.h"
#include "sim/memory/slice.h"
#include "sim/noc/network.h"
#include "sim/pe/follower.h"
#include "sim/pe/segments.h"
#include "sim/tile/evaluate.h"

#include <cstdint>
#include <deque>
#include <list>
#include <vector>

namespace tilemesh::pe {

class ProcessingElement;

class Dma final : public noc::StreamClient, public memory::SliceClient {
public:
    /// `outstanding` transfers at most; `write` says which of the two engines this belongs to.
    Dma(ProcessingElement& pe, bool write, int outstanding);

    /// Is it known when one more transfer may start?
    bool slot_known() const { return open_.size() < outstanding_ || !transfers_[open_.front()].busy; }
    /// Then: when; 0: at any time.
    Picoseconds slot_free_at() const {
        return open_.size() < outstanding_ ? Picoseconds() : transfers_[open_.front()].end;
    }
    /// Starts the transfer now; the PE is told (transfer_done) when its end is known. Returns when its descriptors
    /// are made, one after the other.
    Picoseconds start(Command&& command, Picoseconds begin);

    void stream_left(Picoseconds) override {}
    void bytes_arrived(noc::Stream& stream, Bytes bytes, Picoseconds when, bool last) override;
    void memory_done(std::uint64_t tag, Picoseconds first_byte, Picoseconds last_byte) override;

    Bytes bytes_moved() const { return moved_; }

private:
    /// Of data that is written to another's slice: where it belongs, how far that has been asked for, and what has
    /// not come yet.
    struct Incoming {
        std::vector<memory::Runs> places;
        std::size_t place = 0;
        std::uint64_t into = 0;                // bytes of that place
        Bytes missing, waiting;                // to come; here, but no whole burst
        std::vector<Follower::Served> served;  // what has been asked for, if there is a follower,
        std::size_t booked = 0;                // and so many of them have their end
    };
    /// Of data that is read from another's slice: what is asked for, and what goes out together as the slice has it,
    /// at least a packet each time.
    struct Outgoing {
        std::vector<memory::Runs> places;  // empty: one, which is all
        std::size_t booked = 0;
        Bytes waiting;
        Picoseconds from, until;      // of what waits, the first byte and the last
        std::size_t under_way = 0;    // streams
        std::list<noc::Stream> more;  // than the first
        Picoseconds came;             // the last byte of those that have arrived
    };
    /// What a transfer has to do with one slice.
    struct Share {
        int home = 0;
        int network = 0;  // of its bytes, and of the request or acknowledgement that goes the other way
        std::size_t first = 0, end = 0;  // of the access's parts
        noc::Stream request, data;
        Bytes bytes;
        Picoseconds arrival;                // of what is asked of the slice first
        Bytes run;                          // consecutive bytes, in the last request
        std::uint32_t requests = 0;         // to the slice
        std::size_t asked = 0;              // of them, those that have not been booked
        Picoseconds first_byte, last_byte;  // of those that have
        Incoming incoming;
        Outgoing outgoing;
    };
    struct Transfer {
        Command command;
        std::vector<Share> shares;
        std::size_t shares_left = 0;
        Bytes bytes;
        Picoseconds begin;
        Picoseconds end;
        bool busy = false;
    };
    /// A share of an open transfer, as slices and streams carry it.
    using Tag = std::uint64_t;
    static Tag tag_of(std::size_t slot, std::size_t share) { return (std::uint64_t{slot} << 32) | share; }
    const Jitter& jitter() const;
    /// What tells this share apart from all others of its slice, and of its network.
    std::uint64_t event_at(Tag tag);
    Transfer& transfer_of(Tag tag) { return transfers_[tag >> 32]; }
    Share& share_of(Tag tag) { return transfer_of(tag).shares[tag & 0xffff'ffff]; }

    /// A place for a transfer that starts now, of those that have ended if there are any.
    std::size_t take_slot(Picoseconds now);
    void find_shares(Transfer& transfer);
    void start_share(Tag tag, Picoseconds ready);
    /// For all of it.
    void ask_slice(Tag tag, Picoseconds arrival);
    void ask(Tag tag, const memory::Runs& segments, Picoseconds arrival);
    std::vector<memory::Runs> places_of(Tag tag);
    /// Data has come to its slice, which is asked to write the bursts that are complete.
    void take_in(Tag tag, Bytes bytes, Picoseconds when);
    /// The slice will have more of the data that is read there by then.
    void give_out(Tag tag, Picoseconds first_byte, Picoseconds last_byte);
    void finish(Tag tag, Picoseconds end);
    /// For the way to the share's slice, or back.
    noc::Stream& prepare(noc::Stream& stream, bool back, Bytes bytes, Tag tag, Picoseconds begin, Picoseconds end);

    ProcessingElement& pe_;
    bool write_;
    std::size_t outstanding_;
    std::deque<Transfer> transfers_;     // as many as have been under way at once, each where it was made
    RingQueue<std::size_t> open_;        // the last `outstanding` at most, from the oldest that is under way
    std::vector<std::size_t> finished_;  // the others
    Bytes moved_;
};

}  // namespace tilemesh::pe

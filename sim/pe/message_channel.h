// SPDX-License-Identifier: Apache-2.0
// The messages of one ordered pair of PEs: sends and receives matched by sequence number, checked against each other
// as soon as both are issued, and the receive buffer between them with its byte credits. Bytes that arrive before
// their receive is posted wait in the buffer; a credit returns when they have moved into the tile of a posted
// receive.
#pragma once

#include "sim/base/jitter.h"
#include "sim/noc/network.h"
#include "sim/tile/command.h"
#include "sim/tile/values.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace tilemesh::pe {

class Multicast;
class ProcessingElement;

class MessageChannel final : public noc::StreamClient {
public:
    MessageChannel(noc::Network& network, ProcessingElement& from, ProcessingElement& to);

    /// A send or receive was issued (not started): compares it with its counterpart if that is known.
    void announce_send(const Command& command);
    void announce_receive(const Command& command);

    /// The next send starts now.
    void start_send(Bytes bytes, PayloadPtr values, std::uint64_t command);
    /// The same as the end of a multicast, which enters the network as a whole and lives until this has come.
    /// `copied`: not the first of its ends.
    noc::Stream& join_multicast(std::shared_ptr<Multicast> multicast, Bytes bytes, PayloadPtr values,
                                std::uint64_t command, bool copied);
    /// The next receive is posted now. The receiver is told (receive_done) when its message is complete.
    void post_receive(Picoseconds now);

    void stream_left(Picoseconds when) override;
    void bytes_arrived(noc::Stream& stream, Bytes bytes, Picoseconds when, bool last) override;

    // For recorders: how long sends have waited for credits since this was last asked; what bytes take to leave.
    Picoseconds take_credit_wait() { return credits_.take_waited(); }
    Picoseconds time_on_first_link(Bytes bytes) const;

    // For diagnosis.
    std::uint64_t sends_started() const { return sends_started_; }
    std::uint64_t receives_posted() const { return receives_posted_; }
    std::uint64_t sends_announced() const { return sends_.issued; }
    std::uint64_t receives_announced() const { return receives_.issued; }
    /// Where the first send or receive without a counterpart comes from.
    SourcePlace unmatched() const;
    Bytes waiting_for_receive() const { return credits_.outstanding(); }
    Bytes bytes_sent() const { return sent_; }
    Bytes bytes_received() const { return received_; }
    /// Of those sent, what is copied from messages to other PEs on the way.
    Bytes bytes_copied() const { return copied_; }
    ProcessingElement& sender() const { return from_; }
    ProcessingElement& receiver() const { return to_; }

private:
    struct Announced {
        Shape shape;
        Dtype dtype;
        std::uint64_t command;
        SourcePlace place;
    };
    struct Side {
        std::uint64_t issued = 0;
        std::deque<Announced> unmatched;
    };
    struct Arrival {
        Picoseconds when;
        Bytes bytes;
    };
    struct Message {
        noc::Stream stream;
        PayloadPtr values;
        std::vector<Arrival> unclaimed;  // arrived before the receive was posted
        Picoseconds first_at;            // first packet complete
        Picoseconds complete_at;
        std::shared_ptr<Multicast> part_of;  // null: it is a message of its own
        bool complete = false;
        bool posted = false;
        Picoseconds posted_at;
    };
    Message& begin_message(Bytes bytes, PayloadPtr values, std::uint64_t command);
    void compare(const Announced& send, const Announced& receive, std::uint64_t sequence) const;
    void give_back(Bytes bytes, Picoseconds when);
    void finish_front();

    noc::Network& network_;
    ProcessingElement& from_;
    ProcessingElement& to_;
    const noc::Route& route_;
    Picoseconds credit_latency_;
    noc::CreditWindow credits_;
    Side sends_, receives_;
    std::deque<Message> messages_;  // started or posted, not yet taken by the receiver; oldest first
    std::uint64_t sends_started_ = 0, receives_posted_ = 0, taken_ = 0;
    Bytes sent_, received_, copied_;
    const Jitter& jitter_;
    std::uint64_t packets_arrived_ = 0;
    Picoseconds latest_arrival_;  // of a packet that was held up
};

}  // namespace tilemesh::pe

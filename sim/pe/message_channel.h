// SPDX-License-Identifier: Apache-2.0
// The messages of one ordered pair of PEs: sends and receives matched by sequence number, checked against each other
// as soon as both are issued, and the receive buffers between them, one for each network, with their byte credits.
// Bytes that arrive before their receive is posted wait in the buffer; a credit returns when they have moved into the
// tile of a posted receive. Messages over one network come in order. Those over different ones overtake each other,
// in buffers of their own, and wait there for their turn: as the one that comes next always has room, none waits for
// ever because others came first.
#pragma once

#include "sim/base/jitter.h"
#include "sim/base/ring_queue.h"
#include "sim/noc/network.h"
#include "sim/tile/command.h"
#include "sim/tile/values.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tilemesh::pe {

class Multicast;
class ProcessingElement;

class MessageChannel {
public:
    MessageChannel(noc::Network& network, ProcessingElement& from, ProcessingElement& to);

    /// A send or receive was issued (not started): compares it with its counterpart if that is known. A send has its
    /// network.
    void announce_send(const Command& command);
    void announce_receive(const Command& command);

    /// The next send over that network starts now.
    void start_send(int network, Bytes bytes, PayloadPtr values, std::uint64_t command);
    /// The same as the end of a multicast, which enters the network as a whole and lives until this has come.
    /// `copied`: not the first of its ends.
    noc::Stream& join_multicast(std::shared_ptr<Multicast> multicast, int network, Bytes bytes, PayloadPtr values,
                                std::uint64_t command, bool copied);
    /// The next receive is posted now. The receiver is told (receive_done) when its message is complete.
    void post_receive(Picoseconds now);

    // For recorders: how long sends over that network have waited for credits since this was last asked; what bytes
    // take to leave.
    Picoseconds take_credit_wait(int network) { return lane_of(network).credits.take_waited(); }
    Picoseconds time_on_first_link(int network, Bytes bytes);
    /// Likewise, which of all messages between the two has now left over that network, from 0; with an asker alone.
    std::uint64_t take_left(int network) { return lane_of(network).leaving.pop(); }

    // For diagnosis.
    std::uint64_t sends_started() const { return sends_started_; }
    std::uint64_t receives_posted() const { return receives_posted_; }
    std::uint64_t sends_announced() const { return sends_.issued; }
    std::uint64_t receives_announced() const { return receives_.issued; }
    /// Where the first send or receive without a counterpart comes from.
    SourcePlace unmatched() const;
    Bytes waiting_for_receive(int network) { return lane_of(network).credits.outstanding(); }
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
        RingQueue<Announced> unmatched;
    };
    struct Arrival {
        Picoseconds when;
        Bytes bytes;
    };
    /// What messages over one network have of their own.
    struct Lane final : noc::StreamClient {
        Lane(MessageChannel& channel, int number);
        void stream_left(Picoseconds when) override;
        void bytes_arrived(noc::Stream& stream, Bytes bytes, Picoseconds when, bool last) override {
            channel.bytes_arrived(*this, stream, bytes, when, last);
        }
        MessageChannel& channel;
        int network;
        const noc::Route& route;
        Picoseconds credit_latency;
        noc::CreditWindow credits;
        RingQueue<std::uint64_t> announced;  // sequence numbers of sends that have not started
        RingQueue<std::uint64_t> leaving;    // of those that have started and not left, for recorders
        std::uint64_t packets_arrived = 0;
        Picoseconds latest_arrival;  // of a packet that was held up
    };
    struct Message {
        noc::Stream stream;
        Lane* lane = nullptr;  // once it has started
        PayloadPtr values;
        std::vector<Arrival> unclaimed;  // arrived before the receive was posted
        Picoseconds first_at;            // first packet complete
        Picoseconds complete_at;
        std::shared_ptr<Multicast> part_of;  // null: it is a message of its own
        bool complete = false;
        bool posted = false;
        Picoseconds posted_at;
    };
    Lane& lane_of(int network);
    Message& message_at(std::uint64_t sequence);
    Message& begin_message(int network, Bytes bytes, PayloadPtr values, std::uint64_t command);
    void compare(const Announced& send, const Announced& receive, std::uint64_t sequence) const;
    void give_back(Lane& lane, Bytes bytes, Picoseconds when);
    void bytes_arrived(Lane& lane, noc::Stream& stream, Bytes bytes, Picoseconds when, bool last);
    void finish_front();

    noc::Network& network_;
    ProcessingElement& from_;
    ProcessingElement& to_;
    int receives_at_;  // the network at whose engine receives wait
    std::vector<std::unique_ptr<Lane>> lanes_;
    Side sends_, receives_;
    RingQueue<std::unique_ptr<Message>> messages_;  // started or posted, not yet taken by the receiver; oldest first
    std::uint64_t sends_started_ = 0, receives_posted_ = 0, taken_ = 0;
    Bytes sent_, received_, copied_;
    const Jitter& jitter_;
};

}  // namespace tilemesh::pe

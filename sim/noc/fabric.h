// SPDX-License-Identifier: Apache-2.0
// Routers and links in time: packets with virtual channels, credits and wormhole flow control, followed packet by
// packet and link by link, not flit by flit (adr/0018). A packet that heads its buffer takes a free channel of the
// next link, takes turns on the link with the packets of its other channels (turns.h), and frees the channel when its
// tail has left. What a buffer has no credits for waits at the sending side, holding its channel. A packet whose way
// branches stays in its buffer until all copies of it have left, each as soon as it can, over its own link
// (fabric_copies.cpp, adr/0046).
//
// Everything happens in run_until() and run_ahead(), in the order of the calendar; network.h drives it from SystemC,
// probes do it directly.
#pragma once

#include "sim/base/few.h"
#include "sim/base/recorder.h"
#include "sim/base/short_queue.h"
#include "sim/noc/calendar.h"
#include "sim/noc/stream.h"
#include "sim/noc/turns.h"

#include <array>
#include <cstdint>
#include <vector>

namespace tilemesh::noc {

class Fabric {
public:
    /// Both must outlive it.
    Fabric(const NetworkConfig& network, const Topology& topology);
    ~Fabric();
    Fabric(const Fabric&) = delete;
    Fabric& operator=(const Fabric&) = delete;

    /// Reports the link's activity under this name from now on, or all of it in report().
    void record(std::size_t link, ComponentId id, Recorder* recorder);
    /// At the end, to recorders that do not follow packets.
    void report();

    /// A stream enters its first link behind those of its class; `now` is not before the last run_until().
    void inject(Stream& stream, TrafficClass traffic, Picoseconds now);
    /// Does any stream wait for credits of which none are on their way?
    bool any_starved() const { return starved_ > 0; }
    /// Look again at `when` whether streams can enter this link: credits have been given back to one. False: none of
    /// them waits for that.
    bool look_again(std::size_t link, Picoseconds when);

    /// When the next thing happens; max: nothing will without a new stream or credits.
    Picoseconds next_event();
    /// Lets everything happen that happens until then. Clients are told on the way, and may inject.
    void run_until(Picoseconds limit);
    /// Lets happen what happens before a time until which nobody else does anything, up to and with the first event
    /// that a client has to hear of at its own time: that a stream has left, or is complete. Next run_until() then,
    /// which tells it; next_event() says when.
    void run_ahead(Picoseconds before);

    /// What the link has moved until `now`, which no event that has happened lies behind.
    Bytes bytes_moved(std::size_t link, Picoseconds now);
    /// Packets times links crossed, so far.
    std::uint64_t packet_hops() const { return packet_hops_; }

private:
    static constexpr std::int32_t none = -1;

    struct Packet {
        Stream* stream = nullptr;
        const Hop* hop = nullptr;  // the link that its head is on or waits for
        std::uint32_t bytes = 0;
        std::uint16_t hops_left = 0;  // after that one
        bool last = false;            // of its stream, as it was cut
        std::int32_t fork = none;     // of its copies, while it waits for them to leave
    };
    /// What becomes of a packet whose way branches.
    struct Fork {
        std::vector<std::int32_t> waiting;  // copies that have no channel yet
        int heads = 0, tails = 0;           // copies of which the head, the tail has not left
        Picoseconds room;                   // when that of the packet is free, as far as heads have left
    };
    /// A packet at the far end of a link, and when a router can first look at its head.
    struct Arrival {
        std::int32_t packet;
        Picoseconds head;
        Picoseconds tail;       // likewise, once it has left the link before
        Picoseconds rest_from;  // and the first flit of what was sent last of it,
        Bytes rest;             // so much
    };
    struct Release {
        Picoseconds when;
        Bytes bytes;
    };
    /// What a stream's client hears.
    struct News {
        enum What : std::uint8_t { left, packet, complete };
        Stream* stream;  // of news that it has left only until it is complete
        StreamClient* client;
        Picoseconds when;
        Bytes bytes;
        What what;
    };
    /// One virtual channel of one link: the packet that is being sent into it, and the buffer at the far end.
    /// What is asked for together lies together, 64 bytes at a time.
    struct alignas(64) Channel {
        std::int32_t holder = none;
        std::int32_t input = 0;      // where the holder comes from: a channel, or a source (see below)
        std::int32_t onward = none;  // the channel that the holder's head has taken on its next link
        std::int32_t beside = none;  // another that a copy of the holder of the channel behind has taken
        bool final_hop = false;      // the holder leaves the network at the end of this link
        bool takes_credits = true;   // it needs room at the far end
        bool branches = false;  // the holder's copies go on from the end of this link, or leave the network there
        bool head_sent = false;
        bool registered = false;  // among the packets that compete for the switch
        bool stalled = false;     // no credits, or nothing has come to be sent
        bool served = false;      // has had all its turns
        bool tail_known = false;  // the holder's tail has left the link before
        Picoseconds tail_from;    // before this it cannot leave this one
        Picoseconds rest_from;    // before this so much of it has not come, if its tail is known
        Bytes rest;
        Picoseconds wakes;       // where it is stalled, if later than now
        Picoseconds free_since;  // when the last holder's tail left
        Bytes unsent;            // of the holder
        Bytes sending;           // of the holder: what it takes turns for
        Bytes credit;            // free room in the buffer

        ShortQueue<Arrival, 2> queue;     // packets in the buffer, first to last
        ShortQueue<Release, 2> releases;  // room that becomes free at known times
        Picoseconds head;                 // when the first turn of what it sends began
        Picoseconds wanted;               // when the holder wanted to begin
    };
    /// Streams of one class that wait to enter a link, one after another. As an input, source s is -1 - s.
    struct Source {
        ShortQueue<Stream*, 2> streams;
        bool busy = false;     // a packet of its first stream is entering
        bool waiting = false;  // in the link's list
        bool starved = false;  // its first stream has no credits, and none are on their way
    };
    /// Packets from the buffers behind one link that are being sent over another.
    struct Flow {
        std::int32_t onto;
        int packets;
    };
    /// When somebody has had all its turns on a link. Two in five such events come too early, since somebody has
    /// joined: they need nothing else of the link, and those of all links lie together.
    struct Service {
        Picoseconds due = Picoseconds::max();
        Picoseconds posted = Picoseconds::max();  // the event that counts
    };
    /// What is asked for together lies together here too.
    struct alignas(64) LinkState {
        LinkState(const LinkSpec& link, const NetworkConfig& network, bool divided);
        Turns turns;
        int inputs = 0;  // that send over this link
        bool two_classes;
        bool feeds_router;       // from a PE's port: no switch before it
        std::uint64_t free = 0;  // channels that nobody holds, by bit
        bool made = false;       // its channels
        /// A channel that goes on at the link's rate gets each credit back before it is needed again, where packets
        /// leave the network as they come.
        bool covers_round_trip;

        std::array<Few<std::int32_t, 4>, 2> waiting;  // inputs whose first packet wants a channel, by class
        std::array<int, 2> turn{};                    // of channels, by class
        Picoseconds allocation;                       // of a channel

        Few<Flow, 2> flows;  // out of the buffers behind this link
        Bytes buffer;
        Picoseconds hop;   // from a flit's turn to where the next router looks at it
        Picoseconds look;  // how long that takes with a packet's head
        Picoseconds credit_return;
        Picoseconds flit_time;
        double conflicts = 0.0;  // turns lost, not yet a whole one

        Bytes known_bytes;
        Picoseconds known_time;
        Carried carried;            // or begun to be
        Recorder* each = nullptr;   // of whom every packet is told
        Recorder* total = nullptr;  // of whom they all are, at the end
        Picoseconds next_allocation = Picoseconds::max();
        Picoseconds delivery;  // from the end of a tail's turn to where a packet that ends here has arrived
        Rate rate;
        const LinkConfig* by_size = nullptr;  // where the rate depends on a transfer's size
        /// Of so many bytes of the stream's transfer.
        Picoseconds time_for(const Stream& stream, Bytes bytes);
        Rate rate_of(const Stream& stream) const {
            return by_size ? by_size->rate_for(stream.size_of_transfer()) : rate;
        }
    };

    std::size_t link_of(std::int32_t channel) const { return static_cast<std::size_t>(channel) >> channel_bits_; }
    std::int32_t first_channel(std::size_t link) const { return static_cast<std::int32_t>(link << channel_bits_); }
    /// Among the channels of its link.
    std::uint64_t bit_of(std::int32_t channel) const {
        return std::uint64_t{1} << (static_cast<std::uint32_t>(channel) & ((1U << channel_bits_) - 1));
    }
    Channel& channel(std::int32_t number) { return channels_[number]; }
    /// Before a link is used for the first time.
    void make_channels(std::size_t link);

    void happen(const Calendar::Event& event);
    /// Asks for what that event will look at: on large machines it is in no cache.
    void fetch(const Calendar::Event& event) const;
    void tell(const News& news);
    static void deliver(const News& news);

    // What happens when.
    void serve_link(std::size_t link);
    void look_at_first(std::int32_t channel);
    void allocate(std::size_t link);
    void look_at_source(std::size_t source);

    /// A free channel of the class, by turns; none: there is none yet. With `room` only one with credit.
    std::int32_t pick(std::size_t link, int channel_class, bool room);
    void wait_for_channel(std::size_t link, int channel_class, std::int32_t input);
    void post_allocation(std::size_t link, Picoseconds when);
    /// For those who wait: when a channel that is free now can be given away, if it is known.
    void post_next_allocation(std::size_t link);
    /// The first packet of an input takes its channel.
    void begin(std::int32_t channel, std::int32_t packet, std::int32_t input, Picoseconds wanted);
    /// Unless `its_turn` it waits behind those who wait already.
    bool begin_from_source(std::size_t source, bool its_turn);
    /// As much as there are credits for, and as has come.
    void send(std::int32_t channel);
    Bytes may_send(const Channel& sender);
    static bool lacks_credits(const Channel& sender) { return sender.takes_credits && sender.credit == Bytes(); }
    /// Looks then whether a channel that is stalled can go on.
    void wake(std::int32_t channel, Picoseconds when);
    /// When the first flit of what the channel has sent last is at its router.
    Picoseconds arrival_of_last(std::int32_t number) { return channel(number).head + links_[link_of(number)].hop; }
    /// Likewise of what the holder comes from.
    Picoseconds rest_from(const Channel& sender) {
        return sender.tail_known ? sender.rest_from : arrival_of_last(sender.input);
    }
    /// So much of the holder leaves the buffer that it comes from, its turns shared for so long: in how long, and in
    /// how long its link brought it.
    void free_behind(std::int32_t channel, Bytes bytes, Picoseconds shared, Picoseconds leaving, Picoseconds coming);
    void send_head(std::int32_t channel);
    /// What a packet loses to conflicts in the switch; from now on it competes.
    Picoseconds lost_turns(std::int32_t channel);
    void remove_competitor(std::int32_t input, std::size_t output);
    /// The packet wants a channel of its next link.
    void ask(std::int32_t input, std::int32_t packet);
    std::int32_t new_packet(const Packet& packet);
    void arrived(Stream& stream, Bytes bytes, Picoseconds when);

    // Copies: fabric_copies.cpp.
    void branch(std::int32_t input);
    /// What the input sends over that link: its first packet, or the copy of it that waits there, which waits no
    /// more.
    std::int32_t take_first(std::int32_t input, std::size_t link);
    /// The head of a copy of the input's first packet has left: the room that the packet takes is free at `when`, if
    /// it is the last.
    void free_copied(std::int32_t input, Bytes bytes, Picoseconds when);
    /// The tail of a packet from that input has left: was it the first packet's last? Then that is no more, if it was
    /// copied.
    bool all_have_left(std::int32_t input, std::int32_t packet);
    /// Packets from the buffers behind one link that a copy from `input` competes with at another output: those that
    /// are no copies of the same packet.
    int rivals(std::int32_t input, const Flow& flow) const;
    /// The window, of those that the stream's bytes need room in, that has none; null: all have.
    static CreditWindow* full_window(const Stream& stream, Bytes bytes, Picoseconds now);
    static void take_credits(const Stream& stream, Bytes bytes);
    void release(std::int32_t channel, Bytes bytes, Picoseconds when);
    void collect(Channel& channel);
    void post_service(std::size_t link, Picoseconds due);
    void maybe_leave(std::int32_t channel);
    void leave(std::int32_t channel);  // the tail has gone
    void ready_first(std::int32_t channel);

    const NetworkConfig& network_;
    int channels_per_link_;
    int channel_bits_;  // of a channel's number, below the link's
    std::vector<LinkState> links_;
    std::vector<Service> services_;  // by link
    Channel* channels_;              // by link, then number: room for all, untouched where a link has made none yet
    std::vector<Source> sources_;    // by link, then class
    std::size_t starved_ = 0;        // of them
    std::vector<Packet> packets_;
    std::vector<std::int32_t> free_packets_;
    std::vector<Fork> forks_;
    std::vector<std::int32_t> free_forks_;
    Calendar calendar_;
    Picoseconds now_;
    bool ahead_ = false;      // of the clients' clock
    std::vector<News> news_;  // not told yet; all of one event
    std::uint64_t packet_hops_ = 0;
};

}  // namespace tilemesh::noc

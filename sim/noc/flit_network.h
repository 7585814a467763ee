// SPDX-License-Identifier: Apache-2.0
// One network of a chip, cycle by cycle and flit by flit (adr/0040). Each node has a router and the interface of a
// core. A packet at the head of a router's buffer takes a free virtual channel of its next link, shares the link flit
// by flit with the packets of the other channels, and frees the channel with its tail: it may be longer than the
// buffers, and then lies across several routers. Requests have channels of their own and are taken in by the
// interface at their end one after the other; those that it has no room for wait in the network.
#pragma once

#include "sim/base/ring_queue.h"
#include "sim/noc/flit_config.h"
#include "sim/noc/flit_routes.h"
#include "sim/noc/node_memory.h"

#include <bit>
#include <cstdint>
#include <vector>

namespace tilemesh::noc {

/// A read (data from `other` to `core`) or a write (the other way, acknowledged) that a core asks for.
struct Access {
    int core = 0, other = 0;
    bool write = false;
    Bytes bytes;
    std::uint32_t tag = 0;  // the asker's own
};

class FlitNetwork {
public:
    FlitNetwork(const FlitNetworkConfig& config, const GridConfig& grid, NodeMemories& memory);

    /// Has the interface of this core room for another request of its own?
    bool accepts(int core) const { return interfaces_[index(core)].commands.size() < config_.commands; }
    void issue(const Access& access);

    /// In every cycle that next_cycle() does not pass over, once each, in either order: interfaces put flits on their
    /// routers, routers pass flits on.
    void send(Cycle now);
    void forward(Cycle now);
    /// An access that is complete by now (the last data, the acknowledgement), or nothing.
    bool take_finished(Cycle now, std::uint32_t& tag);
    /// After send() and forward() of `now`: the next cycle in which they or take_finished() may do anything, if
    /// nobody else does before; `never`: none. Sooner than need be, never later.
    Cycle next_cycle(Cycle now);

    /// Flits that have left over a router's output so far; the last output leads to the interface.
    std::uint64_t flits_moved(int node, int output) const { return moved_[output_at(index(node), output)]; }
    std::uint64_t flits_sent(int node) const { return interfaces_[index(node)].sent; }

private:
    static constexpr int outputs = FlitRoutes::outputs, local = FlitRoutes::local;
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    struct Packet {
        int from = 0, to = 0;
        std::uint64_t flits = 0;
        std::uint64_t answer = 0;  // flits of what comes back, for a request
        bool request = false;
        std::uint32_t access = 0;
        std::uint32_t asked = none;  // of an answer: the number of its request at a node that is no core
    };
    struct Flit {
        Cycle ready = 0;  // when the router can pass it on
        std::uint32_t packet = 0;
        bool head = false, tail = false;
        bool payload = false;  // goes through a node's memory at either end
    };
    /// A virtual channel of a router's input: the flits in it, and where the packet at its head goes.
    struct Input {
        RingQueue<Flit> flits;
        std::int8_t output = -1;
        std::int8_t onto = -1;  // the channel of that output that it holds
    };
    struct Coming {
        Cycle when = 0;
        std::uint32_t packet = 0;
        std::size_t channel = 0;  // of requests, that it came by
        std::uint32_t asked = none;
    };
    /// What an interface sends, one packet after the other: requests of its core, or answers to some of others'.
    struct Sender {
        std::uint32_t packet = none;
        std::uint64_t sent = 0;
        Cycle ready = 0;
        int channel = -1;
    };
    struct Interface {
        RingQueue<std::uint32_t> commands;
        std::vector<Sender> senders;              // the commands', then those of answers
        std::vector<RingQueue<Coming>> requests;  // taken in, by sender of answers
        std::vector<std::size_t> begun;           // how many of those the node works on, if it is no core
        Pace in, out;
        std::vector<std::uint64_t> taken_in;  // how many of them, by channel of requests
        std::vector<std::uint64_t> credit;    // room in the router's buffers, by channel
        std::vector<char> held;               // by channel
        std::size_t turn = 0;
        std::uint64_t sent = 0;
        int busy = 0;  // packets that it holds or sends
    };
    struct CreditReturn {
        Cycle when = 0;
        std::uint32_t channel = 0;  // of an output; beyond those, of an interface
    };

    static std::size_t index(int node) { return static_cast<std::size_t>(node); }
    std::size_t output_at(std::size_t node, int output) const {
        return node * outputs + static_cast<std::size_t>(output);
    }
    int channel_of(int side, bool request, int i) const {
        return side * per_side_ + (request ? i : config_.request_channels + i);
    }
    bool of_requests(int channel) const { return channel % per_side_ < config_.request_channels; }
    /// The place of a channel of requests among those of both sides.
    std::size_t place_of(int channel) const {
        return static_cast<std::size_t>(channel / per_side_ * config_.request_channels + channel % per_side_);
    }

    std::uint32_t make_packet(const Packet& packet);
    void return_credits(Cycle now);
    void take_next(int node, Interface& interface, Cycle now);
    /// The first of the requests, if its answer can be sent from `ready` on.
    bool can_answer(int node, Interface& interface, std::size_t sender, Cycle now, Cycle& ready);
    void take_channel(Interface& interface, Sender& sender);
    bool send_flit(int node, Sender& sender, Cycle now);
    void find_outputs(int node, Cycle now);
    void allocate(int node, int output, Cycle now);
    void pass_flit(int node, int output, Cycle now);
    bool can_pass(int node, int output, const Input& input, const Flit& flit, Cycle now) const;
    void deliver(int node, int channel, const Flit& flit, Cycle now);
    void push(std::size_t node, int port, int channel, const Flit& flit);
    Cycle next_time(Cycle now) const;
    std::size_t input_index(std::size_t node, int place) const {
        return node * static_cast<std::size_t>(places_) + static_cast<std::size_t>(place);
    }
    Input& input_at(std::size_t node, int place) { return inputs_[input_index(node, place)]; }
    const Input& input_at(std::size_t node, int place) const { return inputs_[input_index(node, place)]; }

    const FlitNetworkConfig& config_;
    FlitRoutes routes_;
    NodeMemories& memory_;
    int per_side_, channels_;  // of a link
    int places_;               // input channels of a router

    std::vector<Input> inputs_;           // by node, port, channel
    std::vector<std::uint64_t> waiting_;  // by node: which input channels hold flits, a bit each
    std::vector<std::int16_t> holder_;    // by node, output, channel: the input channel that holds it; -1: free
    std::vector<std::uint64_t> credit_;   // likewise
    std::vector<int> turn_;               // by node and output: the input channel that is asked first
    std::vector<std::uint64_t> moved_;    // by node and output
    std::vector<Interface> interfaces_;
    RingQueue<CreditReturn> returning_;  // a fixed time after each flit left: in order
    RingQueue<Coming> finishing_;        // last flits of answers on their way to an interface, in order

    struct Open {
        Access access;
        std::uint64_t packets = 0;  // not yet complete
    };
    std::vector<Open> accesses_;
    std::vector<std::uint32_t> free_accesses_;
    std::vector<Packet> packets_;
    std::vector<std::uint32_t> free_packets_;
    bool changed_ = false;  // in the present cycle, by send() or forward()
};

}  // namespace tilemesh::noc

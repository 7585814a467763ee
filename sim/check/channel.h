// SPDX-License-Identifier: Apache-2.0
// The messages of one ordered pair of PEs without time: sends and receives matched one by one, and the receive
// buffers between them, one for each network. A send is done when its bytes have found room in its network's or their
// receive.
#pragma once

#include "sim/check/knowledge.h"
#include "sim/tile/command.h"
#include "sim/tile/values.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::check {

struct Lane;

std::uint64_t message_bytes(const Command& command);

/// What travels beside the bytes.
struct Content {
    PayloadPtr values;
    Knowledge known;
};

class Channel {
public:
    Channel(int from, int to, int networks) : from_(from), to_(to), windows_(static_cast<std::size_t>(networks)) {}

    /// A send or receive was issued. KernelError when its counterpart has another shape or type. A send has its
    /// network.
    void announce(const Command& command, const std::string& kernel, const std::string& from, const std::string& to);

    struct Progress {
        std::optional<int> sent;          // over this network: the send under way has left
        std::optional<Content> received;  // what the receive under way has got
    };
    /// The next send over that network, or the next receive, begins. `room`: bytes of each receive buffer.
    Progress start_send(int network, Content content, std::uint64_t bytes, std::uint64_t room);
    Progress post_receive(std::uint64_t room);
    /// The buffers are larger than before.
    Progress look_again(int network, std::uint64_t room);
    /// Would the next send over that network, of so many bytes, find its receive or room at once?
    bool takes(int network, std::uint64_t bytes, std::uint64_t room) const {
        const Window& window = windows_[static_cast<std::size_t>(network)];
        const bool posted = !window.announced.empty() && window.announced.front() < receives_posted_;
        return posted || window.buffered + bytes <= room;
    }
    /// The smallest buffer that one of the sends under way waits for; none: no send does.
    std::optional<std::uint64_t> wanted_buffer() const;

    int from() const { return from_; }
    int to() const { return to_; }
    std::uint64_t sends_started() const { return sends_started_; }
    std::uint64_t receives_posted() const { return receives_posted_; }
    std::uint64_t sends_announced() const { return sends_.issued; }
    std::uint64_t receives_announced() const { return receives_.issued; }
    std::uint64_t buffered(int network) const { return windows_[static_cast<std::size_t>(network)].buffered; }

    struct Announced {
        Shape shape;
        Dtype dtype;
        std::uint64_t command;
        SourcePlace place;
    };
    /// The first send or receive without a counterpart; null: all have one.
    const Announced* unmatched() const;

private:
    struct Side {
        std::uint64_t issued = 0;
        std::deque<Announced> unmatched;
    };
    struct Message {
        Content content;
        std::uint64_t bytes = 0;
        int network = 0;
        bool started = false;
    };
    /// Of messages over one network.
    struct Window {
        std::deque<std::uint64_t> announced;  // sequence numbers of sends that have not started
        std::uint64_t buffered = 0;
        struct Blocked {
            std::uint64_t sequence, bytes;
        };
        std::optional<Blocked> blocked;  // the last that has started, if it has not found room
    };
    int from_, to_;
    Side sends_, receives_;
    std::vector<Window> windows_;
    std::deque<Message> unreceived_;  // from the one whose receive is posted next
    std::uint64_t sends_started_ = 0, receives_posted_ = 0;
};

}  // namespace tilemesh::check

// SPDX-License-Identifier: Apache-2.0
// The messages of one ordered pair of PEs without time: sends and receives matched one by one, and the receive buffer
// between them. A send is done when its bytes have found room in the buffer or their receive.
#pragma once

#include "sim/check/knowledge.h"
#include "sim/tile/command.h"
#include "sim/tile/values.h"

#include <cstdint>
#include <deque>
#include <optional>

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
    Channel(int from, int to) : from_(from), to_(to) {}

    /// A send or receive was issued. KernelError when its counterpart has another shape or type.
    void announce(const Command& command, const std::string& kernel, const std::string& from, const std::string& to);

    struct Progress {
        bool send_done = false;           // the send under way has left
        std::optional<Content> received;  // what the receive under way has got
    };
    /// The next send, or the next receive, begins. `window`: bytes of the receive buffer.
    Progress start_send(Content content, std::uint64_t bytes, std::uint64_t window);
    Progress post_receive(std::uint64_t window);
    /// The buffer is larger than before.
    Progress look_again(std::uint64_t window);
    /// Would a send of so many bytes find its receive or room at once?
    bool takes(std::uint64_t bytes, std::uint64_t window) const {
        return sends_started_ < receives_posted_ || buffered_ + bytes <= window;
    }
    /// The buffer that the send under way waits for; none: no send does.
    std::optional<std::uint64_t> wanted_buffer() const;

    int from() const { return from_; }
    int to() const { return to_; }
    std::uint64_t sends_started() const { return sends_started_; }
    std::uint64_t receives_posted() const { return receives_posted_; }
    std::uint64_t sends_announced() const { return sends_.issued; }
    std::uint64_t receives_announced() const { return receives_.issued; }
    std::uint64_t buffered() const { return buffered_; }

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
        std::uint64_t bytes;
    };
    int from_, to_;
    Side sends_, receives_;
    std::deque<Message> unreceived_;  // started, their receives not posted
    bool blocked_ = false;            // the last of them has not found room
    std::uint64_t sends_started_ = 0, receives_posted_ = 0, buffered_ = 0;
};

}  // namespace tilemesh::check

// SPDX-License-Identifier: Apache-2.0
#include "sim/check/channel.h"

#include "sim/base/error.h"

namespace tilemesh::check {

std::uint64_t message_bytes(const Command& command) {
    return static_cast<std::uint64_t>(command.message.elements()) * bytes_per_element(command.dtype);
}

void Channel::announce(const Command& command, const std::string& kernel, const std::string& from,
                       const std::string& to) {
    const bool sends = is_send(command.op);
    Side &own = sends ? sends_ : receives_, &other = sends ? receives_ : sends_;
    const Announced mine{command.message, command.dtype, command.index, command.place};
    const std::uint64_t number = own.issued++;
    if (other.unmatched.empty()) {
        own.unmatched.push_back(mine);
        return;
    }
    const Announced theirs = other.unmatched.front();
    other.unmatched.pop_front();
    if (mine.shape == theirs.shape && mine.dtype == theirs.dtype) return;
    const Announced &send = sends ? mine : theirs, &receive = sends ? theirs : mine;
    fail<KernelError>(
        "{}kernel {}: message {} from {} to {}: {}sent as {} {} (command {}), {}received as {} {} "
        "(command {})",
        mine.place.text(), kernel, number, from, to, sends ? "" : send.place.text(), name_of(send.dtype),
        send.shape.text(), send.command, sends ? receive.place.text() : "", name_of(receive.dtype),
        receive.shape.text(), receive.command);
}

Channel::Progress Channel::start_send(Content content, std::uint64_t bytes, std::uint64_t window) {
    if (sends_started_++ < receives_posted_) return {true, std::move(content)};
    unreceived_.push_back({std::move(content), bytes});
    blocked_ = true;
    return look_again(window);
}

Channel::Progress Channel::look_again(std::uint64_t window) {
    if (!blocked_ || buffered_ + unreceived_.back().bytes > window) return {};
    buffered_ += unreceived_.back().bytes;
    blocked_ = false;
    return {true, {}};
}

Channel::Progress Channel::post_receive(std::uint64_t window) {
    if (receives_posted_++ >= sends_started_) return {};
    Message message = std::move(unreceived_.front());
    unreceived_.pop_front();
    Progress progress;
    if (blocked_ && unreceived_.empty()) {
        blocked_ = false;
        progress.send_done = true;
    } else {
        buffered_ -= message.bytes;
        progress = look_again(window);
    }
    progress.received = std::move(message.content);
    return progress;
}

std::optional<std::uint64_t> Channel::wanted_buffer() const {
    if (!blocked_) return std::nullopt;
    return buffered_ + unreceived_.back().bytes;
}

const Channel::Announced* Channel::unmatched() const {
    const Side& side = sends_.unmatched.empty() ? receives_ : sends_;
    return side.unmatched.empty() ? nullptr : &side.unmatched.front();
}

}  // namespace tilemesh::check

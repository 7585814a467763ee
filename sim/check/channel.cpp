// SPDX-License-Identifier: Apache-2.0
#include "sim/check/channel.h"

#include "sim/base/error.h"

#include <algorithm>

namespace tilemesh::check {

std::uint64_t message_bytes(const Command& command) {
    return static_cast<std::uint64_t>(command.moved->message.elements()) * bytes_per_element(command.dtype);
}

void Channel::announce(const Command& command, const std::string& kernel, const std::string& from,
                       const std::string& to) {
    const bool sends = is_send(command.op);
    Side &own = sends ? sends_ : receives_, &other = sends ? receives_ : sends_;
    const Announced mine{command.moved->message, command.dtype, command.index, command.place};
    const std::uint64_t number = own.issued++;
    if (sends) windows_[static_cast<std::size_t>(command.network)].announced.push_back(number);
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

Channel::Progress Channel::start_send(int network, Content content, std::uint64_t bytes, std::uint64_t room) {
    Window& window = windows_[static_cast<std::size_t>(network)];
    const std::uint64_t sequence = window.announced.front();
    window.announced.pop_front();
    ++sends_started_;
    if (sequence < receives_posted_) return {network, std::move(content)};
    const std::uint64_t place = sequence - receives_posted_;
    if (place >= unreceived_.size()) unreceived_.resize(place + 1);
    unreceived_[place] = {std::move(content), bytes, network, true};
    window.blocked = {sequence, bytes};
    return look_again(network, room);
}

Channel::Progress Channel::look_again(int network, std::uint64_t room) {
    Window& window = windows_[static_cast<std::size_t>(network)];
    if (!window.blocked || window.buffered + window.blocked->bytes > room) return {};
    window.buffered += window.blocked->bytes;
    window.blocked.reset();
    return {network, {}};
}

Channel::Progress Channel::post_receive(std::uint64_t room) {
    const std::uint64_t sequence = receives_posted_++;
    if (unreceived_.empty()) return {};
    Message message = std::move(unreceived_.front());
    unreceived_.pop_front();
    if (!message.started) return {};  // others overtook it
    Window& window = windows_[static_cast<std::size_t>(message.network)];
    Progress progress;
    if (window.blocked && window.blocked->sequence == sequence) {
        window.blocked.reset();
        progress.sent = message.network;
    } else {
        window.buffered -= message.bytes;
        progress = look_again(message.network, room);
    }
    progress.received = std::move(message.content);
    return progress;
}

std::optional<std::uint64_t> Channel::wanted_buffer() const {
    std::optional<std::uint64_t> least;
    for (const Window& window : windows_) {
        if (!window.blocked) continue;
        const std::uint64_t wanted = window.buffered + window.blocked->bytes;
        least = std::min(least.value_or(wanted), wanted);
    }
    return least;
}

const Channel::Announced* Channel::unmatched() const {
    const Side& side = sends_.unmatched.empty() ? receives_ : sends_;
    return side.unmatched.empty() ? nullptr : &side.unmatched.front();
}

}  // namespace tilemesh::check

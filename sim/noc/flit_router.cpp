// SPDX-License-Identifier: Apache-2.0
// The routers of a network of a chip: whose packet holds which channel, and whose flit goes next.
#include "sim/noc/flit_network.h"

#include <array>

namespace tilemesh::noc {

void FlitNetwork::push(std::size_t node, int port, int channel, const Flit& flit) {
    const int place = port * channels_ + channel;
    input_at(node, place).flits.push(flit);
    waiting_[node] |= std::uint64_t{1} << place;
}

void FlitNetwork::forward(Cycle now) {
    return_credits(now);
    const int nodes = static_cast<int>(interfaces_.size());
    for (int node = 0; node < nodes; ++node) {
        if (waiting_[index(node)] == 0) continue;
        find_outputs(node, now);
        for (int output = 0; output < outputs; ++output) {
            allocate(node, output, now);
            pass_flit(node, output, now);
        }
    }
}

void FlitNetwork::find_outputs(int node, Cycle now) {
    for (std::uint64_t left = waiting_[index(node)]; left != 0; left &= left - 1) {
        Input& input = input_at(index(node), std::countr_zero(left));
        if (input.output >= 0 || input.flits.front().ready > now) continue;
        changed_ = true;
        input.output = static_cast<std::int8_t>(routes_.output(node, packets_[input.flits.front().packet].to));
    }
}

void FlitNetwork::allocate(int node, int output, Cycle now) {
    const int first = turn_[output_at(index(node), output)];
    for (int i = 0; i < places_; ++i) {
        const int place = first + i < places_ ? first + i : first + i - places_;
        if ((waiting_[index(node)] >> place & 1) == 0) continue;
        Input& input = input_at(index(node), place);
        if (input.output != output || input.onto >= 0 || input.flits.front().ready > now) continue;
        const bool request = of_requests(place % channels_);
        const int side = routes_.side(node, place / channels_, place % channels_ / per_side_, output);
        const int count = request ? config_.request_channels : config_.data_channels;
        for (int k = 0; k < count; ++k) {
            const int channel = channel_of(side, request, k);
            std::int16_t& holder = holder_[output_at(index(node), output) * index(channels_) + index(channel)];
            if (holder >= 0) continue;
            holder = static_cast<std::int16_t>(place);
            input.onto = static_cast<std::int8_t>(channel);
            changed_ = true;
            break;
        }
    }
}

bool FlitNetwork::can_pass(int node, int output, const Input& input, const Flit& flit, Cycle now) const {
    if (output != local) return credit_[output_at(index(node), output) * index(channels_) + index(input.onto)] > 0;
    if (flit.head && of_requests(input.onto) &&
        interfaces_[index(node)].taken_in[place_of(input.onto)] >= config_.queue) {
        return false;
    }
    if (!interfaces_[index(node)].in.free(now)) return false;
    return !flit.payload || memory_.free(node, NodeMemories::in, now);
}

void FlitNetwork::pass_flit(int node, int output, Cycle now) {
    const std::size_t out = output_at(index(node), output);
    for (int i = 0; i < places_; ++i) {
        const int place = turn_[out] + i < places_ ? turn_[out] + i : turn_[out] + i - places_;
        if ((waiting_[index(node)] >> place & 1) == 0) continue;
        Input& input = input_at(index(node), place);
        if (input.output != output || input.onto < 0 || input.flits.front().ready > now) continue;
        if (!can_pass(node, output, input, input.flits.front(), now)) continue;

        changed_ = true;
        Flit flit = input.flits.pop();
        if (input.flits.empty()) waiting_[index(node)] &= ~(std::uint64_t{1} << place);
        // The room it leaves is the sender's before again.
        constexpr std::array<int, 4> back = {FlitRoutes::west, FlitRoutes::east, FlitRoutes::north,
                                             FlitRoutes::south};
        const int port = place / channels_, from_channel = place % channels_, channel = input.onto;
        const std::size_t sender =
            port == local ? credit_.size() + index(node) * index(channels_)
                          : output_at(index(routes_.next(node, back[index(port)])), port) * index(channels_);
        returning_.push({now + config_.credit, static_cast<std::uint32_t>(sender + index(from_channel))});

        ++moved_[out];
        turn_[out] = place + 1 == places_ ? 0 : place + 1;
        if (flit.tail) {
            holder_[out * index(channels_) + index(channel)] = -1;
            input.output = input.onto = -1;
        }
        if (output == local) {
            deliver(node, channel, flit, now);
        } else {
            --credit_[out * index(channels_) + index(channel)];
            flit.ready = now + config_.hop;
            push(index(routes_.next(node, output)), output, channel, flit);
        }
        return;
    }
}

}  // namespace tilemesh::noc

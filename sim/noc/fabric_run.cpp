// SPDX-License-Identifier: Apache-2.0
// When which event happens, and when clients hear of it.
#include "sim/noc/fabric.h"

#include "sim/noc/fabric_events.h"

#include <algorithm>
#include <utility>

namespace tilemesh::noc {

void Fabric::run_until(Picoseconds limit) {
    // News may bring more of it only in events of their own.
    for (const News& news : std::exchange(news_, {})) deliver(news);
    Calendar::Event event;
    while (calendar_.take_until(limit, event)) happen(event);
    now_ = std::max(now_, limit);
}

void Fabric::run_ahead(Picoseconds before) {
    ahead_ = true;
    Calendar::Event event;
    while (news_.empty() && calendar_.next() < before) {
        event = calendar_.take();
        happen(event);
    }
    ahead_ = false;
}

Picoseconds Fabric::next_event() { return news_.empty() ? calendar_.next() : now_; }

void Fabric::fetch(const Calendar::Event& event) const {
    const std::uint32_t kind = event.kind(), what = event.what();
    const bool of_channel = kind == EventKind::tail || kind == EventKind::look || kind == EventKind::credit;
    const std::size_t link = of_channel                  ? what >> channel_bits_
                             : kind == EventKind::source ? what / traffic_classes
                                                         : what;
    const auto lines = [](const void* at, std::size_t bytes) {
        for (std::size_t i = 0; i < bytes; i += 64) __builtin_prefetch(static_cast<const char*>(at) + i);
    };
    if (of_channel) lines(channels_ + what, sizeof(Channel));
    lines(&links_[link], sizeof(LinkState));
}

void Fabric::happen(const Calendar::Event& event) {
    if (const Calendar::Event* soon = calendar_.after(1)) fetch(*soon);
    now_ = Picoseconds(event.when);
    const auto number = static_cast<std::int32_t>(event.what());
    switch (event.kind()) {
        case EventKind::service:
            serve_link(event.what());
            break;
        case EventKind::tail:
            if (channel(number).holder != none && channel(number).served) maybe_leave(number);
            break;
        case EventKind::allocation:
            allocate(event.what());
            break;
        case EventKind::look:
            look_at_first(number);
            break;
        case EventKind::credit:
            if (channel(number).holder != none && channel(number).stalled) {
                send(number);
                post_service(link_of(number), links_[link_of(number)].turns.next_finish());
            }
            break;
        default:
            look_at_source(event.what());
    }
}

void Fabric::tell(const News& news) {
    // In the order in which they happen: behind news that wait, all wait.
    if (ahead_ && (news.what != News::packet || !news_.empty())) {
        news_.push_back(news);
    } else {
        deliver(news);
    }
}

void Fabric::deliver(const News& news) {
    if (news.what == News::left) {
        news.client->stream_left(news.when);
    } else {
        news.client->bytes_arrived(*news.stream, news.bytes, news.when, news.what == News::complete);
    }
}

}  // namespace tilemesh::noc

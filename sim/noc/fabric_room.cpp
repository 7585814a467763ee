// SPDX-License-Identifier: Apache-2.0
// Room in buffers that comes back to whoever sends into them.
#include "sim/noc/fabric.h"

#include <algorithm>

namespace tilemesh::noc {

void Fabric::release(std::int32_t number, Bytes bytes, Picoseconds when) {
    Channel& freed = channel(number);
    if (!freed.releases.empty()) when = std::max(when, freed.releases.back().when);
    if (freed.holder != none && freed.stalled && lacks_credits(freed)) wake(number, when);
    freed.releases.push({when, bytes});
    const LinkState& link = links_[link_of(number)];
    if (!link.waiting[0].empty() || !link.waiting[1].empty()) post_allocation(link_of(number), when);
}

void Fabric::free_behind(std::int32_t number, Bytes bytes, Picoseconds shared, Picoseconds leaving,
                         Picoseconds coming) {
    // Its flits leave the buffer behind as their turns come; a sender that goes on at the link's rate from here finds
    // room for each.
    const Channel& sender = channel(number);
    const Picoseconds when = sender.head + shared + links_[link_of(sender.input)].credit_return;
    const std::uint64_t flits = (bytes.value() + network_.flit.value() - 1) / network_.flit.value();
    const auto part_of = [&](Picoseconds time, std::uint64_t of_them) {
        return Picoseconds(time.value() / flits * of_them + time.value() % flits * of_them / flits);
    };
    const Picoseconds slower = leaving > coming ? leaving - coming : Picoseconds();
    if (channel(sender.input).queue.front().packet != sender.holder) {
        if (!sender.head_sent)  // of copies, the last
            free_copied(sender.input, Bytes(packets_[static_cast<std::size_t>(sender.holder)].bytes),
                        when + part_of(slower, flits - 1));
        return;
    }
    // Where it goes on at a lower rate than it came, room comes back at that, in a few pieces: each when what is sent
    // into it at the higher rate finds room for its last flit, too.
    const std::uint64_t pieces = slower > Picoseconds() ? std::min<std::uint64_t>(flits, 16) : 1;
    for (std::uint64_t piece = 0; piece < pieces; ++piece) {
        const std::uint64_t begin = flits * piece / pieces, end = flits * (piece + 1) / pieces;
        const Bytes room = std::min(bytes, network_.flit * end) - network_.flit * begin;
        release(sender.input, room, when + part_of(leaving, begin) + part_of(slower, end - begin - 1));
    }
}

}  // namespace tilemesh::noc

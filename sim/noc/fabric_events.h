// SPDX-License-Identifier: Apache-2.0
// The kinds of events of the network, shared by the files of fabric.h.
#pragma once

#include <cstdint>

namespace tilemesh::noc {

/// In the order in which they happen at one instant: what frees something before what takes it.
struct EventKind {
    static constexpr std::uint32_t service = 0;     // of a link: somebody may have had all its turns
    static constexpr std::uint32_t tail = 1;        // of a channel: its holder's tail may leave
    static constexpr std::uint32_t allocation = 2;  // of a link: a channel may be given to who waits
    static constexpr std::uint32_t look = 3;        // of a channel: the first packet in its buffer asks for its link
    static constexpr std::uint32_t credit = 4;      // of a channel: its stalled holder may go on
    static constexpr std::uint32_t source = 5;  // of a source: its first stream may enter; posted from outside too
};

}  // namespace tilemesh::noc

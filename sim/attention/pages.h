// SPDX-License-Identifier: Apache-2.0
// Paged keys and values (Kwon et al., PagedAttention, 2023): tokens in pages of equal size that lie anywhere in a
// pool, a page table saying where. Every PE has pools of its own, one for K and one for V of a user, laid out [page,
// kv head of the PE, token, element]: what one kv head has of a page is one piece.
#pragma once

#include "sim/attention/tokens.h"
#include "sim/base/json_reader.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace tilemesh::attention {

struct MaskReading;

struct Pages {
    std::int64_t page_keys = 1;
    std::optional<std::uint64_t> shuffled;           // seed: the pages of each rank in an order of their own
    std::vector<std::vector<std::int64_t>> entries;  // else by user: the place of each page of its keys

    /// The place in its pool of each page of a rank, whose tokens are cut into pages in their local order. Shuffled:
    /// pages 0 to n - 1 in a seeded order. By a table: a page has the entry of the page that its first token has in
    /// the whole sequence, and the rank's pages lie in the order of their entries, side by side where entries follow
    /// each other and one place apart where they do not.
    std::vector<std::int64_t> places(int user, int rank, const Tokens& keys) const;
};

/// {"page_keys": P, "table": "shuffled", "seed": n}, or without "table" the tensor page_table of the panel's inputs.
Pages read_pages(JsonReader reader, const MaskReading& reading);

}  // namespace tilemesh::attention

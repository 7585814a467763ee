// SPDX-License-Identifier: Apache-2.0
// Which query sees which key, and what is added to its score. One object answers: for one pair, for a block (which
// decides compute and traffic), and as the vector-engine work of building a block's element mask. Positions are
// global: a query's position is query_offset + its index, a key's position is its index. Masks combine by "and". The
// kinds a panel can name, one file each, are listed in masks/kinds.cpp. Blocks of tokens that do not lie side by side
// (zigzag, striped) are asked about through mask_blocks.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tilemesh::attention {

struct User;

/// Half-open range of token positions.
struct Range {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::int64_t size() const { return end > begin ? end - begin : 0; }
    bool empty() const { return end <= begin; }
    bool operator==(const Range&) const = default;
};

/// How much of a block of (queries x keys) is visible.
enum class Visible : std::uint8_t { none, some, all };

/// Whose eyes: a mask may differ from user to user (segments) and from query head to query head (dilated).
struct Viewer {
    int user = 0;
    std::int64_t head = 0;  // query head
};

/// Segments of `segment` positions; in each, every `step`-th position from offset(head) on takes part, and those see
/// each other.
struct Dilation {
    std::int64_t segment = 1;
    std::int64_t step = 1;
    bool by_head = false;
    std::int64_t offset(std::int64_t query_head) const { return by_head ? query_head % step : 0; }
};

/// A number per query and key that is added to scores: none, the same for all heads, or one for every query head.
enum class PairBias : std::uint8_t { none, shared, by_head };

class Mask {
public:
    virtual ~Mask() = default;
    virtual std::string name() const = 0;
    /// Does the query at this position see the key at this position?
    virtual bool sees(Viewer viewer, std::int64_t query_position, std::int64_t key_position) const = 0;
    /// The same for a range of keys at once: visible[i] becomes 1 or 0 for key keys.begin + i.
    virtual void row(Viewer viewer, std::int64_t query_position, Range keys, std::span<float> visible) const;
    /// The answer for a block of positions that lie side by side, in about constant time; an empty block is none.
    /// Exact for every single mask: none only and always when no pair is visible, all likewise. An all_of is right
    /// whenever it says none or all, but may say some of a block in which its parts have no pair in common: that
    /// costs traffic and compute nobody needs, never a wrong value. Of a single pair every mask is exact.
    virtual Visible block(Viewer viewer, Range query_positions, Range key_positions) const = 0;
    /// Is `some` exact too, as of every single mask?
    virtual bool is_exact() const { return true; }
    /// Number of visible pairs in a block (exact). Unless a mask knows better, halves the longer side until a block
    /// is all or none: the work grows with the length of the border between visible and hidden, not with the area.
    virtual std::uint64_t visible_pairs(Viewer viewer, Range query_positions, Range key_positions) const;
    /// Vector operations per element to build the element mask from position vectors; 0 when it is never needed:
    /// nothing is hidden, or what is hidden has a bias of -inf.
    virtual int compare_operations() const = 0;
    /// True when no query can see a key after its own position; then queries default to the last positions.
    virtual bool is_causal() const { return false; }
    /// True when the answer depends on query position minus key position alone: tokens at equal strides are then
    /// counted difference by difference.
    virtual bool by_difference() const { return false; }
    /// Some masks divide positions into parties, all of whose members see each other and nobody else.
    virtual bool has_parties() const { return false; }
    /// The party of a position; negative: of none, it sees nothing and nothing sees it.
    virtual std::int64_t party_of(Viewer, std::int64_t /*position*/) const { return -1; }
    /// True when the answers depend on viewer.head.
    virtual bool varies_by_head() const { return false; }
    /// True when key_bias() is not 0 everywhere.
    virtual bool has_key_bias() const { return false; }
    /// What is added to the score of every query with this key before the softmax, after scale and cap; -inf hides.
    virtual float key_bias(int /*user*/, std::int64_t /*key_position*/) const { return 0.0F; }
    /// True when slope() is not 0 everywhere.
    virtual bool has_slopes() const { return false; }
    /// The slope times the distance of the two positions is taken from the score (ALiBi).
    virtual float slope(Viewer) const { return 0.0F; }
    virtual PairBias pair_bias() const { return PairBias::none; }
    /// Adds the biases of one query and keys.begin + i to out[i]; -inf hides.
    virtual void add_pair_bias(Viewer, std::int64_t /*query_position*/, Range /*keys*/, std::span<float>) const {}
    /// The same mask, once it is known where the queries of these users are, for masks whose tensors count queries
    /// from a user's first; null: it makes no difference.
    virtual std::shared_ptr<const Mask> placed(std::span<const User> /*users*/) const { return nullptr; }
    /// The pattern, when the mask is dilated segments and nothing else: for kernels that gather what takes part.
    virtual std::optional<Dilation> dilation() const { return {}; }
    /// Why this mask cannot serve these users (segment ids too few, a bitmap of another size); nothing when it can.
    virtual std::optional<std::string> refuses(std::span<const User> /*users*/) const { return {}; }
};

std::shared_ptr<const Mask> full_mask();
std::shared_ptr<const Mask> causal_mask();
/// Visible where every part is, with the biases of all parts; of no parts, everything is.
std::shared_ptr<const Mask> all_of(std::vector<std::shared_ptr<const Mask>> parts);

}  // namespace tilemesh::attention

// SPDX-License-Identifier: Apache-2.0
// Which query sees which key. One object answers it three ways: for one pair, for a block (which decides compute and
// traffic), and as the vector-engine work of building a block's element mask. Positions are global: a query's
// position is query_offset + its index, a key's position is its index. Masks combine by "and". The kinds a panel can
// name, one file each, are listed in masks/kinds.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tilemesh::attention {

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

class Mask {
public:
    virtual ~Mask() = default;
    virtual std::string name() const = 0;
    /// Does the query at this position see the key at this position?
    virtual bool sees(std::int64_t query_position, std::int64_t key_position) const = 0;
    /// The same for a range of keys at once: visible[i] becomes 1 or 0 for key keys.begin + i.
    virtual void row(std::int64_t query_position, Range keys, std::span<float> visible) const {
        for (std::size_t i = 0; i < visible.size(); ++i) {
            visible[i] = sees(query_position, keys.begin + static_cast<std::int64_t>(i)) ? 1.0F : 0.0F;
        }
    }
    /// The answer for a block, in constant time; an empty block is none. Exact for every single mask. An all_of is
    /// right whenever it says none or all, but may say some of a block in which its parts have no pair in common:
    /// that costs traffic and compute nobody needs, never a wrong value. Of a single pair every mask is exact.
    virtual Visible block(Range query_positions, Range key_positions) const = 0;
    /// Number of visible pairs in a block (exact). Constant time for single masks.
    virtual std::uint64_t visible_pairs(Range query_positions, Range key_positions) const = 0;
    /// Vector operations per element to build the element mask from position vectors (0 when never needed).
    virtual int compare_operations() const = 0;
    /// True when no query can see a key after its own position; then queries default to the last positions.
    virtual bool is_causal() const { return false; }
};

std::shared_ptr<const Mask> full_mask();
std::shared_ptr<const Mask> causal_mask();
/// Visible where every part is; of no parts, everything is.
std::shared_ptr<const Mask> all_of(std::vector<std::shared_ptr<const Mask>> parts);

}  // namespace tilemesh::attention

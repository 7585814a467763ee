// SPDX-License-Identifier: Apache-2.0
// {"kind": "block_causal", "block": b}: a query sees the keys of its own block of b positions, later ones too, and of
// every block before.
#include "sim/attention/masks/floor.h"
#include "sim/attention/masks/kinds.h"

#include <fmt/format.h>

#include <algorithm>

namespace tilemesh::attention {
namespace {

class BlockCausal final : public Mask {
public:
    explicit BlockCausal(std::int64_t block) : block_(block) {}

    std::string name() const override { return fmt::format("causal by blocks of {}", block_); }
    bool sees(Viewer, std::int64_t query_position, std::int64_t key_position) const override {
        return key_position < seen_before(query_position);
    }
    void row(Viewer, std::int64_t query_position, Range keys, std::span<float> visible) const override {
        const std::int64_t seen = std::clamp<std::int64_t>(seen_before(query_position) - keys.begin, 0, keys.size());
        std::fill(visible.begin(), visible.begin() + seen, 1.0F);
        std::fill(visible.begin() + seen, visible.end(), 0.0F);
    }
    Visible block(Viewer, Range queries, Range keys) const override {
        if (queries.empty() || keys.empty() || keys.begin >= seen_before(queries.end - 1)) return Visible::none;
        return keys.end <= seen_before(queries.begin) ? Visible::all : Visible::some;
    }
    std::uint64_t visible_pairs(Viewer, Range queries, Range keys) const override {
        queries.begin = std::max<std::int64_t>(queries.begin, 0);  // no key is in a block before
        if (queries.empty() || keys.empty()) return 0;
        return pairs_before(queries.end, keys) - pairs_before(queries.begin, keys);
    }
    int compare_operations() const override { return 1; }  // block numbers of query and key, from position vectors

private:
    /// The first position that this query does not see.
    std::int64_t seen_before(std::int64_t query) const { return (floor_divide(query, block_) + 1) * block_; }

    // Queries below `end`, modulo 2^64: `whole` blocks of queries, of which block t sees the keys below (t + 1)
    // block_, and the rest of one.
    std::uint64_t pairs_before(std::int64_t end, Range keys) const {
        const auto u = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
        const std::int64_t whole = end / block_, rest = end % block_;
        const std::int64_t none = std::min(whole, keys.begin / block_);        // blocks that see no key
        const std::int64_t part = std::clamp(keys.end / block_, none, whole);  // up to here they see only some
        // Of the blocks between, block t sees (t + 1) block_ - keys.begin keys.
        const std::uint64_t numbers = (part - none) % 2 == 0 ? u((part - none) / 2) * u(part + none + 1)
                                                             : u(part - none) * u((part + none + 1) / 2);
        const std::uint64_t seen = u(block_) * numbers - u(part - none) * u(keys.begin);
        const std::int64_t of_rest = std::clamp<std::int64_t>((whole + 1) * block_ - keys.begin, 0, keys.size());
        return u(block_) * (seen + u(whole - part) * u(keys.size())) + u(rest) * u(of_rest);
    }

    std::int64_t block_;
};

}  // namespace

std::shared_ptr<const Mask> read_block_causal(JsonReader& reader, const MaskReading&) {
    return std::make_shared<BlockCausal>(static_cast<std::int64_t>(reader.integer("block", 1, furthest_position)));
}

}  // namespace tilemesh::attention

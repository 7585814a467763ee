// SPDX-License-Identifier: Apache-2.0
// The conjunction of masks. It knows its parts only through their interface, so any mask can be a part; the single
// masks are in masks/.
#include "sim/attention/mask.h"

#include <algorithm>
#include <utility>

namespace tilemesh::attention {
namespace {

using Parts = std::vector<std::shared_ptr<const Mask>>;

class AllOf final : public Mask {
public:
    explicit AllOf(Parts parts) : parts_(std::move(parts)) {}

    std::string name() const override {
        std::string text;
        for (const auto& part : parts_) text += (text.empty() ? "" : " and ") + part->name();
        return text;
    }

    bool sees(std::int64_t query_position, std::int64_t key_position) const override {
        return std::all_of(parts_.begin(), parts_.end(),
                           [&](const auto& part) { return part->sees(query_position, key_position); });
    }

    Visible block(Range query_positions, Range key_positions) const override {
        // The least of the parts: one that sees nothing decides, and only all of "all" make "all".
        Visible least = Visible::all;
        for (const auto& part : parts_) least = std::min(least, part->block(query_positions, key_positions));
        return least;
    }

    // Halves the longer side until a block is all or none. A single pair always is one of them, so this ends; the
    // work grows with the length of the border between visible and hidden, not with the area.
    std::uint64_t visible_pairs(Range query_positions, Range key_positions) const override {
        switch (block(query_positions, key_positions)) {
            case Visible::none:
                return 0;
            case Visible::all:
                return static_cast<std::uint64_t>(query_positions.size()) *
                       static_cast<std::uint64_t>(key_positions.size());
            case Visible::some:
                break;
        }
        const bool split_queries = query_positions.size() > key_positions.size();
        const Range whole = split_queries ? query_positions : key_positions;
        const Range low{whole.begin, whole.begin + whole.size() / 2}, high{low.end, whole.end};
        return split_queries ? visible_pairs(low, key_positions) + visible_pairs(high, key_positions)
                             : visible_pairs(query_positions, low) + visible_pairs(query_positions, high);
    }

    int compare_operations() const override {
        int operations = static_cast<int>(parts_.size()) - 1;  // the "and"s
        for (const auto& part : parts_) operations += part->compare_operations();
        return operations;
    }

    bool is_causal() const override {
        return std::any_of(parts_.begin(), parts_.end(), [](const auto& part) { return part->is_causal(); });
    }

private:
    Parts parts_;
};

}  // namespace

std::shared_ptr<const Mask> all_of(Parts parts) {
    // A part that never needs an element mask hides nothing; without it the conjunction costs and says less.
    std::erase_if(parts, [](const auto& part) { return part->compare_operations() == 0; });
    if (parts.empty()) return full_mask();
    if (parts.size() == 1) return parts.front();
    return std::make_shared<AllOf>(std::move(parts));
}

}  // namespace tilemesh::attention

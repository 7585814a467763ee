// SPDX-License-Identifier: Apache-2.0
// {"kind": "dilated", "segment": w, "dilation": r, "head_offset": true}: the context is cut into segments of w
// positions; in each, every r-th position takes part, and those see each other (Ding et al., LongNet, 2023). Head h
// begins at position h % r of the segment, or every head at 0 without head_offset. Queries that take no part see
// nothing.
#include "sim/attention/masks/floor.h"
#include "sim/attention/masks/kinds.h"

#include <fmt/format.h>

#include <algorithm>

namespace tilemesh::attention {
namespace {

class Dilated final : public Mask {
public:
    Dilated(std::int64_t segment, std::int64_t dilation, bool head_offset)
        : segment_(segment), dilation_(dilation), head_offset_(head_offset && dilation > 1) {}

    std::string name() const override {
        return fmt::format("segments of {} dilated by {}{}", segment_, dilation_, head_offset_ ? " per head" : "");
    }
    bool sees(Viewer viewer, std::int64_t query_position, std::int64_t key_position) const override {
        return segment_of(query_position) == segment_of(key_position) && takes_part(viewer, query_position) &&
               takes_part(viewer, key_position);
    }

    // Of the segments that both ranges touch only the first and the last can be cut; those between are all alike.
    Visible block(Viewer viewer, Range queries, Range keys) const override {
        if (queries.empty() || keys.empty()) return Visible::none;
        const Range both = segments_of_both(queries, keys);
        bool seen = false;
        for (std::int64_t segment = both.begin; segment < std::min(both.end, both.begin + 3) && !seen; ++segment)
            seen = pairs_in(viewer, segment, queries, keys) > 0;
        if (!seen) return Visible::none;
        const auto whole = [&](Range range) {
            return segment_of(range.begin) == segment_of(range.end - 1) && parts(viewer, range) == range.size();
        };
        const bool all = whole(queries) && whole(keys) && segment_of(queries.begin) == segment_of(keys.begin);
        return all ? Visible::all : Visible::some;
    }

    std::uint64_t visible_pairs(Viewer viewer, Range queries, Range keys) const override {
        if (queries.empty() || keys.empty()) return 0;
        const Range both = segments_of_both(queries, keys);
        std::uint64_t pairs = 0;
        if (!both.empty()) pairs += pairs_in(viewer, both.begin, queries, keys);
        if (both.size() > 1) pairs += pairs_in(viewer, both.end - 1, queries, keys);
        if (both.size() > 2)
            pairs += static_cast<std::uint64_t>(both.size() - 2) * pairs_in(viewer, both.begin + 1, queries, keys);
        return pairs;
    }

    // Each position carries the number of its segment, or one that nobody else has when it takes no part: one
    // comparison of two position vectors.
    int compare_operations() const override { return 1; }
    bool varies_by_head() const override { return head_offset_; }
    bool has_parties() const override { return true; }
    std::int64_t party_of(Viewer viewer, std::int64_t position) const override {
        return takes_part(viewer, position) ? segment_of(position) : -1;
    }
    std::optional<Dilation> dilation() const override { return Dilation{segment_, dilation_, head_offset_}; }

private:
    std::int64_t segment_of(std::int64_t position) const { return floor_divide(position, segment_); }
    std::int64_t offset(Viewer viewer) const { return head_offset_ ? viewer.head % dilation_ : 0; }
    bool takes_part(Viewer viewer, std::int64_t position) const {
        return floor_remainder(position, segment_) % dilation_ == offset(viewer);
    }
    /// Positions below `end` that take part.
    std::int64_t parts_before(Viewer viewer, std::int64_t end) const {
        const auto in_segment = [&](std::int64_t length) {
            return std::max<std::int64_t>(0, length - offset(viewer) + dilation_ - 1) / dilation_;
        };
        return segment_of(end) * in_segment(segment_) + in_segment(floor_remainder(end, segment_));
    }
    std::int64_t parts(Viewer viewer, Range range) const {
        return range.empty() ? 0 : parts_before(viewer, range.end) - parts_before(viewer, range.begin);
    }
    /// Numbers of the segments that both ranges touch.
    Range segments_of_both(Range queries, Range keys) const {
        return {segment_of(std::max(queries.begin, keys.begin)), segment_of(std::min(queries.end, keys.end) - 1) + 1};
    }
    std::uint64_t pairs_in(Viewer viewer, std::int64_t segment, Range queries, Range keys) const {
        const auto cut = [&](Range range) {
            return static_cast<std::uint64_t>(parts(
                viewer, {std::max(range.begin, segment * segment_), std::min(range.end, (segment + 1) * segment_)}));
        };
        return cut(queries) * cut(keys);
    }

    std::int64_t segment_, dilation_;
    bool head_offset_;
};

}  // namespace

std::shared_ptr<const Mask> read_dilated(JsonReader& reader, const MaskReading&) {
    const auto segment = static_cast<std::int64_t>(reader.integer("segment", 1, furthest_position));
    const auto dilation = static_cast<std::int64_t>(reader.integer("dilation", 1, furthest_position));
    return std::make_shared<Dilated>(segment, dilation, reader.boolean("head_offset", true));
}

}  // namespace tilemesh::attention

// SPDX-License-Identifier: Apache-2.0
// {"kind": "causal"}: a query sees the keys up to and including its own position.
#include "sim/attention/masks/kinds.h"

#include <algorithm>

namespace tilemesh::attention {
namespace {

class Causal final : public Mask {
public:
    std::string name() const override { return "causal"; }
    bool sees(Viewer, std::int64_t query_position, std::int64_t key_position) const override {
        return key_position <= query_position;
    }
    void row(Viewer, std::int64_t query_position, Range keys, std::span<float> visible) const override {
        const std::int64_t seen = std::clamp<std::int64_t>(query_position + 1 - keys.begin, 0, keys.size());
        std::fill(visible.begin(), visible.begin() + seen, 1.0F);
        std::fill(visible.begin() + seen, visible.end(), 0.0F);
    }
    Visible block(Viewer, Range queries, Range keys) const override {
        if (queries.empty() || keys.empty() || keys.begin > queries.end - 1) return Visible::none;
        return keys.end - 1 <= queries.begin ? Visible::all : Visible::some;
    }

    // Query i sees clamp(i + 1 - keys.begin, 0, keys.size()) keys. Past the last query that sees no key this grows by
    // one per query until it is the whole range: an arithmetic series and then a rectangle.
    std::uint64_t visible_pairs(Viewer, Range queries, Range keys) const override {
        if (queries.empty() || keys.empty()) return 0;
        const Range growing{std::max(queries.begin, keys.begin), std::min(queries.end, keys.end)};
        const std::int64_t seeing_all = Range{std::max(queries.begin, keys.end), queries.end}.size();
        const auto rectangle = static_cast<std::uint64_t>(seeing_all) * static_cast<std::uint64_t>(keys.size());
        if (growing.empty()) return rectangle;
        const auto first = static_cast<std::uint64_t>(growing.begin + 1 - keys.begin);
        const auto last = static_cast<std::uint64_t>(growing.end - keys.begin);
        return rectangle + (first + last) * static_cast<std::uint64_t>(growing.size()) / 2;
    }
    int compare_operations() const override { return 1; }
    bool is_causal() const override { return true; }
    bool by_difference() const override { return true; }
};

}  // namespace

std::shared_ptr<const Mask> causal_mask() { return std::make_shared<Causal>(); }

std::shared_ptr<const Mask> read_causal(JsonReader&, const MaskReading&) { return causal_mask(); }

}  // namespace tilemesh::attention

// SPDX-License-Identifier: Apache-2.0
// {"kind": "sliding_window", "window": W, "side": "both"}: a query sees the keys less than W positions away (Beltagy
// et al., Longformer, 2020); with "side": "causal" only those at its own position and before.
#include "sim/attention/masks/by_difference.h"
#include "sim/attention/masks/kinds.h"

#include <fmt/format.h>

#include <algorithm>

namespace tilemesh::attention {
namespace {

class SlidingWindow final : public ByDifference {
public:
    SlidingWindow(std::int64_t window, bool causal)
        : window_(window), least_(causal ? 0 : 1 - window), width_(window - least_), causal_(causal) {}

    std::string name() const override { return fmt::format("{}window of {}", causal_ ? "causal " : "", window_); }
    bool sees(Viewer, std::int64_t query_position, std::int64_t key_position) const override {
        const std::int64_t difference = query_position - key_position;
        return difference >= least_ && difference < window_;
    }
    void row(Viewer, std::int64_t query_position, Range keys, std::span<float> visible) const override {
        const std::int64_t begin =
            std::clamp<std::int64_t>(query_position - window_ + 1 - keys.begin, 0, keys.size());
        const std::int64_t end =
            std::clamp<std::int64_t>(query_position - least_ + 1 - keys.begin, begin, keys.size());
        std::fill(visible.begin(), visible.end(), 0.0F);
        std::fill(visible.begin() + begin, visible.begin() + end, 1.0F);
    }
    int compare_operations() const override { return 3; }  // a comparison for either border, and their "and"
    bool is_causal() const override { return causal_; }

protected:
    std::int64_t shown_up_to(std::int64_t difference) const override {
        return std::clamp<std::int64_t>(difference - least_ + 1, 0, width_);
    }
    std::uint64_t sum_up_to(std::int64_t difference) const override {
        const std::int64_t past = difference - least_ + 1;  // 1, 2, ... width, width, ...
        if (past <= width_) return triangle(past);
        return triangle(width_) + static_cast<std::uint64_t>(past - width_) * static_cast<std::uint64_t>(width_);
    }

private:
    std::int64_t window_;
    std::int64_t least_, width_;  // differences shown: least_ .. least_ + width_
    bool causal_;
};

}  // namespace

std::shared_ptr<const Mask> read_sliding_window(JsonReader& reader, const MaskReading&) {
    const auto window = static_cast<std::int64_t>(reader.integer("window", 1, furthest_position));
    return std::make_shared<SlidingWindow>(window, reader.word("side", {"both", "causal"}, "both") == "causal");
}

}  // namespace tilemesh::attention

// SPDX-License-Identifier: Apache-2.0
// {"kind": "alibi"}: everything is visible, and slope[head] times the distance of query and key is taken from the
// score. Source: Press, Smith and Lewis, Train short, test long (ALiBi), 2021. The slopes are "slopes", a list or
// "geometric" (theirs: 2^(-8 (h + 1) / heads_q)), or the tensor alibi_slopes of the panel's inputs.
#include "sim/attention/head_numbers.h"
#include "sim/attention/masks/reading.h"

#include <cmath>

namespace tilemesh::attention {
namespace {

constexpr NumberRange slope_range{-1e6, 1e6};

class Alibi final : public Mask {
public:
    explicit Alibi(HeadNumbers slopes) : slopes_(std::move(slopes)) {}

    std::string name() const override { return "alibi"; }
    bool sees(Viewer, std::int64_t, std::int64_t) const override { return true; }
    Visible block(Viewer, Range queries, Range keys) const override {
        return queries.empty() || keys.empty() ? Visible::none : Visible::all;
    }
    int compare_operations() const override { return 0; }  // nothing is hidden
    bool by_difference() const override { return true; }
    bool has_slopes() const override { return true; }
    float slope(Viewer viewer) const override {
        return slopes_[static_cast<std::size_t>(viewer.user)][static_cast<std::size_t>(viewer.head)];
    }

private:
    HeadNumbers slopes_;
};

HeadNumbers geometric(const MaskReading& reading) {
    std::vector<float> slopes;
    for (std::int64_t head = 0; head < reading.heads_q; ++head)
        slopes.push_back(static_cast<float>(
            std::exp2(-8.0 * static_cast<double>(head + 1) / static_cast<double>(reading.heads_q))));
    return HeadNumbers(reading.users.size(), slopes);
}

}  // namespace

std::shared_ptr<const Mask> read_alibi(JsonReader& reader, const MaskReading& reading) {
    check_head_numbers(reader, reading);
    const auto slopes = reader.optional_member("slopes");
    if (!slopes)
        return std::make_shared<Alibi>(
            stored_head_numbers(MaskTensors(reader, reading, "slopes"), "alibi_slopes", reading, slope_range));
    if (slopes->is_string()) {
        slopes->as_word({"geometric"});
        return std::make_shared<Alibi>(geometric(reading));
    }
    return std::make_shared<Alibi>(listed_head_numbers(*slopes, reading, slope_range));
}

}  // namespace tilemesh::attention

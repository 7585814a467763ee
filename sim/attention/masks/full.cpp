// SPDX-License-Identifier: Apache-2.0
// {"kind": "full"}: every query sees every key.
#include "sim/attention/masks/kinds.h"

namespace tilemesh::attention {
namespace {

class Full final : public Mask {
public:
    std::string name() const override { return "full"; }
    bool sees(Viewer, std::int64_t, std::int64_t) const override { return true; }
    Visible block(Viewer, Range query_positions, Range key_positions) const override {
        return query_positions.empty() || key_positions.empty() ? Visible::none : Visible::all;
    }
    std::uint64_t visible_pairs(Viewer, Range query_positions, Range key_positions) const override {
        return static_cast<std::uint64_t>(query_positions.size()) * static_cast<std::uint64_t>(key_positions.size());
    }
    int compare_operations() const override { return 0; }
};

}  // namespace

std::shared_ptr<const Mask> full_mask() { return std::make_shared<Full>(); }

std::shared_ptr<const Mask> read_full(JsonReader&, const MaskReading&) { return full_mask(); }

}  // namespace tilemesh::attention

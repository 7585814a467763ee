// SPDX-License-Identifier: Apache-2.0
// {"kind": "sparse_strided", "stride": s}: a query sees the last s positions and, before them, every s-th one counted
// back from its own (Child et al., Sparse Transformers, 2019).
#include "sim/attention/masks/by_difference.h"
#include "sim/attention/masks/kinds.h"

#include <fmt/format.h>

namespace tilemesh::attention {
namespace {

class SparseStrided final : public ByDifference {
public:
    explicit SparseStrided(std::int64_t stride) : stride_(stride) {}

    std::string name() const override { return fmt::format("sparse strided by {}", stride_); }
    bool sees(Viewer, std::int64_t query_position, std::int64_t key_position) const override {
        const std::int64_t difference = query_position - key_position;
        return difference >= 0 && (difference < stride_ || difference % stride_ == 0);
    }
    // Causal, near, same remainder of the stride (position vectors, not elements), an "or" and an "and".
    int compare_operations() const override { return 5; }
    bool is_causal() const override { return true; }

protected:
    std::int64_t shown_up_to(std::int64_t difference) const override {
        if (difference < 0) return 0;
        return difference < stride_ ? difference + 1 : stride_ + difference / stride_;
    }
    // Below the stride 1 + 2 + ...; from there on stride + floor(difference / stride), of which `whole` floors come
    // stride times each and the last one `rest` times.
    std::uint64_t sum_up_to(std::int64_t difference) const override {
        if (difference < stride_) return triangle(difference + 1);
        const std::int64_t whole = (difference + 1) / stride_, rest = (difference + 1) % stride_;
        const auto product = [](std::int64_t a, std::int64_t b) {
            return static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b);
        };
        return triangle(stride_) + product(difference + 1 - stride_, stride_) +
               static_cast<std::uint64_t>(stride_) * triangle(whole - 1) + product(rest, whole);
    }

private:
    std::int64_t stride_;
};

}  // namespace

std::shared_ptr<const Mask> read_sparse_strided(JsonReader& reader, const MaskReading&) {
    return std::make_shared<SparseStrided>(static_cast<std::int64_t>(reader.integer("stride", 1, furthest_position)));
}

}  // namespace tilemesh::attention

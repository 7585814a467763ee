// SPDX-License-Identifier: Apache-2.0
// {"kind": "sparse_fixed", "stride": s, "c": c}: a query sees its own block of s positions up to itself, and before
// it the last c positions of every block, its summary (Child et al., Sparse Transformers, 2019).
#include "sim/attention/masks/floor.h"
#include "sim/attention/masks/kinds.h"

#include <fmt/format.h>

#include <algorithm>

namespace tilemesh::attention {
namespace {

class SparseFixed final : public Mask {
public:
    SparseFixed(std::int64_t stride, std::int64_t summary) : stride_(stride), summary_(summary) {}

    std::string name() const override { return fmt::format("sparse fixed by {} with {}", stride_, summary_); }
    bool sees(Viewer, std::int64_t query_position, std::int64_t key_position) const override {
        return key_position <= query_position &&
               (query_position / stride_ == key_position / stride_ || key_position % stride_ >= stride_ - summary_);
    }

    Visible block(Viewer, Range queries, Range keys) const override {
        if (queries.end <= 0 || queries.empty() || keys.empty()) return Visible::none;
        // Together the queries see everything from the block of the first to the last of them, and summaries before.
        const std::int64_t own = begin_of_block(queries.begin);
        if (intersection(keys, {own, queries.end}).empty() && summaries(intersection(keys, {0, own})) == 0)
            return Visible::none;
        if (keys.end - 1 > queries.begin) return Visible::some;
        // Every key is at or before every query; hidden are details of blocks that are not every query's own.
        const bool one_block = own == begin_of_block(queries.end - 1);
        const Range others = one_block ? intersection(keys, {0, own}) : keys;
        return summaries(others) == others.size() ? Visible::all : Visible::some;
    }

    // Block of queries by block: its own keys up to each query, and the summaries before the block.
    std::uint64_t visible_pairs(Viewer viewer, Range queries, Range keys) const override {
        std::uint64_t pairs = 0;
        queries.begin = std::max<std::int64_t>(queries.begin, 0);  // no key comes before
        const auto causal = causal_mask();
        for (std::int64_t begin = queries.begin; begin < queries.end;) {
            const std::int64_t own = begin_of_block(begin);
            const Range part{begin, std::min(own + stride_, queries.end)};
            const auto before = static_cast<std::uint64_t>(summaries(intersection(keys, {0, own})));
            pairs += static_cast<std::uint64_t>(part.size()) * before +
                     causal->visible_pairs(viewer, part, intersection(keys, {own, own + stride_}));
            begin = part.end;
        }
        return pairs;
    }

    // Causal, same block, an "or" with the flag of a summary key, an "and"; blocks and flags are position vectors.
    int compare_operations() const override { return 4; }
    bool is_causal() const override { return true; }

private:
    std::int64_t begin_of_block(std::int64_t position) const { return floor_divide(position, stride_) * stride_; }
    static Range intersection(Range a, Range b) { return {std::max(a.begin, b.begin), std::min(a.end, b.end)}; }
    std::int64_t summaries_before(std::int64_t end) const {
        return end / stride_ * summary_ + std::max<std::int64_t>(0, end % stride_ - (stride_ - summary_));
    }
    std::int64_t summaries(Range keys) const {
        return keys.empty() ? 0 : summaries_before(keys.end) - summaries_before(keys.begin);
    }

    std::int64_t stride_, summary_;
};

}  // namespace

std::shared_ptr<const Mask> read_sparse_fixed(JsonReader& reader, const MaskReading&) {
    const std::uint64_t stride = reader.integer("stride", 1, furthest_position);
    const std::uint64_t summary = reader.integer("c", 1, stride);
    return std::make_shared<SparseFixed>(static_cast<std::int64_t>(stride), static_cast<std::int64_t>(summary));
}

}  // namespace tilemesh::attention

// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/element_mask.h"

namespace tilemesh::kernels {

Tile element_mask(tl::Context& tl, const attention::Problem& problem, int user, attention::Range query_heads,
                  const attention::Run& queries, const attention::Run& keys) {
    const attention::Mask* mask = problem.mask.get();
    const std::int64_t first_head = query_heads.begin, group = problem.group();
    const auto flags = [=](std::int32_t batch, std::int32_t row, std::span<float> visible) {
        const attention::Viewer viewer{user, first_head + batch * group + row % group};
        const std::int64_t query = queries.at(row / group);
        if (keys.stride == 1) return mask->row(viewer, query, keys.hull(), visible);
        for (std::size_t i = 0; i < visible.size(); ++i)
            visible[i] = mask->sees(viewer, query, keys.at(static_cast<std::int64_t>(i))) ? 1.0F : 0.0F;
    };
    const std::int64_t batch = mask->varies_by_head() ? query_heads.size() / group : 1;
    return tl.compare(Shape{batch, queries.count * group, keys.count}, MaskRow(flags), mask->compare_operations());
}

}  // namespace tilemesh::kernels

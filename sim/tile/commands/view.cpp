// SPDX-License-Identifier: Apache-2.0
// trans, permute, reshape, slice, broadcast_to: other views of the same SRAM. No command is issued and no time
// passes; the engines read SRAM with strides. A transpose is a transpose: it never reinterprets memory.
#include "sim/tile/context.h"

#include <fmt/format.h>

namespace tilemesh::tl {

Tile Context::trans(const Tile& tile) {
    if (!tile || tile.shape().rank() < 2) refuse_here("trans", "needs a tile of at least two dimensions");
    View view = tile.view();
    view.shape = Shape(view.shape.rank(), {view.shape.batch(), view.shape.cols(), view.shape.rows()});
    std::swap(view.strides[1], view.strides[2]);
    return tile.with_view(view);
}

Tile Context::reshape(const Tile& tile, Shape shape) {
    const View& from = tile.view();
    if (shape.elements() != from.shape.elements()) {
        refuse_here("reshape", fmt::format("{} has {} elements, {} has {}", from.shape.text(), from.shape.elements(),
                                           shape.text(), shape.elements()));
    }
    const Shape& s = from.shape;
    const bool dense = (s.cols() == 1 || from.strides[2] == 1) && (s.rows() == 1 || from.strides[1] == s.cols()) &&
                       (s.batch() == 1 || from.strides[0] == s.rows() * s.cols());
    if (!dense) {
        refuse_here("reshape", fmt::format("{} is a strided view (transposed or sliced), whose elements do not lie "
                                           "in order: reshape first",
                                           s.text()));
    }
    return tile.with_view(View{shape, {shape.rows() * shape.cols(), shape.cols(), 1}, from.offset});
}

Tile Context::permute(const Tile& tile, std::span<const int> axes) {
    const int rank = tile ? tile.shape().rank() : 0;
    View view = tile.view();
    auto dims = view.shape.slots();
    unsigned seen = 0;
    for (std::size_t i = 0; i < axes.size() && static_cast<int>(axes.size()) == rank; ++i) {
        const int axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank) break;
        seen |= 1U << axis;
        const std::size_t to = static_cast<std::size_t>(3 - rank) + i,
                          from = static_cast<std::size_t>(3 - rank + axis);
        dims[to] = tile.shape().slots()[from];
        view.strides[to] = tile.view().strides[from];
    }
    if (rank == 0 || seen != (1U << rank) - 1)
        refuse_here("permute", fmt::format("({}) does not order the dimensions of {}", fmt::join(axes, ", "),
                                           view.shape.text()));
    view.shape = Shape(rank, dims);
    return tile.with_view(view);
}

Tile Context::broadcast_to(const Tile& tile, Shape shape) {
    View view = tile.view();
    const Shape both = broadcast(view.shape, shape);
    if (both.slots() != shape.slots() || view.shape.rank() > shape.rank())
        refuse_here("broadcast_to", fmt::format("{} does not broadcast to {}", view.shape.text(), shape.text()));
    for (std::size_t i = 0; i < 3; ++i)
        if (view.shape.slots()[i] != shape.slots()[i]) view.strides[i] = 0;
    view.shape = shape;
    return tile.with_view(view);
}

Tile Context::slice(const Tile& tile, int axis, std::int64_t begin, std::int64_t end) {
    View view = tile.view();
    const int slot = view.shape.slot_of(axis);
    if (slot < 3 - view.shape.rank() || slot > 2 || begin < 0 || begin >= end || end > view.shape.slot(slot)) {
        refuse_here("slice",
                    fmt::format("[{}, {}) of axis {} does not lie inside {}", begin, end, axis, view.shape.text()));
    }
    auto dims = view.shape.slots();
    dims[static_cast<std::size_t>(slot)] = static_cast<std::int32_t>(end - begin);
    view.offset += static_cast<std::int32_t>(begin) * view.strides[static_cast<std::size_t>(slot)];
    view.shape = Shape(view.shape.rank(), dims);
    return tile.with_view(view);
}

}  // namespace tilemesh::tl

// SPDX-License-Identifier: Apache-2.0
// trans, reshape, slice: other views of the same SRAM. No command is issued and no time passes; the engines read SRAM
// with strides. A transpose is a transpose: it never reinterprets memory.
#include "sim/tile/context.h"

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

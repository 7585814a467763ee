// SPDX-License-Identifier: Apache-2.0
#include "sim/pe/segments.h"

#include "sim/tile/tensor.h"

#include <algorithm>

namespace tilemesh::pe {

std::uint64_t descriptors_of(const Command& transfer) {
    const Movement& moved = *transfer.moved;
    if (moved.access) return std::max<std::uint64_t>(1, moved.access->parts().size());
    return moved.box.tensor->paging() ? pages_of(moved.box).size() : 1;
}

std::vector<memory::Runs> pages_of(const TensorBox& box) {
    const Tensor& tensor = *box.tensor;
    const Paging& pages = *tensor.paging();
    const auto size = [](std::int32_t n) { return static_cast<std::uint64_t>(n); };
    const std::uint64_t width = bytes_per_element(tensor.dtype());
    const std::uint64_t row = size(tensor.shape().cols()) * width, part = size(pages.rows) * row;  // of one batch
    const std::uint64_t piece = size(box.shape.cols()) * width, stride = size(box.row_stride) * row;
    const bool whole_rows = piece == row && box.row_stride == 1;
    std::vector<memory::Runs> parts;
    for (std::int32_t r = 0; r < box.shape.rows();) {
        const std::int32_t first = box.offset[1] + r * box.row_stride;
        const std::int32_t in_page = first % pages.rows;
        const std::int32_t rows = std::min(box.shape.rows() - r, (pages.rows - in_page - 1) / box.row_stride + 1);
        const std::uint64_t page =
            tensor.address() +
            size(pages.places[static_cast<std::size_t>(first / pages.rows)]) * size(tensor.shape().batch()) * part;
        const std::uint64_t begin =
            page + size(box.offset[0]) * part + size(in_page) * row + size(box.offset[2]) * width;
        if (whole_rows) {
            // The batches of a page are evenly spaced, and one run when the box has all of its rows.
            memory::Runs segments{{begin, size(rows) * row}, size(box.shape.batch()), part};
            if (rows == pages.rows) segments = {{begin, size(box.shape.batch()) * part}, 1, 0};
            memory::Segment* const before = parts.empty() || parts.back().count > 1 ? nullptr : &parts.back().first;
            if (before && segments.count == 1 && before->address + before->bytes == begin) {
                before->bytes += segments.first.bytes;
            } else {
                parts.push_back(segments);
            }
        } else {
            for (std::int32_t b = 0; b < box.shape.batch(); ++b)
                parts.push_back({{begin + size(b) * part, piece}, size(rows), stride});
        }
        r += rows;
    }
    return parts;
}

memory::Runs segments_of(const TensorBox& box) {
    const Tensor& tensor = *box.tensor;
    const std::uint64_t width = bytes_per_element(tensor.dtype());
    const auto cols = static_cast<std::uint64_t>(tensor.shape().cols()),
               rows = static_cast<std::uint64_t>(tensor.shape().rows());
    const std::uint64_t begin =
        tensor.address() +
        ((static_cast<std::uint64_t>(box.offset[0]) * rows + static_cast<std::uint64_t>(box.offset[1])) * cols +
         static_cast<std::uint64_t>(box.offset[2])) *
            width;
    const auto bc = static_cast<std::uint64_t>(box.shape.cols()), br = static_cast<std::uint64_t>(box.shape.rows()),
               bb = static_cast<std::uint64_t>(box.shape.batch());
    const auto step = static_cast<std::uint64_t>(box.row_stride);
    if (bc != cols || step != 1) return {{begin, bc * width}, bb * br, step * cols * width};
    if (br != rows) return {{begin, br * cols * width}, bb, rows * cols * width};
    return {{begin, bb * br * cols * width}, 1, 0};
}

}  // namespace tilemesh::pe

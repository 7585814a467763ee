// SPDX-License-Identifier: Apache-2.0
// Where in its slice a box of a tensor lies, byte by byte.
#pragma once

#include "sim/tile/tensor.h"

#include <cstdint>

namespace tilemesh::check {

/// Calls visit(address, bytes) for the box's runs of bytes in the slice of its tensor.
template <class Visit>
void visit_bytes(const TensorBox& box, Visit visit) {
    const Tensor& tensor = *box.tensor;
    const auto size = [](std::int32_t n) { return static_cast<std::uint64_t>(n); };
    const std::uint64_t width = bytes_per_element(tensor.dtype()), row = size(tensor.shape().cols()) * width;
    const Paging* const pages = tensor.paging();
    const auto row_at = [&](std::int32_t batch, std::int32_t r) {
        const std::int32_t in_page = pages ? r % pages->rows : r,
                           of_page = pages ? pages->rows : tensor.shape().rows();
        const std::int32_t place = pages ? pages->places[static_cast<std::size_t>(r / pages->rows)] : 0;
        return tensor.address() +
               ((size(place) * size(tensor.shape().batch()) + size(batch)) * size(of_page) + size(in_page)) * row;
    };
    std::uint64_t address = 0, bytes = 0;  // of the run so far
    for (std::int32_t b = 0; b < box.shape.batch(); ++b) {
        for (std::int32_t r = 0; r < box.shape.rows(); ++r) {
            const std::uint64_t begin =
                row_at(box.offset[0] + b, box.offset[1] + r * box.row_stride) + size(box.offset[2]) * width;
            if (bytes > 0 && begin == address + bytes) {
                bytes += size(box.shape.cols()) * width;
                continue;
            }
            if (bytes > 0) visit(address, bytes);
            address = begin;
            bytes = size(box.shape.cols()) * width;
        }
    }
    visit(address, bytes);
}

}  // namespace tilemesh::check

// SPDX-License-Identifier: Apache-2.0
// A box of an array, what make_block_ptr and make_tensor_descriptor describe, and the places that it stands for.
#pragma once

#include "sim/program/host.h"

#include <cstdint>
#include <vector>

namespace tilemesh::program {

struct Block : Object {
    Ref<Array> array;
    std::int64_t base = 0;
    std::vector<std::int64_t> shape, strides, offsets, block_shape;
    double padding = 0;
};

/// Places, and where they may be touched.
struct Target {
    Ref<Array> array;
    Ref<IndexTile> places;
    Ref<Mask> mask;  // null: everywhere
    int network = any_network;
};

/// The block at these offsets; along the dimensions `checked` nothing outside of the tensor is touched. With more
/// than three dimensions its places have one.
Target target_of(const Block& block, const std::vector<std::int64_t>& offsets,
                 const std::vector<std::int64_t>& checked);

}  // namespace tilemesh::program

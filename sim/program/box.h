// SPDX-License-Identifier: Apache-2.0
// A tensor descriptor that a launch hands over: a box of an array as make_tensor_descriptor makes one.
#pragma once

#include "sim/program/array.h"
#include "sim/program/value.h"

#include <cstdint>
#include <vector>

namespace tilemesh::program {

struct Box {
    std::vector<std::int64_t> shape, strides, block_shape;
    bool pads_with_nan = false;  // outside of the shape; else with 0
};

/// `first` is the array's element that the box begins at. An error of the program when the box is none.
Value descriptor_value(Ref<Array> array, std::int64_t first, const Box& box);

}  // namespace tilemesh::program

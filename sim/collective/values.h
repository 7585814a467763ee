// SPDX-License-Identifier: Apache-2.0
// What a table computes, element by element, from seeded inputs: additions happen where and in the order the table
// says, in f32, and what is sent or kept is rounded to the element's type. Any element can be followed alone.
#pragma once

#include "sim/base/dtype.h"
#include "sim/collective/schedule.h"

#include <cstdint>
#include <vector>

namespace tilemesh::collective {

/// Inputs: standard normal numbers, rounded to `dtype`.
struct Inputs {
    Dtype dtype = Dtype::bf16;
    std::uint64_t seed = 1;
    /// Element of the tensor that a chip holds. Of an all_gather only its own part exists.
    float value(int chip, std::uint64_t element) const;
};

/// What the chips hold of one element. Of an all_to_all: what the chip whose part it is has got from each of them.
struct ElementResult {
    std::vector<double> held;  // by chip; NaN: nothing
};
/// After the calls, one after the other.
ElementResult follow(const std::vector<Schedule>& calls, const Inputs& inputs, std::uint64_t element);

/// What they should hold, in f64; NaN where nothing is expected.
ElementResult expected(Operation operation, const Chips& chips, std::uint64_t elements, const Inputs& inputs,
                       std::uint64_t element);

}  // namespace tilemesh::collective

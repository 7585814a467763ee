// SPDX-License-Identifier: Apache-2.0
// The value semantics of the language: what each command computes, in f32, rounded to the output's storage type. Runs
// after the operands exist and knows nothing of time.
#pragma once

#include "sim/tile/command.h"
#include "sim/tile/tile.h"

#include <array>
#include <cstdint>
#include <functional>

namespace tilemesh {

/// One operand of a value computation: a tile seen through a view, or a scalar (record null).
struct ValueOperand {
    TileRecord* record = nullptr;
    PayloadPtr payload;  // looked up when the step runs
    View view;
    float scalar = 0.0F;
    std::int64_t whole = 0;  // the scalar of work on integers
};

struct ValueStep {
    Opcode op = Opcode::dot;
    Dtype dtype = Dtype::f32;  // of the output
    Shape shape;               // of the output
    int count = 0;
    std::array<ValueOperand, 3> operands;
    int axis = -1;                                 // reductions: slot (0, 1 or 2); repeat: 1 for each row, 0 for all
    MaskRow predicate;                             // compare
    std::function<float(std::int32_t)> generator;  // fill: by flat element number
    std::function<std::int64_t(std::int32_t)> numbers;  // fill of integers
    TensorBox box;                                      // load, store, of a tensor
    Ref<Access> access;                                 // load, store, of anything else
};

/// Computes the step; the result (null for a store) becomes the output tile's payload. A receive has no step of its
/// own: it takes over the sender's payload.
PayloadPtr evaluate(ValueStep& step);

/// The dense payload that a view of a tile stands for (shared when the view is the whole tile as it lies).
PayloadPtr materialise(ValueOperand& operand);

}  // namespace tilemesh

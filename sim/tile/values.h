// SPDX-License-Identifier: Apache-2.0
// What a tile's values are in a run that computes them: f32 numbers, already rounded to the tile's storage type, for
// all rows or for a sample of rows. Payloads are immutable and shared, so views, sends and stores copy nothing.
#pragma once

#include "sim/base/dtype.h"
#include "sim/tile/raw_floats.h"
#include "sim/tile/shape.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace tilemesh {

/// How much of every tile is computed. Cycles are the same in all three.
enum class ValueMode : std::uint8_t { full, sampled, none };

/// Sorted flat row numbers (batch * rows + row) that carry values.
using RowSet = std::shared_ptr<const std::vector<std::int32_t>>;

/// Immutable values of one tile.
struct Payload {
    Shape shape;
    RowSet rows;     // null: every row
    RawFloats data;  // (rows present) x cols, row-major
    /// Set instead of data for element masks: decided per (batch, row, col) only where somebody looks; by force() for
    /// all elements at once.
    std::function<bool(std::int32_t, std::int32_t, std::int32_t)> predicate;
    /// Set instead of data for a box read from HBM: filled by force() when somebody looks.
    std::function<void(Payload&)> source;

    bool empty() const { return rows && rows->empty(); }
    const float* force() {
        if (source) {
            source(*this);
            source = nullptr;
        }
        if (predicate) decide();
        return data.data();
    }

private:
    void decide() {
        data.reserve(static_cast<std::size_t>(shape.elements()));
        for (std::int32_t b = 0; b < shape.batch(); ++b) {
            for (std::int32_t r = 0; r < shape.rows(); ++r) {
                for (std::int32_t c = 0; c < shape.cols(); ++c) data.push_back(predicate(b, r, c) ? 1.0F : 0.0F);
            }
        }
        predicate = nullptr;
    }
};
using PayloadPtr = std::shared_ptr<Payload>;

/// A window on a payload: how a tile handle sees the SRAM it stands for. Strides in elements of the underlying
/// payload.
struct View {
    Shape shape;
    std::array<std::int32_t, 3> strides{};
    std::int32_t offset = 0;
};

}  // namespace tilemesh

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
#include <span>
#include <vector>

namespace tilemesh {

/// How much of every tile is computed. Cycles are the same in all three.
enum class ValueMode : std::uint8_t { full, sampled, none };

/// Sorted flat row numbers (batch * rows + row) that carry values.
using RowSet = std::shared_ptr<const std::vector<std::int32_t>>;

/// Fills one row of an element mask: `visible[col]` becomes 1 or 0 for (batch, row, col).
using MaskRow = std::function<void(std::int32_t batch, std::int32_t row, std::span<float> visible)>;

/// Immutable values of one tile.
struct Payload {
    Shape shape;
    RowSet rows;                         // null: every row
    RawFloats data;                      // (rows present) x cols, row-major
    std::vector<std::int64_t> integers;  // the same, exactly, of integers where they are known so; else empty
    /// Set instead of data for element masks: decided row by row, only where somebody looks; by force() for
    /// all elements at once.
    MaskRow predicate;
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
        const auto cols = static_cast<std::size_t>(shape.cols());
        data.resize(static_cast<std::size_t>(shape.elements()));
        float* to = data.data();
        for (std::int32_t b = 0; b < shape.batch(); ++b) {
            for (std::int32_t r = 0; r < shape.rows(); ++r, to += cols) predicate(b, r, std::span(to, cols));
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

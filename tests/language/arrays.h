// SPDX-License-Identifier: Apache-2.0
// Plain arrays for expected values, and one-PE kernels that turn arrays into arrays: what a command computes is
// compared with loops over these.
#pragma once

#include "sim/base/dtype.h"
#include "sim/machine/simulation.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace tilemesh::test {

/// Values of a tile or tensor, row-major, each exactly representable in `dtype`.
struct Array {
    Shape shape;
    Dtype dtype = Dtype::f32;
    std::vector<float> data;

    float at(std::int32_t b, std::int32_t r, std::int32_t c) const {
        return data[(static_cast<std::size_t>(b) * static_cast<std::size_t>(shape.rows()) +
                     static_cast<std::size_t>(r)) *
                        static_cast<std::size_t>(shape.cols()) +
                    static_cast<std::size_t>(c)];
    }
    /// The element a broadcast shows at (b, r, c).
    float shown_at(std::int32_t b, std::int32_t r, std::int32_t c) const {
        return at(shape.batch() == 1 ? 0 : b, shape.rows() == 1 ? 0 : r, shape.cols() == 1 ? 0 : c);
    }
};

/// Every element from its indices; rounded to dtype.
Array make_array(Shape shape, const std::function<float(std::int32_t, std::int32_t, std::int32_t)>& element,
                 Dtype dtype = Dtype::f32);
/// Normal values of a stream of their own.
Array random_array(Shape shape, std::uint64_t stream, Dtype dtype = Dtype::f32);

/// A tensor of the simulation with these values as its input; with `rows` only those in a sampled run.
Tensor& add_input(machine::Simulation& simulation, int pe, const std::string& name, const Array& values,
                  RowSet rows = nullptr);
/// Everything that was stored to the tensor; elements nobody stored are NaN.
Array stored(const Tensor& tensor);

/// Loads each array whole on PE 0 of the ideal line, computes with the tiles, and returns the result as stored.
using Computation = std::function<Tile(tl::Context& tl, const std::vector<Tile>& operands)>;
Array compute(const std::vector<Array>& operands, const Computation& computation);

/// The greatest |a - b| relative to the greatest |b|; infinite when shapes, dtypes or infinities differ.
double distance(const Array& a, const Array& b);

}  // namespace tilemesh::test

// SPDX-License-Identifier: Apache-2.0
#include "tests/language/arrays.h"

#include "sim/base/random.h"
#include "tests/language/small_machine.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tilemesh::test {

Array make_array(Shape shape, const std::function<float(std::int32_t, std::int32_t, std::int32_t)>& element,
                 Dtype dtype) {
    Array array{shape, dtype, {}};
    for (std::int32_t b = 0; b < shape.batch(); ++b) {
        for (std::int32_t r = 0; r < shape.rows(); ++r) {
            for (std::int32_t c = 0; c < shape.cols(); ++c) array.data.push_back(round_to(dtype, element(b, r, c)));
        }
    }
    return array;
}

Array random_array(Shape shape, std::uint64_t stream, Dtype dtype) {
    Array array{shape, dtype, std::vector<float>(static_cast<std::size_t>(shape.elements()))};
    fill_normal(1, stream, 0, array.data);
    round_to(dtype, std::span<float>(array.data));
    return array;
}

Tensor& add_input(machine::Simulation& simulation, int pe, const std::string& name, const Array& values,
                  RowSet rows) {
    Tensor& tensor = simulation.allocate(pe, name, values.shape, values.dtype);
    tensor.set_rows(std::move(rows));
    tensor.set_input([values](const std::array<std::int32_t, 3>& offset, Payload& payload) {
        payload.data.clear();
        const auto copy = [&](std::int32_t flat) {
            const std::int32_t b = flat / payload.shape.rows(), r = flat % payload.shape.rows();
            for (std::int32_t c = 0; c < payload.shape.cols(); ++c)
                payload.data.push_back(values.at(offset[0] + b, offset[1] + r, offset[2] + c));
        };
        if (payload.rows) {
            for (const std::int32_t flat : *payload.rows) copy(flat);
        } else {
            for (std::int32_t flat = 0; flat < payload.shape.batch() * payload.shape.rows(); ++flat) copy(flat);
        }
    });
    return tensor;
}

Array stored(const Tensor& tensor) {
    const auto nan = std::numeric_limits<float>::quiet_NaN();
    Array array = make_array(
        tensor.shape(), [nan](auto...) { return nan; }, tensor.dtype());
    // round_to has made NaN something else in dtypes without it.
    std::fill(array.data.begin(), array.data.end(), nan);
    const auto cols = static_cast<std::int64_t>(tensor.shape().cols());
    tensor.visit_rows(
        [&](std::int64_t row, const float* values) { std::copy_n(values, cols, array.data.begin() + row * cols); });
    return array;
}

Array compute(const std::vector<Array>& operands, const Computation& computation) {
    machine::Simulation simulation(ideal_line());
    std::vector<Tensor*> inputs;
    for (std::size_t i = 0; i < operands.size(); ++i)
        inputs.push_back(&add_input(simulation, 0, "input" + std::to_string(i), operands[i]));
    Tensor* output = nullptr;
    const auto text = [&](tl::Context& tl) {
        std::vector<Tile> tiles;
        for (Tensor* input : inputs) tiles.push_back(tl.load(tl::at(*input), input->shape()));
        const Tile result = computation(tl, tiles);
        output = &simulation.allocate(0, "output", result.shape(), result.dtype());
        tl.store(tl::at(*output), result);
    };
    simulation.launch(0, "compute", text, ValueMode::full);
    simulation.run();
    return stored(*output);
}

double distance(const Array& a, const Array& b) {
    const double infinity = std::numeric_limits<double>::infinity();
    if (a.shape != b.shape || a.dtype != b.dtype || a.data.size() != b.data.size()) return infinity;
    double greatest = 0.0, scale = 0.0;
    for (std::size_t i = 0; i < a.data.size(); ++i) {
        if (a.data[i] == b.data[i]) {
            if (std::isfinite(b.data[i])) scale = std::max<double>(scale, std::abs(b.data[i]));
            continue;
        }
        const double difference = std::abs(static_cast<double>(a.data[i]) - b.data[i]);
        if (!std::isfinite(difference)) return infinity;
        greatest = std::max(greatest, difference);
        scale = std::max<double>(scale, std::abs(b.data[i]));
    }
    return greatest == 0.0 ? 0.0 : greatest / scale;
}

}  // namespace tilemesh::test

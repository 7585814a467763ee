// SPDX-License-Identifier: Apache-2.0
#include "sim/probe/launched.h"

#include "sim/machine/simulation.h"

#include <algorithm>

namespace tilemesh::probe {
namespace {

constexpr std::int64_t piece_elements = std::int64_t{1} << 20;  // what one transfer moves
constexpr std::int64_t block_size = 1024;                       // rows and columns of a block of a product
constexpr std::int64_t columns = 1024;                          // of tensors that are only moved

Picoseconds run(machine::Simulation& simulation, int pe, const pe::KernelText& text) {
    simulation.launch(pe, "probe", text, ValueMode::none);
    return simulation.run().time;
}

template <class Body>
void for_each_piece(std::int64_t size, std::int64_t piece, Body body) {
    for (std::int64_t begin = 0; begin < size; begin += piece) body(begin, std::min(piece, size - begin));
}

/// A tensor of about as many bytes, in f16, and how many of its rows are moved at once.
Tensor& bytes_of(machine::Simulation& simulation, int pe, std::uint64_t bytes) {
    const auto elements = static_cast<std::int64_t>(bytes / bytes_per_element(Dtype::f16));
    return simulation.allocate(pe, "bytes", Shape{std::max<std::int64_t>(1, elements / columns), columns},
                               Dtype::f16);
}
constexpr std::int64_t piece_rows = piece_elements / columns;

}  // namespace

Picoseconds time_of_product(const machine::MachineConfig& machine, std::int64_t m, std::int64_t n, std::int64_t k,
                            Dtype dtype) {
    machine::Simulation simulation(machine);
    Tensor& a = simulation.allocate(0, "a", Shape{m, k}, dtype);
    Tensor& b = simulation.allocate(0, "b", Shape{k, n}, dtype);
    Tensor& c = simulation.allocate(0, "c", Shape{m, n}, dtype);
    return run(simulation, 0, [&](tl::Context& tl) {
        tl.launch({LaunchedWork::Kind::simple});
        for_each_piece(n, block_size, [&](std::int64_t col, std::int64_t cols) {
            const Tile right = tl.load(tl::at(b, 0, 0, col), Shape{k, cols});
            for_each_piece(m, block_size, [&](std::int64_t row, std::int64_t rows) {
                const Tile product = tl.dot(tl.load(tl::at(a, 0, row), Shape{rows, k}), right);
                tl.store(tl::at(c, 0, row, col), tl.cast(product, dtype));
            });
        });
    });
}

Picoseconds time_of_copy(const machine::MachineConfig& machine, std::uint64_t bytes) {
    machine::Simulation simulation(machine);
    Tensor& from = bytes_of(simulation, 0, bytes);
    Tensor& to = bytes_of(simulation, 0, bytes);
    return run(simulation, 0, [&](tl::Context& tl) {
        tl.launch({LaunchedWork::Kind::simple});
        for_each_piece(from.shape().rows(), piece_rows, [&](std::int64_t begin, std::int64_t rows) {
            tl.store(tl::at(to, 0, begin), tl.load(tl::at(from, 0, begin), Shape{rows, columns}));
        });
    });
}

Picoseconds time_of_merge(const machine::MachineConfig& machine, std::int64_t heads, std::int64_t rows,
                          std::int64_t cols) {
    machine::Simulation simulation(machine);
    const auto tensor = [&](std::int64_t width) -> Tensor& {
        return simulation.allocate(0, "result", Shape{heads, rows, width}, Dtype::f32);
    };
    Tensor &out = tensor(cols), &other = tensor(cols), &lse = tensor(1), &other_lse = tensor(1);
    const std::int64_t piece = std::max<std::int64_t>(1, piece_elements / (heads * cols));
    return run(simulation, 0, [&](tl::Context& tl) {
        tl.launch({LaunchedWork::Kind::simple});
        for_each_piece(rows, piece, [&](std::int64_t begin, std::int64_t count) {
            const auto load = [&](Tensor& from, std::int64_t width) {
                return tl.load(tl::at(from, 0, begin), Shape{heads, count, width});
            };
            const Tile weight = tl.exp2(load(other_lse, 1) - load(lse, 1));
            tl.store(tl::at(other, 0, begin), (load(out, cols) - load(other, cols)) * weight);
        });
        tl.launch({LaunchedWork::Kind::simple});
        for_each_piece(rows, piece, [&](std::int64_t begin, std::int64_t count) {
            const Shape shape{heads, count, cols};
            tl.store(tl::at(out, 0, begin),
                     tl.load(tl::at(out, 0, begin), shape) - tl.load(tl::at(other, 0, begin), shape));
        });
    });
}

Picoseconds time_of_shift(const machine::MachineConfig& machine, std::uint64_t bytes, bool both_ways) {
    machine::Simulation simulation(machine);
    const int pes = machine.pes();
    for (int pe = 0; pe < pes; ++pe) {
        Tensor& from = bytes_of(simulation, pe, bytes);
        Tensor* const forward = &bytes_of(simulation, pe, bytes);
        Tensor* const backward = both_ways ? &bytes_of(simulation, pe, bytes) : nullptr;
        const int next = (pe + 1) % pes, previous = (pe + pes - 1) % pes;
        const auto text = [=, &from](tl::Context& tl) {
            tl.launch({LaunchedWork::Kind::exchange, {}, both_ways ? 4 : 2, Bytes(bytes)});
            for_each_piece(from.shape().rows(), piece_rows, [&](std::int64_t begin, std::int64_t rows) {
                const Shape shape{rows, columns};
                const Tile piece = tl.load(tl::at(from, 0, begin), shape);
                tl.send(next, piece);
                if (backward) tl.send(previous, piece);
                tl.store(tl::at(*forward, 0, begin), tl.recv(previous, shape, Dtype::f16));
                if (backward) tl.store(tl::at(*backward, 0, begin), tl.recv(next, shape, Dtype::f16));
            });
        };
        simulation.launch(pe, "probe", text, ValueMode::none);
    }
    return simulation.run().time;
}

Picoseconds time_of_all_to_all(const machine::MachineConfig& machine, std::uint64_t bytes, int messages) {
    machine::Simulation simulation(machine);
    const int pes = machine.pes();
    for (int pe = 0; pe < pes; ++pe) {
        Tensor& from = bytes_of(simulation, pe, bytes);
        Tensor& into = bytes_of(simulation, pe, bytes);
        const auto text = [=, &from, &into](tl::Context& tl) {
            tl.launch({LaunchedWork::Kind::exchange, {}, 2 * messages * (pes - 1), Bytes(bytes)});
            for_each_piece(from.shape().rows(), piece_rows, [&](std::int64_t begin, std::int64_t rows) {
                const Shape shape{rows, columns};
                for (int far = 1; far < pes; ++far) {
                    tl.send((pe + far) % pes, tl.load(tl::at(from, 0, begin), shape));
                    tl.store(tl::at(into, 0, begin), tl.recv((pe + pes - far) % pes, shape, Dtype::f16));
                }
            });
        };
        simulation.launch(pe, "probe", text, ValueMode::none);
    }
    return simulation.run().time;
}

}  // namespace tilemesh::probe

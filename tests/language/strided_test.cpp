// SPDX-License-Identifier: Apache-2.0
// Strided loads and stores: gathers and scatters of rows, in values and in what they cost HBM and the SRAM's port.
#include "tests/language/arrays.h"
#include "tests/language/says.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// What PE 0 of the ideal line stores to `output` [shape], given an input.
Array stored_by(const Array& input, Shape shape,
                const std::function<void(tl::Context&, Tensor& input, Tensor& output)>& kernel,
                ValueMode mode = ValueMode::full, const RowSet& rows = nullptr) {
    machine::Simulation simulation(ideal_line());
    Tensor& from = add_input(simulation, 0, "input", input, rows);
    Tensor& to = simulation.allocate(0, "output", shape, Dtype::f32);
    simulation.launch(
        0, "strides", [&](tl::Context& tl) { kernel(tl, from, to); }, mode);
    simulation.run();
    return stored(to);
}

std::string failure(Shape scratch_shape, const std::function<void(tl::Context&, Tensor&)>& kernel) {
    machine::Simulation simulation(ideal_line());
    Tensor& scratch = simulation.allocate(0, "scratch", scratch_shape, Dtype::f32);
    simulation.launch(
        0, "strides", [&](tl::Context& tl) { kernel(tl, scratch); }, ValueMode::full);
    try {
        simulation.run();
    } catch (const KernelError& error) {
        return error.what();
    }
    return {};
}

}  // namespace

TEST_CASE("a strided load gathers every so many rows of an input") {
    const Array a = random_array({2, 17, 5}, 1);
    const Array got = stored_by(a, {2, 4, 5}, [](tl::Context& tl, Tensor& input, Tensor& output) {
        tl.store(tl::at(output), tl.load(tl::strided(tl::at(input, 0, 3), 4), {2, 4, 5}));
    });
    CHECK(distance(got, make_array({2, 4, 5}, [&](int b, int r, int c) { return a.at(b, 3 + 4 * r, c); })) == 0.0);
}

TEST_CASE("strided stores interleave, and what they stored can be loaded in any stride") {
    const Array a = random_array({1, 12, 3}, 2);
    // Rows 0, 3, 6, 9 to the tensor's, then 1, 4, ..., then 2, 5, ...; read back side by side, backwards by pairs.
    const Array got = stored_by(a, {1, 24, 3}, [](tl::Context& tl, Tensor& input, Tensor& output) {
        for (int first = 0; first < 3; ++first)
            tl.store(tl::strided(tl::at(output, 0, first), 3),
                     tl.load(tl::strided(tl::at(input, 0, first), 3), {1, 4, 3}));
        tl.store(tl::at(output, 0, 12), tl.load(tl::at(output, 0, 0), {1, 12, 3}));
    });
    CHECK(distance(got, make_array({1, 24, 3}, [&](int, int r, int c) { return a.at(0, r % 12, c); })) == 0.0);
    const Array twos = stored_by(a, {1, 18, 3}, [](tl::Context& tl, Tensor& input, Tensor& output) {
        for (int first = 0; first < 3; ++first)
            tl.store(tl::strided(tl::at(output, 0, first), 3),
                     tl.load(tl::strided(tl::at(input, 0, first), 3), {1, 4, 3}));
        tl.store(tl::at(output, 0, 12), tl.load(tl::strided(tl::at(output, 0, 1), 2), {1, 6, 3}));
    });
    for (int r = 0; r < 6; ++r)
        for (int c = 0; c < 3; ++c) CHECK(twos.at(0, 12 + r, c) == a.at(0, 1 + 2 * r, c));
}

TEST_CASE("a sampled run gathers the sampled rows of a strided box and no others") {
    const Array a = random_array({1, 20, 3}, 3);
    const auto rows = std::make_shared<std::vector<std::int32_t>>(std::vector<std::int32_t>{2, 6, 7, 14});
    const Array got = stored_by(
        a, {1, 5, 3},
        [](tl::Context& tl, Tensor& input, Tensor& output) {
            tl.store(tl::at(output), tl.load(tl::strided(tl::at(input, 0, 2), 4), {1, 5, 3}) * 2.0F);
        },
        ValueMode::sampled, rows);
    for (int r = 0; r < 5; ++r) {  // rows 2, 6, 10, 14, 18 of the input
        const bool computed = r == 0 || r == 1 || r == 3;
        for (int c = 0; c < 3; ++c) {
            if (computed) {
                CHECK(got.at(0, r, c) == 2.0F * a.at(0, 2 + 4 * r, c));
            } else {
                CHECK(std::isnan(got.at(0, r, c)));
            }
        }
    }
}

TEST_CASE("strided boxes that share a row are refused, those that do not are not") {
    const auto stores = [](int first, int stride, int count, int other_first, int other_stride, int other_count) {
        return failure({1, 40, 2}, [=](tl::Context& tl, Tensor& scratch) {
            tl.store(tl::strided(tl::at(scratch, 0, first), stride), tl.zeros({1, count, 2}));
            tl.store(tl::strided(tl::at(scratch, 0, other_first), other_stride), tl.zeros({1, other_count, 2}));
        });
    };
    CHECK(stores(0, 4, 5, 1, 4, 5).empty());
    CHECK(stores(0, 4, 5, 1, 6, 5).empty());  // one set even, one odd
    CHECK_THAT(stores(0, 4, 5, 4, 4, 5), says("cuts into the box"));
    CHECK_THAT(stores(0, 4, 5, 1, 3, 5), says("cuts into the box"));   // 4
    CHECK_THAT(stores(0, 4, 5, 15, 1, 3), says("cuts into the box"));  // 16
    CHECK(stores(0, 4, 5, 13, 1, 3).empty());
}

TEST_CASE("a strided box must lie inside its tensor, and its stride be positive") {
    CHECK(failure({1, 13, 2}, [](tl::Context& tl, Tensor& t) {
              tl.store(tl::strided(tl::at(t, 0, 0), 4), tl.zeros({1, 4, 2}));
          }).empty());
    CHECK_THAT(failure({1, 13, 2},
                       [](tl::Context& tl, Tensor& t) {
                           tl.store(tl::strided(tl::at(t, 0, 1), 4), tl.zeros({1, 4, 2}));
                       }),
               says("every row number 4", "does not lie inside scratch"));
    CHECK_THAT(failure({1, 13, 2},
                       [](tl::Context& tl, Tensor& t) {
                           tl.store(tl::strided(tl::at(t), 0), tl.zeros({1, 4, 2}));
                       }),
               says("row stride is 0"));
}

namespace {

/// Of a load of eight rows of so many floats that lie `stride` rows apart, on the counting line.
double time_of(std::int64_t stride, std::int64_t columns) {
    machine::Simulation simulation(counting_line());
    Tensor& tensor = simulation.allocate(0, "tensor", {1, 64, columns}, Dtype::f32);
    double ready = 0.0;
    simulation.launch(
        0, "gathers",
        [&](tl::Context& tl) {
            ready = ready_ns(tl, tl.load(tl::strided(tl::at(tensor), stride), {1, 8, columns}));
        },
        ValueMode::none);
    simulation.run();
    return ready;
}

}  // namespace

TEST_CASE("gathered rows cost a burst each, rows side by side share bursts") {
    // On the counting line a burst of 64 bytes takes 64 ns on the one channel. Rows are 16 bytes.
    CHECK(time_of(1, 4) == 8 * 16);  // two bursts
    CHECK(time_of(4, 4) == 8 * 64);
    CHECK(time_of(7, 4) == 8 * 64);
}

TEST_CASE("gathered rows lie a stride apart: each costs the bursts that it touches there") {
    // Rows of 48 bytes: number 4 i begins a burst, number 2 i begins one or, at its byte 32, ends in the next.
    CHECK(time_of(4, 12) == 8 * 64);
    CHECK(time_of(2, 12) == (4 + 4 * 2) * 64);
}

TEST_CASE("a strided load waits for a store to one of its rows, not for one between them") {
    const auto ready_after = [](std::int64_t stored_row) {
        machine::Simulation simulation(counting_line());
        Tensor& tensor = simulation.allocate(0, "tensor", {1, 8, 64}, Dtype::f32);
        double ready = 0.0;
        simulation.launch(
            0, "gathers",
            [&](tl::Context& tl) {
                const Tile tile = tl.zeros({1, 1, 64});
                tl.store(tl::at(tensor, 0, stored_row), tile);
                ready = ready_ns(tl, tl.load(tl::strided(tl::at(tensor), 2), {1, 3, 64}));
            },
            ValueMode::none);
        simulation.run();
        return ready;
    };
    CHECK(ready_after(2) == 64 + 256 + 3 * 256);  // made, stored, loaded
    CHECK(ready_after(3) == 3 * 256);
}

TEST_CASE("a load from within a stored box takes the columns that it asks for") {
    const Array a = random_array({1, 4, 8}, 5);
    const Array got = stored_by(a, {1, 8, 8}, [](tl::Context& tl, Tensor& input, Tensor& output) {
        tl.store(tl::at(output), tl.load(tl::at(input), {1, 4, 8}));
        tl.store(tl::at(output, 0, 4, 0), tl.load(tl::at(output, 0, 0, 3), {1, 4, 5}));
        tl.store(tl::at(output, 0, 4, 5), tl.load(tl::at(output, 0, 0, 2), {1, 4, 3}));
    });
    for (int r = 0; r < 4; ++r)
        for (int c = 0; c < 8; ++c) CHECK(got.at(0, 4 + r, c) == a.at(0, r, c < 5 ? c + 3 : c - 5 + 2));
}

TEST_CASE("what was loaded stays what it was when its place is stored to again") {
    const Array a = random_array({1, 8, 3}, 6);
    const Array got = stored_by(a, {1, 6, 3}, [](tl::Context& tl, Tensor& input, Tensor& output) {
        tl.store(tl::at(output), tl.load(tl::at(input), {1, 4, 3}));
        const Tile loaded = tl.load(tl::at(output, 0, 1), {1, 2, 3});
        tl.store(tl::at(output), tl.load(tl::at(input, 0, 4), {1, 4, 3}));
        tl.store(tl::at(output, 0, 4), loaded);
    });
    CHECK(distance(got, make_array({1, 6, 3}, [&](int, int r, int c) {
                       return r < 4 ? a.at(0, 4 + r, c) : a.at(0, r - 4 + 1, c);
                   })) == 0.0);
}

TEST_CASE("a box costs the bursts that its columns lie in") {
    // Rows are 256 bytes; 64 bytes from byte 32 on lie in two bursts, from byte 64 on in one.
    const auto time_of = [](std::int64_t first_column) {
        machine::Simulation simulation(counting_line());
        Tensor& tensor = simulation.allocate(0, "tensor", {1, 8, 64}, Dtype::f32);
        double ready = 0.0;
        simulation.launch(
            0, "columns",
            [&](tl::Context& tl) {
                ready = ready_ns(tl, tl.load(tl::at(tensor, 0, 0, first_column), {1, 4, 16}));
            },
            ValueMode::none);
        simulation.run();
        return ready;
    };
    CHECK(time_of(8) == 4 * 2 * 64);
    CHECK(time_of(16) == 4 * 1 * 64);
}

TEST_CASE("a load is never faster than its bytes pass the port of the SRAM") {
    const auto time_of = [](double bytes_per_cycle) {
        const auto config =
            counting_line([=](Json& json) { json["pe"]["dma"]["bytes_per_cycle"] = bytes_per_cycle; });
        machine::Simulation simulation(config);
        Tensor& tensor = simulation.allocate(0, "tensor", {256}, Dtype::f32);
        double ready = 0.0;
        simulation.launch(
            0, "loads", [&](tl::Context& tl) { ready = ready_ns(tl, tl.load(tl::at(tensor), {256})); },
            ValueMode::none);
        simulation.run();
        return ready;
    };
    CHECK(time_of(4) == 256 * 4);  // HBM moves a byte per ns
    CHECK(time_of(0.25) == 256 * 4 / 0.25);
}

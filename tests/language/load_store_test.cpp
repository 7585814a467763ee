// SPDX-License-Identifier: Apache-2.0
// load and store: boxes of tensors in values and, between commands on the same box, in time.
#include "tests/language/arrays.h"
#include "tests/language/says.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// Runs a kernel of PE 0 on the ideal line in full, with a tensor to use in between, and returns what `output` holds
/// then.
Array filled(Shape shape, Shape scratch_shape,
             const std::function<void(tl::Context&, Tensor& output, Tensor& scratch)>& kernel) {
    machine::Simulation simulation(ideal_line());
    Tensor& output = simulation.allocate(0, "output", shape, Dtype::f32);
    Tensor& scratch = simulation.allocate(0, "scratch", scratch_shape, Dtype::f32);
    simulation.launch(
        0, "fills", [&](tl::Context& tl) { kernel(tl, output, scratch); }, ValueMode::full);
    simulation.run();
    return stored(output);
}

}  // namespace

TEST_CASE("a load takes its box out of the tensor") {
    const Array a = random_array({3, 8, 10}, 1);
    machine::Simulation simulation(ideal_line());
    Tensor& input = add_input(simulation, 0, "input", a);
    Tensor& output = simulation.allocate(0, "output", {2, 3, 4}, Dtype::f32);
    const auto text = [&](tl::Context& tl) {
        tl.store(tl::at(output), tl.load(tl::at(input, 1, 5, 6), {2, 3, 4}, Dtype::f32));
    };
    simulation.launch(0, "loads", text, ValueMode::full);
    simulation.run();
    CHECK(distance(stored(output),
                   make_array({2, 3, 4}, [&](int b, int r, int c) { return a.at(b + 1, r + 5, c + 6); })) == 0.0);
}

TEST_CASE("stores put boxes side by side, of whole tiles or of views") {
    const Array got = filled({8, 3}, {1}, [](tl::Context& tl, Tensor& output, Tensor&) {
        const Tile ramp = tl.cast(tl.arange(0, 12), Dtype::f32);
        tl.store(tl::at(output, 0, 0, 0), tl.reshape(ramp, {4, 3}));
        tl.store(tl::at(output, 0, 4, 0), tl.trans(tl.reshape(ramp, {3, 4})));
    });
    CHECK(distance(got, make_array({8, 3}, [](int, int r, int c) {
                       return static_cast<float>(r < 4 ? r * 3 + c : c * 4 + r - 4);
                   })) == 0.0);
}

TEST_CASE("boxes narrower than the tensor are collected at their columns, and rows with gaps are refused") {
    const auto store_columns = [](int begin, int end) {
        return [=](tl::Context& tl, Tensor& output, Tensor&) {
            for (int c = begin; c < end; c += 2)
                tl.store(tl::at(output, 0, 0, c),
                         tl.reshape(tl.cast(tl.arange(c * 4, c * 4 + 8), Dtype::f32), {4, 2}));
        };
    };
    const Array expected =
        make_array({4, 6}, [](int, int r, int c) { return static_cast<float>(c / 2 * 8 + r * 2 + c % 2); });
    CHECK(distance(filled({4, 6}, {1}, store_columns(0, 6)), expected) == 0.0);
    CHECK_THROWS_WITH(filled({4, 6}, {1}, store_columns(2, 6)), "row 0 of output: 2 of 6 elements were never stored");
}

TEST_CASE("what was stored in one tiling can be loaded in another") {
    const Array got = filled({4, 6}, {4, 6}, [](tl::Context& tl, Tensor& output, Tensor& scratch) {
        // Stored in columns of two, loaded by rows, each row stored again times ten.
        for (int c = 0; c < 6; c += 2)
            tl.store(tl::at(scratch, 0, 0, c), tl.reshape(tl.cast(tl.arange(c * 4, c * 4 + 8), Dtype::f32), {4, 2}));
        for (int r = 0; r < 4; ++r)
            tl.store(tl::at(output, 0, r, 0), tl.load(tl::at(scratch, 0, r, 0), {1, 6}) * 10.0F);
    });
    CHECK(distance(got, make_array({4, 6}, [](int, int r, int c) {
                       return static_cast<float>(10 * (c / 2 * 8 + r * 2 + c % 2));
                   })) == 0.0);
}

TEST_CASE("a load sees the stores before it and not the ones after") {
    const Array got = filled({3, 4}, {4}, [](tl::Context& tl, Tensor& output, Tensor& scratch) {
        tl.store(tl::at(scratch), tl.full({4}, 1.0F));
        const Tile first = tl.load(tl::at(scratch), {4});
        const Tile half = tl.load(tl::at(scratch, 0, 0, 2), {2});  // cut out of the box: looked at only later
        tl.store(tl::at(scratch), tl.full({4}, 2.0F));
        const Tile second = tl.load(tl::at(scratch), {4});
        tl.store(tl::at(output, 0, 0), tl.reshape(first, {1, 4}));
        tl.store(tl::at(output, 0, 1), tl.reshape(second, {1, 4}));
        tl.store(tl::at(output, 0, 2), tl.add(tl.reshape(tl.sum(half), {1, 1}), tl.zeros({1, 4})));
    });
    CHECK(got.data == std::vector<float>{1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2});
}

TEST_CASE("loading what was never stored is an error, and so is storing across the boxes of another tiling") {
    const auto failure = [](const std::function<void(tl::Context&, Tensor&, Tensor&)>& kernel) {
        try {
            filled({4}, {4}, kernel);
        } catch (const KernelError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK_THAT(failure([](tl::Context& tl, Tensor& output, Tensor& scratch) {
                   tl.store(tl::at(scratch), tl.zeros({3}));
                   tl.store(tl::at(output), tl.load(tl::at(scratch), {4}) + 1.0F);
               }),
               says("scratch", "1 of 4 elements were never stored"));
    CHECK_THAT(failure([](tl::Context& tl, Tensor&, Tensor& scratch) {
                   tl.store(tl::at(scratch), tl.zeros({3}));
                   tl.store(tl::at(scratch, 0, 0, 2), tl.zeros({2}));
               }),
               says("scratch", "[2]", "[3]"));
}

TEST_CASE("a load waits for an earlier store to the same elements, and for no other") {
    // 64 f32 take 64 ns to make and, as 256 bytes, 256 ns to store or load.
    double same = 0.0, other = 0.0;
    const auto kernel = [&](tl::Context& tl, Tensor& tensor, std::int64_t box, double& ready) {
        const Tile tile = tl.zeros({1, 64});
        tl.store(tl::at(tensor, 0, 0), tile);
        ready = ready_ns(tl, tl.load(tl::at(tensor, 0, box), {1, 64}));
    };
    for (const auto& [box, ready] : {std::pair{0, &same}, std::pair{1, &other}}) {
        machine::Simulation simulation(counting_line());
        Tensor& tensor = simulation.allocate(0, "tensor", {2, 64}, Dtype::f32);
        simulation.launch(
            0, "load_after_store",
            [&, box = box, ready = ready](tl::Context& tl) { kernel(tl, tensor, box, *ready); }, ValueMode::none);
        simulation.run();
    }
    CHECK(same == 64 + 256 + 256);  // made, stored, loaded
    CHECK(other == 256);            // at once, while the tile was being made
}

TEST_CASE("a store waits for an earlier store to the same elements, and for no other") {
    const double latency = 100, made = 64, stored = 256 + latency;
    const auto config = counting_line([&](Json& json) { json["hbm"]["access_latency_ns"] = latency; });
    const auto end_of_two = [&](std::int64_t second) {
        machine::Simulation simulation(config);
        Tensor& tensor = simulation.allocate(0, "tensor", {2, 64}, Dtype::f32);
        const auto text = [&](tl::Context& tl) {
            const Tile tile = tl.zeros({1, 64});
            tl.store(tl::at(tensor, 0, 0), tile);
            tl.store(tl::at(tensor, 0, second), tile);
        };
        simulation.launch(0, "stores", text, ValueMode::none);
        return to_nanoseconds(simulation.run().time);
    };
    CHECK(end_of_two(0) == made + 2 * stored);
    CHECK(end_of_two(1) == made + 2 * 256 + latency);  // one after the other on the channel, their latencies together
}

TEST_CASE("a store waits for an earlier load of the same elements") {
    machine::Simulation simulation(counting_line([](Json& json) { json["hbm"]["channels_per_pe"] = 2; }));
    // Rows of 256 bytes take turns on the channels: the load needs both for 256 ns each, the store one for 256.
    Tensor& tensor = simulation.allocate(0, "tensor", {2, 64}, Dtype::f32);
    const auto text = [&](tl::Context& tl) {
        const Tile tile = tl.zeros({1, 4});
        tl.load(tl::at(tensor), {2, 64});
        tl.store(tl::at(tensor, 0, 1, 0), tile);
    };
    simulation.launch(0, "store_after_load", text, ValueMode::none);
    CHECK(simulation.run().time == from_nanoseconds(256 + 64));  // the store's one burst comes after the load
}

TEST_CASE("a store waits for the end of an earlier load that is known when the processor's own time is past it") {
    const double latency = 100;
    const auto config = counting_line([&](Json& json) { json["hbm"]["access_latency_ns"] = latency; });
    machine::Simulation simulation(config);
    Tensor& tensor = simulation.allocate(0, "tensor", {1, 64}, Dtype::f32);
    Tensor& other = simulation.allocate(0, "other", {1, 32}, Dtype::f32);
    const auto text = [&](tl::Context& tl) {
        const Tile loaded = tl.load(tl::at(tensor), {1, 64});  // 256 ns on the channel: ends at 356
        const Tile tile = tl.zeros({1, 64});
        tl.store(tl::at(other), tl.zeros({1, 16}));  // made at 80, starts then
        tl.store(tl::at(tensor), tile);              // looked at when the store before it starts
        CHECK(ready_ns(tl, loaded) == 256 + latency);
        pause_ns(tl, 44);                           // all of this as soon as the load has begun
        tl.load(tl::at(other, 0, 0, 16), {1, 16});  // issued at 400, when the first load has ended
    };
    simulation.launch(0, "store_behind_a_store", text, ValueMode::none);
    // The second store has the channel from 356, when the load of its bytes has ended, and the last load follows it.
    CHECK(to_nanoseconds(simulation.run().time) == 256 + latency + 256 + 64 + latency);
}

// SPDX-License-Identifier: Apache-2.0
// A tile's SRAM is free when its handle is gone and its last reader has finished; a command waits for room; room that
// can never come is an error that lists who holds it.
#include "tests/language/says.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// The counting line with room for two tiles of 256 f32.
const std::int64_t length = 256;
const double fill_ns = length, copy_ns = length * 4;  // on the vector engine; to or from HBM
machine::MachineConfig two_tiles() {
    return counting_line([](Json& json) { json["pe"]["sram_bytes"] = 2 * length * 4; });
}

/// Runs a kernel of PE 0; returns what it returns and checks that all SRAM came back.
double measured(const std::function<double(tl::Context&, Tensor&)>& kernel) {
    const machine::MachineConfig config = two_tiles();
    machine::Simulation simulation(config);
    Tensor& tensor = simulation.allocate(0, "tensor", {4, length}, Dtype::f32);
    double result = -1.0;
    simulation.launch(
        0, "measured", [&](tl::Context& tl) { result = kernel(tl, tensor); }, ValueMode::none);
    const machine::Outcome outcome = simulation.run();
    CHECK(simulation.machine().pe(0).sram().held() == Bytes(0));
    CHECK(outcome.sram_peak <= config.pe.sram);
    return result;
}

}  // namespace

TEST_CASE("a command waits for room until the last reader of a dropped tile has finished") {
    const double ready = measured([](tl::Context& tl, Tensor& tensor) {
        tl.store(tl::at(tensor), tl.zeros({length}));  // the handle is gone as soon as the store is issued
        const Tile second = tl.zeros({length});
        return ready_ns(tl, tl.zeros({length}));
    });
    CHECK(ready == fill_ns + copy_ns + fill_ns);
}

TEST_CASE("a tile nobody reads is free when it is made and dropped, whichever is later") {
    // The third tile is loaded, so that only room can hold it up.
    CHECK(measured([](tl::Context& tl, Tensor& tensor) {
              tl.zeros({length});  // dropped at once, made after fill_ns
              const Tile second = tl.zeros({length});
              return ready_ns(tl, tl.load(tl::at(tensor), {1, length}));
          }) == fill_ns + copy_ns);
    CHECK(measured([](tl::Context& tl, Tensor& tensor) {
              Tile first = tl.zeros({length});
              const Tile second = tl.zeros({length});
              tl.wait(second);
              first = Tile();  // dropped after 2 * fill_ns
              return ready_ns(tl, tl.load(tl::at(tensor), {1, length}));
          }) == 2 * fill_ns + copy_ns);
}

TEST_CASE("a result needs room beside its operands") {
    const double ready = measured([](tl::Context& tl, Tensor& tensor) {
        Tile tile = tl.zeros({length});
        for (int i = 0; i < 3; ++i) tile = tl.exp(tile);  // each time the old one goes as the new one comes
        return ready_ns(tl, tl.load(tl::at(tensor), {1, length}));
    });
    // The last exp begins after three fills' time and frees its operand after four; then the load has room.
    CHECK(ready == 4 * fill_ns + copy_ns);
}

TEST_CASE("room that an unfinished store will give back is taken before room that is known to come later") {
    const int sums = 10;
    double ready = 0.0;
    // Two tiles, and a little room for the results of sums.
    machine::Simulation simulation(
        counting_line([](Json& json) { json["pe"]["sram_bytes"] = 2 * length * 4 + sums * 4; }));
    Tensor& tensor = simulation.allocate(0, "tensor", {4, length}, Dtype::f32);
    const auto text = [&](tl::Context& tl) {
        tl.store(tl::at(tensor), tl.zeros({1, length}));
        {
            const Tile summed = tl.zeros({1, length});
            for (int i = 0; i < sums; ++i) tl.sum(summed);
        }
        ready = ready_ns(tl, tl.load(tl::at(tensor, 0, 1), {1, length}));
    };
    simulation.launch(0, "takes", text, ValueMode::none);
    simulation.run();
    REQUIRE(fill_ns + copy_ns < 2 * fill_ns + sums * fill_ns);
    CHECK(ready == fill_ns + copy_ns + copy_ns);
}

TEST_CASE("hundreds of tiles pass through room for two") {
    const int tiles = 300;
    const double ready = measured([](tl::Context& tl, Tensor&) {
        for (int i = 1; i < tiles; ++i) tl.zeros({length});
        return ready_ns(tl, tl.zeros({length}));
    });
    CHECK(ready == tiles * fill_ns);
}

TEST_CASE("a view keeps its tile") {
    CHECK(measured([](tl::Context& tl, Tensor& tensor) {
              Tile view = tl.slice(tl.zeros({length}), 0, 3, 4);
              const Tile second = tl.zeros({length});
              tl.wait(second);
              view = Tile();
              return ready_ns(tl, tl.load(tl::at(tensor), {1, length}));
          }) == 2 * fill_ns + copy_ns);
}

TEST_CASE("room that can never come is an error that lists the live tiles and their handles") {
    const auto text = [](tl::Context& tl) {
        const Tile first = tl.zeros({128}), second = tl.zeros({4, 64}, Dtype::f16), again = tl.trans(second);
        tl.zeros({5, 100});
    };
    CHECK_THAT(failure_of(two_tiles(), {{2, text}}),
               says("kernel test_kernel, machine.cube0.pe2, command 2", "no room for 2000 bytes: 1024 of 2048",
                    "f32 [128] of command 0 (fill), 512 bytes, 1 handle\n",
                    "f16 [4, 64] of command 1 (fill), 512 bytes, 2 handles"));
}

TEST_CASE("a tile larger than the SRAM is an error at once") {
    const auto text = [](tl::Context& tl) { tl.zeros({2 * length + 1}); };
    CHECK_THAT(
        failure_of(two_tiles(), {{0, text}}),
        says("command 0", "no room for 2052 bytes", "alone is larger than the whole SRAM, which has 2048 bytes"));
}

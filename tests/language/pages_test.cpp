// SPDX-License-Identifier: Apache-2.0
// Loads from a tensor in pages: what is read, and what a list of pages costs HBM and the DMA engine.
#include "tests/language/arrays.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

using Places = std::vector<std::int64_t>;

/// [batches, rows, cols] f32 in pages of `page_rows`, allocated first, so from the beginning of a burst on.
Tensor& paged(machine::Simulation& simulation, Shape shape, std::int32_t page_rows, const Places& places,
              std::int64_t pool) {
    Tensor& tensor =
        simulation.allocate(0, "paged", Shape{pool * shape.batch(), page_rows, shape.cols()}, Dtype::f32);
    tensor.set_pages(shape, places);
    return tensor;
}

/// Nanoseconds of one load of `box` at `offset`, of every `stride`-th row, on the counting line: 1 byte per ns,
/// bursts of 64 bytes.
double load_ns(Shape shape, std::int32_t page_rows, const Places& places, Shape box,
               std::array<std::int64_t, 2> offset, double descriptor_cycles = 0, std::int64_t stride = 1,
               int channels = 1) {
    machine::Simulation simulation(counting_line([&](Json& json) {
        json["pe"]["dma"]["descriptor_cycles"] = descriptor_cycles;
        json["hbm"]["channels_per_pe"] = channels;
    }));
    std::int64_t pool = 0;
    for (const std::int64_t place : places) pool = std::max(pool, place + 1);
    Tensor& tensor = paged(simulation, shape, page_rows, places, pool);
    double ready = 0;
    simulation.launch(
        0, "pages",
        [&](tl::Context& tl) {
            ready = ready_ns(tl, tl.load(tl::strided(tl::at(tensor, offset[0], offset[1]), stride), box));
        },
        ValueMode::none);
    simulation.run();
    return ready;
}

}  // namespace

TEST_CASE("a page costs the bursts it touches; pages that follow each other in memory are one run") {
    // Eight rows of 32 bytes.
    const Shape shape{1, 8, 8};
    CHECK(load_ns(shape, 1, {0, 1, 2, 3, 4, 5, 6, 7}, shape, {0, 0}) == 256);
    CHECK(load_ns(shape, 1, {7, 6, 5, 4, 3, 2, 1, 0}, shape, {0, 0}) == 8 * 64);
    CHECK(load_ns(shape, 1, {0, 1, 2, 3, 7, 6, 5, 4}, shape, {0, 0}) == 4 * 32 + 4 * 64);
    CHECK(load_ns(shape, 2, {3, 2, 1, 0}, shape, {0, 0}) == 4 * 64);
    CHECK(load_ns(shape, 3, {2, 0, 4}, shape, {0, 0}) == 128 + 128 + 64);  // 96 bytes from byte 192, from 0, 64 of it
    // Rows 1 to 5: half a page, a page, half a page, each in bursts of its own.
    CHECK(load_ns(shape, 2, {3, 2, 1, 0}, {1, 4, 8}, {0, 1}) == 3 * 64);
}

TEST_CASE("what one batch has of a page is one piece, and a whole page with all batches is one run") {
    // A place holds 2 batches x 2 rows x 32 bytes.
    const Shape shape{2, 8, 8};
    CHECK(load_ns(shape, 2, {3, 2, 1, 0}, shape, {0, 0}) == 512);
    CHECK(load_ns(shape, 2, {3, 2, 1, 0}, {1, 8, 8}, {1, 0}) == 256);
    // One row of each page: half a burst, of either batch.
    CHECK(load_ns(shape, 2, {3, 2, 1, 0}, {2, 1, 8}, {0, 4}) == 128);
    CHECK(load_ns(shape, 2, {3, 2, 1, 0}, {2, 4, 8}, {0, 1}, 0, 2) == 8 * 64);
}

TEST_CASE("every page that does not follow the one before has a descriptor, and they come one after the other") {
    const Shape shape{1, 8, 8};  // two pages of 128 bytes
    CHECK(load_ns(shape, 4, {0, 1}, shape, {0, 0}, 100) == 100 + 256);
    CHECK(load_ns(shape, 4, {1, 0}, shape, {0, 0}, 100) == 100 + 256);  // the second comes while the first is moved
    CHECK(load_ns(shape, 4, {1, 0}, shape, {0, 0}, 200) == 2 * 200 + 128);
}

TEST_CASE("the next load's descriptor is made behind those of all pages") {
    machine::Simulation simulation(counting_line([&](Json& json) { json["pe"]["dma"]["descriptor_cycles"] = 200; }));
    Tensor& pages = paged(simulation, {1, 8, 8}, 1, {14, 12, 10, 8, 6, 4, 2, 0}, 15);
    Tensor& next = simulation.allocate(0, "next", {64}, Dtype::f32);
    double ready = 0;
    const auto kernel = [&](tl::Context& tl) {
        tl.load(tl::at(pages), {1, 8, 8});
        ready = ready_ns(tl, tl.load(tl::at(next), next.shape()));
    };
    simulation.launch(0, "pages", kernel, ValueMode::none);
    simulation.run();
    CHECK(ready == 9 * 200 + 256);
}

TEST_CASE("pages of another PE's memory leave as the slice has them") {
    // Eight pages of 256 bytes, which is a packet, each asked for when the slice has just read the one before.
    machine::Simulation simulation(counting_line([&](Json& json) { json["pe"]["dma"]["descriptor_cycles"] = 256; }));
    Tensor& pages = paged(simulation, {1, 8, 64}, 1, {14, 12, 10, 8, 6, 4, 2, 0}, 15);
    double ready = 0;
    const auto kernel = [&](tl::Context& tl) { ready = ready_ns(tl, tl.load(tl::at(pages), {1, 8, 64})); };
    simulation.launch(1, "pages", kernel, ValueMode::none);
    simulation.run();
    CHECK(ready == 256 + 32 + 8 * 256 + 256);  // descriptor, request, pages, and the last of them over the link
}

TEST_CASE("a load is done with the last of its pages to come, which need not be the last that was asked for") {
    // Pages of 256 bytes, even places on one channel and odd ones on the other.
    const Shape shape{1, 3, 64};
    CHECK(load_ns(shape, 1, {0, 2, 5}, shape, {0, 0}, 0, 1, 2) == 2 * 256);
    CHECK(load_ns(shape, 1, {0, 3, 5}, shape, {0, 0}, 0, 1, 2) == 2 * 256);
}

TEST_CASE("pages are a matter of addresses: rows are read in their order, strided or not, sampled or not") {
    const Array a = random_array({2, 11, 5}, 1);
    for (const std::int32_t page_rows : {1, 3, 4}) {
        machine::Simulation simulation(ideal_line());
        Places places;
        for (std::int64_t page = 0; page * page_rows < 11; ++page) places.push_back(10 - page);
        Tensor& from = paged(simulation, a.shape, page_rows, places, 11);
        from.set_input([&](const std::array<std::int32_t, 3>& offset, Payload& payload) {
            payload.data.clear();
            for (std::int32_t b = 0; b < payload.shape.batch(); ++b)
                for (std::int32_t r = 0; r < payload.shape.rows(); ++r)
                    for (std::int32_t c = 0; c < payload.shape.cols(); ++c)
                        payload.data.push_back(a.at(offset[0] + b, offset[1] + r, offset[2] + c));
        });
        Tensor& to = simulation.allocate(0, "output", {2, 7, 5}, Dtype::f32);
        simulation.launch(
            0, "pages",
            [&](tl::Context& tl) {
                tl.store(tl::at(to), tl.load(tl::at(from, 0, 2), {2, 4, 5}));
                tl.store(tl::at(to, 0, 4), tl.load(tl::strided(tl::at(from, 0, 1), 4), {2, 3, 5}));
            },
            ValueMode::full);
        simulation.run();
        CHECK(distance(stored(to), make_array({2, 7, 5}, [&](int b, int r, int c) {
                           return a.at(b, r < 4 ? 2 + r : 1 + 4 * (r - 4), c);
                       })) == 0.0);
    }
}

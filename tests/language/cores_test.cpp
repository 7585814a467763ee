// SPDX-License-Identifier: Apache-2.0
// Chips of many cores: how blocks are dealt to them, what a block and a chunk of keys cost one, which cores wait for
// which, and that a launch on a machine lasts as long.
#include "sim/pe/cores.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;
using namespace tilemesh::pe;

namespace {

/// 10 x 20 scores a chunk of 4 and 2 columns: 800 and 400 multiply-accumulates; a block of 10 rows.
LaunchedChunks chunks_of(const std::vector<int>& seen, std::size_t per_head = 1) {
    LaunchedChunks chunks;
    chunks.seen = seen;
    chunks.per_head = per_head;
    chunks.rows = 10;
    chunks.keys = 20;
    chunks.key_dim = 4;
    chunks.value_dim = 2;
    return chunks;
}

CoresConfig cores_of(int count) {
    CoresConfig cores;
    cores.count = count;
    return cores;
}

/// A core makes a chunk's products in 800 / 4 + 400 / 2 = 400 ns.
CoreRates rates_of(int count, double ghz = 1.0) { return {ghz, 4.0 * count, 2.0 * count}; }
constexpr double products = 400;

double chunks_taken(const std::vector<int>& seen, CoresConfig cores, std::size_t per_head = 1) {
    return time_of_cores(chunks_of(seen, per_head), cores, rates_of(cores.count)) / products;
}

}  // namespace

TEST_CASE("cores take blocks in rows, as many each as come out even, and the last one decides") {
    CHECK(chunks_taken({1, 1, 1, 1}, cores_of(4)) == Approx(1));
    CHECK(chunks_taken({1, 1, 1, 1, 1}, cores_of(4)) == Approx(2));
    // Rows of 2, 2 and 1: 1 + 2, 3 + 4, 5.
    CHECK(chunks_taken({1, 2, 3, 4, 5}, cores_of(3)) == Approx(7));
    CHECK(chunks_taken({3}, cores_of(4)) == Approx(3));
}

TEST_CASE("paired, a head's blocks of little and of much work follow each other") {
    CoresConfig cores = cores_of(2);
    CHECK(chunks_taken({1, 2, 3, 4}, cores, 4) == Approx(3 + 4));
    cores.dealt = DealtBlocks::paired;
    CHECK(chunks_taken({1, 2, 3, 4}, cores, 4) == Approx(1 + 4));
    // Each head by itself: 1, 3, 2 and 1, 3, 2.
    CHECK(chunks_taken({1, 2, 3, 1, 2, 3}, cores, 3) == Approx(6));
    CHECK(chunks_taken({1, 2, 3, 1, 2, 3}, cores_of(3), 3) == Approx(5));
    cores.count = 3;
    CHECK(chunks_taken({1, 2, 3, 1, 2, 3}, cores, 3) == Approx(5));  // 1 + 3, 2 + 1, 3 + 2
}

TEST_CASE("in a chain all cores take as many chunks in a turn as the one with most") {
    CoresConfig cores = cores_of(2);
    CHECK(chunks_taken({5, 1, 1, 4}, cores) == Approx(6));
    cores.keys = KeysOfCores::chained;
    CHECK(chunks_taken({5, 1, 1, 4}, cores) == Approx(5 + 4));
}

TEST_CASE("a block costs its queries and output, a chunk cycles and its block's output") {
    CoresConfig cores = cores_of(2);
    const double without = time_of_cores(chunks_of({3, 3, 3}), cores, rates_of(2, 2.0));
    CHECK(without == Approx(6 * products));
    cores.chunk_cycles = 100;
    CHECK(time_of_cores(chunks_of({3, 3, 3}), cores, rates_of(2, 2.0)) == Approx(without + 6 * 100 / 2.0));
    cores.output_cycles_per_element = 3;
    CHECK(time_of_cores(chunks_of({3, 3, 3}), cores, rates_of(2, 2.0)) ==
          Approx(without + 6 * (100 + 3 * 10 * 2) / 2.0));
    cores.block_elements = 0.5;
    CHECK(time_of_cores(chunks_of({3, 3, 3}), cores, rates_of(2, 2.0)) ==
          Approx(without + 6 * (100 + 3 * 10 * 2) / 2.0 + 2 * 10 * (4 + 2) / 0.5));
}

TEST_CASE("a chunk takes as long as its products or its way, whichever is longer") {
    CoresConfig cores = cores_of(1);
    LaunchedChunks chunks = chunks_of({1});
    const double bytes = 20 * (4 + 2) * 2;
    cores.read_bytes = 1;
    CHECK(time_of_chunk(chunks, cores, rates_of(1)) == Approx(products));  // 240 ns
    cores.pass_bytes = 0.5;
    CHECK(time_of_chunk(chunks, cores, rates_of(1)) == Approx(bytes / 1 + bytes / 0.5));
    cores.keys = KeysOfCores::read_by_each;
    cores.read_bytes = 0.25;
    CHECK(time_of_chunk(chunks, cores, rates_of(1)) == Approx(bytes / 0.25));
    // Values that are part of the keys do not come, but are copied within the core.
    cores.keys = KeysOfCores::multicast;
    chunks.latents = true;
    const double keys = 20 * 4 * 2, values = 20 * 2 * 2;
    CHECK(time_of_chunk(chunks, cores, rates_of(1)) == Approx(keys / 0.25 + keys / 0.5 + values / 0.5));
}

TEST_CASE("cores that read each their own keys share memory, which may decide") {
    CoresConfig cores = cores_of(2);
    cores.keys = KeysOfCores::read_by_each;
    cores.memory_bytes = 100;
    CHECK(chunks_taken({2, 1}, cores) == Approx(2));
    cores.memory_bytes = 0.5;
    const double chunk = 20 * (4 + 2) * 2, block = 10 * (4 + 2) * 2;
    CHECK(time_of_cores(chunks_of({2, 1}), cores, rates_of(2)) == Approx((3 * chunk + 2 * block) / 0.5));
    cores.keys = KeysOfCores::multicast;
    CHECK(chunks_taken({2, 1}, cores) == Approx(2));
}

TEST_CASE("elements of 8 bits that share an exponent are larger by their part of it") {
    CoresConfig cores = cores_of(1);
    CHECK(cores.bytes_of(Dtype::f8e4m3) == 1.0);
    cores.exponent_elements = 16;
    CHECK(cores.bytes_of(Dtype::f8e4m3) == 1.0625);
    CHECK(cores.bytes_of(Dtype::bf16) == 2.0);
}

TEST_CASE("a launch goes at the share of the engines' rates that its cores reach") {
    const auto measured = [](const LaunchedWork& work) {
        double result = -1.0;
        const auto config = counting_line([&](Json& machine) {
            machine["pe"]["launch"] = {{"cores", {{"count", 4}}}};
        });
        run_kernels(config, {{0, [&](tl::Context& tl) {
                                  tl.launch(work);
                                  result = ready_ns(tl, tl.zeros({300}));
                              }}});
        return result;
    };
    LaunchedWork work{LaunchedWork::Kind::attention, {200, 200, 200}};
    CHECK(measured(work) == 300);  // nothing is said of chunks
    work.chunks = chunks_of({1, 1, 1});
    CHECK(measured(work) == Approx(300 * 4 / 3.0));
    work.blocks = {100, 100, 100};  // half of each chunk is seen
    CHECK(measured(work) == Approx(300 * 8 / 3.0));
}

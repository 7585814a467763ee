// SPDX-License-Identifier: Apache-2.0
// How many commands the kernels of kernels/programs issue, how many bytes they move and, on ideal links, how long
// they take: against closed forms (kernels/README.md has them by schedule).
#include "tests/programs/programs.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <cmath>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

std::string link(int from, int to) { return fmt::format("cube0.pe{}_to_pe{}", from, to); }

}  // namespace

TEST_CASE("the origin's kernel on a line of 8 sends, receives, loads and multiplies as often as its text says") {
    constexpr std::uint64_t n = 8, tokens = 16, dim = 64, chunk = 2 * tokens * dim * 2;
    const Ran ran = Programs("origin_axis0").run();
    CHECK(ran.result.verdict.pass);
    CHECK(ran.count("send") == 2 * n * (n - 1));
    CHECK(ran.count("receive") == 2 * n * (n - 1));
    CHECK(ran.count("dma_load") == 3 * n);
    CHECK(ran.count("dma_store") == n);
    CHECK(ran.count("matrix") == 2 * n * n);
    CHECK(ran.result.flops == 4 * tokens * tokens * dim * n * n);
    for (int rank = 0; rank < 7; ++rank) {
        const auto r = static_cast<std::uint64_t>(rank);
        CHECK(ran.link_bytes(link(rank, rank + 1)) == (r + 1) * chunk);
        CHECK(ran.link_bytes(link(rank + 1, rank)) == (n - 1 - r) * chunk);
    }
    CHECK(ran.bytes("link") == n * (n - 1) * chunk);
}

TEST_CASE("the origin's kernel over 4 cubes: one PE of each works") {
    constexpr std::uint64_t n = 4, tokens = 16, dim = 64, chunk = 2 * tokens * dim * 2;
    const Ran ran = Programs("origin_axis1").run();
    CHECK(ran.result.verdict.pass);
    CHECK(ran.count("send") == 2 * n * (n - 1));
    CHECK(ran.count("dma_load") == 3 * n);
    CHECK(ran.count("matrix") == 2 * n * n);
    CHECK(ran.bytes("send") == n * (n - 1) * chunk);
    for (int cube = 0; cube < 3; ++cube) {
        const auto c = static_cast<std::uint64_t>(cube);
        CHECK(ran.link_bytes(fmt::format("cube{}.pe7_to_cube{}_pe0", cube, cube + 1)) == (c + 1) * chunk);
        CHECK(ran.link_bytes(fmt::format("cube{}.pe0_to_cube{}_pe7", cube + 1, cube)) == (n - 1 - c) * chunk);
    }
}

TEST_CASE("the wave moves every chunk to every rank once") {
    constexpr std::uint64_t n = 8;
    const Ran full = Programs("mesh_wave").run();
    const std::uint64_t chunk = 2 * 20 * 2 * 24 * 2;
    CHECK(full.count("send") == 2 * n * (n - 1));
    CHECK(full.count("matrix") == 2 * n * n);
    CHECK(full.bytes("link") == n * (n - 1) * chunk);
    CHECK(full.busiest_link_bytes() == (n - 1) * chunk);

    const Ran causal = Programs("mesh_wave_causal").run();
    const std::uint64_t causal_chunk = 2 * 24 * 2 * 32 * 2;
    CHECK(causal.count("matrix") == 2 * n * (n + 1) / 2);
    CHECK(causal.bytes("link") == n * (n - 1) / 2 * causal_chunk);
    for (int rank = 0; rank < 7; ++rank) CHECK(causal.link_bytes(link(rank + 1, rank)) == 0);
}

TEST_CASE("the wave takes max(n tau, (n-1) t_c + tau) on the ideal line, overlapped up to half a tau less") {
    constexpr int queries = 256, keys = 128, dim = 128;  // per rank
    constexpr double macs_per_ns = 128 * 128;
    constexpr double tau = 2.0 * queries * keys * dim / macs_per_ns, chunk = 2.0 * keys * dim * 2;
    for (const int n : {2, 3, 5, 8}) {
        for (const double ratio : {0.2, 0.5, 0.8, 1.25, 2.0, 5.0}) {
            const double rate = chunk * ratio / tau, t_c = chunk / rate;
            std::vector<std::string> settings{fmt::format("machine.cube.cols={}", n),
                                              fmt::format("machine.network.link.gbytes_per_s={}", rate),
                                              "values.mode=none"};
            for (const std::string name : {"q", "k", "v", "o"}) {
                const int tokens = n * (name == "q" || name == "o" ? queries : keys);
                settings.push_back(fmt::format("tensors.{}.shape=[{},1,{}]", name, tokens, dim));
            }
            for (const int kernel : {0, 1}) {
                const std::string program = fmt::format("kernels.{}.program.", kernel);
                settings.push_back(fmt::format("{}grid=[{}]", program, n));
                for (const auto& [name, value] : std::map<std::string, int>{
                         {"S_q", queries}, {"S_kv", keys}, {"d", dim}, {"h_q", 1}, {"h_kv", 1}})
                    settings.push_back(fmt::format("{}arguments.{}={}", program, name, value));
            }
            Programs programs("mesh_wave_ideal", settings);
            for (const int kernel : {0, 1}) {
                CAPTURE(n, ratio, kernel);
                const Ran ran = programs.run(static_cast<std::size_t>(kernel));
                // Overlapped, the last values but one wait for the last scores, which wait for the last keys.
                const double last = kernel == 0 ? tau : std::max(tau, 3 * tau - t_c) / 2;
                CHECK(to_nanoseconds(ran.result.time) ==
                      Approx(std::max(n * tau, (n - 1) * t_c + last)).epsilon(0.02));
                CHECK(ran.bytes("link") ==
                      static_cast<std::uint64_t>(n * (n - 1)) * static_cast<std::uint64_t>(chunk));
            }
        }
    }
}

TEST_CASE("a ring passes each chunk on n - 1 times") {
    constexpr std::uint64_t n = 8, kv_heads = 2, chunk = 2 * 20 * kv_heads * 24 * 2;
    const Ran ran = Programs("ring_attention").run();
    CHECK(ran.count("send") == 2 * kv_heads * n * (n - 1));
    CHECK(ran.count("matrix") == 2 * kv_heads * n * n);
    CHECK(ran.bytes("link") == n * (n - 1) * chunk);
    CHECK(ran.busiest_link_bytes() == (n - 1) * chunk);
}

TEST_CASE("collectives load the busiest link of a line as much as they must") {
    constexpr std::uint64_t n = 8, part = 60 * 4, total = n * part;
    CHECK(Programs("all_gather").run().busiest_link_bytes() == (n - 1) * part);
    CHECK(Programs("reduce_scatter").run().busiest_link_bytes() == (n - 1) * part);
    Programs all_reduce("all_reduce");
    CHECK(all_reduce.run(0).busiest_link_bytes() == 2 * (n - 1) * part);
    CHECK(all_reduce.run(1).busiest_link_bytes() == 3 * total);  // log2(n) T
    CHECK(Programs("all_to_all").run().busiest_link_bytes() == (n / 2) * (n / 2) * part);
}

TEST_CASE("SUMMA sends panels over each link of a row and a column, Cannon blocks round both") {
    constexpr std::uint64_t m = 24, k = 40, n = 32, element = 2, side = 4;
    Programs mesh("mesh_matmul_4x4");
    const Ran summa = mesh.run(0);
    CHECK(summa.bytes("link") == side * side * (side - 1) * (m * k + k * n) * element);
    CHECK(summa.count("matrix") == side * side * side);
    const Ran cannon = mesh.run(1);
    CHECK(cannon.count("matrix") == side * side * side);
    // Each shift: side - 1 hops of one link and one that is routed back over side - 1 links.
    const std::uint64_t per_shift = 2 * (side - 1);
    std::uint64_t aligning = 0;
    for (std::uint64_t row = 1; row < side; ++row) aligning += row * (side - row) * 2;
    CHECK(cannon.bytes("link") ==
          side * ((side - 1) * per_shift) * (m * k + k * n) * element + aligning * (m * k + k * n) * element);
    const Ran wide = Programs("summa_2x4").run();
    CHECK(wide.bytes("link") == (8 * 3 * m * k + 8 * 1 * 2 * k * n) * element);
    // A panel of a goes to three others in a row, over links both ways from its owner; of b to the other row.
    const Ran copied = Programs("summa_multicast_2x4").run();
    CHECK(copied.bytes("link") == wide.bytes("link"));
    CHECK(copied.bytes("receive") == wide.bytes("link"));
    // From the two inner columns to both sides, from the outer ones to one.
    CHECK(copied.count("send") == 2 * 6 + 4 * 4);
}

TEST_CASE("what comes from the memory of several PEs in one transfer passes the port to the SRAM together") {
    const Json matrix = {{"shape", {16, 16}}, {"dtype", "f32"}, {"values", "ones"}, {"place", {{"shard", 0}}}};
    Json panel = small_panel("multiplies_unlike", {{"x", matrix}, {"w", matrix}, {"y", matrix}},
                             {{"x", "x"}, {"w", "w"}, {"y", "y"}});
    panel["machine"] = {{"base", "cube_line8"}, {"pe", {{"dma", {{"bytes_per_cycle", 1}}}}}};
    // x and w side by side, then y, which go to and come from eight slices.
    const double ns = to_nanoseconds(Programs(panel).run().result.time);
    CHECK(ns >= 2 * 1024);
    CHECK(ns < 3 * 1024);
}

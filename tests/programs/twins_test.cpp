// SPDX-License-Identifier: Apache-2.0
// A program and the same kernel in C++ issue the same commands: every activity of every component, from picosecond to
// picosecond.
#include "tools/speed/twins.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

using namespace tilemesh;
using speed::Twins;

namespace {

class Lines : public Recorder {
public:
    void activity(const Activity& a) override {
        lines.push_back(fmt::format("{}: {} of command {} from {} to {}, wanted at {}, {} bytes, work {}",
                                    a.component, a.what, a.command, a.begin.value(), a.end.value(), a.wanted.value(),
                                    a.bytes.value(), a.work));
    }
    std::vector<std::string> lines;
};

void check_alike(const Twins& twins) {
    Lines program, native;
    twins.run_program(&program);
    twins.run_kernel(&native);
    CHECK(native.lines.size() > 5);
    CHECK(program.lines.size() == native.lines.size());
    for (std::size_t i = 0; i < std::min(program.lines.size(), native.lines.size()); ++i) {
        CAPTURE(i);
        REQUIRE(program.lines[i] == native.lines[i]);
    }
}

}  // namespace

TEST_CASE("attention block after block: the program and the C++ kernel do the same at the same picosecond") {
    check_alike(speed::attend(96, 80, 5, 64));
}

TEST_CASE("a product in blocks: the program's tiles of pointers move what boxes of a tensor do") {
    constexpr std::int64_t m = 128, n = 192, k = 160, rows = 64, cols = 96, deep = 32;
    const auto kernel = [](tl::Context& tl, int, const std::vector<Tensor*>& t) {
        for (std::int64_t row = 0; row < m; row += rows)
            for (std::int64_t col = 0; col < n; col += cols) {
                Tile acc = tl.zeros({rows, cols});
                for (std::int64_t step = 0; step < k; step += deep) {
                    const Tile a = tl.load(tl::at(*t[0], 0, row, step), {rows, deep});
                    const Tile b = tl.load(tl::at(*t[1], 0, step, col), {deep, cols});
                    acc = tl.dot(a, b, acc);
                }
                tl.store(tl::at(*t[2], 0, row, col), tl.cast(acc, Dtype::f16));
            }
    };
    check_alike({"multiply",
                 {{"a", Dtype::f16, m, k}, {"b", Dtype::f16, k, n}, {"c", Dtype::f16, m, n}},
                 {m, n, k, rows, cols, deep},
                 kernel});
}

TEST_CASE("messages round a ring, to a neighbour, and a barrier: the same from program and C++ kernel") {
    constexpr std::int64_t elements = 1000;
    constexpr int ranks = 4;
    const auto kernel = [](tl::Context& tl, int rank, const std::vector<Tensor*>& t) {
        Tile total = tl.reshape(tl.load(tl::at(*t[0], 0, rank, 0), {1, elements}), {elements});
        Tile held = total;
        for (int step = 0; step < ranks - 1; ++step) {
            tl.send((rank + 1) % ranks, held);
            held = tl.recv((rank + ranks - 1) % ranks, {elements}, Dtype::f32);
            total = tl.maximum(total, held);
        }
        if (rank < ranks - 1) tl.send(tl::Direction::east, total);
        if (rank > 0) total = total + tl.recv(tl::Direction::west, {elements}, Dtype::f32);
        tl.barrier();
        tl.store(tl::at(*t[1], 0, rank, 0), tl.reshape(total, {1, elements}));
    };
    check_alike({"pass_on",
                 {{"x", Dtype::f32, ranks, elements}, {"y", Dtype::f32, ranks, elements}},
                 {elements},
                 kernel,
                 ranks});
}

TEST_CASE("softmax step by step, with a wait: the same from program and C++ kernel") {
    constexpr std::int64_t rows = 50, columns = 300;
    const auto kernel = [](tl::Context& tl, int, const std::vector<Tensor*>& t) {
        Tile x = tl.load(tl::at(*t[0]), {rows, columns});
        x = x - tl.max(x);
        x = tl.exp(x);
        x = x / tl.sum(x);
        tl.wait(x);
        tl.store(tl::at(*t[1]), x);
    };
    check_alike(
        {"soften", {{"x", Dtype::f32, rows, columns}, {"y", Dtype::f32, rows, columns}}, {rows, columns}, kernel});
}

// SPDX-License-Identifier: Apache-2.0
// Sampled values: the rows a run computes are exactly those of a full run, whatever commands lie between.
#include "tests/language/arrays.h"
#include "tests/language/says.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

#include <set>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

const Shape queries{2, 12, 8}, keys{2, 20, 8}, values{2, 20, 6}, outputs{2, 12, 6};

/// A small attention on two PEs in blocks of 4 queries: PE 0 computes scores and weights and sends them, PE 1
/// finishes. State goes through HBM in between. Visits every kind of command that keeps rows apart.
std::map<std::int64_t, std::vector<float>> attention(ValueMode mode, const RowSet& rows) {
    machine::Simulation simulation(ideal_line());
    Tensor& q = add_input(simulation, 0, "q", random_array(queries, 1, Dtype::f16), rows);
    Tensor& k = add_input(simulation, 0, "k", random_array(keys, 2, Dtype::f16));
    Tensor& v = add_input(simulation, 1, "v", random_array(values, 3, Dtype::f16));
    Tensor& state = simulation.allocate(0, "state", {2, 12, 1}, Dtype::f32);
    Tensor& out = simulation.allocate(1, "out", outputs, Dtype::f32);
    state.set_rows(rows);
    out.set_rows(rows);
    const auto scores = [&](tl::Context& tl) {
        const Tile all_keys = tl.load(tl::at(k), keys);
        for (int block = 0; block < 3; ++block) {
            const int first = block * 4;
            const Tile s = tl.dot(tl.load(tl::at(q, 0, first), {2, 4, 8}), tl.trans(all_keys), tl.zeros({2, 4, 20}));
            const Tile mask = tl.compare({1, 4, 20}, [=](int, int r, int c) { return c <= first + r + 8; });
            const Tile masked = tl.where(mask, s * 0.35F, -1e30F);
            tl.store(tl::at(state, 0, first), tl.max(masked));
            const Tile m = tl.maximum(tl.load(tl::at(state, 0, first), {2, 4, 1}), -100.0F);
            tl.send(1, tl.cast(tl.exp(masked - m), Dtype::f16));
        }
    };
    const auto weights = [&](tl::Context& tl) {
        const Tile all_values = tl.load(tl::at(v), values);
        for (int block = 0; block < 3; ++block) {
            const Tile p = tl.recv(0, {2, 4, 20}, Dtype::f16);
            const Tile l = tl.sum(tl.cast(p, Dtype::f32));
            const Tile o = tl.dot(tl.reshape(p, {2, 4, 20}), all_values, tl.zeros({2, 4, 6}));
            tl.store(tl::at(out, 0, block * 4), tl.fma(o, 1.0F / 1.0F, 0.0F) / l);
        }
    };
    simulation.launch(0, "scores", scores, mode);
    simulation.launch(1, "weights", weights, mode);
    simulation.run();
    std::map<std::int64_t, std::vector<float>> found;
    out.visit_rows([&](std::int64_t row, const float* data) { found[row].assign(data, data + outputs.cols()); });
    return found;
}

RowSet some_rows(std::vector<std::int32_t> rows) {
    return std::make_shared<const std::vector<std::int32_t>>(std::move(rows));
}

}  // namespace

TEST_CASE("a sampled run computes exactly the sampled rows, to the last bit as a full run does") {
    const auto full = attention(ValueMode::full, nullptr);
    REQUIRE(full.size() == 24);
    // Rows in every block; in one block only; one row; all rows. Row 12 and up belong to the second head.
    for (const auto& rows : std::vector<std::vector<std::int32_t>>{{0, 5, 6, 11, 12, 20}, {4, 7, 17}, {23}}) {
        const auto sampled = attention(ValueMode::sampled, some_rows(rows));
        REQUIRE(sampled.size() == rows.size());
        for (const std::int32_t row : rows) {
            REQUIRE(sampled.count(row) == 1);
            const Array a{{6}, Dtype::f32, sampled.at(row)}, b{{6}, Dtype::f32, full.at(row)};
            CHECK(distance(a, b) < 1e-6);  // the products' order of summation may depend on the number of rows
        }
    }
}

TEST_CASE("a run without values stores nothing") { CHECK(attention(ValueMode::none, nullptr).empty()); }

TEST_CASE("what cannot be known from sampled rows is refused, not made up") {
    const auto failure = [](const Computation& computation) -> std::string {
        machine::Simulation simulation(ideal_line());
        Tensor& sampled = add_input(simulation, 0, "sampled", random_array({8, 8}, 1), some_rows({1, 2}));
        Tensor& full = add_input(simulation, 0, "full", random_array({8, 8}, 2));
        const auto text = [&](tl::Context& tl) {
            tl.wait(computation(tl, {tl.load(tl::at(sampled), {8, 8}), tl.load(tl::at(full), {8, 8}),
                                     tl.load(tl::at(sampled, 0, 4), {4, 8})}));
        };
        simulation.launch(0, "mixes", text, ValueMode::sampled);
        try {
            simulation.run();
        } catch (const KernelError& error) {
            return error.what();
        }
        return "";
    };
    CHECK_THAT(failure([](auto& tl, auto& x) { return tl.sum(x[0], 0); }), Catch::Contains("sampled"));
    CHECK_THAT(failure([](auto& tl, auto& x) { return tl.trans(x[0]) + 1.0F; }), Catch::Contains("sampled"));
    CHECK_THAT(failure([](auto& tl, auto& x) { return tl.slice(x[0], 0, 0, 4) + 1.0F; }), Catch::Contains("sampled"));
    CHECK_THAT(failure([](auto& tl, auto& x) { return tl.dot(x[1], x[0]); }), Catch::Contains("sampled"));
    CHECK_THAT(failure([](auto& tl, auto& x) { return tl.dot(x[1], x[1], x[0]); }), Catch::Contains("sampled"));
    // The third tile has no sampled row at all.
    CHECK_THAT(failure([](auto& tl, auto& x) { return tl.dot(tl.trans(tl.slice(x[1], 0, 0, 4)), x[2]); }),
               Catch::Contains("sampled"));
    CHECK(failure([](auto& tl, auto& x) { return tl.dot(x[0], x[1]); }).empty());
}

// SPDX-License-Identifier: Apache-2.0
// What dot computes, against three loops: plain, through views, batched, accumulating, in every floating dtype.
#include "tests/language/arrays.h"

#include "sim/base/error.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// a x b (+ c), in f64, rounded once.
Array product(const Array& a, const Array& b, const Array* c = nullptr) {
    const Shape shape(a.shape.rank(), {a.shape.batch(), a.shape.rows(), b.shape.cols()});
    return make_array(shape, [&](std::int32_t batch, std::int32_t r, std::int32_t col) {
        double sum = c ? c->at(batch, r, col) : 0.0;
        for (std::int32_t k = 0; k < a.shape.cols(); ++k)
            sum += static_cast<double>(a.at(batch, r, k)) * b.shown_at(batch, k, col);
        return static_cast<float>(sum);
    });
}

Array transposed(const Array& a) {
    const Shape shape(a.shape.rank(), {a.shape.batch(), a.shape.cols(), a.shape.rows()});
    return make_array(
        shape, [&](std::int32_t b, std::int32_t r, std::int32_t c) { return a.at(b, c, r); }, a.dtype);
}

/// Sums of a few dozen f32 products differ from f64 by a few units in the last place.
constexpr double f32_accuracy = 2e-6;

}  // namespace

TEST_CASE("dot multiplies matrices of any shape, in f32, f16 and bf16, and accumulates in f32") {
    std::uint64_t stream = 0;
    for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16}) {
        for (const auto& [m, k, n] : std::vector<std::array<int, 3>>{{5, 7, 3}, {1, 9, 4}, {6, 1, 5}, {4, 33, 1}}) {
            const Array a = random_array({m, k}, ++stream, dtype), b = random_array({k, n}, ++stream, dtype);
            const Array c = compute({a, b}, [](auto& tl, auto& x) { return tl.dot(x[0], x[1]); });
            CHECK(distance(c, product(a, b)) < f32_accuracy);
        }
    }
}

TEST_CASE("an operand of 8-bit floats meets its own dtype, the other 8-bit one, or any wider one") {
    std::uint64_t stream = 50;
    const Dtype small[] = {Dtype::f8e4m3, Dtype::f8e5m2},
                all[] = {Dtype::f8e4m3, Dtype::f8e5m2, Dtype::f16, Dtype::bf16, Dtype::f32};
    for (const Dtype narrow : small) {
        for (const Dtype other : all) {
            const Array a = random_array({5, 7}, ++stream, narrow), b = random_array({7, 3}, ++stream, other);
            CHECK(distance(compute({a, b}, [](auto& tl, auto& x) { return tl.dot(x[0], x[1]); }), product(a, b)) <
                  f32_accuracy);
            const Array c = random_array({5, 7}, ++stream, other), d = random_array({7, 3}, ++stream, narrow);
            CHECK(distance(compute({c, d}, [](auto& tl, auto& x) { return tl.dot(x[0], x[1]); }), product(c, d)) <
                  f32_accuracy);
        }
    }
}

TEST_CASE("a transposed operand of dot is a transposed matrix, on either side") {
    const Array a = random_array({5, 7}, 1), b = random_array({3, 7}, 2), c = random_array({7, 4}, 3),
                d = random_array({7, 5}, 4);
    CHECK(distance(compute({a, b}, [](auto& tl, auto& x) { return tl.dot(x[0], tl.trans(x[1])); }),
                   product(a, transposed(b))) < f32_accuracy);
    CHECK(distance(compute({d, c}, [](auto& tl, auto& x) { return tl.dot(tl.trans(x[0]), x[1]); }),
                   product(transposed(d), c)) < f32_accuracy);
    CHECK(distance(compute({d, b}, [](auto& tl, auto& x) { return tl.dot(tl.trans(x[0]), tl.trans(x[1])); }),
                   product(transposed(d), transposed(b))) < f32_accuracy);
}

TEST_CASE("dot reads slices of tiles in place, transposed or not") {
    const Array a = random_array({6, 10}, 1), b = random_array({10, 9}, 2), t = random_array({9, 10}, 3);
    // Rows 1..5 and columns 2..9 of a; rows 3..10 and columns 4..8 of b.
    const Array part_a = make_array({4, 7}, [&](int, int r, int c) { return a.at(0, r + 1, c + 2); });
    const Array part_b = make_array({7, 4}, [&](int, int r, int c) { return b.at(0, r + 3, c + 4); });
    const Array part_t = make_array({7, 4}, [&](int, int r, int c) { return t.at(0, c + 4, r + 3); });
    const auto slice_a = [](tl::Context& tl, const Tile& x) { return tl.slice(tl.slice(x, 0, 1, 5), 1, 2, 9); };
    CHECK(distance(compute({a, b},
                           [&](auto& tl, auto& x) {
                               return tl.dot(slice_a(tl, x[0]), tl.slice(tl.slice(x[1], 0, 3, 10), 1, 4, 8));
                           }),
                   product(part_a, part_b)) < f32_accuracy);
    CHECK(distance(compute({a, t},
                           [&](auto& tl, auto& x) {
                               return tl.dot(slice_a(tl, x[0]),
                                             tl.slice(tl.slice(tl.trans(x[1]), 0, 3, 10), 1, 4, 8));
                           }),
                   product(part_a, part_t)) < f32_accuracy);
    // One column, whose elements lie a row apart.
    const Array column = make_array({10, 1}, [&](int, int r, int) { return b.at(0, r, 5); });
    CHECK(distance(compute({a, b}, [](auto& tl, auto& x) { return tl.dot(x[0], tl.slice(x[1], 1, 5, 6)); }),
                   product(a, column)) < f32_accuracy);
}

TEST_CASE("a batched dot multiplies batch by batch, and one second operand may serve all batches") {
    const Array a = random_array({3, 5, 7}, 1), b = random_array({3, 7, 4}, 2), shared = random_array({7, 4}, 3),
                t = random_array({3, 4, 7}, 4);
    CHECK(distance(compute({a, b}, [](auto& tl, auto& x) { return tl.dot(x[0], x[1]); }), product(a, b)) <
          f32_accuracy);
    CHECK(distance(compute({a, shared}, [](auto& tl, auto& x) { return tl.dot(x[0], x[1]); }), product(a, shared)) <
          f32_accuracy);
    CHECK(distance(compute({a, t}, [](auto& tl, auto& x) { return tl.dot(x[0], tl.trans(x[1])); }),
                   product(a, transposed(t))) < f32_accuracy);
    // A batch sliced out of the middle.
    const Array one = make_array({1, 7, 4}, [&](int, int r, int c) { return b.at(1, r, c); });
    CHECK(distance(compute({a, b}, [](auto& tl, auto& x) { return tl.dot(x[0], tl.slice(x[1], 0, 1, 2)); }),
                   product(a, one)) < f32_accuracy);
}

TEST_CASE("dot adds its product to an accumulator and leaves the accumulator as it was") {
    const Array a = random_array({2, 5, 7}, 1, Dtype::f16), b = random_array({2, 7, 4}, 2, Dtype::f16),
                acc = random_array({2, 5, 4}, 3);
    CHECK(distance(compute({a, b, acc}, [](auto& tl, auto& x) { return tl.dot(x[0], x[1], x[2]); }),
                   product(a, b, &acc)) < f32_accuracy);
    CHECK(distance(compute({a, b, acc},
                           [](auto& tl, auto& x) {
                               tl.dot(x[0], x[1], x[2]);
                               return tl.multiply(x[2], 1.0F);
                           }),
                   acc) == 0.0);
    // A strided accumulator: the transpose of [2, 4, 5].
    const Array t = random_array({2, 4, 5}, 4);
    const Array turned = transposed(t);
    CHECK(distance(compute({a, b, t}, [](auto& tl, auto& x) { return tl.dot(x[0], x[1], tl.trans(x[2])); }),
                   product(a, b, &turned)) < f32_accuracy);
}

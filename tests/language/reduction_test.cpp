// SPDX-License-Identifier: Apache-2.0
// max, sum and softmax over every axis of one- to three-dimensional tiles, and how long they and masks take.
#include "tests/language/arrays.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// Folds `axis` (counted from the front) in f64 and keeps it as 1.
template <class Fold>
Array folded(const Array& a, int axis, double start, Fold fold) {
    const auto slot = static_cast<std::size_t>(a.shape.slot_of(axis));
    auto dims = a.shape.slots();
    dims[slot] = 1;
    return make_array(Shape(a.shape.rank(), dims), [&](std::int32_t b, std::int32_t r, std::int32_t c) {
        double value = start;
        std::array<std::int32_t, 3> at{b, r, c};
        for (std::int32_t i = 0; i < a.shape.slots()[slot]; ++i) {
            at[slot] = i;
            value = fold(value, static_cast<double>(a.at(at[0], at[1], at[2])));
        }
        return static_cast<float>(value);
    });
}

const std::vector<Shape> shapes{{37}, {5, 37}, {3, 5, 37}, {4, 1}, {1, 6, 2}};

}  // namespace

TEST_CASE("max and sum fold any axis and keep it with length 1") {
    std::uint64_t stream = 0;
    for (const Shape& shape : shapes) {
        const Array a = random_array(shape, ++stream);
        for (int axis = 0; axis < shape.rank(); ++axis) {
            INFO(shape.text() << " axis " << axis);
            const Array greatest = folded(a, axis, -std::numeric_limits<double>::infinity(),
                                          [](double x, double y) { return std::max(x, y); });
            const Array total = folded(a, axis, 0.0, [](double x, double y) { return x + y; });
            CHECK(distance(compute({a}, [&](auto& tl, auto& x) { return tl.max(x[0], axis); }), greatest) == 0.0);
            CHECK(distance(compute({a}, [&](auto& tl, auto& x) { return tl.sum(x[0], axis); }), total) < 1e-6);
            const int from_behind = axis - shape.rank();
            CHECK(distance(compute({a}, [&](auto& tl, auto& x) { return tl.max(x[0], from_behind); }), greatest) ==
                  0.0);
            CHECK(distance(compute({a}, [&](auto& tl, auto& x) { return tl.sum(x[0], from_behind); }), total) < 1e-6);
        }
    }
}

TEST_CASE("max passes over what is no number where there is a number, softmax makes its row none") {
    const float nan = std::numeric_limits<float>::quiet_NaN(), low = -std::numeric_limits<float>::infinity();
    const auto same = [](float a, float b) { return a == b || (a != a && b != b); };
    for (const Shape& shape : shapes) {
        // Each number, or all, or all but a few; and of these some are -inf.
        for (const int each : {1, 2, 3, 7}) {
            Array a = random_array(shape, 3);
            for (std::size_t i = 0; i < a.data.size(); ++i)
                if (each == 1 || i % static_cast<std::size_t>(each) == 0) a.data[i] = nan;
            for (std::size_t i = 1; i < a.data.size(); i += 4) a.data[i] = a.data[i] == a.data[i] ? low : nan;
            for (int axis = 0; axis < shape.rank(); ++axis) {
                INFO(shape.text() << " axis " << axis << ", each " << each);
                const double none = std::numeric_limits<double>::quiet_NaN();
                const Array most = folded(a, axis, none, [](double x, double y) { return std::fmax(x, y); });
                const Array least = folded(a, axis, none, [](double x, double y) { return std::fmin(x, y); });
                const Array max = compute({a}, [&](auto& tl, auto& x) { return tl.max(x[0], axis); });
                const Array min = compute(
                    {a}, [&](auto& tl, auto& x) { return tl.reduce(Opcode::reduce_min, x[0], axis, Dtype::f32); });
                CHECK(std::equal(max.data.begin(), max.data.end(), most.data.begin(), most.data.end(), same));
                CHECK(std::equal(min.data.begin(), min.data.end(), least.data.begin(), least.data.end(), same));
            }
            const Array soft = compute({a}, [](auto& tl, auto& x) { return tl.softmax(x[0]); });
            const auto cols = static_cast<std::size_t>(shape.cols());
            for (std::size_t i = 0; i < a.data.size(); ++i)
                if (a.data[i] != a.data[i])
                    for (std::size_t c = i - i % cols; c < i - i % cols + cols; ++c)
                        CHECK(soft.data[c] != soft.data[c]);
        }
    }
}

TEST_CASE("max, sum and softmax take the last axis unless told") {
    const Array a = random_array({3, 9}, 1);
    CHECK(compute({a}, [](auto& tl, auto& x) { return tl.max(x[0]); }).shape == Shape{3, 1});
    CHECK(compute({a}, [](auto& tl, auto& x) { return tl.sum(x[0]); }).shape == Shape{3, 1});
    CHECK(compute({a}, [](auto& tl, auto& x) { return tl.softmax(x[0]); }).data ==
          compute({a}, [](auto& tl, auto& x) { return tl.softmax(x[0], 1); }).data);
}

TEST_CASE("a reduction reads transposed and sliced tiles in their own order") {
    const Array a = random_array({6, 9}, 1);
    const Array turned = make_array({9, 6}, [&](int, int r, int c) { return a.at(0, c, r); });
    const auto add = [](double x, double y) { return x + y; };
    CHECK(distance(compute({a}, [](auto& tl, auto& x) { return tl.sum(tl.trans(x[0]), 1); }),
                   folded(turned, 1, 0.0, add)) < 1e-6);
    const Array part = make_array({2, 4}, [&](int, int r, int c) { return a.at(0, r + 3, c + 2); });
    CHECK(distance(
              compute({a}, [](auto& tl, auto& x) { return tl.sum(tl.slice(tl.slice(x[0], 0, 3, 5), 1, 2, 6), 0); }),
              folded(part, 0, 0.0, add)) < 1e-6);
}

TEST_CASE("softmax is exp(x - max) / sum, also where exp alone would overflow") {
    for (const Shape& shape : shapes) {
        // Large enough that exp(x) is beyond f32.
        Array a = random_array(shape, 7);
        for (float& x : a.data) x = x * 5.0F + 200.0F;
        const Array m = folded(a, -1, -std::numeric_limits<double>::infinity(),
                               [](double x, double y) { return std::max(x, y); });
        const Array expected = make_array(shape, [&](std::int32_t b, std::int32_t r, std::int32_t c) {
            double total = 0.0;
            const double greatest = m.at(b, r, 0);
            for (std::int32_t k = 0; k < shape.cols(); ++k)
                total += std::exp(static_cast<double>(a.at(b, r, k)) - greatest);
            return static_cast<float>(std::exp(static_cast<double>(a.at(b, r, c)) - greatest) / total);
        });
        CHECK(distance(compute({a}, [](auto& tl, auto& x) { return tl.softmax(x[0]); }), expected) < 1e-6);
    }
}

TEST_CASE("a reduction takes a vector operation per element that it reads, whatever is left") {
    for (const int axis : {0, 1}) {
        double filled = 0.0, reduced = 0.0;
        run_kernels(counting_line(), {{0, [&](tl::Context& tl) {
                                           const Tile tile = tl.zeros({8, 32});
                                           filled = ready_ns(tl, tile);
                                           reduced = ready_ns(tl, tl.sum(tile, axis));
                                       }}});
        CHECK(filled == 8 * 32);
        CHECK(reduced - filled == 8 * 32);
    }
}

TEST_CASE("a computed mask takes as many vector operations per element as it compares") {
    for (const int operations : {1, 2, 5}) {
        double made = 0.0;
        run_kernels(counting_line(), {{0, [&](tl::Context& tl) {
                                           made =
                                               ready_ns(tl, tl.compare(
                                                                {4, 16}, [](auto...) { return true; }, operations));
                                       }}});
        CHECK(made == operations * 4 * 16);
    }
}

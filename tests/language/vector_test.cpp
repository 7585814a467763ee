// SPDX-License-Identifier: Apache-2.0
// What the vector engine's element-by-element commands compute: arithmetic with broadcasting and numbers,
// exponentials, masks and select, casts, fills.
#include "tests/language/arrays.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <functional>
#include <limits>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

using Binary = std::function<float(float, float)>;

Array broadcast_of(const Array& a, const Array& b, const Binary& f, Dtype dtype = Dtype::f32) {
    return make_array(
        broadcast(a.shape, b.shape),
        [&](std::int32_t i, std::int32_t r, std::int32_t c) { return f(a.shown_at(i, r, c), b.shown_at(i, r, c)); },
        dtype);
}

struct Operation {
    const char* name;
    std::function<Tile(tl::Context&, tl::Operand, tl::Operand)> issue;
    Binary expected;
};

const std::vector<Operation> operations{
    {"add", [](auto& tl, auto a, auto b) { return tl.add(a, b); }, [](float a, float b) { return a + b; }},
    {"subtract", [](auto& tl, auto a, auto b) { return tl.subtract(a, b); }, [](float a, float b) { return a - b; }},
    {"multiply", [](auto& tl, auto a, auto b) { return tl.multiply(a, b); }, [](float a, float b) { return a * b; }},
    {"divide", [](auto& tl, auto a, auto b) { return tl.divide(a, b); }, [](float a, float b) { return a / b; }},
    {"maximum", [](auto& tl, auto a, auto b) { return tl.maximum(a, b); },
     [](float a, float b) { return std::max(a, b); }},
    {"minimum", [](auto& tl, auto a, auto b) { return tl.minimum(a, b); },
     [](float a, float b) { return std::min(a, b); }},
};

}  // namespace

TEST_CASE("arithmetic broadcasts like numpy: along batches, rows, columns, and several at once") {
    const std::vector<std::pair<Shape, Shape>> shapes{
        {{3, 4, 5}, {3, 4, 5}}, {{3, 4, 5}, {4, 5}}, {{3, 4, 5}, {3, 4, 1}}, {{3, 4, 5}, {3, 1, 5}},
        {{4, 1}, {1, 5}},       {{2, 1, 5}, {4, 1}}, {{5}, {3, 4, 5}},       {{1}, {4, 5}}};
    for (const Operation& operation : operations) {
        std::uint64_t stream = 0;
        for (const auto& [left, right] : shapes) {
            INFO(operation.name << " " << left.text() << " " << right.text());
            const Array a = random_array(left, ++stream), b = random_array(right, ++stream);
            const Array c = compute({a, b}, [&](auto& tl, auto& x) { return operation.issue(tl, x[0], x[1]); });
            CHECK(distance(c, broadcast_of(a, b, operation.expected)) == 0.0);
        }
    }
}

TEST_CASE("a number stands for a tile of it, on either side") {
    const Array a = random_array({3, 4}, 1), two = make_array({1}, [](auto...) { return 2.5F; });
    for (const Operation& operation : operations) {
        INFO(operation.name);
        CHECK(distance(compute({a}, [&](auto& tl, auto& x) { return operation.issue(tl, x[0], 2.5F); }),
                       broadcast_of(a, two, operation.expected)) == 0.0);
        CHECK(distance(compute({a}, [&](auto& tl, auto& x) { return operation.issue(tl, 2.5F, x[0]); }),
                       broadcast_of(two, a, [&](float x, float y) { return operation.expected(x, y); })) == 0.0);
    }
}

TEST_CASE("the operators are the commands") {
    const Array a = random_array({3, 4}, 1), b = random_array({3, 1}, 2);
    const auto both = [&](const Computation& written, const Binary& f) {
        return distance(compute({a, b}, written), broadcast_of(a, b, f));
    };
    CHECK(both([](auto&, auto& x) { return x[0] + x[1]; }, [](float p, float q) { return p + q; }) == 0.0);
    CHECK(both([](auto&, auto& x) { return x[0] - x[1]; }, [](float p, float q) { return p - q; }) == 0.0);
    CHECK(both([](auto&, auto& x) { return x[0] * x[1]; }, [](float p, float q) { return p * q; }) == 0.0);
    CHECK(both([](auto&, auto& x) { return x[0] / x[1]; }, [](float p, float q) { return p / q; }) == 0.0);
    CHECK(distance(compute({a}, [](auto&, auto& x) { return (x[0] + 1.0F) * 2.0F - 3.0F; }),
                   make_array({3, 4}, [&](int, int r, int c) { return (a.at(0, r, c) + 1.0F) * 2.0F - 3.0F; })) ==
          0.0);
}

TEST_CASE("fma is a * b + c and fms is a * b - c, broadcasting") {
    const Array a = random_array({2, 3, 4}, 1), b = random_array({3, 1}, 2), c = random_array({4}, 3);
    const auto expected = [&](float sign) {
        return make_array({2, 3, 4}, [&, sign](int i, int r, int k) {
            return static_cast<float>(static_cast<double>(a.at(i, r, k)) * b.shown_at(i, r, k) +
                                      static_cast<double>(sign) * c.shown_at(i, r, k));
        });
    };
    CHECK(distance(compute({a, b, c}, [](auto& tl, auto& x) { return tl.fma(x[0], x[1], x[2]); }), expected(1.0F)) <
          2e-7);
    CHECK(distance(compute({a, b, c}, [](auto& tl, auto& x) { return tl.fms(x[0], x[1], x[2]); }), expected(-1.0F)) <
          2e-7);
    CHECK(distance(compute({a}, [](auto& tl, auto& x) { return tl.fms(x[0], 2.0F, 0.5F); }),
                   make_array({2, 3, 4}, [&](int i, int r, int k) { return a.at(i, r, k) * 2.0F - 0.5F; })) < 2e-7);
}

TEST_CASE("fma and fms round the product: what is subtracted as a product of its own leaves exactly 0") {
    // By row and column, by one factor, and by tiles of equal shape: the three ways the loop is written.
    const Array a = random_array({2, 3, 40}, 1), column = random_array({3, 1}, 2), same = random_array({2, 3, 40}, 3);
    const auto difference = [&](auto product) {
        return compute({a, column, same}, [&](auto& tl, auto& x) { return product(tl, x); });
    };
    const Array by_column = difference([](auto& tl, auto& x) { return tl.fms(x[0], x[1], x[0] * x[1]); });
    const Array by_number = difference([](auto& tl, auto& x) { return tl.fms(x[0], 0.127F, x[0] * 0.127F); });
    const Array by_tile = difference([](auto& tl, auto& x) { return tl.fma(x[0], x[2], x[0] * x[2] * -1.0F); });
    for (const Array* zero : {&by_column, &by_number, &by_tile})
        for (const float value : zero->data) CHECK(value == 0.0F);
    // The form kernels use: a maximum scaled beforehand.
    const Array exponents = difference(
        [](auto& tl, auto& x) { return tl.max(tl.fms(x[0], 0.127F * 1e9F, tl.max(x[0]) * (0.127F * 1e9F))); });
    for (const float largest : exponents.data) CHECK(largest == 0.0F);
}

TEST_CASE("exp and exp2 stay finite up to the greatest f32, reach infinity beyond, and 0 below the least normal") {
    const double greatest = std::numeric_limits<float>::max(), least = std::numeric_limits<float>::min();
    const auto check = [&](const Array& x, const Array& got, double (*exact)(double)) {
        for (std::size_t i = 0; i < x.data.size(); ++i) {
            const double expected = exact(x.data[i]);
            CAPTURE(x.data[i], expected);
            if (expected >= least && expected <= greatest * (1 - 3e-7)) {
                CHECK(got.data[i] == Approx(expected).epsilon(3e-7));
            } else if (expected < least) {
                CHECK(got.data[i] == 0.0F);
            } else if (expected > greatest * (1 + 3e-7)) {
                CHECK(got.data[i] == std::numeric_limits<float>::infinity());
            }
        }
    };
    // In steps of 1/512 through both limits: 88.7228 and -87.3365 for exp, 128 and -126 for exp2.
    const Array high = make_array({3000}, [](int, int, int c) { return 84.0F + static_cast<float>(c) / 512.0F; });
    const Array low = make_array({3000}, [](int, int, int c) { return -84.0F - static_cast<float>(c) / 512.0F; });
    for (const Array& x : {high, low})
        check(x, compute({x}, [](auto& tl, auto& t) { return tl.exp(t[0]); }), [](double v) { return std::exp(v); });
    const Array high2 = make_array({3000}, [](int, int, int c) { return 125.0F + static_cast<float>(c) / 512.0F; });
    const Array low2 = make_array({3000}, [](int, int, int c) { return -123.0F - static_cast<float>(c) / 512.0F; });
    for (const Array& x : {high2, low2})
        check(x, compute({x}, [](auto& tl, auto& t) { return tl.exp2(t[0]); }),
              [](double v) { return std::exp2(v); });
}

TEST_CASE("exp, exp2 and log are accurate to a few units in the last place, and know infinity") {
    // Relative to each element, so one at a time: vector_math.h promises 3e-7.
    const Array x = make_array({400}, [](int, int, int c) { return static_cast<float>(c - 200) * 0.37F; });
    const Array e = compute({x}, [](auto& tl, auto& t) { return tl.exp(t[0]); });
    const Array e2 = compute({x}, [](auto& tl, auto& t) { return tl.exp2(t[0]); });
    for (std::size_t i = 0; i < x.data.size(); ++i) {
        const double v = x.data[i];
        CHECK(e.data[i] == Approx(std::exp(v)).epsilon(3e-7));
        CHECK(e2.data[i] == Approx(std::exp2(v)).epsilon(3e-7));
    }
    const Array p = make_array({50}, [](int, int, int c) { return 0.01F + static_cast<float>(c * c); });
    const Array l = compute({p}, [](auto& tl, auto& t) { return tl.log(t[0]); });
    for (std::size_t i = 0; i < p.data.size(); ++i)
        CHECK(l.data[i] == Approx(std::log(static_cast<double>(p.data[i]))).epsilon(3e-7));

    const float infinity = std::numeric_limits<float>::infinity();
    const Array ends = make_array({2}, [&](int, int, int c) { return c == 0 ? -infinity : infinity; });
    CHECK(compute({ends}, [](auto& tl, auto& t) { return tl.exp(t[0]); }).data == std::vector<float>{0.0F, infinity});
    CHECK(compute({ends}, [](auto& tl, auto& t) { return tl.exp2(t[0]); }).data ==
          std::vector<float>{0.0F, infinity});
    const Array zero = make_array({1}, [](auto...) { return 0.0F; });
    CHECK(compute({zero}, [](auto& tl, auto& t) { return tl.log(t[0]); }).data[0] == -infinity);
}

TEST_CASE("tanh is accurate to a few units in the last place, odd, and 1 far from 0") {
    const Array x = make_array({4001}, [](int, int, int c) { return static_cast<float>(c - 2000) / 256.0F; });
    const Array t = compute({x}, [](auto& tl, auto& a) { return tl.tanh(a[0]); });
    for (std::size_t i = 0; i < x.data.size(); ++i) {
        CHECK(t.data[i] == Approx(std::tanh(static_cast<double>(x.data[i]))).epsilon(3e-7).margin(0));
        CHECK(t.data[i] == -t.data[x.data.size() - 1 - i]);
    }
    const float infinity = std::numeric_limits<float>::infinity();
    const Array ends = make_array({3}, [&](int, int, int c) { return c == 0 ? -infinity : c == 1 ? 1e30F : 1e-30F; });
    CHECK(compute({ends}, [](auto& tl, auto& a) { return tl.tanh(a[0]); }).data ==
          std::vector<float>{-1.0F, 1.0F, 1e-30F});
    const float none = std::numeric_limits<float>::quiet_NaN();
    const Array odd = make_array({3}, [&](int, int, int c) { return c == 0 ? -0.0F : c == 1 ? 0.0F : none; });
    const Array found = compute({odd}, [](auto& tl, auto& a) { return tl.tanh(a[0]); });
    CHECK((found.data[0] == 0.0F && std::signbit(found.data[0])));
    CHECK((found.data[1] == 0.0F && !std::signbit(found.data[1])));
    CHECK(std::isnan(found.data[2]));
}

TEST_CASE("repeat takes all rows again and again, or each row several times") {
    const Array x = random_array({2, 3, 4}, 7);
    CHECK(compute({x}, [](auto& tl, auto& a) { return tl.repeat(a[0], 2, tl::Context::Repeat::all_rows); }).data ==
          make_array({2, 6, 4}, [&](int b, int r, int c) { return x.at(b, r % 3, c); }).data);
    CHECK(compute({x}, [](auto& tl, auto& a) { return tl.repeat(a[0], 2, tl::Context::Repeat::each_row); }).data ==
          make_array({2, 6, 4}, [&](int b, int r, int c) { return x.at(b, r / 2, c); }).data);
}

TEST_CASE("where takes the first value where the mask holds and the second elsewhere") {
    const auto holds = [](std::int32_t b, std::int32_t r, std::int32_t c) { return (b + 2 * r + c) % 3 == 0; };
    const Array a = random_array({2, 3, 4}, 1), b = random_array({3, 1}, 2);
    CHECK(distance(compute({a, b},
                           [&](auto& tl, auto& x) {
                               return tl.where(tl.compare({2, 3, 4}, holds), x[0], x[1]);
                           }),
                   make_array({2, 3, 4}, [&](int i, int r, int c) {
                       return holds(i, r, c) ? a.at(i, r, c) : b.shown_at(i, r, c);
                   })) == 0.0);
    // The mask broadcasts too, and values may be numbers.
    CHECK(distance(compute({a},
                           [&](auto& tl, auto& x) {
                               return tl.where(tl.compare({3, 1}, holds), x[0], -7.0F);
                           }),
                   make_array({2, 3, 4},
                              [&](int i, int r, int c) { return holds(0, r, 0) ? a.at(i, r, c) : -7.0F; })) == 0.0);
}

TEST_CASE("a mask seen through a view is that view of the mask") {
    const auto holds = [](std::int32_t, std::int32_t r, std::int32_t c) { return r > c + 1; };
    const Array a = random_array({4, 4}, 1);
    const auto selected = [&](auto&& view, auto&& expected) {
        const Array got = compute({a}, [&](auto& tl, auto& x) {
            return tl.where(view(tl, tl.compare({4, 4}, holds)), x[0], 0.0F);
        });
        return distance(got,
                        make_array({4, 4}, [&](int, int r, int c) { return expected(r, c) ? a.at(0, r, c) : 0.0F; }));
    };
    CHECK(selected([](auto& tl, const Tile& m) { return tl.trans(m); },
                   [&](int r, int c) { return holds(0, c, r); }) == 0.0);
    CHECK(selected([](auto& tl, const Tile& m) { return tl.slice(m, 0, 2, 3); },
                   [&](int, int c) { return holds(0, 2, c); }) == 0.0);
    CHECK(selected([](auto& tl, const Tile& m) { return tl.slice(m, 1, 1, 2); },
                   [&](int r, int) { return holds(0, r, 1); }) == 0.0);
}

TEST_CASE("a mask counts as 0 and 1 in arithmetic, casts and sums") {
    const auto holds = [](std::int32_t, std::int32_t r, std::int32_t c) { return c <= r; };
    const Array a = random_array({3, 4}, 1);
    const Array triangle = make_array({3, 4}, [&](int i, int r, int c) { return holds(i, r, c) ? 1.0F : 0.0F; });
    CHECK(distance(compute({a},
                           [&](auto& tl, auto&) {
                               return tl.cast(tl.compare({3, 4}, holds), Dtype::f32);
                           }),
                   triangle) == 0.0);
    CHECK(distance(compute({a},
                           [&](auto& tl, auto& x) {
                               return tl.multiply(tl.compare({3, 4}, holds), x[0]);
                           }),
                   broadcast_of(triangle, a, [](float m, float v) { return m * v; })) == 0.0);
    CHECK(compute({a}, [&](auto& tl, auto&) {
              return tl.sum(tl.cast(tl.compare({3, 4}, holds), Dtype::f32));
          }).data == std::vector<float>{1.0F, 2.0F, 3.0F});
}

TEST_CASE("a mask can be stored, whole or in another shape") {
    const auto holds = [](std::int32_t, std::int32_t r, std::int32_t c) { return (r + c) % 3 == 0; };
    const Array expected = make_array({3, 4}, [&](int i, int r, int c) { return holds(i, r, c) ? 1.0F : 0.0F; });
    for (const Shape& shape : {Shape{3, 4}, Shape{2, 6}, Shape{12}}) {
        const Array got = compute({}, [&](auto& tl, auto&) { return tl.reshape(tl.compare({3, 4}, holds), shape); });
        CHECK(got.dtype == Dtype::mask);
        CHECK(got.data == expected.data);
    }
}

TEST_CASE("a cast rounds to nearest, ties to even") {
    // Between 1 and 2, f16 has steps of 2^-10 and bf16 of 2^-7; halfway cases go to the even neighbour.
    const auto halfway = [](int bits) {
        const float step = std::ldexp(1.0F, -bits);
        return make_array({4}, [step](int, int, int c) { return 1.0F + (static_cast<float>(c) + 0.5F) * step; });
    };
    const auto even = [](int bits, Dtype dtype) {
        const float step = std::ldexp(1.0F, -bits);
        return make_array(
            {4}, [step](int, int, int c) { return 1.0F + static_cast<float>((c + 1) / 2 * 2) * step; }, dtype);
    };
    CHECK(distance(compute({halfway(10)}, [](auto& tl, auto& x) { return tl.cast(x[0], Dtype::f16); }),
                   even(10, Dtype::f16)) == 0.0);
    CHECK(distance(compute({halfway(7)}, [](auto& tl, auto& x) { return tl.cast(x[0], Dtype::bf16); }),
                   even(7, Dtype::bf16)) == 0.0);
    // Above 65504 + 16, f16 has only infinity; bf16 reaches as far as f32.
    const Array large = make_array({2}, [](int, int, int c) { return c == 0 ? 65519.0F : 65520.0F; });
    CHECK(compute({large}, [](auto& tl, auto& x) { return tl.cast(x[0], Dtype::f16); }).data ==
          std::vector<float>{65504.0F, std::numeric_limits<float>::infinity()});
    // Up again, nothing changes.
    const Array back =
        compute({halfway(10)}, [](auto& tl, auto& x) { return tl.cast(tl.cast(x[0], Dtype::f16), Dtype::f32); });
    CHECK(back.dtype == Dtype::f32);
    CHECK(back.data == even(10, Dtype::f16).data);
}

TEST_CASE("arithmetic in a 16-bit dtype is done in f32 and rounded once") {
    const Array a = random_array({3, 40}, 1, Dtype::f16), b = random_array({3, 40}, 2, Dtype::f16);
    CHECK(distance(compute({a, b}, [](auto&, auto& x) { return x[0] * x[1]; }),
                   broadcast_of(
                       a, b, [](float x, float y) { return x * y; }, Dtype::f16)) == 0.0);
    // The wider operand gives the dtype; two different 16-bit ones meet in f32.
    const Array c = random_array({3, 40}, 3), d = random_array({3, 40}, 4, Dtype::bf16);
    CHECK(compute({a, c}, [](auto&, auto& x) { return x[0] + x[1]; }).dtype == Dtype::f32);
    CHECK(compute({a, d}, [](auto&, auto& x) { return x[0] + x[1]; }).dtype == Dtype::f32);
    CHECK(compute({a}, [](auto&, auto& x) { return x[0] + 1.0F; }).dtype == Dtype::f16);
}

TEST_CASE("zeros, full and arange make what they say") {
    CHECK(distance(compute({},
                           [](auto& tl, auto&) {
                               return tl.zeros({2, 3});
                           }),
                   make_array({2, 3}, [](auto...) { return 0.0F; })) == 0.0);
    CHECK(distance(compute({},
                           [](auto& tl, auto&) {
                               return tl.full({2, 3}, 0.1F, Dtype::f16);
                           }),
                   make_array(
                       {2, 3}, [](auto...) { return 0.1F; }, Dtype::f16)) == 0.0);
    CHECK(distance(compute({}, [](auto& tl, auto&) { return tl.arange(5, 9); }),
                   make_array(
                       {4}, [](int, int, int c) { return static_cast<float>(5 + c); }, Dtype::i32)) == 0.0);
}

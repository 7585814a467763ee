// SPDX-License-Identifier: Apache-2.0
// Corners of programs, by value: odd sizes, masks, strides, dtypes, loaded integers in control flow, early returns,
// every dispatch and placement. The kernels are in constructs.py.
#include "tests/programs/programs.h"

#include <catch2/catch.hpp>

#include <numeric>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

using Floats = std::vector<float>;

Json tensor(const Json& shape, const std::string& dtype, const Json& values = "unknown") {
    return {{"shape", shape}, {"dtype", dtype}, {"values", values}};
}

Json counting(int count) {
    std::vector<int> numbers(static_cast<std::size_t>(count));
    std::iota(numbers.begin(), numbers.end(), 0);
    return numbers;
}

const Json x_and_y = {{"x", "x"}, {"y", "y"}};

}  // namespace

TEST_CASE("a last block that is not whole moves what there is") {
    Json arguments = x_and_y;
    arguments["n"] = 37;
    const Json tensors = {{"x", tensor({37}, "f32", counting(37))}, {"y", tensor({37}, "f32")}};
    const Floats y = result_of(small_panel("copy_all", tensors, arguments, {3}));
    for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == static_cast<float>(i));
}

TEST_CASE("a pointer to elements of another type begins where its offset says in these") {
    const Json arguments = {{"x", {{"tensor", "x"}, {"offset", 1}, {"dtype", "i16"}}}, {"y", "y"}, {"n", 3}};
    const Json tensors = {{"x", tensor({8}, "u8", counting(8))}, {"y", tensor({3}, "f32")}};
    CHECK(result_of(small_panel("copy_all", tensors, arguments, {1})) == Floats{0x0302, 0x0504, 0x0706});
}

TEST_CASE("tiles of three dimensions, from and to tensors that are divided along any dimension") {
    for (const int from : {0, 1, 2})
        for (const int to : {0, 1, 2}) {
            CAPTURE(from, to);
            Json tensors = {{"x", tensor({3, 20, 4}, "f32", counting(240))}, {"y", tensor({3, 20, 4}, "f32")}};
            tensors["x"]["place"] = {{"shard", from}};
            tensors["y"]["place"] = {{"shard", to}, {"on", {6, 1, 3}}};
            const Floats y = result_of(small_panel("three_dimensions", tensors, x_and_y));
            for (std::size_t i = 0; i < y.size(); ++i) REQUIRE(y[i] == 2 * static_cast<float>(i));
        }
}

TEST_CASE("blocks of four and five dimensions, moved, cut at the tensor's end, stored in another order") {
    const auto element = [](std::size_t u, std::size_t b, std::size_t r, std::size_t c) {
        return static_cast<float>(u * 60 + b * 20 + r * 5 + c + 1);  // and 1
    };
    const Json four = {{"x", tensor({2, 3, 4, 5}, "f32", counting(120))}, {"y", tensor({4, 2, 2, 2}, "f32")}};
    const Ran ran = Programs(small_panel("four_dimensional_blocks", four, x_and_y)).run();
    const Floats& y = ran.outputs.at("y");
    for (std::size_t i = 0; i < 32; ++i) {
        const std::size_t col = i / 8, user = i / 4 % 2, plane = i / 2 % 2, row = i % 2;
        CHECK(y[i] == (col == 3 ? 1.0F : element(user, plane + 1, row + 1, col + 2)));
    }
    CHECK(ran.bytes("dma_load") == 24 * 4);  // what lies outside is not moved

    const Json five = {{"x", tensor({2, 2, 3, 4, 5}, "f32", counting(240))}, {"y", tensor({2, 2, 2, 2, 4}, "f32")}};
    const Floats z = result_of(small_panel("five_dimensional_descriptors", five, x_and_y));
    for (std::size_t i = 0; i < 64; ++i) {
        const std::size_t plane = i / 8 % 2, row = i / 4 % 2, col = i % 4;
        CHECK(z[i] == (plane == 1 ? 1.0F : element(i / 16, 2, row + 1, col + 1)));
    }
    CHECK_THAT(failure_of(small_panel("block_of_other_dimensions", four, x_and_y)),
               Catch::Contains("constructs.py:") && Catch::Contains("a dimension of 4 does not become 2"));
}

TEST_CASE("under a mask that is false everywhere nothing is touched, and a load gives what stands in") {
    Json arguments = x_and_y;
    arguments["n"] = 0;
    const Json tensors = {{"x", tensor({16}, "f32", 1)}, {"y", tensor({16}, "f32")}};
    Programs programs(small_panel("hidden_everywhere", tensors, arguments));
    const Ran ran = programs.run();
    CHECK(ran.outputs.at("y") == Floats(16, 3.0F));
    CHECK(ran.count("dma_load") == 0);
    CHECK(ran.count("dma_store") == 1);
}

TEST_CASE("strides in both dimensions, a transposed store") {
    Json arguments = x_and_y;
    arguments["stride"] = 30;
    const Json tensors = {{"x", tensor({10, 30}, "f32", counting(300))}, {"y", tensor({7, 5}, "f32")}};
    const Floats y = result_of(small_panel("strides", tensors, arguments));
    for (std::size_t col = 0; col < 7; ++col)
        for (std::size_t row = 0; row < 5; ++row)
            CHECK(y[col * 5 + row] == static_cast<float>(row * 2 * 30 + col * 3));
}

TEST_CASE("addresses that go backwards or round") {
    Json arguments = x_and_y;
    arguments["n"] = 7;
    const Json tensors = {{"x", tensor({7}, "f32", counting(7))}, {"y", tensor({32}, "f32")}};
    const Floats y = result_of(small_panel("backwards_and_round", tensors, arguments));
    for (std::size_t i = 0; i < 16; ++i) {
        CHECK(y[i] == static_cast<float>(6 - i % 7));
        CHECK(y[16 + i] == static_cast<float>((i + 5) % 7));
    }
}

TEST_CASE("loaded integers bound loops, decide branches, steer a binary search") {
    Json arguments = x_and_y;
    arguments["bounds"] = "bounds";
    const Json tensors = {
        {"bounds", tensor({2}, "i32", {3, 12})}, {"x", tensor({16, 8}, "f32", "ones")}, {"y", tensor({8}, "f32")}};
    // Rows 3, 5, 7, 9, 11; then begin is 6 (goes on), 9 (counts), 12 (ends).
    CHECK(result_of(small_panel("loaded_bounds", tensors, arguments)) == Floats(8, 6.0F));

    const std::vector<int> sorted{0, 1, 2, 3, 10, 11, 12, 20, 21, 25, 30, 31, 32, 33, 50, 60};
    Json search = x_and_y;
    search["n"] = 16;
    const Floats found = result_of(
        small_panel("first_not_below", {{"x", tensor({16}, "i64", sorted)}, {"y", tensor({8}, "i32")}}, search, {8}));
    for (int i = 0; i < 8; ++i) {
        const auto place = std::lower_bound(sorted.begin(), sorted.end(), 10 * i) - sorted.begin();
        CHECK(found[static_cast<std::size_t>(i)] == static_cast<float>(place));
    }
}

TEST_CASE("a kernel and its functions return from wherever they are") {
    const Json tensors = {{"x", tensor({12}, "f32", "ones")}, {"y", tensor({12}, "f32", 7)}};
    CHECK(result_of(small_panel("returns_early", tensors, x_and_y, {12})) ==
          Floats{0, 0, 1, 0, 2, 7, 2, 2, 2, 2, -1, -1});
}

TEST_CASE("integers wrap at their width, divide towards zero, and are wide when asked to be") {
    const Floats y =
        result_of(small_panel("wide_integers", {{"y", tensor({4}, "i64")}}, {{"y", "y"}, {"n", 100'000}}));
    CHECK(y == Floats{1'410'065'408, 10'000'000, -14'285, -5});
}

TEST_CASE("numbers of u64, and constants beyond 2^31 and 2^63, are what they are in Triton") {
    const Json arguments = {
        {"x", "x"}, {"y", "y"}, {"n", -7}, {"u", {{"value", 9223372036854775813U}, {"dtype", "u64"}}}, {"f", 0.1}};
    const Floats y = result_of(small_panel(
        "unsigned_and_large", {{"x", tensor({4}, "i32", {-1, -7, 5, 3})}, {"y", tensor({16}, "i64")}}, arguments));
    CHECK(Floats(y.begin(), y.begin() + 2) == Floats{13 + 16 * 9 + 256, 0});
    for (const int from : {4, 8}) CHECK(Floats(y.begin() + from, y.begin() + from + 4) == Floats{1, 0, 2, 2});
    CHECK(Floats(y.begin() + 12, y.end()) == Floats{3, 4, 8, 9});
}

TEST_CASE("products of every dtype against the reference") {
    const std::vector<std::array<std::string, 3>> dtypes{{"i8", "i8", "i32"},
                                                         {"f8e4m3", "f8e5m2", "f32"},
                                                         {"bf16", "bf16", "f32"},
                                                         {"f32", "f32", "f32"},
                                                         {"f8e5m2", "f8e5m2", "f16"}};
    for (const auto& [a, b, y] : dtypes) {
        CAPTURE(a, b, y);
        const bool integers = a == "i8";
        const Json values = integers ? Json{{"integers", {-128, 127}}} : Json("normal");
        const Json tensors = {
            {"a", tensor({19, 19}, a, values)}, {"b", tensor({19, 19}, b, values)}, {"y", tensor({19, 19}, y)}};
        Json panel = small_panel("product", tensors, {{"a", "a"}, {"b", "b"}, {"y", "y"}});
        panel["kernels"][0]["program"]["constants"] = {{"N", 19}};
        panel["check"] = {{"y", {{"reference", "matmul"}}}};
        if (y == "f32") panel["check"]["y"]["tolerance"] = 1e-6;
        const Ran ran = Programs(panel).run();
        CHECK(ran.result.verdict.why.empty());
        CHECK(ran.result.verdict.pass);
    }
}

TEST_CASE("every dispatch runs every instance once") {
    const std::vector<Json> dispatches{"round_robin", "blocked",     {{"axis", 0}},
                                       {{"axis", 1}}, {{"axis", 2}}, {0, 0, 1, 7, 3, 3, 2, 1, 0, 5, 4, 6}};
    for (const Json& dispatch : dispatches) {
        CAPTURE(dispatch.dump());
        Json panel = small_panel("instance_number", {{"y", tensor({12}, "i32")}}, {{"y", "y"}}, {2, 3, 2});
        panel["kernels"][0]["dispatch"] = dispatch;
        const Floats y = result_of(panel);
        for (std::size_t i = 0; i < 12; ++i) CHECK(y[i] == static_cast<float>(i));
    }
}

TEST_CASE("a copy of its own is what each PE writes, and one that nobody wrote is missed") {
    Json tensors = {{"x", tensor({16}, "f32", "normal")}, {"y", tensor({16}, "f32")}};
    tensors["x"]["place"] = tensors["y"]["place"] = {{"replicate", "pe"}};
    Json arguments = x_and_y;
    arguments["n"] = 16;
    for (const int instances : {7, 8}) {
        Json panel = small_panel("copy_all", tensors, arguments, {instances});
        panel["kernels"][0]["program"]["constants"] = {{"BLOCK", 16}};
        panel["kernels"][0]["program"]["arguments"]["n"] = 16;
        panel["check"] = {{"y", {{"reference", "copy"}}}};
        const Ran ran = Programs(panel).run();
        CHECK_FALSE(ran.result.verdict.pass);  // instance p writes block p, of which there is one
    }
}

TEST_CASE("instances on different PEs add to the same elements") {
    Json tensors = {{"x", tensor({16}, "f32", "ones")}, {"y", tensor({16}, "f32", "zeros")}};
    tensors["y"]["place"] = {{"owner", 2}};
    CHECK(result_of(small_panel("adds_up", tensors, x_and_y, {8})) == Floats(16, 8.0F));
}

TEST_CASE("a barrier waits for every instance of its launch, and for nobody else") {
    // With two in flight on each of 8 PEs: fewer instances than PEs, than places, and as many as places.
    const auto panel = [](int instances, int programs_per_pe) {
        Json made = small_panel("counts_who_came", {{"x", tensor({1}, "i32", "zeros")}, {"y", tensor({16}, "i32")}},
                                x_and_y, {instances});
        made["kernels"][0]["programs_per_pe"] = programs_per_pe;
        return made;
    };
    for (const int instances : {1, 4, 12, 16}) {
        const Floats y = result_of(panel(instances, 2));
        const auto all = static_cast<float>(instances);
        CHECK(Floats(y.begin(), y.begin() + instances) ==
              Floats(static_cast<std::size_t>(instances), all + 100 * 2 * all));
    }
    // Launches one after the other that are not of one size: who has no instance of one waits for its end.
    for (const std::vector<int>& grids : std::vector<std::vector<int>>{{8, 4}, {4, 8}, {3, 8, 2}, {4, 4}}) {
        Json made = panel(grids.front(), 1);
        const Json first = made["kernels"][0]["program"];
        Json& all = made["kernels"][0]["program"] = Json::array();
        int came = 0;
        float expected = 0;
        for (const int grid : grids) {
            all.push_back(first);
            all.back()["grid"] = {grid};
            expected = static_cast<float>(came + grid + 100 * (came + 2 * grid));
            came += 2 * grid;
        }
        const Floats y = result_of(made);
        CHECK(Floats(y.begin(), y.begin() + grids.back()) ==
              Floats(static_cast<std::size_t>(grids.back()), expected));
    }
}

TEST_CASE("what comes before a debug_barrier is done before what comes behind it begins") {
    const Json tensors = {{"much", tensor({64, 1024}, "f32", "ones")},
                          {"x", tensor({1024}, "f32", "ones")},
                          {"y", tensor({1024}, "f32")},
                          {"flag", tensor({1}, "i32", "zeros")}};
    Json arguments = x_and_y;
    arguments["much"] = "much";
    arguments["flag"] = "flag";
    Json panel = small_panel("reads_before_it_says_so", tensors, arguments, {2});
    panel["kernels"][0]["program"]["file"] = "order.py";
    CHECK(result_of(panel) == Floats(1024, 1.0F));
}

// SPDX-License-Identifier: Apache-2.0
// Kernels in Python that say over which network their transfers go: times and bytes by hand, values, bounds, and
// mistakes by their line.
#include "tests/language/says.h"
#include "tests/programs/programs.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// What x holds.
float x_at(std::size_t i) { return static_cast<float>(i % 251) - 100.0F; }

/// A ring of 8 PEs with a network to the east and one to the west, or with one that leads both ways.
Json ring_panel(const std::string& kernel, const Json& constants, std::int64_t elements, bool two = true) {
    const auto tensor = [&](int owner) {
        return Json{{"shape", {elements}}, {"dtype", "f32"}, {"place", {{"owner", owner}}}};
    };
    Json panel = small_panel(kernel, {{"x", tensor(2)}, {"y", tensor(3)}}, {{"x", "x"}, {"y", "y"}}, {8});
    Json numbers = Json::array();
    for (std::int64_t i = 0; i < elements; ++i) numbers.push_back(x_at(static_cast<std::size_t>(i)));
    panel["tensors"]["x"]["values"] = numbers;
    Json& program = panel["kernels"][0]["program"];
    program["file"] = "networks.py";
    program["constants"] = constants;
    panel["machine"] = {{"base", "cube_line8"}, {"cube", {{"topology", "ring"}, {"cols", 8}}}};
    if (two)
        panel["machine"]["network"]["networks"] =
            Json::parse(R"([{"name": "noc0", "routing": ["east"]}, {"name": "noc1", "routing": ["west"]}])");
    return panel;
}

Json tensors_on_ends(Json panel) {
    panel["tensors"]["x"]["place"]["owner"] = 0;
    panel["tensors"]["y"]["place"]["owner"] = 4;
    return panel;
}

/// Of the link from a PE to the next to the east or west.
std::uint64_t carried(const Ran& ran, int pe, bool east) {
    return ran.link_bytes(
        fmt::format("cube0.pe{}_to_pe{}_{}", pe, (pe + (east ? 1 : 7)) % 8, east ? "noc0" : "noc1"));
}

}  // namespace

TEST_CASE("messages over two networks take half as long, add up to the same, and no less than the bound") {
    const std::int64_t piece = 1 << 15;  // the receive buffer of each network holds two
    const auto run_with = [&](const Json& first, const Json& second) {
        Programs programs(tensors_on_ends(
            ring_panel("both_ways", {{"FIRST", first}, {"SECOND", second}, {"PIECE", piece}}, piece)));
        Ran ran = programs.run();
        for (std::size_t i = 0; i < 100; ++i) CHECK(ran.outputs.at("y")[i] == 4 * x_at(i));
        CHECK(ran.result.time >= ran.result.schedule_bound.time);
        CHECK(ran.result.time >= ran.result.machine_bound.time);
        return ran;
    };
    const Ran one = run_with(0, 0), two = run_with(0, 1), named = run_with("noc0", "noc1");
    CHECK(two.result.time == named.result.time);
    const std::uint64_t bytes = 4 * static_cast<std::uint64_t>(piece);
    for (int pe = 0; pe < 4; ++pe) {
        CHECK(carried(one, pe, true) == 4 * bytes);
        CHECK(carried(one, 7 - pe, false) == 0);
        CHECK(carried(two, pe, true) == 2 * bytes);
        CHECK(carried(two, (8 - pe) % 8, false) == 2 * bytes);
    }
    const double message_ns = static_cast<double>(bytes) / 256;
    CHECK(to_nanoseconds(one.result.time) - to_nanoseconds(two.result.time) == Approx(2 * message_ns).epsilon(0.05));
}

TEST_CASE("loads and stores go over the network they name, or else over the one that brings their data sooner") {
    const std::uint64_t bytes = 4096, request = 32;
    for (const Json& read : {Json("noc0"), Json("noc1"), Json("None")})
        for (const Json& write : {Json(0), Json(1), Json("None")}) {
            CAPTURE(read, write);
            const Json panel = ring_panel("reads_and_writes", {{"READ", read}, {"WRITE", write}}, 1024);
            const Ran ran = Programs(panel).run();
            for (std::size_t i = 0; i < 1024; i += 31) CHECK(ran.outputs.at("y")[i] == x_at(i));
            const bool reads_east = read == "noc0", writes_east = write != 1;
            // From PE 2 to the east data passes PE 6, to the west PE 1; the request comes to it the same way.
            CHECK(carried(ran, 6, true) == (reads_east ? bytes : 0));
            CHECK(carried(ran, 1, false) == (reads_east ? 0 : bytes));
            CHECK(carried(ran, 0, true) == (reads_east ? request : 0) + (writes_east ? bytes : 0));
            CHECK(carried(ran, 0, false) == (reads_east ? 0 : request) + (writes_east ? 0 : bytes));
            CHECK(carried(ran, 4, false) == (reads_east ? 0 : request) + (writes_east ? 0 : bytes));
        }
}

TEST_CASE("a multicast goes over its network, and each copy reaches its receiver") {
    Json panel = ring_panel("copies", {{"NETWORK", "noc1"}}, 128);
    panel["machine"]["network"]["router"]["multicast"] = true;
    const Ran ran = Programs(panel).run();
    for (std::size_t i = 16; i < 128; ++i) CHECK(ran.outputs.at("y")[i] == x_at(i % 16));
    CHECK(carried(ran, 0, false) == 64 + 32);  // the message, and the request for x
    CHECK(carried(ran, 3, false) > 64);
}

TEST_CASE("a network that is not there is told by the line, with those that are") {
    const auto failure = [](const Json& network, bool two) {
        return failure_of(ring_panel("no_such_network", {{"NETWORK", network}}, 16, two));
    };
    CHECK_THAT(failure(2, true), says("networks.py:", "there is no network 2, expected 0 to 1 (noc0, noc1)"));
    CHECK_THAT(failure("noc2", true),
               says("networks.py:", "there is no network noc2, expected noc0, noc1; did you mean noc"));
    CHECK_THAT(failure(1, false), says("networks.py:", "there is no network 1", "the machine has one"));
    CHECK_THAT(failure("noc0", false), says("there is no network noc0: the machine has one, leave network out"));
    CHECK_THAT(failure(1.5, true), says("a network is", "expected an integer"));
}

TEST_CASE("a tensor with a copy for each cube is read and written in the PE's own cube") {
    const Json tensors = {
        {"x", {{"shape", {128}}, {"dtype", "f32"}, {"values", "ones"}, {"place", {{"replicate", "cube"}}}}},
        {"y", {{"shape", {128}}, {"dtype", "f32"}, {"place", {{"shard", 0}}}}}};
    Json panel = small_panel("copy_all", tensors, {{"x", "x"}, {"y", "y"}, {"n", 128}}, {128});
    panel["machine"] = "../../configs/machines/cubes_4x4.json";
    panel["kernels"][0]["program"]["constants"] = {{"BLOCK", 1}};
    const Ran ran = Programs(panel).run();
    CHECK(ran.outputs.at("y") == std::vector<float>(128, 1.0F));
    for (const report::ComponentResult& part : ran.result.components)
        if (part.kind == "link" && part.path.find("_to_cube") != std::string::npos) CHECK(part.bytes == Bytes());
}

// SPDX-License-Identifier: Apache-2.0
// Are the figures of the table what their definitions say, and is an impossible run caught?
#include "sim/base/error.h"
#include "tests/command/made_up.h"

#include <catch2/catch.hpp>

using namespace tilemesh;

TEST_CASE("every derived figure is the ratio its name promises") {
    const auto kernel = made_up_kernel("k");
    const double nanoseconds = 1000;
    CHECK(kernel.cycles == Approx(nanoseconds * 1.0));
    CHECK(kernel.tflops_per_s == Approx(8e6 / nanoseconds * 1e-3));
    CHECK(kernel.matrix_utilisation == Approx(4000 / (8 * nanoseconds)));
    CHECK(kernel.hbm_bytes == Bytes(25000));
    CHECK(kernel.hbm_gbytes_per_s == Approx(25000 / nanoseconds));
    CHECK(kernel.hbm_share_of_peak == Approx(25000 / (100 * nanoseconds)));
    CHECK(kernel.busiest_link.path == "machine.cube0.link.pe0.east");
    CHECK(kernel.busiest_link.share_of_peak == Approx(6000 / (10 * nanoseconds)));
    CHECK(kernel.machine_distance == Approx(1000.0 / 800 - 1));
    CHECK(kernel.schedule_distance == Approx(1000.0 / 900 - 1));
}

TEST_CASE("engines and slices that did nothing are not in the peaks that the others are measured by") {
    auto kernel = made_up_kernel("k");
    for (const std::size_t i : {0U, 1U}) {  // a matrix engine and an HBM slice as large as those at work
        report::ComponentResult idle = kernel.components[i];
        idle.path = "machine.cube0.pe1.idle";
        idle.bytes = Bytes();
        idle.work = 0;
        kernel.components.push_back(idle);
    }
    report::summarise(kernel);
    CHECK(kernel.matrix_utilisation == Approx(0.5));
    CHECK(kernel.hbm_share_of_peak == Approx(0.25));
}

TEST_CASE("the busiest link has the greatest share of its own rate; of equal shares, the most bytes") {
    auto kernel = made_up_kernel("k");  // 6000 of 10 bytes/ns, 500 of 10
    kernel.components[5].peak_per_ns = 0.7;
    report::summarise(kernel);
    CHECK(kernel.busiest_link.path == "machine.cube0.link.pe1.west");
    CHECK(kernel.busiest_link.share_of_peak == Approx(500 / 700.0));
    CHECK(kernel.busiest_link.gbytes_per_s == Approx(0.5));
    kernel.components[5].peak_per_ns = 0.5;
    kernel.components[4].peak_per_ns = 6;  // both at their rate
    std::swap(kernel.components[4], kernel.components[5]);
    report::summarise(kernel);
    CHECK(kernel.busiest_link.path == "machine.cube0.link.pe0.east");
    CHECK(kernel.hop_bytes == Bytes(6500));
}

TEST_CASE(
    "the busiest part is the engine or link at work longest, whatever comes after it; HBM and DMA are neither") {
    auto kernel = made_up_kernel("k");  // matrix 600 ns, links 600 and 50, send and receive 700
    CHECK(report::busiest_part_of(kernel).kind == "matrix");
    CHECK(report::busiest_part_of(kernel).share == Approx(0.6));
    kernel.components[5].busy = from_nanoseconds(800);
    CHECK(report::busiest_part_of(kernel).kind == "link");
}

TEST_CASE("a possible run passes the laws of physics, also exactly at every limit") {
    auto kernel = made_up_kernel("k");
    CHECK_NOTHROW(report::check_physics(kernel));
    kernel.components[4].bytes = Bytes(10 * 1000);  // rate times time
    kernel.components[0].busy = kernel.time;
    kernel.machine_bound.time = kernel.schedule_bound.time = kernel.time;
    CHECK_NOTHROW(report::check_physics(kernel));
}

TEST_CASE("what was passed over takes no less than bounds and parts say, and what it took less is doubted") {
    auto kernel = made_up_kernel("k");
    const Picoseconds before = kernel.time;
    SECTION("an engine busy longer than the run") { kernel.components[0].busy = before + Picoseconds(7); }
    SECTION("a link that moved more than its rate allows") { kernel.components[4].bytes = Bytes(10 * 1000 + 1); }
    SECTION("an engine that did more than its peak") { kernel.components[0].work = 8 * 1000 + 1; }
    SECTION("a run that beat its machine bound") { kernel.machine_bound.time = before + Picoseconds(7); }
    SECTION("a run that beat its schedule bound") { kernel.schedule_bound.time = before + Picoseconds(7); }
    kernel.components[2].bytes = kernel.components[3].bytes = Bytes();  // messages are not passed over
    report::keep_to_physics(kernel);
    CHECK(kernel.time == before);  // an exact run: a fault of the simulator, that check_physics() finds
    kernel.passed = report::PassedResult{1, Picoseconds(3)};
    report::keep_to_physics(kernel);
    CHECK_NOTHROW(report::check_physics(kernel));
    CHECK(kernel.time > before);
    CHECK(kernel.passed->doubt == Picoseconds(3) + (kernel.time - before));
}

TEST_CASE("each impossibility is an internal error that names the part") {
    auto kernel = made_up_kernel("k");
    std::string named;
    SECTION("an engine busy longer than the run") {
        kernel.components[0].busy = kernel.time + Picoseconds(1);
        named = "pe0.matrix was busy";
    }
    SECTION("a link that moved one byte more than its rate allows") {
        kernel.components[4].bytes = Bytes(10 * 1000 + 1);
        named = "link.pe0.east moved 10001 bytes";
    }
    SECTION("an engine that did more than its peak") {
        kernel.components[0].work = 8 * 1000 + 1;
        named = "pe0.matrix did 8001";
    }
    SECTION("a run that beat its machine bound") {
        kernel.machine_bound.time = kernel.time + Picoseconds(1);
        named = "machine bound";
    }
    SECTION("a run that beat its schedule bound") {
        kernel.schedule_bound.time = kernel.time + Picoseconds(1);
        named = "schedule bound";
    }
    SECTION("bytes lost between sender and receiver") {
        kernel.components[3].bytes = Bytes(6499);
        named = "6500 bytes were sent but 6499 received";
    }
    try {
        report::check_physics(kernel);
        FAIL("accepted");
    } catch (const InternalError& error) {
        CHECK_THAT(error.what(), Catch::Contains(named));
    }
}

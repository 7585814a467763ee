// SPDX-License-Identifier: Apache-2.0
// Kernels that need a receive buffer: the check says which is the smallest, and the simulator agrees, to the byte.
// Also what only C++ kernels do wrong.
#include "tests/check/checked.h"
#include "tests/language/says.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

machine::MachineConfig machine_with(std::uint64_t buffer, int depth, std::uint64_t sram = 1 << 20) {
    return counting_line([=](Json& json) {
        json["network"]["packet_bytes"] = 32;
        json["network"]["receive_buffer_bytes"] = buffer;
        json["pe"]["queue_depth"] = depth;
        json["pe"]["sram_bytes"] = sram;
    });
}

/// `count` sends of 128 bytes before as many receives, so many times.
Texts exchange(int count, int times = 1) {
    const auto text = [=](int other) {
        return [=](tl::Context& tl) {
            for (int time = 0; time < times; ++time) {
                for (int i = 0; i < count; ++i) tl.send(other, tl.zeros({32}));
                for (int i = 0; i < count; ++i) tl.wait(tl.recv(other, {32}, Dtype::f32));
            }
        };
    };
    return {{0, text(1)}, {1, text(0)}};
}

/// A send to PE 2 stands before one to PE 1 in the engine of their link; PE 2 receives only what PE 1 forwards first.
Texts detour(std::int64_t elements) {
    return {{0,
             [=](tl::Context& tl) {
                 tl.send(2, tl.zeros({elements}));
                 tl.send(1, tl.zeros({4}));
             }},
            {1, [](tl::Context& tl) { tl.send(2, tl.recv(0, {4}, Dtype::f32)); }},
            {2, [=](tl::Context& tl) {
                 tl.wait(tl.recv(1, {4}, Dtype::f32));
                 tl.wait(tl.recv(0, {elements}, Dtype::f32));
             }}};
}

/// Two tiles of 768 bytes do not fit 1024 bytes of SRAM: what is sent must leave before what is received has room.
Texts swaps_sram() {
    const auto text = [](int other) {
        return [=](tl::Context& tl) {
            tl.send(other, tl.zeros({192}));
            tl.wait(tl.recv(other, {192}, Dtype::f32));
        };
    };
    return {{0, text(1)}, {1, text(0)}};
}

void check_least(const Texts& texts, std::uint64_t least, int depth, std::uint64_t sram = 1 << 20) {
    const check::Report enough = check_texts(machine_with(least, depth, sram), texts);
    CHECK(enough.findings.empty());
    CHECK(enough.least_buffer == Bytes(least));
    CHECK(failure_of(machine_with(least, depth, sram), {texts.begin(), texts.end()}).empty());
    const check::Report short_of_one = check_texts(machine_with(least - 1, depth, sram), texts);
    CHECK(short_of_one.least_buffer == Bytes(least));
    CHECK_THAT(found(short_of_one, "deadlock"),
               says("waits for credits", "(send)", fmt::format("a receive buffer of {} bytes would do", least)));
    CHECK_THAT(failure_of(machine_with(least - 1, depth, sram), {texts.begin(), texts.end()}), says("deadlock"));
}

}  // namespace

TEST_CASE("the smallest buffer lets out what the queues do not hold") {
    // One send under way, as many as the queue holds behind it, and the kernel with one more.
    check_least(exchange(3), 128, 1);
    check_least(exchange(5), 256, 2);
    check_least(exchange(6), 384, 2);
    CHECK(check_texts(machine_with(32, 8), exchange(8)).least_buffer == Bytes());
}

TEST_CASE("what has been received has left the buffer") { check_least(exchange(4, 3), 256, 1); }

TEST_CASE("one credit too few where a send blocks another of its link") { check_least(detour(40), 160, 8); }

TEST_CASE("SRAM that two PEs could only give each other") {
    check_least(swaps_sram(), 768, 8, 1024);
    CHECK_THAT(found(check_texts(machine_with(32, 8, 1024), swaps_sram()), "deadlock"),
               says("machine.cube0.pe0: the kernel waits for 768 bytes of SRAM for command 2 (768 of 1024 taken)",
                    "machine.cube0.pe1.send_to_pe0: command 1 (send) waits for credits"));
}

TEST_CASE("waiting for a PE that runs no kernel is a deadlock with any buffer") {
    const check::Report report =
        check_texts(machine_with(32, 8), {{0, [](tl::Context& tl) { tl.wait(tl.recv(5, {4}, Dtype::f32)); }}});
    CHECK_THAT(found(report, "deadlock"), says("machine.cube0.pe5 runs no kernel"));
    CHECK_THAT(found(report, "deadlock"), !Catch::Contains("would do"));
    CHECK(!report.least_buffer);
}

TEST_CASE("another dtype at the other end") {
    const check::Report report =
        check_texts(machine_with(32, 8), {{0, [](tl::Context& tl) { tl.send(1, tl.zeros({4})); }},
                                          {1, [](tl::Context& tl) { tl.wait(tl.recv(0, {4}, Dtype::f16)); }}});
    CHECK_THAT(found(report, "failure"), says("message 0 from machine.cube0.pe0 to machine.cube0.pe1",
                                              "sent as f32 [4] (command 1)", "received as f16 [4] (command 0)"));
}

TEST_CASE("what a kernel has in its hands is the SRAM that it needs") {
    const check::Report report = check_texts(machine_with(32, 8), {{2, [](tl::Context& tl) {
                                                                        Tile a = tl.zeros({64});
                                                                        Tile b = tl.exp(a);
                                                                        a = Tile();
                                                                        tl.wait(tl.exp(b));
                                                                    }}});
    CHECK(report.sram_held == Bytes(512));
    CHECK(report.fullest == "machine.cube0.pe2");
    CHECK(report.commands == 3);
}

TEST_CASE("a store to an input is a mistake whatever is computed") {
    Tensor* tensor = nullptr;
    const check::Report report =
        check_texts(machine_with(32, 8),
                    {{0,
                      [&](tl::Context& tl) {
                          tl.store(tl::at(*tensor, 0, 0), tl.load(tl::at(*tensor, 0, 0), {4, 4}));
                      }}},
                    [&](machine::Target& target) {
                        tensor = &target.allocate(0, "given", {4, 4}, Dtype::f32);
                        tensor->set_given();
                    });
    CHECK_THAT(found(report, "failure"),
               says("machine.cube0.pe0, command 1 (store) writes given, which is an input"));
}

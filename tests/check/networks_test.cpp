// SPDX-License-Identifier: Apache-2.0
// Kernels over several networks without time: a sound one is sound, and what waits is told by the engine of its
// network.
#include "tests/check/checked.h"
#include "tests/language/says.h"
#include "tests/machine/several_networks.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

TEST_CASE("messages over two networks need a buffer of their own each, and the check knows how large") {
    // The first is received last: both wait, in different buffers.
    const Texts texts = {{0,
                          [](tl::Context& tl) {
                              tl.send(4, tl.zeros({64}), 0);
                              tl.send(4, tl.zeros({32}), 1);
                              tl.send(5, tl.zeros({16}), 1);
                          }},
                         {4,
                          [](tl::Context& tl) {
                              tl.wait(tl.recv(5, {16}, Dtype::f32));
                              tl.wait(tl.recv(0, {64}, Dtype::f32));
                              tl.wait(tl.recv(0, {32}, Dtype::f32));
                          }},
                         {5, [](tl::Context& tl) { tl.send(4, tl.recv(0, {16}, Dtype::f32)); }}};
    const check::Report report = check_texts(two_one_way_rings(), texts);
    CHECK(report.sound());
    // What stands before the message to PE 5 on the way west must find room; what goes east need not.
    REQUIRE(report.least_buffer.has_value());
    CHECK(*report.least_buffer == Bytes(128));
    CHECK(report.messages == 4);
}

TEST_CASE("who waits for ever is told by the engine of its network") {
    const Texts texts = {{0,
                          [](tl::Context& tl) {
                              for (int i = 0; i < 2; ++i) tl.send(4, tl.zeros({64}), 1);
                          }},
                         {4, [](tl::Context& tl) { tl.wait(tl.recv(0, {64}, Dtype::f32)); }}};
    const auto small = two_one_way_rings([](Json& json) {
        json["network"]["packet_bytes"] = 128;
        json["network"]["receive_buffer_bytes"] = 128;
    });
    const check::Report report = check_texts(small, texts);
    CHECK_THAT(found(report, "deadlock"), says("machine.cube0.pe0.send_to_pe7_west", "waits for credits"));
    CHECK_THAT(failure_of(small, {texts.begin(), texts.end()}), says("machine.cube0.pe0.send_to_pe7_west"));
    const Texts wrong = {{0, [](tl::Context& tl) { tl.send(4, tl.zeros({64}), 2); }}};
    CHECK_THAT(found(check_texts(two_one_way_rings(), wrong), "failure"), says("there is no network 2"));
}

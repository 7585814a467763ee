// SPDX-License-Identifier: Apache-2.0
// multicast: who gets what and when, how often it crosses a link, whose room it needs, and what it is on a machine
// whose routers do not copy. Times are those of the counting line: 1 byte per ns, no latency.
#include "tests/language/arrays.h"
#include "tests/language/says.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// The counting line with routers that copy, and ports of the links' rate if it has any.
machine::MachineConfig copying_line(bool port, std::uint64_t buffer = 1 << 20) {
    return counting_line([=](Json& json) {
        json["network"]["router"]["multicast"] = true;
        json["network"]["receive_buffer_bytes"] = buffer;
        if (port) json["network"]["port"] = json["network"]["link"];
    });
}

constexpr double copied_ns = 1024;  // of 256 f32
const Shape copied_shape{256};

struct Parts {
    std::uint64_t activities = 0, bytes = 0;
};
/// Of all parts of a kind, or of the one whose path ends so.
Parts parts(const machine::Outcome& outcome, const std::string& kind, const std::string& end = "") {
    Parts sum;
    for (std::size_t i = 0; i < outcome.components.size(); ++i) {
        if (outcome.components[i].kind != kind || !outcome.components[i].path.ends_with(end)) continue;
        sum.activities += outcome.totals[i].activities;
        sum.bytes += outcome.totals[i].bytes.value();
    }
    return sum;
}

/// PE `from` sends one message to all of `to`, each of which receives it; when each has it.
std::map<int, double> times_of(const machine::MachineConfig& config, int from, const std::vector<int>& to,
                               machine::Outcome* outcome = nullptr) {
    std::map<int, double> times;
    Kernels kernels;
    kernels[from] = [&](tl::Context& tl) { tl.multicast(to, tl.trans(tl.zeros({1, 256}))); };
    for (const int pe : to)
        kernels[pe] = [&times, from, pe](tl::Context& tl) {
            times[pe] = ready_ns(tl, tl.recv(from, {256, 1}, Dtype::f32));
        };
    const machine::Outcome done = run_kernels(config, kernels);
    if (outcome) *outcome = done;
    return times;
}

}  // namespace

TEST_CASE("a multicast brings the same tile to every receiver, among other messages in their order") {
    for (const bool copies : {false, true}) {
        for (const bool port : {false, true}) {
            CAPTURE(copies, port);
            machine::Simulation simulation(counting_line([=](Json& json) {
                json["network"]["router"]["multicast"] = copies;
                if (port) json["network"]["port"] = json["network"]["link"];
            }));
            Tensor& output = simulation.allocate(1, "output", {3, 4}, Dtype::f32);
            Tensor& far = simulation.allocate(6, "far", {2, 4}, Dtype::f32);
            const auto row = [](tl::Context& tl, float first) {
                return tl.add(tl.reshape(tl.cast(tl.arange(0, 4), Dtype::f32), {1, 4}), first);
            };
            const auto sends = [&](tl::Context& tl) {
                tl.send(1, row(tl, 10.0F));
                tl.multicast(std::vector<int>{6, 0, 1}, row(tl, 20.0F));
                tl.multicast(std::vector<int>{1, 6}, row(tl, 30.0F));
            };
            const auto receives = [&](tl::Context& tl) {
                for (int i = 0; i < 3; ++i) tl.store(tl::at(output, 0, i), tl.recv(3, {1, 4}, Dtype::f32));
            };
            const auto receives_far = [&](tl::Context& tl) {
                for (int i = 0; i < 2; ++i) tl.store(tl::at(far, 0, i), tl.recv(3, {1, 4}, Dtype::f32));
            };
            const auto receives_one = [](tl::Context& tl) { tl.wait(tl.recv(3, {1, 4}, Dtype::f32)); };
            simulation.launch(3, "sends", sends, ValueMode::full);
            simulation.launch(1, "receives", receives, ValueMode::full);
            simulation.launch(6, "receives_far", receives_far, ValueMode::full);
            simulation.launch(0, "receives_one", receives_one, ValueMode::full);
            const machine::Outcome outcome = simulation.run();
            CHECK(stored(output).data == std::vector<float>{10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33});
            CHECK(stored(far).data == std::vector<float>{20, 21, 22, 23, 30, 31, 32, 33});
            CHECK(outcome.sent == Bytes(6 * 16));
            CHECK(outcome.received == Bytes(6 * 16));
            // Copies: of the first, of those over one link or port all but one; of the second with a port one.
            CHECK(outcome.copied == Bytes(!copies ? 0 : port ? 3 * 16 : 16));
        }
    }
}

TEST_CASE("one injection crosses each link of its way once and is everywhere after its bytes") {
    const std::vector<int> to{1, 2, 3, 5, 7};
    for (const bool port : {false, true}) {
        CAPTURE(port);
        machine::Outcome outcome;
        const auto times = times_of(copying_line(port), 0, to, &outcome);
        const double made = 256;  // the tile, an element a ns
        for (const int pe : to) CHECK(times.at(pe) == made + copied_ns);
        CHECK(parts(outcome, "send").activities == 1);
        CHECK(parts(outcome, "send").bytes == 1024);
        CHECK(parts(outcome, "receive").bytes == 5 * 1024);
        CHECK(parts(outcome, "link").bytes == (7 + (port ? 1 + 5 : 0)) * 1024);
        for (const char* const link : {"pe0_to_pe1", "pe3_to_pe4", "pe6_to_pe7"})
            CHECK(parts(outcome, "link", link).bytes == 1024);
    }
}

TEST_CASE("on routers that do not copy it is a send to each, one after the other") {
    machine::Outcome outcome;
    const auto times = times_of(counting_line(), 0, {3, 1, 2}, &outcome);
    CHECK(times.at(3) == 256 + copied_ns);
    CHECK(times.at(1) == 256 + 2 * copied_ns);
    CHECK(times.at(2) == 256 + 3 * copied_ns);
    CHECK(parts(outcome, "send").activities == 3);
    CHECK(parts(outcome, "link", "pe0_to_pe1").bytes == 3 * 1024);
    CHECK(outcome.copied == Bytes());
}

TEST_CASE("what a multicast brings waits for the receiver that is last to have room") {
    // A buffer of one packet: PE 1 can take no more than that before PE 2 posts its receive.
    const double late = 5000;
    std::map<int, double> times;
    const auto receives = [&](int pe, std::int64_t after) {
        return [&times, pe, after](tl::Context& tl) {
            pause_ns(tl, after);
            times[pe] = ready_ns(tl, tl.recv(0, copied_shape, Dtype::f32));
        };
    };
    const auto sends = [](tl::Context& tl) { tl.multicast(std::vector<int>{1, 2}, tl.zeros(copied_shape)); };
    run_kernels(copying_line(true, 256), {{0, sends}, {1, receives(1, 1)}, {2, receives(2, 5000)}});
    CHECK(times.at(2) > late + copied_ns - 256);
    CHECK(times.at(1) >= late + copied_ns - 2 * 256);
    // With room for all of it nobody waits for anybody.
    run_kernels(copying_line(true), {{0, sends}, {1, receives(1, 1)}, {2, receives(2, 5000)}});
    CHECK(times.at(1) == 256 + copied_ns);
    CHECK(times.at(2) == late);
}

TEST_CASE("mistakes with multicast are named") {
    const auto failure = [](const std::vector<int>& to) {
        return failure_of(copying_line(true),
                          {{0, [&](tl::Context& tl) { tl.multicast(to, tl.zeros(copied_shape)); }}});
    };
    CHECK_THAT(failure({}), says("command 1 (multicast)", "nobody to send to"));
    CHECK_THAT(failure({1, 2, 1}), says("command 1 (multicast)", "PE 1 is named twice"));
    CHECK_THAT(failure({1, 0}), says("(multicast)", "a PE cannot send to itself"));
    CHECK_THAT(failure({1, 8}), says("PE 8 does not exist, the machine has 8"));
    // A receiver that does not receive, or something else, is found like that of a send.
    const auto receives = [](Dtype dtype) {
        return [dtype](tl::Context& tl) { tl.wait(tl.recv(0, copied_shape, dtype)); };
    };
    const auto sends = [](tl::Context& tl) { tl.multicast(std::vector<int>{1, 2}, tl.zeros(copied_shape)); };
    CHECK_THAT(
        failure_of(copying_line(true), {{0, sends}, {1, receives(Dtype::f32)}, {2, receives(Dtype::f16)}}),
        says("message 0 from machine.cube0.pe0 to machine.cube0.pe2", "sent as f32 [256]", "received as f16 [256]"));
    CHECK_THAT(failure_of(copying_line(true, 256), {{0, sends}, {1, receives(Dtype::f32)}}),
               says("machine.cube0.pe0.send: command 1 (multicast) waits for credits",
                    "receive buffer at machine.cube0.pe2"));
    CHECK_THAT(failure_of(copying_line(true), {{0, sends}, {1, receives(Dtype::f32)}}),
               says("machine.cube0.pe0 sent 1 messages to machine.cube0.pe2, which received 0"));
}

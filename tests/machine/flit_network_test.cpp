// SPDX-License-Identifier: Apache-2.0
// Reads and writes on the networks of a chip, cycle by cycle: what an idle network takes, what shares a link, a port
// or a memory, and what waits for what.
#include "sim/noc/flit_routes.h"
#include "tests/machine/chips.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tilemesh;
using namespace tilemesh::probe;
using namespace tilemesh::test;

namespace {

/// On an idle network, from the issue: the request's header over so many hops, the memory, the answer's header over
/// as many as it takes back, and its payload behind that. An interface is entered in the cycle of the issue.
noc::Cycle read_takes(const noc::FlitNetworkConfig& net, int there, int back, std::uint64_t bytes) {
    const auto way = [&](int hops) {
        return net.interface + static_cast<noc::Cycle>(hops) * net.hop + net.interface;
    };
    return way(there) + net.memory + way(back) + (bytes + 31) / 32;
}

StepTimes only_step(const noc::ChipNetworks& chip, const Program& one) {
    return run_programs(chip, {one}).steps[0][0];
}

std::uint64_t all_flits(const ProgramsResult& result) {
    std::uint64_t flits = 0;
    for (const LinkFlits& link : result.links) flits += link.flits;
    return flits;
}

}  // namespace

TEST_CASE("a read on an idle network takes its request's way, the memory, its data's way and a cycle a flit") {
    const noc::ChipNetworks chip = one_way_torus();
    // From node 7 to node 16 there are 6 hops, back there are 3; around all of both rings it is 9.
    for (const std::uint64_t bytes : {std::uint64_t{1}, std::uint64_t{32}, std::uint64_t{1024}}) {
        INFO(bytes);
        CHECK(only_step(chip, program(7, {read_from(16, bytes)}, 100)).begun == 100);
        CHECK(only_step(chip, program(7, {read_from(16, bytes)}, 100)).ended ==
              100 + read_takes(chip.networks[0], 6, 3, bytes));
        CHECK(only_step(chip, program(7, {read_from(7, bytes)})).ended == read_takes(chip.networks[0], 0, 0, bytes));
    }
}

TEST_CASE("cycles in which nothing can happen take no time to simulate, however many") {
    noc::ChipNetworks chip = one_way_torus();
    noc::FlitNetworkConfig& net = chip.networks[0];
    for (noc::Cycle* latency : {&net.hop, &net.interface, &net.memory, &net.credit}) {
        const noc::Cycle usual = *latency;
        *latency = 1'000'000'000'000;
        CHECK(only_step(chip, program(7, {read_from(16, 1024)})).ended == read_takes(net, 6, 3, 1024));
        *latency = usual;
    }
    net.buffer = 1;  // each flit but the first waits for the credit of the one before, on every link
    net.credit = 1'000'000'000'000;
    CHECK(only_step(chip, program(7, {read_from(8, 1024)})).ended > 32 * net.credit);
}

TEST_CASE("a write takes its payload along and comes back as a header") {
    const noc::ChipNetworks chip = one_way_torus();
    CHECK(only_step(chip, program(7, {write_to(16, 1000)})).ended == read_takes(chip.networks[0], 6, 3, 1000));
}

TEST_CASE("what is larger than a packet is read in several, the memory between them") {
    noc::ChipNetworks chip = one_way_torus();
    const noc::Cycle one = read_takes(chip.networks[0], 1, 4, 1024);
    // The second request is there long before the first answer has left.
    CHECK(only_step(chip, program(7, {read_from(8, 2048)})).ended == one + chip.networks[0].memory + 33);
    chip.networks[0].packet = Bytes(2048);
    CHECK(only_step(chip, program(7, {read_from(8, 2048)})).ended == one + 32);
}

TEST_CASE("the way north and then west is another than east and then south") {
    const noc::ChipNetworks chip = chip_of(noc::TopologyKind::torus, 4, 5, {noc::Way::north, noc::Way::west});
    CHECK(only_step(chip, program(7, {read_from(16, 64)})).ended == read_takes(chip.networks[0], 3, 6, 64));
    CHECK(only_step(chip, program(8, {read_from(7, 64)})).ended == read_takes(chip.networks[0], 1, 4, 64));
}

TEST_CASE("two answers over one link take turns, flit by flit, and both end when all has gone") {
    noc::ChipNetworks chip = one_way_torus();
    chip.networks[0].buffer = 4096;
    // Nodes 5 and 6 both send 33 flits to node 8, over the links from 6 on. Both reads go once around: 5 hops.
    const ProgramsResult both = run_programs(chip, {program(8, {read_from(5, 1024), read_from(6, 1024)})});
    const noc::Cycle alone = read_takes(chip.networks[0], 2, 3, 1024);
    const noc::Cycle first = std::min(both.steps[0][0].ended, both.steps[0][1].ended);
    const noc::Cycle last = std::max(both.steps[0][0].ended, both.steps[0][1].ended);
    CHECK(last == alone + 33);
    CHECK(first >= last - 4);  // not one after the other
}

TEST_CASE("one channel of data sends one packet after the other, of two the short one passes the long one") {
    for (const int channels : {1, 2}) {
        noc::ChipNetworks chip = one_way_torus();
        chip.networks[0].data_channels = channels;
        // The long one is on the link from 6 to 7 when the short one from 6 to 9 comes to it.
        const ProgramsResult two =
            run_programs(chip, {program(8, {read_from(5, 1024)}), program(9, {read_from(6, 32)}, 20)});
        const noc::Cycle alone = 20 + read_takes(chip.networks[0], 2, 3, 32);
        INFO(channels);
        if (channels == 2) CHECK(two.steps[1][0].ended <= alone + 6);
        if (channels == 1) CHECK(two.steps[1][0].ended > alone + 15);
    }
}

TEST_CASE("an interface answers one request after the other, and as many at once as it is given") {
    noc::ChipNetworks chip = one_way_torus();
    // Node 8 asks node 7 around the ring, node 7 asks itself: requests of either side of the dateline.
    const std::vector<Program> programs{program(8, {read_from(7, 1024)}), program(7, {read_from(7, 1024)})};
    const noc::Cycle self = read_takes(chip.networks[0], 0, 0, 1024);
    const ProgramsResult one = run_programs(chip, programs);
    CHECK(one.steps[1][0].ended == self + 1);  // a cycle of the way in is the other request's
    // The other request has come in meanwhile and is taken up when the first answer's tail has left.
    const noc::Cycle tail_left = 2 * chip.networks[0].interface + chip.networks[0].memory + 32;
    CHECK(one.steps[0][0].ended == tail_left + 1 + chip.networks[0].memory + 2 * chip.networks[0].interface + 7 + 32);
    chip.networks[0].answers = 2;
    const ProgramsResult two = run_programs(chip, programs);
    CHECK(two.steps[0][0].ended < one.steps[0][0].ended);
    CHECK(two.steps[1][0].ended > self);  // they share the way out
}

TEST_CASE("requests that an interface has no room for wait in the network, and hold up those behind them") {
    noc::ChipNetworks chip = one_way_torus();
    chip.networks[0].packet = Bytes(4096);
    chip.networks[0].queue = 1;
    chip.networks[0].buffer = 1;
    // Three long reads of node 8; behind the last of them, in the same channel, a short one of node 9.
    std::vector<ProgramStep> steps(3, read_from(8, 4096));
    steps.push_back(read_from(9, 32));
    const ProgramsResult held = run_programs(chip, {program(7, steps)});
    CHECK(held.steps[0][3].ended > held.steps[0][0].ended);
    chip.networks[0].queue = 64;
    const ProgramsResult free = run_programs(chip, {program(7, steps)});
    CHECK(free.steps[0][3].ended < free.steps[0][0].ended);
}

TEST_CASE("a core's memory moves so many flits a cycle, in and out, of all its networks") {
    noc::ChipNetworks chip = one_way_torus();
    chip.networks[0].packet = Bytes(3200);
    chip.networks.push_back(network_with({noc::Way::north, noc::Way::west}));
    chip.networks[1].name = "other";
    chip.networks[1].packet = Bytes(3200);
    std::vector<Program> programs{program(7, {read_from(12, 3200)}), program(7, {read_from(12, 3200)})};
    programs[1].network = 1;
    programs[1].id = "other";
    const noc::Cycle free = run_programs(chip, programs).end;
    chip.memory_flits = 2.0;
    CHECK(run_programs(chip, programs).end == free);  // each network moves one flit a cycle
    chip.memory_flits = 1.0;
    const noc::Cycle shared = run_programs(chip, programs).end;
    CHECK(shared >= free + 80);  // the second to come is 14 cycles behind the first
    CHECK(shared <= free + 110);
    // Reading one's own memory goes through it twice.
    chip.memory_flits = 1.0;
    const noc::Cycle self = only_step(chip, program(3, {read_from(3, 3200)})).ended;
    CHECK(self >= read_takes(chip.networks[0], 0, 0, 3200) + 90);
    chip.memory_flits = 1.5;
    const noc::Cycle faster = only_step(chip, program(3, {read_from(3, 3200)})).ended;
    CHECK(faster >= 200 * 2 / 3);
    CHECK(faster <= self - 40);
}

TEST_CASE("a packet longer than the buffers lies across routers; one buffer per round trip is its pace") {
    noc::ChipNetworks chip = one_way_torus();
    const noc::Cycle whole = only_step(chip, program(7, {read_from(16, 1024)})).ended;
    chip.networks[0].buffer = 12;  // as long as a hop and a credit take
    CHECK(only_step(chip, program(7, {read_from(16, 1024)})).ended == whole);
    chip.networks[0].buffer = 6;
    const noc::Cycle half = only_step(chip, program(7, {read_from(16, 1024)})).ended;
    CHECK(half >= whole + 33 - 6);
    CHECK(half <= whole + 33 + 6);
}

TEST_CASE("every flit crosses every link of its way, and no link moves more than one a cycle") {
    noc::ChipNetworks chip = one_way_torus();
    chip.networks[0].buffer = 8;
    chip.networks[0].queue = 2;
    chip.memory_flits = 1.5;
    std::vector<Program> programs;
    std::uint64_t expected = 0;
    const noc::FlitRoutes routes(chip.networks[0], chip.grid);
    for (int node = 0; node < 20; ++node) {
        std::vector<ProgramStep> steps;
        for (int i = 0; i < 6; ++i) {
            const int other = (node * 7 + i * 3 + 1) % 20;
            const std::uint64_t bytes = 100 + static_cast<std::uint64_t>(97 * i + node);
            const bool write = i % 3 == 2;
            steps.push_back(write ? write_to(other, bytes) : read_from(other, bytes));
            const std::uint64_t data = 1 + (bytes + 31) / 32;
            const auto there = static_cast<std::uint64_t>(routes.hops(node, other) + 1);
            const auto back = static_cast<std::uint64_t>(routes.hops(other, node) + 1);
            expected += write ? data * there + back : there + data * back;
        }
        steps.push_back(barrier_after());
        programs.push_back(program(node, steps));
    }
    const ProgramsResult result = run_programs(chip, programs);
    CHECK(all_flits(result) == expected);
    for (const LinkFlits& link : result.links) CHECK(link.flits <= result.end);
    const ProgramsResult again = run_programs(chip, programs);
    CHECK(again.end == result.end);
    for (std::size_t i = 0; i < programs.size(); ++i)
        for (std::size_t k = 0; k < programs[i].steps.size(); ++k)
            CHECK(again.steps[i][k].ended == result.steps[i][k].ended);
}

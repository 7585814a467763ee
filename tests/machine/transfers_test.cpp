// SPDX-License-Identifier: Apache-2.0
// Lists of transfers that wait for each other: when each begins, and what the end waited for.
#include "sim/probe/transfers_run.h"
#include "tests/machine/grids.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::probe;
using namespace tilemesh::test;

TEST_CASE("a transfer begins when the last one that it comes after has arrived, and not before its time") {
    const Picoseconds late = from_nanoseconds(1e6);
    // No two use a link at the same time. The second arrives after the first: it is a hundred times as long.
    const TransfersResult run = run_transfers(network_of(line(6)), {{0, 1, Bytes(1000), {}},
                                                                    {2, 3, Bytes(100000), {}},
                                                                    {4, 5, Bytes(1000), {}, {0, 1}},
                                                                    {1, 0, Bytes(1000), late, {0}}});
    REQUIRE(run.times[0].arrived < run.times[1].arrived);
    REQUIRE(run.times[2].arrived < late);
    CHECK(run.times[2].begun == run.times[1].arrived);
    CHECK(run.times[2].waited_for == 1);
    CHECK(run.times[3].begun == late);
    CHECK(run.times[3].waited_for == -1);
    CHECK(run.end == run.times[3].arrived);
    // Both have 1000 bytes and one hop.
    CHECK(run.times[2].arrived - run.times[2].begun == run.times[0].arrived);
    CHECK(run.times[3].arrived - late == run.times[0].arrived);
}

TEST_CASE("transfers that no 64 bits of picoseconds can count are refused, not counted from the beginning again") {
    noc::NetworkConfig network = network_of(line(2));
    network.link = {Rate::gbytes_per_s(0.001), Picoseconds(), Bytes(std::uint64_t{1} << 30)};
    network.packet = network.flit = Bytes(1 << 24);
    const ListedTransfer most{0, 1, Bytes(std::uint64_t{1} << 40), {}};  // 13 days each
    CHECK_NOTHROW(run_transfers(network, {most, most}));
    CHECK_THROWS_WITH(run_transfers(network, std::vector<ListedTransfer>(20, most)),
                      Catch::Contains("of 20 arrive within 53 days"));
}

TEST_CASE("the critical chain ends with the last to arrive and begins with what waited for nothing") {
    const TransfersResult run = run_transfers(network_of(line(6)), {{0, 1, Bytes(100), {}},
                                                                    {1, 2, Bytes(90000), {}, {0}},
                                                                    {3, 4, Bytes(200), {}},
                                                                    {2, 3, Bytes(500), {}, {1, 2}},
                                                                    {4, 5, Bytes(100), {}, {2}}});
    CHECK(run.critical_chain() == std::vector<std::size_t>{0, 1, 3});
}

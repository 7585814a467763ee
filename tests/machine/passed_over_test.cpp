// SPDX-License-Identifier: Apache-2.0
// What was passed over instead of simulated, added to what was recorded.
#include "sim/machine/passed_over.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::machine;

TEST_CASE("movers are as busy for a byte as in what was simulated, but no longer than the run") {
    std::vector<Totals> totals(5);
    totals[2].busy = totals[4].busy = Picoseconds(90);
    totals[2].bytes = Bytes(10);
    totals[2].activities = totals[4].activities = 1;
    Effort passed;
    passed.of(EngineKind::dma_load) = {2, 0, 30, 100};
    const OwnParts parts{{0, 1, 2, 3}, 4};
    std::vector<Totals> tight = totals;
    add_passed(totals, parts, passed, Picoseconds(500));
    add_passed(tight, parts, passed, Picoseconds(200));
    CHECK(totals[2].busy == Picoseconds(360));
    CHECK(totals[4].busy == Picoseconds(360));
    CHECK(tight[2].busy == Picoseconds(200));
    CHECK(tight[4].busy == Picoseconds(200));
    CHECK(tight[2].bytes == Bytes(40));
}

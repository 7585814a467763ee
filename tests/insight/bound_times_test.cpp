// SPDX-License-Identifier: Apache-2.0
// How the time of a run is divided, from accounts that are written down here: who waits for whom is said by them
// alone.
#include "sim/insight/bound.h"

#include <catch2/catch.hpp>

#include <map>

using namespace tilemesh;

namespace {

using Parts = std::map<std::string, std::uint64_t>;  // ps

report::ComponentResult part_of_pe(const std::string& kind, const Parts& account) {
    report::ComponentResult part;
    part.path = "machine.cube0.pe0." + kind;
    part.kind = kind;
    for (const auto& [name, time] : account) part.account.push_back({name, Picoseconds(time)});
    return part;
}

/// Of a run of 1,000 ps.
Parts divided(const std::vector<report::ComponentResult>& parts, int transfers = 1) {
    report::KernelResult result;
    result.time = Picoseconds(1000);
    result.components = parts;
    Parts times;
    for (const report::ClassTime& one : insight::bound_times(result, transfers)) times[one.name] = one.time.value();
    return times;
}

}  // namespace

TEST_CASE("time without commands, because the queue of another engine is full, is that engine's work") {
    CHECK(divided({part_of_pe("vector", {{"add", 600}, {"queue matrix", 400}}),
                   part_of_pe("matrix", {{"dot", 500}, {"done", 500}})}) == Parts{{"vector", 600}, {"matrix", 400}});
}

TEST_CASE("when everything has been issued, the time until the end is the work of the engine that ends last") {
    CHECK(divided({part_of_pe("vector", {{"add", 600}, {"drain", 400}}),
                   part_of_pe("matrix", {{"dot", 500}, {"operand from vector", 400}, {"drain", 100}})}) ==
          Parts{{"vector", 600}, {"matrix", 400}});
}

TEST_CASE("an engine that waits for what is in its own pipeline works") {
    CHECK(divided({part_of_pe("matrix", {{"dot", 300}, {"operand from matrix", 500}, {"operand from vector", 200}}),
                   part_of_pe("vector", {{"add", 400}, {"operand from matrix", 600}})}) ==
          Parts{{"matrix", 800}, {"vector", 200}});
}

TEST_CASE("transfers through the port of an SRAM have each its rate: it is at work as long as all of them") {
    // 100 bytes at 1,000 a nanosecond: 100 ps for each of those that may be under way at once.
    report::ComponentResult loads = part_of_pe("dma_load", {{"load", 800}, {"issue", 200}});
    loads.bytes = Bytes(100);
    loads.peak_per_ns = 1000.0;
    CHECK(divided({loads}, 1) == Parts{{"SRAM", 100}, {"latency", 700}, {"issue", 200}});
    CHECK(divided({loads}, 4) == Parts{{"SRAM", 400}, {"latency", 400}, {"issue", 200}});
    CHECK(divided({loads}, 16) == Parts{{"SRAM", 800}, {"issue", 200}});
}

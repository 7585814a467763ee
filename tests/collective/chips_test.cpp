// SPDX-License-Identifier: Apache-2.0
// Rows of collectives between chips: which suite each belongs to, which parameters were fitted to, and that a row is
// run on the machine that it describes.
#include "sim/validation/families.h"
#include "sim/workloads/collective/collective_run.h"

#include <catch2/catch.hpp>

#include <map>

using namespace tilemesh;
using namespace tilemesh::validation;

namespace {

const workloads::CollectiveKind kind;

Json row(const char* chip, const char* operation, const char* topology, int n, std::uint64_t bytes, double us) {
    return {{"chip", chip},
            {"operation", operation},
            {"topology", topology},
            {"n", n},
            {"bytes", bytes},
            {"memory", "DRAM"},
            {"links", chip[0] == 'b' ? 2 : 1},
            {"calls_back_to_back", 1},
            {"time_us", us}};
}
std::vector<Case> cases_of(const Json& rows) {
    static const run::Workloads workloads{&kind};
    static const Surroundings surroundings{TILEMESH_CONFIGS, workloads};
    const Json file = {{"rows", rows}};
    REQUIRE(chips_family().recognises(file));
    return chips_family().read(JsonReader(file, "chips.json"), surroundings);
}
std::string suite_of(const Json& one) { return cases_of(Json::array({one})).front().suites.front(); }

}  // namespace

TEST_CASE("rows that parameters were fitted to stand apart from those that are predicted") {
    const char* const w = "wormhole_b0";
    const char* const b = "blackhole";
    CHECK(suite_of(row(w, "all_gather", "line", 2, 4096, 7)) == "chips_fitted");
    CHECK(suite_of(row(w, "reduce_scatter", "line", 4, 4096, 7)) == "chips_fitted");
    CHECK(suite_of(row(w, "all_gather", "ring", 8, 4096, 7)) == "chips_fitted");
    CHECK(suite_of(row(b, "all_to_all", "line", 2, 4096, 7)) == "chips_fitted");
    CHECK(suite_of(row(w, "all_reduce", "line", 4, 4096, 7)) == "chips_all_reduce");
    CHECK(suite_of(row(w, "all_gather", "line", 8, 4096, 7)) == "chips_lines");
    CHECK(suite_of(row(w, "all_to_all", "line", 8, 4096, 7)) == "chips_lines");
    CHECK(suite_of(row(w, "all_reduce", "line", 8, 4096, 7)) == "chips_lines_reduced");
    CHECK(suite_of(row(w, "reduce_scatter", "ring", 8, 4096, 7)) == "chips_rings");
    CHECK(suite_of(row(b, "all_gather", "line", 4, 4096, 7)) == "chips_blackhole");
    CHECK(suite_of(row(b, "all_gather", "ring", 8, 4096, 7)) == "chips_blackhole");
}

TEST_CASE("only the suite of fitted rows says that it is one") {
    for (const Suite& suite : chips_family().suites) CHECK(suite.fitted == (suite.name == "chips_fitted"));
}

TEST_CASE("calls without a wait between them are counted, not compared") {
    Json together = row("wormhole_b0", "all_gather", "line", 2, 4096, 6.5);
    together["calls_back_to_back"] = 8;
    const Case only = cases_of(Json::array({together})).front();
    CHECK(only.left_out.find("follow each other") != std::string::npos);
    CHECK_FALSE(only.measure);
}

TEST_CASE("a row runs on its chip, topology, number of chips and links") {
    const auto us = [](const Json& one) { return cases_of(Json::array({one})).front().measure().front().measured; };
    const std::uint64_t bytes = 1 << 26;
    const double line = us(row("wormhole_b0", "all_gather", "line", 8, bytes, 1));
    // Seven eighths of the bytes at 93 to 95 % of 12.5 GB/s.
    CHECK(line == Approx(bytes * 7.0 / 8 / 11.75 / 1000).epsilon(0.02));
    CHECK(us(row("wormhole_b0", "all_gather", "ring", 8, bytes, 1)) < 0.6 * line);
    CHECK(us(row("wormhole_b0", "all_gather", "line", 4, bytes, 1)) == Approx(line * 6 / 7).epsilon(0.02));
    const double two = us(row("blackhole", "all_gather", "line", 8, bytes, 1));
    CHECK(two == Approx(bytes * 7.0 / 8 / 47.7 / 1000).epsilon(0.02));
    Json four = row("blackhole", "all_gather", "line", 8, bytes, 1);
    four["links"] = 4;
    CHECK(us(four) == Approx(two / 2).epsilon(0.03));
}

TEST_CASE("a ring beside the line of the same chips is compared by how much faster it is") {
    const Json rows = {row("wormhole_b0", "all_gather", "line", 8, 1 << 26, 5000),
                       row("wormhole_b0", "all_gather", "ring", 8, 1 << 26, 2850),
                       row("wormhole_b0", "all_gather", "ring", 8, 1 << 20, 70)};
    std::map<std::string, int> count;
    for (const Case& one : cases_of(rows)) {
        ++count[one.suites.front()];
        if (one.suites.front() != "chips_ring_ratio") continue;
        const Comparison ratio = one.measure().front();
        CHECK(ratio.reference == Approx(5000.0 / 2850));
        CHECK(ratio.measured == Approx(1.77).epsilon(0.03));
    }
    CHECK(count["chips_ring_ratio"] == 1);
    CHECK(count["chips_lines"] == 1);
    CHECK(count["chips_fitted"] == 2);
}

TEST_CASE("a chip or an operation that nobody knows is refused with its place") {
    CHECK_THROWS_WITH(cases_of(Json::array({row("wormhole", "all_gather", "line", 2, 4096, 7)})),
                      Catch::Contains("chips.json: /rows/0/chip"));
    CHECK_THROWS_WITH(cases_of(Json::array({row("blackhole", "all_gater", "line", 2, 4096, 7)})),
                      Catch::Contains("did you mean all_gather"));
}

// SPDX-License-Identifier: Apache-2.0
// Panels of collectives from text to result: verdicts, bounds, what is refused.
#include "sim/report/explanation.h"
#include "sim/run/explain.h"
#include "sim/workloads/collective/collective_run.h"
#include "tests/collective/kind_panels.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace tilemesh;

namespace {

const workloads::CollectiveKind kind;

Json panel_of(const std::string& operation, std::uint64_t bytes, const Json& machine, const Json& kernels) {
    return {{"name", "p"},
            {"machine", machine},
            {"problem", {{"collective", operation}, {"bytes", bytes}}},
            {"kernels", kernels}};
}
run::Panel read(const Json& panel) { return example::read_of_kind(kind, panel); }
report::KernelResult result_of(const Json& json, std::size_t number = 0) {
    return example::run_of_kind(kind, json, number);
}
std::string refusal(const Json& json) {
    try {
        run::check_panel(read(json));
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("every operation and algorithm gives right answers on lines and rings, above its bounds") {
    for (const char* const machine : {"wormhole_line8", "wormhole_ring8", "blackhole_4x", "ideal_line", "cube_line8"})
        for (const char* const operation : {"all_gather", "reduce_scatter", "all_reduce", "all_to_all"})
            for (const std::uint64_t bytes : {2U, 4096U, 1000002U}) {
                CAPTURE(machine, operation, bytes);
                const report::KernelResult result = result_of(panel_of(operation, bytes, machine, {"auto"}));
                CHECK(result.verdict.pass);
                CHECK(result.time >= result.machine_bound.time);
                CHECK(result.time >= result.schedule_bound.time);
                CHECK(result.schedule_bound.time >= result.machine_bound.time);
            }
}

TEST_CASE("energy, limits of power and random latencies, which collectives do not have, are refused") {
    const auto with = [](const Json& more) {
        Json panel = panel_of("all_gather", 4096, {{"base", "wormhole_line8"}, {"energy", "7nm"}}, {"relay"});
        panel.merge_patch(more);
        return refusal(panel);
    };
    CHECK(with(Json::object()).empty());
    CHECK_THAT(with({{"energy", true}}), Catch::Contains("/energy: relay has no commands of PEs"));
    CHECK_THAT(with({{"jitter", 3}}), Catch::Contains("/jitter: relay has no commands of PEs"));
    CHECK_THAT(with({{"machine", {{"power_limit", {{"pe_watts", 5}}}}}}),
               Catch::Contains("/machine/power_limit: relay has no commands of PEs"));
}

TEST_CASE("sums that all but cancel, and those of many chips, are right when they round as their type does") {
    for (const int seed : {1, 2, 3, 4, 5, 6})
        for (const int chips : {6, 12, 64}) {
            Json panel = panel_of("all_reduce", 2 * static_cast<std::uint64_t>(chips), "wormhole_ring8", {"relay"});
            panel["machine"] = {{"base", panel["machine"]}, {"cube", {{"topology", "ring"}, {"cols", chips}}}};
            panel["problem"]["dtype"] = "f16";
            panel["values"] = {{"mode", "full"}, {"seed", seed}};
            CAPTURE(seed, chips);
            CHECK(result_of(panel).verdict.pass);
            panel["problem"]["bytes"] = 2;
            CHECK(result_of(panel).verdict.pass);
        }
}

TEST_CASE("an all_reduce is a reduce_scatter and an all_gather, one after the other") {
    const auto time = [](const char* operation) {
        return result_of(panel_of(operation, 1 << 20, "wormhole_line8", {"auto"})).time;
    };
    CHECK(time("all_reduce") == time("reduce_scatter") + time("all_gather"));
    const report::KernelResult both = result_of(panel_of("all_reduce", 1 << 20, "wormhole_line8", {"multicast"}));
    CHECK(both.note.find("reduce_scatter by relay") == 0);
    CHECK(both.note.find("all_gather by multicast") != std::string::npos);
}

TEST_CASE("copies round a ring never wait for each other, however few slots there are") {
    for (const std::uint64_t bytes : {1u << 12, 1u << 20, 1u << 23})
        for (const int slots : {1, 2, 3, 16}) {
            Json panel = panel_of("all_gather", bytes, "wormhole_ring8", {"multicast"});
            panel["machine"] = {{"base", panel["machine"]}, {"collectives", {{"packet", {{"slots", slots}}}}}};
            CAPTURE(bytes, slots);
            const report::KernelResult result = result_of(panel);
            CHECK(result.time >= result.schedule_bound.time);
            CHECK(result.busiest_link.bytes >= Bytes(bytes / 16 * 7));
        }
}

TEST_CASE(
    "copies round a ring are the faster the more slots there are, and fill half of them at least, or the links") {
    const double link = 100.0, latency_ns = 1000.0, packet = 4096.0, channels = 4.0;
    for (const int chips : {6, 9, 12}) {
        double before = 1e9;
        for (const int slots : {2, 4, 8, 16, 24, 32, 48, 64}) {
            Json panel = panel_of("all_gather", static_cast<std::uint64_t>(chips) << 20, "ideal_line", {"multicast"});
            panel["machine"] = {{"base", "ideal_line"},
                                {"cube", {{"topology", "ring"}, {"cols", chips}}},
                                {"network",
                                 {{"packet_bytes", 4096},
                                  {"router", {{"virtual_channels", 4}}},
                                  {"link", {{"gbytes_per_s", link}, {"latency_ns", latency_ns}}}}},
                                {"collectives", {{"packet", {{"slots", slots}}}}}};
            CAPTURE(chips, slots);
            const double us = to_nanoseconds(result_of(panel).time) / 1000.0;
            const double rate = std::min(link, channels * slots / 2.0 * packet / (2 * latency_ns + packet / link));
            const double bytes = (chips - 1) / 2.0 * (1 << 20);
            CHECK(us <= before * 1.001);
            CHECK(us <= bytes / rate / 1000.0 * 1.25 + chips * latency_ns / 1000.0);
            before = us;
        }
    }
}

TEST_CASE("the busiest link of a table is that of the closed form, all parallel links together") {
    const report::KernelResult line = result_of(panel_of("all_gather", 1 << 20, "blackhole_line8", {"multicast"}));
    CHECK(line.busiest_link.bytes == Bytes((1 << 20) / 8 * 7));
    const report::KernelResult ring = result_of(panel_of("reduce_scatter", 1 << 20, "wormhole_ring8", {"relay"}));
    CHECK(ring.busiest_link.bytes == Bytes((1 << 20) / 16 * 7));
}

TEST_CASE("what an algorithm or machine cannot do is said, and mistakes have their place") {
    CHECK(refusal(panel_of("all_to_all", 4096, "wormhole_line8", {"relay"}))
              .find("/kernels/0: there is no all_to_all by relay") != std::string::npos);
    CHECK(refusal(panel_of("reduce_scatter", 4096, "wormhole_line8", {"multicast"}))
              .find("there is no reduce_scatter by multicast") != std::string::npos);
    CHECK(refusal(panel_of("all_gather", 4096, "cube_2x4", {"auto"})).find("a line or a ring") != std::string::npos);
    CHECK(refusal(panel_of("all_gathr", 4096, "wormhole_line8", {"auto"})).find("did you mean all_gather") !=
          std::string::npos);
    CHECK(refusal(panel_of("all_gather", 4097, "wormhole_line8", {"auto"})).find("a multiple of 2") !=
          std::string::npos);
    Json misspelt = panel_of("all_gather", 4096, "wormhole_line8", {"auto"});
    misspelt["problem"]["byte"] = 1;
    CHECK(refusal(misspelt).find("/problem/byte: unknown key, did you mean bytes?") != std::string::npos);
    Json full = panel_of("all_gather", 1 << 26, "wormhole_line8", {"auto"});
    full["values"] = {{"mode", "full"}};
    CHECK(refusal(full).find("too many to follow in full") != std::string::npos);
}

TEST_CASE("values in full and as a sample agree, and none are computed when none are wanted") {
    Json panel = panel_of("all_reduce", 4096, "wormhole_ring8", {"auto"});
    panel["values"] = {{"mode", "full"}};
    const report::KernelResult full = result_of(panel);
    CHECK(full.verdict.pass);
    CHECK(full.verdict.rows_checked == 2048);
    panel["values"] = {{"mode", "none"}};
    const report::KernelResult none = result_of(panel);
    CHECK_FALSE(none.verdict.computed());
    CHECK(none.time == full.time);
}

TEST_CASE("rings of chips are faster than lines, and more links than fewer") {
    const auto time = [](const Json& machine) {
        return static_cast<double>(result_of(panel_of("all_gather", 1 << 26, machine, {"auto"})).time.value());
    };
    CHECK(time("wormhole_line8") / time("wormhole_ring8") > 1.5);
    CHECK(time("wormhole_line8") / time("wormhole_ring8") < 2.0);
    CHECK(time("blackhole_line8") / time({{"base", "blackhole_line8"},
                                          {"network", {{"link", {{"gbytes_per_s", 100}}}}},
                                          {"collectives", {{"links", 4}}}}) ==
          Approx(2.0).epsilon(0.02));
}

TEST_CASE("a critical path or a trace of a collective is refused, not made up") {
    const run::Panel panel = read(panel_of("all_gather", 4096, "wormhole_line8", {"auto"}));
    const run::Entry& entry = panel.kernels.front();
    const auto prepared = entry.workload->prepare({0}, 1);
    run::Wanted wanted;
    wanted.critical_path = true;
    CHECK_THROWS_AS(entry.workload->run(0, *prepared, wanted), KernelError);
}

TEST_CASE("the same panel gives the same result") {
    const Json panel = panel_of("all_to_all", 1 << 20, "wormhole_ring8", {"auto"});
    const report::KernelResult first = result_of(panel), second = result_of(panel);
    CHECK(first.time == second.time);
    CHECK(first.components == second.components);
}

TEST_CASE("a collective has no critical path; what it would gain is proved for every part") {
    Json panel = panel_of("all_reduce", 262144, "wormhole_line8", {"relay"});
    const run::Resolved resolved = run::resolve_panel_object(panel, "p.json", TILEMESH_CONFIGS);
    const run::Explained explained = run::explain(resolved, {&kind}, {.workers = 1});
    const report::KernelResult& result = explained.panel.kernels.at(0);
    CHECK_FALSE(result.critical_path);
    REQUIRE(result.what_if.size() > 8);
    std::set<std::string> faster;
    for (const report::WhatIf& change : result.what_if) {
        INFO(change.change);
        REQUIRE(change.proved);
        CHECK_FALSE(change.estimated);
        CHECK(*change.proved <= result.time);
        if (*change.proved < result.time) faster.insert(change.change);
    }
    for (const char* part : {"link=2x", "link latency=2x", "calls=free", "workers=2x", "packets=free"})
        CHECK(faster.contains(part));
    CHECK_FALSE(faster.contains("vector=free"));
    // Of the parts of a call, those before the first byte and after the last are no more.
    const auto free_calls = std::find_if(result.what_if.begin(), result.what_if.end(),
                                         [](const report::WhatIf& change) { return change.change == "calls=free"; });
    const Picoseconds fixed = from_nanoseconds(2 * 1500 + 2 * 2600);  // reduce_scatter and all_gather
    CHECK(result.time - *free_calls->proved == fixed);
    const std::string text = report::explanation_text(result, false);
    CHECK_THAT(text, Catch::Contains("reduce_scatter by relay") && Catch::Contains("First: "));
    CHECK_THAT(text, !Catch::Contains("estimated") && !Catch::Contains("critical path"));
}

TEST_CASE("what routers take to add is a part of the machine that explain frees") {
    Json panel = panel_of("reduce_scatter", 262144, "wormhole_line8", {"in_network"});
    panel["machine"] = {{"base", "wormhole_line8"},
                        {"name", "adds"},
                        {"network", {{"router", {{"reduction", true}}}}},
                        {"collectives", {{"reduction_ns", 50000}}}};
    const run::Resolved resolved = run::resolve_panel_object(panel, "p.json", TILEMESH_CONFIGS);
    const report::KernelResult result = run::explain(resolved, {&kind}, {.workers = 1}).panel.kernels.at(0);
    CHECK_THAT(report::first_to_change(result), Catch::StartsWith("First: packets=free"));
}

// SPDX-License-Identifier: Apache-2.0
// The member "collectives" of machines: what it refuses, and that the shipped ones say where their numbers come from.
#include "sim/collective/config.h"
#include "sim/base/dotted_path.h"
#include "sim/base/error.h"
#include "sim/run/resolve.h"

#include <catch2/catch.hpp>

#include <set>

using namespace tilemesh;
using namespace tilemesh::collective;

namespace {

std::string refusal(const char* text) {
    const Json json = parse_json_text(text, "m.json");
    try {
        read_collectives(JsonReader(json, "m.json", "/collectives"));
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

const std::vector<std::string> shipped{"wormhole_line8", "wormhole_ring8", "blackhole_line8", "blackhole_ring8",
                                       "blackhole_4x"};

Json collectives_of(const std::string& machine) {
    return run::resolve_machine_file(std::filesystem::path(TILEMESH_CONFIGS) / "machines" / (machine + ".json"))
        .json.at("collectives");
}

}  // namespace

TEST_CASE("without any key everything is neutral") {
    const Json empty = Json::object();
    const CollectiveConfig config = read_collectives(JsonReader(empty, "m.json"));
    CHECK(config.links == 1);
    CHECK_FALSE(config.worker);
    CHECK_FALSE(config.finish);
    CHECK(config.barrier);
    CHECK(config.call(Operation::all_to_all).connect == Picoseconds());
    CHECK(config.packet.on_wire(Bytes(6144)) == Bytes(6144));
    CHECK(config.reduce_workers(true, Bytes(1) * 1000000) == 1);
}

TEST_CASE("workers are those of the last size that is reached") {
    const std::vector<WorkerCount> counts{{Bytes(), 1}, {Bytes(100), 2}, {Bytes(200), 8}};
    CHECK(workers_for(counts, Bytes(99)) == 1);
    CHECK(workers_for(counts, Bytes(100)) == 2);
    CHECK(workers_for(counts, Bytes(1000)) == 8);
    CHECK(workers_for({}, Bytes(1000)) == 1);
}

TEST_CASE("mistakes are answered with their place and what to write") {
    CHECK(refusal(R"({"relai_ns": 1})") == "m.json: /collectives/relai_ns: unknown key, did you mean relay_ns?");
    CHECK(refusal(R"({"packet": {"frame_overhead_bytes": 50}})").find("without frame_bytes") != std::string::npos);
    CHECK(refusal(R"({"workers": []})").find("a list of {from_bytes, count}") != std::string::npos);
    CHECK(refusal(R"({"workers": [{"from_bytes": 5, "count": 1}]})").find("expected 0") != std::string::npos);
    CHECK(refusal(R"({"workers": [{"from_bytes": 0, "count": 1}, {"from_bytes": 0, "count": 2}]})")
              .find("/collectives/workers/1: from_bytes: expected more") != std::string::npos);
    CHECK(refusal(R"({"all_gather": {"conect_ns": 1}})").find("did you mean connect_ns?") != std::string::npos);
    CHECK(refusal(R"({"worker_gbytes_per_s": 0})").find("/collectives/worker_gbytes_per_s") != std::string::npos);
    CHECK(refusal(R"({"fitted_from": [{"parameter": "packet.ruter_ns", "value": 1, "rows": ["r"], "meaning": "m"}]})")
              .find("expected the dotted path of a number in m.json: /collectives") != std::string::npos);
}

TEST_CASE("every fitted value of a shipped machine is the one it has, and no parameter is named twice") {
    for (const std::string& machine : shipped) {
        const Json collectives = collectives_of(machine);
        std::set<std::string> seen;
        for (const FittedValue& fitted : read_collectives(JsonReader(collectives, machine)).fitted) {
            CAPTURE(machine, fitted.parameter);
            CHECK(seen.insert(fitted.parameter).second);
            CHECK_FALSE(fitted.meaning.empty());
            CHECK(member(collectives, fitted.parameter)->get<double>() == fitted.value);
        }
        CHECK(seen.size() >= 10);
    }
}

TEST_CASE("packets of the chips leave 95.4 and 95.9 % of the line for payload") {
    for (const auto& [machine, share] : {std::pair("wormhole_line8", 0.954), std::pair("blackhole_line8", 0.9593)}) {
        const Json collectives = collectives_of(machine);
        const CollectiveConfig config = read_collectives(JsonReader(collectives, machine));
        const auto payload = static_cast<double>(config.packet.payload.value());
        CHECK(payload / static_cast<double>(config.packet.on_wire(config.packet.payload).value()) ==
              Approx(share).margin(5e-4));
    }
}

// SPDX-License-Identifier: Apache-2.0
// `tilemesh probe`: its file, its output, its errors, and that configs/README.md names its keys.
#include "sim/base/json_reader.h"
#include "sim/probe/probe.h"
#include "tests/command/processes.h"

#include <sstream>

using namespace tilemesh;

namespace {

const std::string machine = TILEMESH_CONFIGS "/machines/cube_2x4.json";

Json probe_of(const std::string& keys = R"({"kind": "dma", "bytes": 1024})") {
    return {{"machine", machine}, {"probe", Json::parse(keys)}};
}

Ran run_probe(const ScratchFolder& folder, const Json& json, const std::string& arguments = "") {
    write_file(folder / "mine.json", json.dump());
    return run_command(folder, TILEMESH_COMMAND " probe '" + (folder / "mine.json").string() + "' " + arguments);
}

}  // namespace

TEST_CASE("a probe prints a table and a sentence, and its JSON has everything") {
    const ScratchFolder folder;
    const std::string json_file = (folder / "out.json").string();
    const Ran ran = run_probe(folder, probe_of(), "--set probe.bytes=2048 --json '" + json_file + "'");
    CHECK(ran.exit_code == 0);
    CHECK_THAT(ran.out, Catch::StartsWith("mine: dma on cube_2x4\n"));
    CHECK_THAT(ran.out, Catch::Contains("reading 2048 bytes takes"));
    const Json json = parse_json_file(json_file);
    CHECK(json.at("configuration").at("probe").at("bytes") == 2048);
    CHECK(json.at("result").at("bytes") == 2048);
    const std::string first = read_file(json_file);
    run_probe(folder, probe_of(), "--quiet --set probe.bytes=2048 --json '" + json_file + "'");
    CHECK(read_file(json_file) == first);
}

TEST_CASE("what is wrong with a probe's file is named by path") {
    const ScratchFolder folder;
    for (const auto& [keys, says] : std::vector<std::pair<std::string, std::string>>{
             {R"({"kind": "dna"})", "/probe/kind: found a string \"dna\", expected one of"},
             {R"({"kind": "dma", "byte": 4})", "/probe/byte: unknown key, did you mean bytes?"},
             {R"({"kind": "dma", "bytes": 3})", "/probe/bytes: found 3"},
             {R"({"kind": "dma", "bytes": 100000000})", "/probe/bytes: found 100000000"},
             {R"({"kind": "dma", "access": "both"})", "/probe/access"},
             {R"({"kind": "dma", "home": 8})", "/probe/home: found 8"},
             {R"({"kind": "dma", "sharers": [1, 9]})", "/probe/sharers/1: found 9"}}) {
        INFO(keys);
        const Ran ran = run_probe(folder, probe_of(keys));
        check_bad_input(ran);
        CHECK_THAT(ran.err, Catch::Contains(says));
    }
    Json no_machine = probe_of();
    no_machine.erase("machine");
    CHECK_THAT(run_probe(folder, no_machine).err, Catch::Contains("/machine: missing"));
    Json stranger = probe_of();
    stranger["kernels"] = Json::array();
    CHECK_THAT(run_probe(folder, stranger).err, Catch::Contains("/kernels: unknown key"));
}

TEST_CASE("a load of which no packet was measured has no latency, in its table and its JSON") {
    const ScratchFolder folder;
    const std::string json_file = (folder / "out.json").string();
    // 8 PEs and 100 cycles: the first load creates a packet in one run of 5,000, the second about 20.
    const Json traffic = {{"kind", "traffic"},
                          {"offered", {1e-6, 0.1}},
                          {"packet_flits", 4},
                          {"measured_cycles", 100},
                          {"warmup_cycles", 10}};
    const Ran ran = run_probe(folder, probe_of(traffic.dump()), "--json '" + json_file + "'");
    REQUIRE(ran.exit_code == 0);
    std::istringstream lines(ran.out);
    std::vector<std::string> row;
    for (std::string line; row.empty() && std::getline(lines, line);) {
        std::istringstream words(line);
        std::vector<std::string> all;
        for (std::string word; words >> word;) all.push_back(word);
        if (all.size() == 8 && all[0] == "4") row = all;
    }
    CHECK(row == std::vector<std::string>{"4", "0.000", "0.0000", "0.0000", "-", "-", "-", "-"});
    const Json points = parse_json_file(json_file).at("result").at("points");
    REQUIRE(points.size() == 2);
    CHECK(points[0].at("packets") == 0);
    CHECK(points[1].at("packets").get<int>() > 0);
    for (const char* key :
         {"mean_latency_cycles", "p99_latency_cycles", "network_latency_cycles", "routers_passed"}) {
        INFO(key);
        CHECK(points[0].at(key).is_null());
        CHECK(points[1].at(key).get<double>() > 0.0);
    }
}

TEST_CASE("configs/README.md names every kind of probe and every key of each") {
    const std::string text = read_file(TILEMESH_CONFIGS "/README.md");
    const ScratchFolder folder;
    const std::string stranger = "zqzqzqzqzqzqzqzqzqzq", before = "unknown key, expected one of ";
    for (const auto& kind : probe::all_kinds()) {
        INFO(kind.name);
        CHECK(text.find("| `" + kind.name + "` |") != std::string::npos);
    }
    // A stranger that resembles nothing is answered with every key there is.
    const Ran ran = run_probe(folder, probe_of(R"({"kind": "dma", "zqzqzqzqzqzqzqzqzqzq": 1})"));
    const std::size_t begin = ran.err.find(before);
    REQUIRE(begin != std::string::npos);
    std::istringstream keys(ran.err.substr(begin + before.size()));
    for (std::string key; std::getline(keys >> std::ws, key, ',');) {
        while (!key.empty() && key.back() == '\n') key.pop_back();
        INFO(key);
        CHECK(text.find("`" + key + "`") != std::string::npos);
    }
}

// SPDX-License-Identifier: Apache-2.0
// Memory controllers and links off the chip, and ports with rates of their own: every cycle by hand.
#include "sim/base/error.h"
#include "sim/machine/chip.h"
#include "sim/noc/flit_routes.h"
#include "sim/probe/probe.h"
#include "sim/probe/programs_file.h"
#include "tests/language/says.h"
#include "tests/machine/chips.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tilemesh;
using namespace tilemesh::probe;
using namespace tilemesh::test;

namespace {

using Device = noc::DeviceConfig;

/// From an interface to that of a node so many hops away.
noc::Cycle way_over(const noc::ChipNetworks& chip, int hops) {
    const noc::FlitNetworkConfig& net = chip.networks[0];
    return 2 * net.interface + static_cast<noc::Cycle>(hops) * net.hop;
}

/// On the one-way torus; node 7 asks node 8 over 1 hop, and hears from it over 4, node 16 over 6 and 3.
noc::ChipNetworks torus_with(const std::vector<Device>& devices) {
    noc::ChipNetworks chip = one_way_torus();
    chip.devices = devices;
    return chip;
}

noc::Cycle end_of(const noc::ChipNetworks& chip, const std::vector<Program>& programs) {
    return run_programs(chip, programs).end;
}

template <class Call>
std::string error_in(Call call) {
    try {
        call();
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

std::string device_complaint(const std::string& devices) {
    Json json = parse_json_file(NamedFile(TILEMESH_SOURCE_DIR "/configs/machines/wormhole_noc.json"));
    json["devices"] = Json::parse(devices);
    return error_in([&] { machine::read_chip(JsonReader(json, "x.json")); });
}

std::string port_complaint(const std::string& ports) {
    Json json = parse_json_file(NamedFile(TILEMESH_SOURCE_DIR "/configs/machines/wormhole_noc.json"));
    json["networks"][1]["ports"] = Json::parse(ports);
    return error_in([&] { machine::read_chip(JsonReader(json, "x.json")); });
}

}  // namespace

TEST_CASE("a memory answers after its latency, at its rate") {
    for (const double rate : {32.0, 16.0, 8.0, 12.8}) {
        const noc::ChipNetworks chip = torus_with({{"dram", Device::Kind::memory, {16}, rate, 100, 0}});
        INFO(rate);
        // The header leaves as soon as the latency is over, flit k at k - 1 flits over the rate after the first.
        const auto last = static_cast<noc::Cycle>(31.0 * 32.0 / rate + 1e-6);
        CHECK(end_of(chip, {program(7, {read_from(16, 1024)})}) ==
              way_over(chip, 6) + 100 + 1 + last + way_over(chip, 3));
    }
    const noc::ChipNetworks any = torus_with({{"dram", Device::Kind::memory, {16}, 0.0, 100, 0}});
    CHECK(end_of(any, {program(7, {read_from(16, 1024)})}) == way_over(any, 6) + 100 + 32 + way_over(any, 3));
}

TEST_CASE("a link's latency is waited for there and back, by reads and by writes") {
    for (const auto kind : {Device::Kind::memory, Device::Kind::link}) {
        const noc::ChipNetworks chip = torus_with({{"eth", kind, {16}, 0.0, 100, 0}});
        const noc::Cycle latency = kind == Device::Kind::link ? 200 : 100;
        CHECK(end_of(chip, {program(7, {read_from(16, 32)})}) == way_over(chip, 6) + latency + 1 + way_over(chip, 3));
        CHECK(end_of(chip, {program(7, {write_to(16, 1024)})}) ==
              way_over(chip, 6) + 32 + latency + way_over(chip, 3));
    }
}

TEST_CASE("a device works on as many requests at once as it may, the next begins when an answer has left") {
    constexpr noc::Cycle latency = 50;
    // Requests come one a cycle; an answer is a header and a flit.
    const std::vector<ProgramStep> four(4, read_from(8, 32));
    const auto ends = [&](std::uint64_t outstanding) {
        const noc::ChipNetworks chip = torus_with({{"dram", Device::Kind::memory, {8}, 0.0, latency, outstanding}});
        const ProgramsResult result = run_programs(chip, {program(7, four, 0)});
        std::vector<noc::Cycle> left;
        for (const StepTimes& step : result.steps[0])
            left.push_back(step.ended - way_over(chip, 1) - way_over(chip, 4));
        return std::pair(left, result.devices[0].waited);
    };
    using Left = std::vector<noc::Cycle>;
    CHECK(ends(0).first == Left{latency + 1, latency + 3, latency + 5, latency + 7});
    CHECK(ends(0).second == 0);
    CHECK(ends(1).first == Left{latency + 1, 2 * latency + 2, 3 * latency + 3, 4 * latency + 4});
    CHECK(ends(1).second == (latency + 1 - 1) + (2 * latency + 2 - 2) + (3 * latency + 3 - 3));
    CHECK(ends(2).first == Left{latency + 1, latency + 3, 2 * latency + 2, 2 * latency + 4});
    CHECK(ends(2).second == (latency + 1 - 2) + (latency + 3 - 3));
}

TEST_CASE("the ports of one memory share its rate and its limit, two memories do not") {
    // Readers at nodes 5 and 10 ask in rows of their own, four hops there and one back.
    const std::vector<Program> readers{program(5, {read_from(9, 1024)}), program(10, {read_from(14, 1024)})};
    const auto with = [](const std::vector<Device>& devices) { return torus_with(devices); };
    const noc::Cycle apart =
        end_of(with({{"a", Device::Kind::memory, {9}, 16.0, 20, 1}, {"b", Device::Kind::memory, {14}, 16.0, 20, 1}}),
               readers);
    CHECK(apart == end_of(with({{"a", Device::Kind::memory, {9}, 16.0, 20, 1}}), {readers[0]}));
    const noc::Cycle rate = end_of(with({{"a", Device::Kind::memory, {9, 14}, 16.0, 20, 0}}), readers);
    CHECK(rate == apart + 64);  // 32 flits more, of two cycles
    const noc::Cycle limit = end_of(with({{"a", Device::Kind::memory, {9, 14}, 16.0, 20, 1}}), readers);
    // The second begins when the last flit of the first has left, 63 cycles behind its header.
    CHECK(limit == apart + 63 + 20);
}

TEST_CASE("a memory moves what goes in and out at one rate, a link as much each way") {
    const std::vector<Program> both{program(7, {read_from(16, 1024)}), program(6, {write_to(16, 1024)})};
    const auto end = [](Device::Kind kind, const std::vector<Program>& programs) {
        noc::ChipNetworks chip = torus_with({{"d", kind, {16}, 8.0, 0, 0}});
        chip.networks[0].request_channels = 2;  // the read's request does not wait behind the write
        return end_of(chip, programs);
    };
    for (const auto kind : {Device::Kind::link, Device::Kind::memory}) {
        const noc::Cycle read = end(kind, {both[0]}), write = end(kind, {both[1]});
        const noc::Cycle longer = std::max(read, write);
        if (kind == Device::Kind::link) CHECK(end(kind, both) <= longer + 2);
        if (kind == Device::Kind::memory) CHECK(end(kind, both) >= longer + 80);
    }
}

TEST_CASE("what a device has no room for waits in its interface, then in the network, and holds up others") {
    noc::ChipNetworks chip = torus_with({{"dram", Device::Kind::memory, {8}, 0.0, 300, 1}});
    chip.networks[0].queue = 1;
    chip.networks[0].buffer = 1;
    std::vector<ProgramStep> steps(4, read_from(8, 32));
    steps.push_back(read_from(9, 32));  // behind them, in the same channel
    const std::vector<StepTimes> held = run_programs(chip, {program(7, steps)}).steps[0];
    CHECK(held[4].ended > held[1].ended);
    CHECK(held[4].ended < held[3].ended);
    chip.devices[0].outstanding = 0;
    const std::vector<StepTimes> free = run_programs(chip, {program(7, steps)}).steps[0];
    CHECK(free[4].ended < free[0].ended);
}

TEST_CASE("a port moves at its own rate, out of a node and into it, in its own network alone") {
    noc::ChipNetworks chip = one_way_torus();
    chip.networks.push_back(chip.networks[0]);
    chip.networks[1].name = "other";
    Program one = program(7, {read_from(16, 1024)}), other = one;
    other.network = 1;
    const noc::Cycle full = end_of(chip, {one});
    chip.networks[0].ports = {{16, {0.5, 1.0}}};
    CHECK(end_of(chip, {one}) == full + 32);  // header and 32 flits, two cycles apart
    CHECK(end_of(chip, {other}) == full);
    CHECK(end_of(chip, {program(16, {read_from(7, 1024)})}) != end_of(chip, {one}));
    const auto busy = [&](const std::string& link) {
        for (const LinkFlits& moved : run_programs(chip, {one}).links)
            if (moved.name == link) return moved.busy_cycles();
        return 0.0;
    };
    CHECK(busy("net: row 3, column 1 from its core") == 33 / 0.5);
    CHECK(busy("net: row 1, column 2 from its core") == 0.0);  // as fast as a link: not listed
    chip.networks[0].ports = {{7, {1.0, 0.25}}};
    CHECK(end_of(chip, {one}) == full + 3 * 32);
    CHECK(busy("net: row 1, column 2 to its core") == 33 / 0.25);
    chip.networks[0].ports = {{8, {0.25, 0.25}}};
    CHECK(end_of(chip, {one}) == full);
    chip.networks[0].port = {0.5, 1.0};  // of every node that says nothing else
    CHECK(end_of(chip, {one}) == full + 32);
}

TEST_CASE("no device moves more than its rate, whoever asks, and all flits are counted") {
    noc::ChipNetworks chip = torus_with(
        {{"dram", Device::Kind::memory, {3, 14}, 20.0, 40, 6}, {"eth", Device::Kind::link, {19}, 5.0, 60, 3}});
    chip.networks[0].buffer = 8;
    chip.networks[0].queue = 2;
    std::vector<Program> programs;
    std::uint64_t out[2] = {0, 0}, in[2] = {0, 0};
    for (int node = 0; node < 20; ++node) {
        if (chip.device_at(node)) continue;
        std::vector<ProgramStep> steps;
        for (int i = 0; i < 8; ++i) {
            const int other = i % 3 == 0 ? 3 : i % 3 == 1 ? 14 : 19;
            const std::uint64_t bytes = 64 + static_cast<std::uint64_t>(53 * i + 7 * node);
            const bool write = (i + node) % 2 == 0;
            steps.push_back(write ? write_to(other, bytes) : read_from(other, bytes));
            (write ? in : out)[other == 19 ? 1 : 0] += (bytes + 31) / 32;
        }
        programs.push_back(program(node, steps));
    }
    const ProgramsResult result = run_programs(chip, programs);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(result.devices[i].flits_in == in[i]);
        CHECK(result.devices[i].flits_out == out[i]);
        CHECK(result.devices[i].busy <= static_cast<double>(result.end));
        CHECK(result.devices[i].waited > 0);
    }
    CHECK(result.devices[0].requests + result.devices[1].requests == 17 * 8);
    CHECK(result.devices[0].busy == Approx(static_cast<double>(in[0] + out[0]) * 32.0 / 20.0));
    CHECK(result.devices[1].busy == Approx(static_cast<double>(std::max(in[1], out[1])) * 32.0 / 5.0));
    CHECK(run_programs(chip, programs).end == result.end);
}

TEST_CASE("devices and ports are read as they are written, and no program runs on a device") {
    Json json = parse_json_file(NamedFile(TILEMESH_SOURCE_DIR "/configs/machines/wormhole_noc.json"));
    json["devices"] = Json::parse(R"([{"name": "dram0", "kind": "memory", "at": [[0, 0], [11, 0]],
        "bytes_per_cycle": 48, "latency_cycles": 90, "outstanding": 16},
        {"name": "eth", "kind": "link", "at": [[6, 1]], "latency_cycles": 7}])");
    json["networks"][1]["ports"] = Json::parse(
        R"([{"at": [[0, 0]], "send_flits_per_cycle": 0.5}, {"at": [[6, 1]], "receive_flits_per_cycle": 0.25}])");
    json["networks"][1]["interface"]["receive_flits_per_cycle"] = 0.75;
    const noc::ChipNetworks chip = machine::read_chip(JsonReader(json, "x.json")).networks;
    REQUIRE(chip.devices.size() == 2);
    CHECK(chip.devices[0].at == std::vector<int>{0, 110});
    CHECK(chip.devices[0].bytes_per_cycle == 48.0);
    CHECK(chip.devices[0].answer_after() == 90);
    CHECK(chip.devices[0].outstanding == 16);
    CHECK(chip.devices[1].answer_after() == 14);
    CHECK(chip.device_at(110) == &chip.devices[0]);
    CHECK(chip.device_at(1) == nullptr);
    CHECK(chip.networks[1].port_of(0).send == 0.5);
    CHECK(chip.networks[1].port_of(0).receive == 0.75);
    CHECK(chip.networks[1].port_of(61).receive == 0.25);
    CHECK(chip.networks[1].port_of(5).receive == 0.75);
    CHECK(chip.networks[0].port_of(0).send == 1.0);

    const Json on_device =
        Json::parse(R"({"programs": [{"id": "a", "node": [11, 0], "network": "noc0", "steps": []}]})");
    CHECK_THAT(error_in([&] { read_programs(JsonReader(on_device, "p.json"), &chip); }),
               says("p.json", "/programs/0/node", "dram0, a memory", "expected a core"));
}

TEST_CASE("the probe says what devices moved, how long requests waited there, and which was busy most of the time") {
    const std::string folder = TILEMESH_SOURCE_DIR "/configs/";
    Json machine = parse_json_file(NamedFile(folder + "machines/wormhole_noc.json"));
    machine["devices"] =
        parse_json_file(NamedFile(folder + "probes/programs_wormhole_dram.json"))["machine"]["devices"];
    machine["devices"][0]["outstanding"] = 2;
    const Json probe = {{"name", "dram"},
                        {"machine", machine},
                        {"probe", {{"kind", "programs"}, {"file", folder + "probes/programs/dram_readers.json"}}}};
    const ProbeReport report = read_probe(probe, Origins("x.json")).run({});
    const Json& devices = report.result["devices"];
    CHECK(devices["dram0"]["requests"] == 64);
    CHECK(devices["dram0"]["flits_out"] == 8 * 32768 / 32);
    CHECK(devices["dram0"]["flits_in"] == 0);
    CHECK(devices["dram0"]["busy_cycles"].get<double>() == Approx(8 * 32768 / 48.0));
    CHECK(devices["dram0"]["waited_cycles"] > 0);
    CHECK(devices["dram1"]["requests"] == 0);
    CHECK(devices["ethernet"]["flits_in"] == 16384 / 32);
    CHECK(report.sections.back().title == "devices");
    CHECK(report.sections.back().table.text(false).find("dram0") != std::string::npos);
    CHECK_THAT(report.conclusion, says("dram0, a memory, is busy for"));
    machine.erase("devices");
    const Json without = {{"name", "cores"}, {"machine", machine}, {"probe", probe["probe"]}};
    const ProbeReport cores = read_probe(without, Origins("x.json")).run({});
    CHECK_FALSE(cores.result.contains("devices"));
    CHECK(cores.sections.back().title == "busiest links");
}

TEST_CASE("mistakes in devices and ports are named by their path") {
    const auto device = [](const std::string& rest) {
        return device_complaint(R"([{"name": "a", "kind": "memory", "latency_cycles": 1, "at": [[0, 0]]}, {)" + rest +
                                "}]");
    };
    CHECK(device(R"("name": "b", "kind": "link", "latency_cycles": 1, "at": [[0, 1]])").empty());
    CHECK_THAT(device(R"("name": "a", "kind": "link", "latency_cycles": 1, "at": [[0, 1]])"),
               says("x.json", "/devices/1", "no other device"));
    CHECK_THAT(device(R"("name": "b", "kind": "link", "latency_cycles": 1, "at": [[0, 0]])"),
               says("/devices/1", "row 0, column 0 is a, a memory already"));
    CHECK_THAT(device(R"("name": "b", "kind": "links", "latency_cycles": 1, "at": [[0, 1]])"),
               says("/devices/1/kind", "did you mean link"));
    CHECK_THAT(device(R"("name": "b", "kind": "link", "latency_cycles": 1, "at": [])"),
               says("/devices/1/at", "at least one"));
    CHECK_THAT(device(R"("name": "b", "kind": "link", "latency_cycles": 1, "at": [[0, 1], [0, 1]])"),
               says("/devices/1/at/1", "not in the list before"));
    CHECK_THAT(device(R"("name": "b", "kind": "link", "latency_cycles": 1, "at": [[0, 10]])"),
               says("/devices/1/at/0/1", "9"));
    CHECK_THAT(device(R"("name": "b", "kind": "link", "at": [[0, 1]])"), says("/devices/1", "latency_cycles"));
    CHECK_THAT(device(R"("name": "b", "kind": "link", "latency_cycles": 1, "at": [[0, 1]], "outstandin": 2)"),
               says("/devices/1/outstandin", "did you mean outstanding"));
    CHECK_THAT(port_complaint(R"([{"at": [[0, 0]], "send_flits_per_cycle": 2}])"),
               says("/networks/1/ports/0/send_flits_per_cycle", "1"));
    CHECK_THAT(port_complaint(R"([{"at": [[0, 0]]}, {"at": [[1, 0], [0, 0]]}])"),
               says("/networks/1/ports/1", "row 0, column 0 has a port already"));
}

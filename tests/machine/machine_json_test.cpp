// SPDX-License-Identifier: Apache-2.0
// Machine files are read strictly: every key known, every number in its range, every contradiction found before
// anything runs.
#include "sim/base/error.h"
#include "sim/machine/config.h"
#include "tests/language/says.h"

#include <catch2/catch.hpp>

#include <functional>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

Json valid() { return parse_json_file(std::string(TILEMESH_SOURCE_DIR) + "/configs/machines/cube_line8.json"); }

/// What reading the default machine says after a change; empty when it is fine.
std::string complaint(const std::function<void(Json&)>& change) {
    Json json = valid();
    change(json);
    try {
        machine::read_machine(JsonReader(json, "x.json"));
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("the default machine is read as it is written") {
    const Json json = valid();
    const machine::MachineConfig config = machine::read_machine(JsonReader(json, "x.json"));
    CHECK(config.name == "cube_line8");
    CHECK(config.pes() == json["cube"]["cols"]);
    CHECK(config.pe.clock.ghz() == json["pe"]["clock_ghz"].get<double>());
    CHECK(config.pe.sram.value() == json["pe"]["sram_bytes"]);
    CHECK(config.pe.queue_depth == json["pe"]["queue_depth"]);
    CHECK(config.pe.matrix.rows == json["pe"]["matrix"]["rows"]);
    CHECK(config.pe.matrix.speed[static_cast<std::size_t>(Dtype::f32)] ==
          json["pe"]["matrix"]["speed"]["f32"].get<double>());
    CHECK(config.pe.vector.cycles_per_element[static_cast<std::size_t>(Opcode::exp2)] ==
          json["pe"]["vector"]["cycles_per_element"]["exp2"].get<double>());
    CHECK(config.hbm.geometry.channels == json["hbm"]["channels_per_pe"]);
    CHECK(config.hbm.timing.clock == json["hbm"]["timing"]["clock_ns"].get<double>());
    CHECK(config.hbm.timing.tRP == 16.25);  // not named: the preset's
    CHECK(config.network.packet.value() == json["network"]["packet_bytes"]);
    CHECK(config.network.link.rate.gbytes_per_s() == json["network"]["link"]["gbytes_per_s"].get<double>());
}

TEST_CASE("an unknown key is an error with a suggestion, at every level") {
    const std::vector<std::tuple<std::string, std::string, std::string>> slips{
        {"", "nam", "name"},
        {"/cube", "colls", "cols"},
        {"/pe", "clock_gz", "clock_ghz"},
        {"/pe/matrix", "row", "rows"},
        {"/pe/matrix/speed", "f61", "f16"},
        {"/pe/vector", "lane", "lanes"},
        {"/pe/vector/cycles_per_element", "softmx", "softmax"},
        {"/pe/dma", "outstandin", "outstanding"},
        {"/hbm", "row_byte", "row_bytes"},
        {"/hbm/timing", "tRCDR_ns", "tRCDRD_ns"},
        {"/network", "packet_byte", "packet_bytes"},
        {"/network/link", "latncy_ns", "latency_ns"},
    };
    for (const auto& [path, slip, meant] : slips) {
        const std::string text =
            complaint([&, path = path, slip = slip](Json& json) { json[Json::json_pointer(path)][slip] = 1; });
        INFO(path << "/" << slip);
        CHECK_THAT(text, says("x.json", path + "/" + slip, "did you mean").also(meant));
    }
}

TEST_CASE("a missing key is named") {
    for (const std::string path : {"/name", "/pe", "/pe/clock_ghz", "/pe/matrix/rows", "/pe/vector/lanes",
                                   "/hbm/channels_per_pe", "/network/link/gbytes_per_s", "/cube/topology"}) {
        const Json::json_pointer pointer(path);
        INFO(path);
        CHECK_THAT(complaint([&](Json& json) { json[pointer.parent_pointer()].erase(pointer.back()); }),
                   says("x.json", path));
    }
}

TEST_CASE("numbers out of range, of the wrong kind or beyond integers are refused") {
    const std::vector<std::pair<std::string, Json>> wrong{
        {"/pe/clock_ghz", 0},
        {"/pe/clock_ghz", -1.0},
        {"/pe/clock_ghz", 1e300},
        {"/pe/clock_ghz", "fast"},
        {"/pe/sram_bytes", 0},
        {"/pe/sram_bytes", 9223372036854775808ULL},
        {"/pe/sram_bytes", 8388608.5},
        {"/pe/issue_cycles", -4},
        {"/pe/queue_depth", 0},
        {"/pe/matrix/rows", 0},
        {"/pe/matrix/dataflow", "sideways"},
        {"/pe/matrix/speed/f16", 0},
        {"/pe/vector/lanes", -1024},
        {"/pe/vector/cycles_per_element/exp", 0},
        {"/pe/dma/outstanding", 0},
        {"/hbm/channels_per_pe", 0},
        {"/hbm/gbytes_per_s_per_channel", 0},
        {"/hbm/access_latency_ns", -3.0},
        {"/hbm/timing/tRP_ns", -3.0},
        {"/hbm/standard", "HBM9"},
        {"/hbm/refresh", "sometimes"},
        {"/network/router/cycle_ns", -1},
        {"/network/router/virtual_channels", 0},
        {"/network/flit_bytes", 0},
        {"/network/packet_bytes", 0},
        {"/network/link/latency_ns", nullptr},
        {"/cube/cols", 0},
        {"/cube/topology", "moebius"},
        {"/name", 7},
    };
    for (const auto& [path, value] : wrong) {
        INFO(path << " " << value.dump());
        CHECK_THAT(complaint([&, path = path, value = value](Json& json) { json[Json::json_pointer(path)] = value; }),
                   says("x.json", path));
    }
}

TEST_CASE("settings that contradict each other are refused") {
    CHECK_THAT(complaint([](Json& json) { json["hbm"]["row_bytes"] = 100; }),
               says("/hbm", "row_bytes", "burst_bytes"));
    CHECK_THAT(complaint([](Json& json) { json["hbm"]["timing"]["tRFC_ns"] = 4000.0; }),
               says("/hbm", "tRFC_ns", "tREFI_ns"));
    CHECK_THAT(complaint([](Json& json) { json["hbm"]["timing"]["clock_ns"] = 0.3; }), says("/hbm", "clock_ns"));
    CHECK_THAT(complaint([](Json& json) { json["hbm"]["timing"]["row_command_slot_ns"] = 1e-6; }),
               says("/hbm", "clock_ns", "row_command_slot_ns"));
    CHECK_THAT(complaint([](Json& json) { json["hbm"]["timing"]["activate_command_ns"] = 500.0; }),
               says("/hbm", "activate_command_ns", "500"));
    CHECK_THAT(complaint([](Json& json) { json["hbm"]["row_bytes"] = 65536; }), says("/hbm", "row_bytes"));
    // Refreshes of single banks that cannot be done as often as they are due.
    for (const char* slow : {"tRP_ns", "tRAS_ns", "tRFCpb_ns", "tFAW_ns", "tRREFD_ns"}) {
        INFO(slow);
        const auto said = complaint([&](Json& json) {
            json["hbm"]["refresh"] = "per_bank";
            json["hbm"]["timing"][slow] = 5000.0;
        });
        CHECK_THAT(said, says("/hbm", "tREFIpb_ns"));
    }
    CHECK_THAT(complaint([](Json& json) { json["hbm"]["mapping"] = "row column"; }),
               says("/hbm", "mapping", "channel"));
    CHECK_THAT(complaint([](Json& json) { json["hbm"]["standard"] = "ideal"; }), says("/hbm"));
    CHECK_THAT(complaint([](Json& json) { json["network"]["link"]["buffer_bytes"] = 127; }),
               says("/network", "buffer_bytes", "flit_bytes"));
    CHECK_THAT(complaint([](Json& json) {
                   json["cube"]["topology"] = "ring";
                   json["network"]["router"]["virtual_channels"] = 1;
               }),
               says("/network", "virtual_channels"));
    CHECK_THAT(complaint([](Json& json) { json["network"]["receive_buffer_bytes"] = 4095; }),
               says("/network", "receive_buffer_bytes"));
    CHECK_THAT(complaint([](Json& json) { json["cube"]["rows"] = 2; }), says("/cube", "line"));
    CHECK_THAT(complaint([](Json& json) {
                   json["cubes"] = {{"topology", "line"}, {"cols", 2}};
               }),
               says("/network", "die_to_die"));
    CHECK_THAT(complaint([](Json& json) {
                   json["cube"]["topology"] = "ring";
                   json["cubes"] = {{"topology", "line"}, {"cols", 2}};
                   json["network"]["die_to_die"] = {
                       {"connections_per_side", 1}, {"gbytes_per_s", 1}, {"latency_ns", 1}, {"buffer_bytes", 4096}};
               }),
               says("cube/topology", "ring"));
}

TEST_CASE("a stage of the router may take any number of cycles") {
    Json json = valid();
    json["network"]["router"] = {
        {"cycle_ns", 2},         {"route_cycles", 0}, {"vc_allocation_cycles", 3}, {"switch_allocation_cycles", 0.5},
        {"traversal_cycles", 7}, {"credit_cycles", 4}};
    const noc::RouterConfig router = machine::read_machine(JsonReader(json, "x.json")).network.router;
    CHECK(router.route == Picoseconds());
    CHECK(router.vc_allocation == from_nanoseconds(2 * 3));
    CHECK(router.switch_allocation == from_nanoseconds(2 * 0.5));
    CHECK(router.traversal == from_nanoseconds(2 * 7));
    CHECK(router.credit == from_nanoseconds(2 * 4));
}

TEST_CASE("a machine has at most 4096 PEs, however large its grids are") {
    const auto of = [](int rows, int cols, int cube_rows, int cube_cols) {
        return complaint([=](Json& json) {
            json["cube"] = {{"topology", "mesh"}, {"rows", rows}, {"cols", cols}};
            json["cubes"] = {{"topology", "mesh"}, {"rows", cube_rows}, {"cols", cube_cols}};
            json["network"]["die_to_die"] = {
                {"connections_per_side", 1}, {"gbytes_per_s", 1}, {"latency_ns", 1}, {"buffer_bytes", 4096}};
        });
    };
    CHECK(of(8, 8, 8, 8).empty());
    CHECK_THAT(of(8, 8, 5, 13), says("4096"));
    CHECK_THAT(of(256, 1024, 256, 1024), says("4096"));  // 2^36 PEs
}

TEST_CASE("a file with a key twice or with broken syntax is refused with its place") {
    CHECK_THROWS_AS(parse_json_text(R"({"name": "a", "name": "b"})", "x.json"), InputError);
    CHECK_THROWS_WITH(parse_json_text("{\"name\":\n \"a\",}", "x.json"), Catch::Contains("x.json"));
}

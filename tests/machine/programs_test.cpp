// SPDX-License-Identifier: Apache-2.0
// Programs of processors: when each step is issued, what barriers wait for, and what their file may say.
#include "sim/base/dotted_path.h"
#include "sim/base/error.h"
#include "sim/machine/chip.h"
#include "sim/machine/config.h"
#include "sim/probe/probe.h"
#include "sim/probe/programs_file.h"
#include "tests/language/says.h"
#include "tests/machine/chips.h"

#include <catch2/catch.hpp>

#include <functional>

using namespace tilemesh;
using namespace tilemesh::probe;
using namespace tilemesh::test;

namespace {

Json machine_called(const std::string& name) {
    return parse_json_file(NamedFile(TILEMESH_SOURCE_DIR "/configs/machines/" + name + ".json"));
}

template <class Call>
std::string error_of(Call call) {
    try {
        call();
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

std::string chip_complaint(const std::function<void(Json&)>& change) {
    Json json = machine_called("wormhole_noc");
    change(json);
    return error_of([&] { machine::read_chip(JsonReader(json, "x.json")); });
}

std::string programs_complaint(const std::string& text) {
    const noc::ChipNetworks chip = one_way_torus();
    const Json json = Json::parse(text);
    return error_of([&] { read_programs(JsonReader(json, "p.json"), &chip); });
}

std::string one_step(const std::string& step) {
    return programs_complaint(R"({"programs": [{"id": "a", "node": [1, 2], "network": "net", "steps": [)" + step +
                              "]}]}");
}

}  // namespace

TEST_CASE("steps are issued one gap after the other, and a barrier ends when all has come") {
    noc::ChipNetworks chip = one_way_torus();
    chip.processor.barrier = 21;
    const Program one = program(
        7, {read_from(8, 1024, 5), write_to(8, 32, 40), barrier_after(30), read_from(8, 32, 4), barrier_after(200)},
        1000);
    const std::vector<StepTimes> times = run_programs(chip, {one}).steps[0];
    CHECK(times[0].begun == 1005);
    CHECK(times[1].begun == 1045);
    CHECK(times[2].begun == 1075);
    const noc::Cycle all = std::max(times[0].ended, times[1].ended);
    REQUIRE(all > 1085);
    CHECK(times[2].ended == all + 11);  // half of its own time lies before it looks
    CHECK(times[3].begun == times[2].ended + 4);
    // Nothing to wait for any more: the barrier's own time.
    REQUIRE(times[3].ended < times[4].begun);
    CHECK(times[4].begun == times[3].begun + 200);
    CHECK(times[4].ended == times[4].begun + 21);
}

TEST_CASE("a barrier of reads does not wait for writes, nor one of writes for reads") {
    const noc::ChipNetworks chip = one_way_torus();
    using Awaited = ProgramStep::Awaited;
    const auto barrier_of = [](Awaited awaited) {
        ProgramStep barrier = barrier_after();
        barrier.awaited = awaited;
        return barrier;
    };
    const auto left = [&](Awaited awaited, const ProgramStep& first, const ProgramStep& second) {
        return run_programs(chip, {program(7, {first, second, barrier_of(awaited)})}).steps[0];
    };
    // A long one and a short one of the other kind, over other links: both ways around.
    const auto reads = left(Awaited::reads, read_from(8, 32), write_to(16, 8192));
    REQUIRE(reads[0].ended < reads[1].ended);
    CHECK(reads[2].ended == reads[0].ended);
    const auto writes = left(Awaited::writes, read_from(16, 8192), write_to(8, 32));
    REQUIRE(writes[1].ended < writes[0].ended);
    CHECK(writes[2].ended == writes[1].ended);
    for (const auto& all : {left(Awaited::all, read_from(8, 32), write_to(16, 8192)),
                            left(Awaited::all, read_from(16, 8192), write_to(8, 32))})
        CHECK(all[2].ended == std::max(all[0].ended, all[1].ended));
    // What it did not wait for is still there for the next.
    const auto two =
        run_programs(chip, {program(7, {write_to(16, 8192), barrier_of(Awaited::reads), barrier_after()})}).steps[0];
    CHECK(two[1].ended == two[1].begun);
    CHECK(two[2].ended == two[0].ended);
}

TEST_CASE("with a limit of what is outstanding the next waits for the first to come back") {
    noc::ChipNetworks chip = one_way_torus();
    Program one = program(7, {read_from(8, 1024), read_from(8, 1024), read_from(8, 1024)});
    one.outstanding = 1;
    const std::vector<StepTimes> single = run_programs(chip, {one}).steps[0];
    CHECK(single[1].begun == single[0].ended);
    CHECK(single[2].begun == single[1].ended);
    one.outstanding = 2;
    const std::vector<StepTimes> two = run_programs(chip, {one}).steps[0];
    CHECK(two[1].begun == 0);
    CHECK(two[2].begun == two[0].ended);
}

TEST_CASE("a processor waits while its interface holds all the commands that it can") {
    noc::ChipNetworks chip = one_way_torus();
    chip.networks[0].commands = 1;
    chip.networks[0].queue = 1;
    chip.networks[0].buffer = 1;
    chip.networks[0].packet = Bytes(4096);
    const std::vector<ProgramStep> steps(8, read_from(8, 4096));
    const std::vector<StepTimes> times = run_programs(chip, {program(7, steps)}).steps[0];
    CHECK(times[7].begun >= times[0].ended);
    chip.networks[0].commands = 64;
    CHECK(run_programs(chip, {program(7, steps)}).steps[0][7].begun == 0);
}

TEST_CASE("two networks do not see each other's packets") {
    noc::ChipNetworks chip = one_way_torus();
    chip.networks.push_back(network_with({noc::Way::north, noc::Way::west}));
    chip.networks[1].name = "other";
    const Program first = program(7, {read_from(16, 1024)});
    Program second = program(8, {read_from(16, 1024)});
    second.network = 1;
    const ProgramsResult both = run_programs(chip, {first, second});
    CHECK(both.steps[0][0].ended == run_programs(chip, {first}).end);
    CHECK(both.steps[1][0].ended == run_programs(chip, {second}).end);
}

TEST_CASE("a read or write goes over the network that it says, and its answer comes back there") {
    noc::ChipNetworks chip = one_way_torus();
    chip.networks.push_back(network_with({noc::Way::north, noc::Way::west}));
    chip.networks[1].name = "other";
    chip.networks[1].interface = 50;
    ProgramStep over = read_from(16, 64);
    over.network = 1;
    const noc::Cycle read = run_programs(chip, {program(7, {over})}).end;
    const noc::Cycle write = run_programs(chip, {program(7, {write_to(8, 64)})}).end;
    CHECK(read == run_programs(chip, {program(7, {read_from(16, 64)})}).end + 4 * (50 - 3));
    const ProgramsResult mixed = run_programs(chip, {program(7, {over, write_to(8, 64)})});
    CHECK(mixed.steps[0][0].ended == read);
    CHECK(mixed.steps[0][1].ended == write);
    const Json json = Json::parse(R"({"programs": [{"id": "a", "node": [1, 2], "network": "net", "steps": [
        {"read": [3, 1], "bytes": 64, "network": "other"}, {"write": [3, 1], "bytes": 64}]}]})");
    const std::vector<Program> programs = read_programs(JsonReader(json, "p.json"), &chip);
    CHECK(programs[0].steps[0].network == 1);
    CHECK_FALSE(programs[0].steps[1].network);
}

TEST_CASE("long pauses pass at once, and programs without steps end") {
    const ProgramsResult result =
        run_programs(one_way_torus(), {program(7, {read_from(8, 32, 900'000'000'000)}), program(8, {})});
    CHECK(result.steps[0][0].begun == 900'000'000'000);
}

TEST_CASE("a file of programs is read as it says, calls take what the machine says") {
    noc::ChipNetworks chip = one_way_torus();
    chip.processor = {100, 20, 30, 0};
    const Json json = Json::parse(R"({"programs": [{"id": "a", "node": [1, 2], "network": "net", "start_cycles": 3,
        "outstanding": 4, "steps": [{"read": [3, 1], "bytes": 64, "times": 2},
        {"write": [0, 4], "bytes": 5, "gap_cycles": 7}, {"barrier": "all"}]}]})");
    const std::vector<Program> programs = read_programs(JsonReader(json, "p.json"), &chip);
    REQUIRE(programs.size() == 1);
    CHECK(programs[0].node == 7);
    CHECK(programs[0].start == 3);
    CHECK(programs[0].outstanding == 4);
    const auto& steps = programs[0].steps;
    REQUIRE(steps.size() == 4);
    CHECK(steps[0].node == 16);
    CHECK(steps[0].bytes == Bytes(64));
    CHECK(std::vector<noc::Cycle>{steps[0].gap, steps[1].gap, steps[2].gap, steps[3].gap} ==
          std::vector<noc::Cycle>{100, 20, 7, 30});
    CHECK(steps[2].kind == ProgramStep::Kind::write);
    CHECK(steps[2].node == 4);
    CHECK(steps[3].kind == ProgramStep::Kind::barrier);
    CHECK(check_programs(json, "p.json") == 1);
}

TEST_CASE("mistakes in a file of programs are named by their path") {
    CHECK(one_step(R"({"barrier": "all"})").empty());
    CHECK_THAT(one_step(R"({"read": [4, 0], "bytes": 1})"), says("p.json", "/programs/0/steps/0/read/0", "3"));
    CHECK_THAT(one_step(R"({"read": [1], "bytes": 1})"), says("/programs/0/steps/0/read", "[row, column]"));
    CHECK_THAT(one_step(R"({"read": [1, 1]})"), says("/programs/0/steps/0", "bytes"));
    CHECK_THAT(one_step(R"({"read": [1, 1], "bytes": 0})"), says("/programs/0/steps/0/bytes"));
    CHECK_THAT(one_step(R"({"read": [1, 1], "write": [1, 1], "bytes": 1})"),
               says("/steps/0", "expected one of them"));
    CHECK_THAT(one_step(R"({"gap_cycles": 1})"), says("/steps/0", "expected one of them"));
    CHECK_THAT(one_step(R"({"read": [1, 1], "bytes": 1, "network": "nett"})"),
               says("/steps/0/network", "did you mean net"));
    CHECK_THAT(one_step(R"({"barrier": "all", "network": "net"})"), says("/steps/0/network"));
    CHECK(one_step(R"({"barrier": "writes"})").empty());
    CHECK_THAT(one_step(R"({"barrier": "read"})"), says("/steps/0/barrier", "reads"));
    CHECK_THAT(one_step(R"({"barrier": "all", "gap_cycle": 1})"), says("gap_cycle", "did you mean gap_cycles"));
    CHECK_THAT(programs_complaint(R"({"programs": []})"), says("/programs", "at least one program"));
    CHECK_THAT(programs_complaint(R"({"programs": [{"id": "a", "node": [0, 0], "network": "nat", "steps": []}]})"),
               says("/programs/0/network", "net"));
    CHECK_THAT(programs_complaint(R"({"programs": [{"id": "a", "node": [0, 0], "network": "net", "steps": []},
                                                   {"id": "a", "node": [0, 1], "network": "net", "steps": []}]})"),
               says("/programs/1/id", "no other program"));
}

TEST_CASE("mistakes in the networks of a chip are named by their path") {
    CHECK(chip_complaint([](Json&) {}).empty());
    CHECK_THAT(chip_complaint([](Json& json) { json["networks"][0]["routing"] = {"east"}; }),
               says("x.json", "/networks/0/routing", "south"));
    CHECK_THAT(chip_complaint([](Json& json) {
                   json["networks"][0]["routing"] = {"east", "west"};
               }),
               says("/networks/0/routing/1", "other dimension"));
    CHECK_THAT(chip_complaint([](Json& json) {
                   json["networks"][0]["routing"] = {"east", "souht"};
               }),
               says("/networks/0/routing/1", "did you mean south"));
    CHECK_THAT(chip_complaint([](Json& json) { json["cube"]["topology"] = "mesh"; }),
               says("/networks/0/routing/0", "east_or_west"));
    CHECK_THAT(chip_complaint([](Json& json) { json["networks"][1]["name"] = "noc0"; }),
               says("/networks/1", "no other network"));
    CHECK_THAT(chip_complaint([](Json& json) { json["networks"] = Json::array(); }), says("/networks", "1 to 16"));
    CHECK_THAT(chip_complaint([](Json& json) { json["networks"][0]["router"]["data_channels"] = 0; }),
               says("/networks/0/router/data_channels"));
    CHECK_THAT(chip_complaint([](Json& json) {
                   json["networks"][0]["router"]["data_channels"] = 4;
                   json["networks"][0]["router"]["request_channels"] = 3;
               }),
               says("/networks/0/router", "at most 6"));
    CHECK_THAT(chip_complaint([](Json& json) { json["networks"][0]["interface"]["answers_at_once"] = 3; }),
               says("/networks/0/interface/answers_at_once", "2"));
    CHECK_THAT(chip_complaint([](Json& json) { json["networks"][0]["router"]["bufer_flits"] = 3; }),
               says("/networks/0/router/bufer_flits", "did you mean buffer_flits"));
    CHECK_THAT(chip_complaint([](Json& json) { json["pe"] = Json::object(); }), says("/pe"));
}

TEST_CASE("what is said to be fitted must be a value of the machine") {
    const auto with = [](const char* parameter, double value) {
        return chip_complaint([&](Json& json) {
            json["fitted_from"] = {
                {{"parameter", parameter}, {"value", value}, {"rows", {"some trace"}}, {"meaning", "a time"}}};
        });
    };
    CHECK(with("clock_ghz", 1.0).empty());
    CHECK(with("networks.1.router.hop_cycles", 9.0).empty());
    CHECK(with("networks.1.router.hop_cycles", 8.0).empty());  // another machine was set on top of it
    CHECK_THAT(with("networks.1.router.hops", 9.0), says("/fitted_from/0", "parameter"));
    CHECK_THAT(with("networks.1.router", 9.0), says("/fitted_from/0", "a number"));
    const Json shipped = machine_called("wormhole_noc");
    const auto fitted = machine::read_chip(JsonReader(shipped, "wormhole_noc")).fitted;
    CHECK(fitted.size() >= 6);
    for (const FittedValue& one : fitted) CHECK(member(shipped, one.parameter)->get<double>() == one.value);
}

TEST_CASE("kernels and other probes refuse networks that they cannot choose between") {
    const Json json = machine_called("wormhole_noc");
    CHECK_THAT(error_of([&] { machine::read_machine(JsonReader(json, "x.json")); }), says("networks", "kernels"));
    const Json probe = {{"machine", json}, {"probe", {{"kind", "traffic"}}}};
    CHECK_THAT(error_of([&] { read_probe(probe, Origins("x.json")); }), says("networks", "programs"));
    const Json line = machine_called("cube_line8");
    const Json other = {{"machine", line}, {"probe", {{"kind", "programs"}, {"file", "none"}}}};
    CHECK_THAT(error_of([&] { read_probe(other, Origins("x.json")); }), says("/machine", "networks: missing"));
}

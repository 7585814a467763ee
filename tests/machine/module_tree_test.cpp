// SPDX-License-Identifier: Apache-2.0
// The module tree is the machine: every part is a SystemC object under the path that reports use.
#include "sim/base/error.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

#include <set>
#include <systemc>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// Two cubes of 2 x 2 PEs.
machine::MachineConfig two_cubes() {
    return counting_line([](Json& json) {
        json["cube"] = {{"topology", "mesh"}, {"rows", 2}, {"cols", 2}};
        json["cubes"] = {{"topology", "line"}, {"cols", 2}};
        json["network"]["die_to_die"] = {
            {"connections_per_side", 2}, {"gbytes_per_s", 1}, {"latency_ns", 1}, {"buffer_bytes", 4096}};
    });
}

class Stranger : public sc_core::sc_module {
public:
    explicit Stranger(sc_core::sc_module_name name) : sc_module(name) {}
};

}  // namespace

TEST_CASE("every component is the SystemC object of its path") {
    for (const bool reverse : {false, true}) {
        machine::Simulation simulation(two_cubes(), {.reverse_construction = reverse});
        std::set<std::string> paths;
        for (const machine::Component& component : simulation.machine().components()) {
            INFO(component.path);
            CHECK(sc_core::sc_find_object(component.path.c_str()) != nullptr);
            CHECK(paths.insert(component.path).second);
        }
        for (const std::string path :
             {"machine.cube0.pe3.matrix", "machine.cube1.pe0.vector", "machine.cube0.pe1.dma_load",
              "machine.cube1.pe2.dma_store", "machine.cube0.hbm2", "machine.cube0.pe0_to_pe1",
              "machine.cube0.pe1_to_cube1_pe0", "machine.cube0.pe1.send_to_cube1_pe0",
              "machine.cube1.pe0.receive_from_cube0_pe1", "machine.cube1.pe3.send_to_pe2"}) {
            INFO(path);
            CHECK(paths.count(path) == 1);
        }
    }
}

TEST_CASE("with a port a PE sends and receives through it alone: messages to two neighbours share its rate") {
    const auto config = [](bool with_port) {
        return counting_line([=](Json& json) {
            json["cube"] = {{"topology", "line"}, {"cols", 3}};
            json["network"]["receive_buffer_bytes"] = 8192;
            if (with_port) json["network"]["port"] = json["network"]["link"];
        });
    };
    const auto time_of = [&](bool with_port) {
        Kernels kernels;
        kernels[1] = [](tl::Context& tl) {
            const Tile tile = tl.zeros({1024}, Dtype::f32);  // 4096 bytes
            tl.send(0, tile);
            tl.send(2, tile);
        };
        for (const int pe : {0, 2}) kernels[pe] = [](tl::Context& tl) { tl.recv(1, {1024}, Dtype::f32); };
        return to_nanoseconds(run_kernels(config(with_port), kernels).time);
    };
    const double filled = 1024;  // ns for the zeros
    CHECK(time_of(false) == Approx(filled + 4096).epsilon(0.05));
    CHECK(time_of(true) == Approx(filled + 2 * 4096).epsilon(0.05));
    machine::Simulation simulation(config(true));
    std::set<std::string> paths;
    for (const machine::Component& component : simulation.machine().components()) paths.insert(component.path);
    CHECK(paths.count("machine.cube0.pe1.send") == 1);
    CHECK(paths.count("machine.cube0.pe1.receive") == 1);
    CHECK(paths.count("machine.cube0.pe1.send_to_pe2") == 0);
    CHECK(paths.count("machine.cube0.pe1_in") == 1);
}

TEST_CASE("a kernel knows its place by cube and PE") {
    std::vector<std::array<int, 4>> places(8);
    Kernels kernels;
    for (int pe = 0; pe < 8; ++pe) {
        kernels[pe] = [&, pe](tl::Context& tl) {
            places[static_cast<std::size_t>(pe)] = {tl.program_id(0), tl.program_id(1), tl.num_programs(0),
                                                    tl.num_programs(1)};
        };
    }
    run_kernels(two_cubes(), kernels);
    for (int pe = 0; pe < 8; ++pe)
        CHECK(places[static_cast<std::size_t>(pe)] == std::array<int, 4>{pe % 4, pe / 4, 4, 2});
}

TEST_CASE("a warning of SystemC is an error: two modules of one name cannot be") {
    machine::Simulation simulation(two_cubes());
    CHECK_NOTHROW(Stranger("stranger"));
    CHECK_THROWS_AS(Stranger("machine"), sc_core::sc_report);
}

TEST_CASE("a PE takes one kernel") {
    machine::Simulation simulation(two_cubes());
    simulation.launch(
        3, "first", [](tl::Context&) {}, ValueMode::none);
    CHECK_THROWS_WITH(simulation.launch(
                          3, "second", [](tl::Context&) {}, ValueMode::none),
                      Catch::Contains("machine.cube0.pe3"));
}

TEST_CASE("an all-to-all network with more neighbours than a PE has engines for needs ports") {
    const auto config = [](int pes, bool with_port) {
        return counting_line([=](Json& json) {
            json["cube"] = {{"topology", "all_to_all"}, {"cols", pes}};
            if (with_port) json["network"]["port"] = json["network"]["link"];
        });
    };
    CHECK_THROWS_WITH(config(32, false), Catch::Contains("cube0.pe0 has 31 neighbours") && Catch::Contains("port"));
    CHECK_NOTHROW(machine::Simulation(config(31, false)));
    CHECK_NOTHROW(machine::Simulation(config(32, true)));
    CHECK_THROWS_WITH(config(400, true), Catch::Contains("159600 links"));
}

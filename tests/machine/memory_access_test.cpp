// SPDX-License-Identifier: Apache-2.0
// Loads and stores as a kernel sees them: near and far, alone and in competition.
#include "tests/language/arrays.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

Json json_of(const std::string& machine) {
    return parse_json_file(std::string(TILEMESH_SOURCE_DIR) + "/configs/machines/" + machine + ".json");
}

machine::MachineConfig cube_line8() {
    const Json json = json_of("cube_line8");
    return machine::read_machine(JsonReader(json, "cube_line8.json"));
}

struct Times {
    double load = 0, store = 0;
};

/// PE 0 loads a tensor of `bytes` that lives at `home`, and stores it back; each alone.
Times access(const machine::MachineConfig& config, int home, std::int64_t bytes) {
    Times times;
    machine::Simulation simulation(config);
    Tensor& tensor = simulation.allocate(home, "tensor", {bytes / 2}, Dtype::f16);
    const auto text = [&](tl::Context& tl) {
        const double begin = config.pe.clock.time_for(config.pe.issue_cycles).value() / 1000.0;
        const Tile tile = tl.load(tl::at(tensor), tensor.shape());
        times.load = ready_ns(tl, tile) - begin;
        tl.store(tl::at(tensor), tile);
    };
    simulation.launch(0, "access", text, ValueMode::none);
    const double whole = to_nanoseconds(simulation.run().time);
    times.store = whole - times.load - 2 * config.pe.issue_cycles / config.pe.clock.ghz();
    return times;
}

}  // namespace

TEST_CASE("a local load of 16 KiB on the default machine takes 77 ns, within a tenth") {
    CHECK(access(cube_line8(), 0, 16384).load == Approx(77).epsilon(0.10));
}

TEST_CASE("a large local load on the default machine reaches nine tenths of the slice's peak, which refresh leaves") {
    const machine::MachineConfig config = cube_line8();
    const std::int64_t bytes = 4 << 20;
    const double share =
        static_cast<double>(bytes) / access(config, 0, bytes).load / config.hbm.peak().gbytes_per_s();
    CHECK(share > 0.88);
    CHECK(share < 1.0 - config.hbm.timing.tRFC / config.hbm.timing.tREFI);
}

TEST_CASE("every hop makes a remote access longer by the way there and back") {
    const machine::MachineConfig config = cube_line8();
    const double hop = to_nanoseconds(config.network.link.latency + config.network.router.latency());
    const Times local = access(config, 0, 16384);
    Times before = access(config, 1, 16384);
    CHECK(before.load > local.load);
    CHECK(before.store > local.store);
    for (int home = 2; home < 8; ++home) {
        const Times times = access(config, home, 16384);
        CHECK(times.load - before.load == Approx(2 * hop).margin(0.001));
        CHECK(times.store - before.store == Approx(2 * hop).margin(0.001));
        before = times;
    }
}

TEST_CASE("what a slice reads leaves packet by packet, each when its last byte has been read") {
    // PE 0 loads 1024 bytes of PE 1 on the counting line: the request's 32 bytes, the reading of all, and then the
    // last packet of 256 over the link.
    const machine::MachineConfig config = counting_line();
    const double request_ns = 32, read_ns = 1024, packet_ns = 256;
    CHECK(access(config, 1, 1024).load == request_ns + read_ns + packet_ns);
    CHECK(access(config, 1, 256).load == request_ns + 256 + packet_ns);
    // A packet more or less on the way there makes no difference: nothing waits for the request's size but itself.
    const auto longer_request = counting_line([](Json& json) { json["network"]["request_bytes"] = 132; });
    CHECK(access(longer_request, 1, 1024).load == 132 + read_ns + packet_ns);
}

TEST_CASE("the first byte of a remote load is there after the access latency, and the link's pace follows") {
    const double latency = 100, ns_per_byte = 2;
    const auto config = counting_line([&](Json& json) {
        json["network"]["link"]["gbytes_per_s"] = 1 / ns_per_byte;
        json["hbm"]["access_latency_ns"] = latency;
    });
    // The link is slower than the slice, so that only the first packet's bytes are waited for.
    const double request_ns = 32 * ns_per_byte, first_packet_ns = 256, data_ns = 1024 * ns_per_byte;
    CHECK(access(config, 1, 1024).load == request_ns + latency + first_packet_ns + data_ns);
}

TEST_CASE(
    "the last byte of a remote store is in the slice after the access latency, its acknowledgement a way back") {
    const double latency = 100, wire = 20, router = 5;
    const auto config = counting_line([&](Json& json) {
        json["hbm"]["access_latency_ns"] = latency;
        json["network"]["link"]["latency_ns"] = wire;
        json["network"]["router"] = {{"cycle_ns", router},        {"route_cycles", 0},
                                     {"vc_allocation_cycles", 0}, {"switch_allocation_cycles", 0},
                                     {"traversal_cycles", 1},     {"credit_cycles", 0},
                                     {"allocation_conflicts", 0}};
    });
    for (const int hops : {1, 3}) {
        const double way = router + hops * (wire + router), data_ns = 512, packet_ns = 256;
        CHECK(access(config, hops, 512).store == Approx(way + data_ns + packet_ns + latency + way));
        CHECK(access(config, hops, 512).load == Approx(way + 32 + latency + data_ns + way + packet_ns));
    }
}

TEST_CASE("data that is stored far away is written as it comes: the slower of slice and links decides") {
    const double packet = 256, bytes = 4096, slow = 3;  // ns per byte; the faster takes one
    const auto slow_link = counting_line([&](Json& json) { json["network"]["link"]["gbytes_per_s"] = 1 / slow; });
    CHECK(access(slow_link, 1, 4096).store == Approx(bytes * slow + packet));
    CHECK(access(slow_link, 1, 256).store == Approx(packet * slow + packet));
    const auto slow_slice = counting_line([&](Json& json) { json["hbm"]["gbytes_per_s_per_channel"] = 1 / slow; });
    CHECK(access(slow_slice, 1, 4096).store == Approx(packet + bytes * slow));
    // Local reads of the slice take their turn between the packets: the first waits for one of them, not for all.
    machine::Simulation simulation(slow_link);
    Tensor& far = simulation.allocate(1, "far", {2048}, Dtype::f16);
    Tensor& own = simulation.allocate(1, "own", {128}, Dtype::f16);
    double ready = 0;
    simulation.launch(
        0, "stores", [&](tl::Context& tl) { tl.store(tl::at(far), tl.zeros({2048}, Dtype::f16)); }, ValueMode::none);
    simulation.launch(
        1, "loads",
        [&](tl::Context& tl) {
            pause_ns(tl, 2048 + 3 * 768 + 32);  // the store begins after 2048 ns, and its third packet has come
            ready = ready_ns(tl, tl.load(tl::at(own), own.shape()));
        },
        ValueMode::none);
    simulation.run();
    CHECK(ready == 2048 + 3 * 256 * slow + packet + packet);
}

TEST_CASE("what is stored far away fills as many bursts as what is stored near, wherever packets are cut") {
    for (const int packet : {100, 256, 1000}) {
        machine::MachineConfig config = cube_line8();
        config.network.packet = Bytes(static_cast<std::uint64_t>(packet));
        std::map<int, std::uint64_t> written;
        for (const int home : {0, 3}) {
            machine::Simulation simulation(config);
            Tensor& tensor = simulation.allocate(home, "tensor", {2, 40, 333}, Dtype::f16);
            const auto text = [&](tl::Context& tl) {
                tl.store(tl::at(tensor, 0, 1, 7), tl.zeros({2, 30, 171}, Dtype::f16));  // rows at odd places
                tl.store(tl::at(tensor, 0, 3, 0), tl.zeros({1, 20, 333}, Dtype::f16));  // whole rows
            };
            simulation.launch(0, "stores", text, ValueMode::none);
            const machine::Outcome outcome = simulation.run();
            for (std::size_t i = 0; i < outcome.components.size(); ++i)
                if (outcome.components[i].kind == "hbm") written[home] += outcome.totals[i].bytes.value();
        }
        CHECK(written[0] > 2 * (2 * 30 * 171 + 20 * 333));
        CHECK(written[0] == written[3]);
    }
}

TEST_CASE("a box of several batches is read where each of them lies") {
    const auto config = counting_line([](Json& json) { json["hbm"]["channels_per_pe"] = 2; });
    const auto load_ns = [&](Shape tensor_shape, Shape box, std::int64_t row, std::int64_t col) {
        machine::Simulation simulation(config);
        Tensor& tensor = simulation.allocate(0, "tensor", tensor_shape, Dtype::f32);
        const auto text = [&](tl::Context& tl) { tl.load(tl::at(tensor, 0, row, col), box); };
        simulation.launch(0, "loads", text, ValueMode::none);
        return to_nanoseconds(simulation.run().time);
    };
    // Rows of 256 bytes take turns on the channels.
    const double row_ns = 256;
    CHECK(load_ns({2, 2, 64}, {2, 1, 64}, 0, 0) == 2 * row_ns);  // both rows on the first channel
    CHECK(load_ns({2, 2, 64}, {2, 1, 64}, 1, 0) == 2 * row_ns);  // both on the second
    CHECK(load_ns({2, 3, 64}, {2, 1, 64}, 0, 0) == row_ns);      // rows 0 and 3: one on each
    CHECK(load_ns({2, 2, 64}, {1, 2, 64}, 0, 0) == row_ns);
    CHECK(load_ns({2, 2, 64}, {2, 2, 64}, 0, 0) == 2 * row_ns);
    // Columns: half of each row.
    CHECK(load_ns({1, 2, 64}, {1, 2, 32}, 0, 32) == row_ns / 2);
    CHECK(load_ns({1, 4, 128}, {1, 4, 64}, 0, 0) == 4 * row_ns);  // rows of 512: all halves on the first channel
}

TEST_CASE("a remote load is limited by the links on its way, a local one is not") {
    Json json = json_of("cube_line8");
    const auto& hbm = json["hbm"];
    json["network"]["link"]["gbytes_per_s"] =
        hbm["gbytes_per_s_per_channel"].get<double>() * hbm["channels_per_pe"].get<double>() / 2.0;
    const machine::MachineConfig config = machine::read_machine(JsonReader(json, "slow links"));
    const std::int64_t bytes = 4 << 20;
    const double link_ns = static_cast<double>(bytes) / config.network.link.rate.gbytes_per_s();
    CHECK(access(config, 0, bytes).load < link_ns);
    CHECK(access(config, 1, bytes).load > link_ns);
    CHECK(access(config, 1, bytes).load < link_ns * 1.02);
}

TEST_CASE("the port between DMA engine and SRAM limits a transfer wherever its bytes are") {
    machine::MachineConfig config = cube_line8();
    config.pe.dma.bytes_per_cycle = 8;
    constexpr std::int64_t bytes = 1 << 19;
    for (const int home : {0, 1, 7}) {
        const Times times = access(config, home, bytes);
        CAPTURE(home);
        CHECK(times.load == bytes / 8);
        CHECK(times.store == bytes / 8);
    }
}

TEST_CASE("values cross the machine unchanged: loaded from and stored to other PEs' memory") {
    const Array values = random_array({16, 24}, 3, Dtype::bf16);
    machine::Simulation simulation(cube_line8());
    Tensor& input = add_input(simulation, 6, "input", values);
    Tensor& output = simulation.allocate(3, "output", values.shape, Dtype::bf16);
    const auto text = [&](tl::Context& tl) {
        for (int row = 0; row < 16; row += 4)
            tl.store(tl::at(output, 0, row), tl.load(tl::at(input, 0, row), {4, 24}) * 2.0F);
    };
    simulation.launch(1, "copies", text, ValueMode::full);
    simulation.run();
    CHECK(distance(stored(output),
                   make_array(
                       {16, 24}, [&](int, int r, int c) { return 2.0F * values.at(0, r, c); }, Dtype::bf16)) == 0.0);
}

TEST_CASE("what one PE stored, another loads after a barrier") {
    machine::Simulation simulation(cube_line8());
    Tensor& shared = simulation.allocate(5, "shared", {8, 4}, Dtype::f32);
    Tensor& output = simulation.allocate(2, "output", {8, 4}, Dtype::f32);
    for (int pe = 0; pe < 8; ++pe) {
        const auto text = [&, pe](tl::Context& tl) {
            tl.store(tl::at(shared, 0, pe), tl.full({1, 4}, static_cast<float>(pe)));
            tl.barrier();
            if (pe == 2) tl.store(tl::at(output), tl.load(tl::at(shared), {8, 4}));
        };
        simulation.launch(pe, "shares", text, ValueMode::full);
    }
    simulation.run();
    CHECK(distance(stored(output), make_array({8, 4}, [](int, int r, int) { return static_cast<float>(r); })) == 0.0);
}

TEST_CASE("loads of several PEs from one slice share its rate") {
    const machine::MachineConfig config = cube_line8();
    const std::int64_t bytes = 1 << 20;
    std::map<int, double> ready;
    machine::Simulation simulation(config);
    Tensor& tensor = simulation.allocate(1, "tensor", {bytes / 2}, Dtype::f16);
    for (const int pe : {0, 1, 2}) {
        const auto text = [&, pe](tl::Context& tl) {
            ready[pe] = ready_ns(tl, tl.load(tl::at(tensor), tensor.shape()));
        };
        simulation.launch(pe, "shares", text, ValueMode::none);
    }
    simulation.run();
    const double least = 3.0 * static_cast<double>(bytes) / config.hbm.peak().gbytes_per_s();
    CHECK(std::max({ready[0], ready[1], ready[2]}) > least);
    CHECK(ready[1] < least / 2);  // the local request is there first
}

TEST_CASE("a slice that is full says who wanted how much where") {
    Json json = json_of("cube_line8");
    json["hbm"]["bytes_per_pe"] = 1 << 20;
    machine::Simulation simulation(machine::read_machine(JsonReader(json, "small")));
    simulation.allocate(3, "keys", {1 << 18}, Dtype::f16);
    CHECK_THROWS_WITH(simulation.allocate(3, "values", {1 << 19}, Dtype::f16),
                      Catch::Contains("values needs 1048576 bytes of HBM at machine.cube0.hbm3"));
    CHECK_NOTHROW(simulation.allocate(4, "values", {1 << 18}, Dtype::f16));
}

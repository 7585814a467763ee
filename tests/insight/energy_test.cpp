// SPDX-License-Identifier: Apache-2.0
// Energy of kernels that can be worked out with a pencil: a dot, a load, a send, on the counting line (a byte and an
// element per ns), with prices that are powers of ten where that helps.
#include "sim/base/error.h"
#include "tests/insight/priced.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

double pj(const report::EnergyResult& energy) { return energy.joules * 1e12; }
double pj_of(const report::EnergyResult& energy, const std::string& key) {
    for (const report::EnergyUse& use : energy.uses)
        if (use.key == key) return use.joules * 1e12;
    return 0.0;
}
double pj_at(const report::EnergyResult& energy, const std::string& path) {
    for (const report::EnergyPart& part : energy.parts)
        if (part.path == path) return part.joules * 1e12;
    return 0.0;
}

void a_dot(tl::Context& tl) {
    const Tile a = tl.zeros({2, 5}, Dtype::f16), b = tl.zeros({5, 3}, Dtype::f16);
    tl.wait(tl.dot(a, b));
}

}  // namespace

TEST_CASE("a dot costs its multiply-accumulates, its operands read and its result written") {
    const report::EnergyResult energy = energy_of(Kernels{{0, a_dot}});
    CHECK(pj_of(energy, "pj_per_mac.f16") == Approx(2 * 5 * 3 * 1000.0));
    CHECK(pj_of(energy, "pj_per_element.fill") == Approx((10 + 15) * 100.0));
    CHECK(pj_of(energy, "pj_per_byte.sram_read") == Approx((2 * 5 + 5 * 3) * 2 * 10.0));
    // Both operands are written by fill, in f16; the result is f32.
    CHECK(pj_of(energy, "pj_per_byte.sram_write") == Approx((10 + 15) * 2 + 2 * 3 * 4));
    CHECK(pj(energy) == Approx(30000.0 + 2500.0 + 500.0 + 74.0));
    CHECK(pj_at(energy, "machine.cube0.pe0.matrix") == Approx(30000.0));
    CHECK(pj_at(energy, "machine.cube0.pe0.vector") == Approx(2500.0));
    CHECK(pj_at(energy, "machine.cube0.pe0.sram") == Approx(574.0));
}

TEST_CASE("an accumulator is read as well, and a broadcast operand once") {
    const report::EnergyResult energy =
        energy_of(Kernels{{0, [](tl::Context& tl) {
                               const Tile a = tl.zeros({2, 2}, Dtype::f32);
                               const Tile c = tl.dot(a, a, a);             // reads 3 * 16 bytes
                               tl.wait(c + tl.zeros({1, 2}, Dtype::f32));  // reads 16 + 8
                           }}});
    CHECK(pj_of(energy, "pj_per_byte.sram_read") == Approx((48 + 24) * 10.0));
    CHECK(pj_of(energy, "pj_per_element.add") == Approx(4 * 200.0));
}

TEST_CASE("a load costs whole bursts of HBM and its bytes into the SRAM; a store the other way round") {
    const auto moves = [](machine::Simulation& simulation) {
        Tensor& tensor = simulation.allocate(0, "t", {4, 40}, Dtype::f32);
        const auto text = [&tensor](tl::Context& tl) {
            tl.wait(tl.load(tl::at(tensor, 0, 0, 15), {1, 2}, Dtype::f32));          // 8 bytes from byte 60 on
            const Tile row = tl.load(tl::at(tensor, 0, 1, 0), {1, 40}, Dtype::f32);  // 160 bytes from byte 160 on
            tl.store(tl::at(tensor, 0, 0, 0), row);                                  // 160 bytes from byte 0 on
        };
        return Kernels{{0, text}};
    };
    const report::EnergyResult energy = energy_of(moves);
    CHECK(pj_of(energy, "pj_per_byte.hbm_read") == Approx((2 + 3) * 64 * 7.0));  // bytes 0 to 127, 128 to 319
    CHECK(pj_of(energy, "pj_per_byte.hbm_write") == Approx(3 * 64 * 8.0));
    CHECK(pj_of(energy, "pj_per_byte.sram_write") == Approx(168.0));
    CHECK(pj_of(energy, "pj_per_byte.sram_read") == Approx(1600.0));
    CHECK(pj_at(energy, "machine.cube0.hbm0") == Approx(5 * 64 * 7.0 + 3 * 64 * 8.0));
}

TEST_CASE("a load from another PE's slice costs the way of its request and of its data") {
    const auto loads = [](machine::Simulation& simulation) {
        Tensor& tensor = simulation.allocate(2, "t", {64}, Dtype::f32);
        return Kernels{{0, [&tensor](tl::Context& tl) { tl.wait(tl.load(tl::at(tensor, 0, 0), {64}, Dtype::f32)); }}};
    };
    const report::EnergyResult energy = energy_of(loads);
    const double moved = 32 + 256;  // request and data, over two links and three routers each
    CHECK(pj_of(energy, "pj_per_byte_mm.link") == Approx(moved * 2 * 2 * 1.5));
    CHECK(pj_of(energy, "pj_per_byte.router") == Approx(moved * 3 * 0.5));
    CHECK(pj_at(energy, "machine.cube0.pe0_to_pe1") == Approx(32 * 2 * 1.5));
    CHECK(pj_at(energy, "machine.cube0.pe2_to_pe1") == Approx(256 * 2 * 1.5));
    CHECK(pj_at(energy, "machine.cube0.hbm2") == Approx(256 * 7.0));
    CHECK(pj_at(energy, "machine.cube0.hbm0") == 0.0);
}

TEST_CASE("a send costs a read, links by their length, a router more than links, and a write") {
    const auto send = [](int to) {
        return Kernels{{0, [=](tl::Context& tl) { tl.send(to, tl.zeros({12})); }},
                       {to, [](tl::Context& tl) { tl.wait(tl.recv(0, {12}, Dtype::f32)); }}};
    };
    const report::EnergyResult near = energy_of(send(1)), far = energy_of(send(3));
    CHECK(pj_of(near, "pj_per_byte_mm.link") == Approx(48 * 2 * 1.5));
    CHECK(pj_of(near, "pj_per_byte.router") == Approx(48 * 2 * 0.5));
    CHECK(pj_of(near, "pj_per_byte.sram_read") == Approx(48 * 10.0));
    CHECK(pj_of(near, "pj_per_byte.sram_write") == Approx(48 + 48.0));  // one by fill, one by the receive
    CHECK(pj_of(far, "pj_per_byte_mm.link") == Approx(3 * pj_of(near, "pj_per_byte_mm.link")));
    CHECK(pj_of(far, "pj_per_byte.router") == Approx(2 * pj_of(near, "pj_per_byte.router")));
    // On a ring the way to the last PE is the one link back, which passes all of them.
    const auto ring = priced_and([](Json& json) { json["cube"]["topology"] = "ring"; });
    const report::EnergyResult around = energy_of(send(7), ring);
    CHECK(pj_of(around, "pj_per_byte_mm.link") == Approx(48 * 7 * 2 * 1.5));
    CHECK(pj_of(around, "pj_per_byte.router") == Approx(48 * 2 * 0.5));
}

TEST_CASE("a multicast is read once for each side that it leaves on, and crosses every link once") {
    // Two links west, three east, where neither the first nor the last is the farthest.
    const std::vector<int> receivers = {4, 5, 3, 1, 0};
    Kernels kernels{{2, [&](tl::Context& tl) { tl.multicast(receivers, tl.zeros({12})); }}};
    for (const int pe : receivers) kernels[pe] = [](tl::Context& tl) { tl.wait(tl.recv(2, {12}, Dtype::f32)); };
    const auto copying = priced_and([](Json& json) { json["network"]["router"]["multicast"] = true; });
    const report::EnergyResult energy = energy_of(kernels, copying);
    CHECK(pj_of(energy, "pj_per_byte_mm.link") == Approx(48 * (2 + 3) * 2 * 1.5));
    CHECK(pj_of(energy, "pj_per_byte.router") == Approx(48 * (3 + 4) * 0.5));
    CHECK(pj_of(energy, "pj_per_byte.sram_read") == Approx(2 * 48 * 10.0));
    CHECK(pj_of(energy, "pj_per_byte.sram_write") == Approx(48 * (1 + 5)));  // the fill, and by each receive
}

TEST_CASE("static power is paid for as long as the run takes, by every part that is there") {
    const auto standing = priced_and([](Json& json) {
        json["energy"]["watts"] = {{"pe", 2}, {"hbm", 3}};
        json["energy"]["watts_per_mib"]["sram"] = 0.25;  // of 4 MiB each
    });
    const Kernels pause{{0, [](tl::Context& tl) { pause_ns(tl, 500); }}};
    const report::EnergyResult energy = energy_of(pause, standing);
    const double static_pj = 500e3 * 8 * (2 + 3 + 1);  // W * ps
    CHECK(energy.static_joules * 1e12 == Approx(static_pj));
    CHECK(pj(energy) == Approx(static_pj + 500 * 100.0 + 500 * 4 * 1.0));
    CHECK(pj_at(energy, "machine.cube0.pe7") == Approx(500e3 * 2));
    CHECK(pj_at(energy, "machine.cube0.pe7.sram") == Approx(500e3 * 1));
    CHECK(pj_at(energy, "machine.cube0.hbm7") == Approx(500e3 * 3));
    CHECK(energy.average_w == Approx(48.0 + (50000.0 + 2000.0) / 500e3));
    CHECK(energy.energy_delay_js == Approx(energy.joules * 500e-9));
}

TEST_CASE("a key that is missing for what was done refuses the total, by its name and with what it is needed for") {
    const auto without = [](const char* group, const char* key) {
        return priced_and([=](Json& json) { json["energy"][group].erase(key); });
    };
    const auto refused = [&](const char* group, const char* key) {
        return energy_of(Kernels{{0, a_dot}}, without(group, key));
    };
    const report::EnergyResult energy = refused("pj_per_mac", "f16");
    CHECK(energy.missing ==
          std::vector<std::string>{"machine.energy.pj_per_mac.f16 is missing (needed for 30 multiply-accumulates)"});
    CHECK(energy.joules == 0.0);
    CHECK(energy.uses.empty());
    CHECK(energy.parts.empty());
    CHECK(refused("pj_per_byte", "sram_write").missing ==
          std::vector<std::string>{"machine.energy.pj_per_byte.sram_write is missing (needed for 74 bytes)"});
    CHECK(refused("watts", "pe").missing ==
          std::vector<std::string>{"machine.energy.watts.pe is missing (needed for 8 PEs)"});
    // What nobody did needs no price.
    CHECK(refused("pj_per_mac", "f32").has_total());
    CHECK(refused("pj_per_byte", "hbm_read").has_total());
    CHECK(refused("watts", "die_to_die").has_total());
}

TEST_CASE("a phase costs what its commands cost, wherever they run") {
    const report::EnergyResult energy =
        energy_of(Kernels{{0, [](tl::Context& tl) {
                               const std::array<Phase, 1> first{Phase{"step", 0}}, second{Phase{"step", 1}};
                               Tile a;
                               {
                                   const tl::PhaseScope scope(tl, first);
                                   a = tl.zeros({10});
                               }
                               {
                                   const tl::PhaseScope scope(tl, second);
                                   a = a + a;
                               }
                               tl.wait(tl.exp(a));
                           }}});
    std::map<std::string, double> phases;
    for (const report::EnergyPhase& phase : energy.phases) phases[phase.phase] = phase.joules * 1e12;
    CHECK(phases.size() == 3);
    CHECK(phases["step 0"] == Approx(10 * 100 + 40.0));
    CHECK(phases["step 1"] == Approx(10 * 200 + 80 * 10 + 40.0));
    CHECK(phases[""] == Approx(10 * 500 + 40 * 10 + 40.0));
}

TEST_CASE("windows hold everything that was added, however long the run became") {
    insight::EnergyWindows windows(2);
    constexpr energy::Use use = energy::byte_of(energy::Moved::router);
    windows.add(0, use, 1000, Picoseconds(0), Picoseconds(3000));
    CHECK(windows.of(0, 0).of[use] == 333);
    CHECK(windows.of(0, 1).of[use] == 333);
    CHECK(windows.of(0, 2).of[use] == 334);
    windows.add(1, use, 7, Picoseconds(5500), Picoseconds(5500));
    CHECK(windows.of(1, 5).of[use] == 7);
    windows.add(1, use, 12, Picoseconds(400000), Picoseconds(512000));
    CHECK(windows.width() == Picoseconds(2000));
    CHECK(windows.of(0, 0).of[use] == 666);
    CHECK(windows.of(0, 1).of[use] == 334);
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < windows.count(Picoseconds(512000)); ++i) all += windows.of(1, i).of[use];
    CHECK(all == 19);
}

TEST_CASE("area is the sum of what its keys say of each part") {
    const auto config = [](const Change& change) {
        return counting_line([&](Json& json) {
            json["pe"]["matrix"]["rows"] = 4;
            json["pe"]["matrix"]["cols"] = 2;
            json["pe"]["sram_bytes"] = 3 << 20;
            json["hbm"]["channels_per_pe"] = 2;
            json["area"] = {{"technology", "test"},
                            {"mm2", {{"pe", 1}}},
                            {"mm2_per_mac", {{"matrix", 0.5}}},
                            {"mm2_per_lane", {{"vector", 10}}},
                            {"mm2_per_mib", {{"sram", 2}}},
                            {"mm2_per_channel", {{"hbm", 7}}}};
            change(json);
        });
    };
    const machine::MachineConfig machine = config([](Json&) {});
    const report::AreaResult area = insight::area_account(machine, noc::Topology(machine.network));
    CHECK(area.mm2 == Approx(8 * (1 + 8 * 0.5 + 1 * 10 + 3 * 2 + 2 * 7)));
    CHECK(area.parts.size() == 5);
    const machine::MachineConfig lacking = config([](Json& json) { json["area"].erase("mm2_per_mib"); });
    const report::AreaResult refused = insight::area_account(lacking, noc::Topology(lacking.network));
    CHECK(refused.missing == std::vector<std::string>{"machine.area.mm2_per_mib.sram is missing (needed for 24)"});
    CHECK(refused.mm2 == 0.0);
    CHECK(refused.parts.empty());
}

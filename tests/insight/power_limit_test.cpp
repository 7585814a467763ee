// SPDX-License-Identifier: Apache-2.0
// Power over time and its limits, of kernels whose power is known at every nanosecond.
#include "sim/base/random.h"
#include "tests/insight/priced.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// So many ns of 0.1 W, at least as many elements as the burst has, then so many of 0.5 W.
struct Burst {
    std::int64_t fill, exp;
};

Kernels bursts(std::vector<Burst> all) {
    return {{0, [all = std::move(all)](tl::Context& tl) {
                 for (const auto& [fill, exp] : all) {
                     if (fill > exp) tl.zeros({fill - exp});
                     if (exp > 0) tl.exp(tl.zeros({exp}));
                 }
             }}};
}

Change machine_limit(double watts, double window_ns) {
    return priced_and([=](Json& json) {
        json["energy"]["pj_per_byte"]["sram_read"] = json["energy"]["pj_per_byte"]["sram_write"] = 0;
        json["power_limit"] = {{"machine_watts", watts}, {"window_ns", window_ns}};
    });
}

}  // namespace

TEST_CASE("power is the mean of a window, and a limit says who exceeds it, when and by how much") {
    // An element per ns: 100 pJ + 4 pJ per ns are 0.104 W, in bursts of 256 ns between which nothing happens.
    const Kernels kernels{{0,
                           [](tl::Context& tl) {
                               pause_ns(tl, 256);
                               tl.wait(tl.recv(1, {128}, Dtype::f32));
                           }},
                          {1, [](tl::Context& tl) { tl.send(0, tl.zeros({128})); }}};
    const auto limited = [](const char* key, double watts, double window_ns) {
        return priced_and([=](Json& json) {
            json["energy"]["pj_per_byte"]["sram_read"] = 0;
            json["energy"]["pj_per_byte_mm"]["link"] = 0;
            json["energy"]["pj_per_byte"]["router"] = 0;
            json["power_limit"] = {{key, watts}, {"window_ns", window_ns}};
        });
    };
    // Both PEs fill for 128 ns, then PE 0 alone until 256. It receives 512 bytes, 1 pJ each, from then to 640 ns.
    const report::EnergyResult energy = energy_of(kernels, limited("machine_watts", 0.15, 0));
    CHECK(energy.window == Picoseconds(4000));
    REQUIRE(energy.power_w.size() == 160);
    CHECK(energy.power_w[0] == Approx(0.208));
    CHECK(energy.power_w[31] == Approx(0.208));
    CHECK(energy.power_w[32] == Approx(0.104));
    CHECK(energy.power_w[63] == Approx(0.104));
    CHECK(energy.power_w[100] == Approx(512.0 / 384e3).margin(1.0 / 4e3));  // a count is in one window or the next
    CHECK(energy.peak_w == Approx(0.208));
    CHECK(energy.peak_at == Picoseconds());
    REQUIRE(energy.limits.size() == 1);
    const report::PowerCheck& limit = energy.limits[0];
    CHECK(limit.of == "machine");
    CHECK(limit.parts == 1);
    CHECK(limit.peak_w == Approx(0.208));
    CHECK(limit.over == Picoseconds(128000));
    // What has less than a limit by a thousandth of a watt does not exceed it.
    CHECK(energy_of(kernels, limited("machine_watts", 0.209, 0)).limits[0].parts == 0);
    CHECK(energy_of(kernels, limited("machine_watts", 0.207, 0)).limits[0].parts == 1);
    // The mean of the first 320 ns is less.
    const report::EnergyResult slow = energy_of(kernels, limited("machine_watts", 0.15, 320));
    CHECK(slow.limits[0].window == Picoseconds(320000));
    CHECK(slow.limits[0].peak_w == Approx(((256 + 128) * 104 + 64 * 512.0 / 384) / 320e3).epsilon(1e-4));
    CHECK(slow.limits[0].parts == 0);
    CHECK(slow.limits[0].over == Picoseconds());
    const report::EnergyResult by_pe = energy_of(kernels, limited("pe_watts", 0.1, 0));
    CHECK(by_pe.limits[0].of == "machine.cube0.pe0");
    CHECK(by_pe.limits[0].parts == 2);
    CHECK(by_pe.limits[0].peak_w == Approx(0.104));
    CHECK(by_pe.limits[0].over == Picoseconds(256000));
}

TEST_CASE("a window begins wherever the mean from there is greatest") {
    // Windows of 100 ns side by side from the start have 0.3 W at most.
    const report::EnergyResult energy = energy_of(bursts({{352, 100}, {188, 0}}), machine_limit(0.4, 100));
    REQUIRE(energy.window == Picoseconds(4000));
    const report::PowerCheck& limit = energy.limits[0];
    CHECK(limit.window == Picoseconds(100000));
    CHECK(limit.peak_w == Approx(0.5));
    CHECK(limit.peak_at == Picoseconds(352000));
    CHECK(limit.parts == 1);
    // With 32 ns before or after the burst the mean is 0.403 W, with 36 ns 0.394 W.
    CHECK(limit.over == Picoseconds((32 + 100 + 32) * 1000));
}

TEST_CASE("what is left of the run at its end is no window") {
    const report::EnergyResult energy = energy_of(bursts({{600, 40}}), machine_limit(0.2, 300));
    REQUIRE(energy.window == Picoseconds(4000));
    CHECK(energy.limits[0].peak_w == Approx((260 * 0.1 + 40 * 0.5) / 300));
    CHECK(energy.limits[0].peak_at == Picoseconds(340000));
    CHECK(energy.limits[0].parts == 0);
    // Nor is what the end leaves of the last that was recorded.
    const report::EnergyResult cut = energy_of(bursts({{640, 2}}), machine_limit(0.3, 0));
    REQUIRE(cut.window == Picoseconds(4000));
    CHECK(cut.power_w.back() == Approx(0.5));
    CHECK(cut.limits[0].peak_w == Approx((4 * 0.1 + 2 * 0.5) / 6));
    CHECK(cut.limits[0].peak_at == Picoseconds(636000));
    CHECK(cut.limits[0].parts == 0);
    CHECK(cut.peak_w == cut.limits[0].peak_w);
    CHECK(cut.peak_at == cut.limits[0].peak_at);
}

TEST_CASE("no stretch of a run that is as long as a window has a mean above the peak, and one has that") {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
        std::vector<Burst> random;
        for (std::uint64_t i = 0; i < 3 + seed; ++i) {
            const auto length = [&](std::uint64_t stream) {
                return static_cast<std::int64_t>(random_below(seed, stream, i, 120));
            };
            random.push_back({2 + length(0), length(1)});
        }
        for (const double window_ns : {0.0, 3.0, 10.0, 37.0, 100.0, 333.0, 1e6}) {
            CAPTURE(seed, window_ns);
            const report::EnergyResult energy = energy_of(bursts(random), machine_limit(1.0, window_ns));
            const double width = to_nanoseconds(energy.window), time = energy.joules / energy.average_w * 1e9;
            const double least = std::min(std::max(window_ns, width), time) - 1e-6;
            double most = 0.0;
            for (std::size_t begin = 0; begin < energy.power_w.size(); ++begin) {
                double sum = 0.0, length = 0.0;
                for (std::size_t i = begin; i < energy.power_w.size(); ++i) {
                    const double one = std::min(width, time - width * static_cast<double>(i));
                    sum += energy.power_w[i] * one;
                    length += one;
                    if (length >= least) most = std::max(most, sum / length);
                }
            }
            CHECK(energy.limits[0].peak_w == Approx(most));
        }
    }
}

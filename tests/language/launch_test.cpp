// SPDX-License-Identifier: Apache-2.0
// What a launch costs: nothing by default; else a fixed time, the units that its blocks leave idle, and what the
// copying of an exchange takes from them. And what a run says of all its PEs when it ends.
#include "sim/pe/launch.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;
using Kind = LaunchedWork::Kind;

namespace {

/// When the last tile of a kernel on a machine with these launch costs is complete, in ns.
double measured(const Json& launch, const std::function<Tile(tl::Context&)>& kernel) {
    double result = -1.0;
    const auto config = counting_line([&](Json& machine) { machine["pe"]["launch"] = launch; });
    run_kernels(config, {{0, [&](tl::Context& tl) { result = ready_ns(tl, kernel(tl)); }}});
    return result;
}

}  // namespace

TEST_CASE("without launch costs a launch changes nothing") {
    const auto kernel = [](bool launched) {
        return [launched](tl::Context& tl) {
            const Tile first = tl.zeros({100});
            if (launched) tl.launch({Kind::attention, {1.0, 2.0, 3.0}});
            return tl.exp(tl.zeros({10}));
        };
    };
    CHECK(measured(Json::object(), kernel(true)) == measured(Json::object(), kernel(false)));
}

TEST_CASE("a launch begins when the engines have done what came before, and costs its kind") {
    const Json costs = {{"simple_ns", 50}, {"attention_ns", 70}, {"exchange_ns", 20}, {"exchange_message_ns", 5}};
    const auto after = [&](const LaunchedWork& work) {
        return measured(costs, [&](tl::Context& tl) {
            tl.zeros({100});
            tl.launch(work);
            return tl.zeros({10});
        });
    };
    CHECK(after({Kind::simple}) == 100 + 50 + 10);
    CHECK(after({Kind::attention}) == 100 + 70 + 10);
    CHECK(after({Kind::exchange, {}, 3}) == 100 + 20 + 3 * 5 + 10);
}

TEST_CASE("a launch begins when the pipelines have drained, not when the engines could take more") {
    const double depth = 50, launch = 10, work = 100;
    const auto config = counting_line([&](Json& machine) {
        machine["pe"]["launch"] = {{"simple_ns", launch}};
        machine["pe"]["vector"]["startup_cycles"] = depth;
    });
    double ready = 0.0;
    run_kernels(config, {{0, [&](tl::Context& tl) {
                              tl.launch({Kind::simple});
                              tl.zeros({100});
                              tl.launch({Kind::simple});
                              ready = ready_ns(tl, tl.zeros({100}));
                          }}});
    CHECK(ready == 2 * (launch + work + depth));
}

TEST_CASE("units without a block stand still until the launch has ended") {
    const auto with = [](const std::vector<double>& blocks) {
        return measured({{"units", 4}}, [&](tl::Context& tl) {
            tl.launch({Kind::attention, blocks});
            return tl.zeros({300});
        });
    };
    CHECK(with({}) == 300);
    CHECK(with({1, 1, 1, 1}) == 300);
    CHECK(with({1, 1, 1}) == 300 * 4 / 3);
}

TEST_CASE("block products of a backward pass have a start and a rate of their own") {
    const Json costs = {{"gradients_ns", 50}, {"gradients_rate", 0.25}, {"units", 4}};
    const auto with = [&](const LaunchedWork& work) {
        return measured(costs, [&](tl::Context& tl) {
            tl.launch(work);
            return tl.zeros({300});
        });
    };
    CHECK(with({Kind::attention, {1, 1, 1}}) == 300 * 4 / 3);
    CHECK(with({Kind::gradients}) == 50 + 300 * 4);
    CHECK(with({Kind::gradients, {1, 1, 1}}) == 50 + 300 * 4 * 4 / 3);
    CHECK(with({Kind::simple}) == 300);
}

TEST_CASE("an exchange that the units carry takes its share of a launch beside it, and none once it is over") {
    const double bytes = 1000, link = 1;  // bytes per ns
    const auto with = [&](double share, std::int64_t pause) {
        return measured({{"copy_share", share}}, [&](tl::Context& tl) {
            tl.launch({Kind::exchange, {}, 1, Bytes(static_cast<std::uint64_t>(bytes))});
            if (pause > 0) pause_ns(tl, pause);
            tl.launch({Kind::attention});
            return tl.zeros({100});
        });
    };
    CHECK(with(0.0, 0) == 100);
    CHECK(with(0.5, 0) == 0.5 * bytes / link + 100);
    CHECK(with(1.0, 400) == bytes / link + 100);
    CHECK(with(1.0, 2000) == 2000 + 100);
}

TEST_CASE("blocks are dealt in their order to the unit that has done one") {
    using pe::share_at_work;
    CHECK(share_at_work({1, 1, 1}, 4, 1) == Approx(3.0 / 4));
    CHECK(share_at_work({1, 1, 1, 1, 1}, 4, 1) == Approx(5.0 / 8));
    // The longest last leaves the other unit idle; first, it does not.
    CHECK(share_at_work({1, 1, 2}, 2, 1) == Approx(4.0 / 6));
    CHECK(share_at_work({2, 1, 1}, 2, 1) == Approx(1.0));
    CHECK(share_at_work({5, 3}, 1, 1) == 1.0);
    CHECK(share_at_work({}, 7, 2) == 1.0);
}

TEST_CASE("blocks on one unit share it, and one that is alone has all of it") {
    using pe::share_at_work;
    // Five on four units: the first has two, each at half its rate, and is done last.
    CHECK(share_at_work({1, 1, 1, 1, 1}, 4, 2) == Approx(5.0 / 8));
    // 4 and 1 share a unit: 1 is done at 2, then 4 has 3 left and the unit to itself.
    CHECK(share_at_work({4, 1, 1}, 2, 2) == Approx(6.0 / (2 * 5)));
    // Nothing is lost when everything is alike and fills all units.
    CHECK(share_at_work(std::vector<double>(24, 3.5), 4, 3) == Approx(1.0));
}

TEST_CASE("the SRAM peak of a run is that of the PE that holds most, whichever it is") {
    for (const int large : {0, 1, 2}) {
        Kernels kernels;
        for (int pe = 0; pe < 3; ++pe)
            kernels[pe] = [=](tl::Context& tl) { tl.wait(tl.zeros({pe == large ? 1000 : 10})); };
        CHECK(run_kernels(counting_line(), kernels).sram_peak == Bytes(1000 * 4));
    }
}

// SPDX-License-Identifier: Apache-2.0
// Does compare show what moved, and fail exactly when something moved too far?
#include "sim/run/compare.h"
#include "tests/command/made_up.h"

#include <catch2/catch.hpp>

using namespace tilemesh;

namespace {

const run::Difference* find(const run::Comparison& comparison, const std::string& label, const std::string& what) {
    for (const auto& difference : comparison.differences) {
        if (difference.label == label && difference.what == what) return &difference;
    }
    return nullptr;
}

}  // namespace

TEST_CASE("a result does not differ from itself, whatever the host took") {
    const auto before = made_up_run();
    auto after = before;
    after.wall_seconds *= 10;
    after.tool_version = "9.9.9";
    const auto comparison = run::compare(before, after, 0.0);
    CHECK(comparison.differences.empty());
    CHECK(comparison.entries == 4);
    CHECK_FALSE(comparison.fails());
}

TEST_CASE("a change of cycles fails past the tolerance and not within it") {
    const auto before = made_up_run();
    auto after = before;
    after.panels[0].kernels[0].cycles *= 1.01;
    CHECK(run::compare(before, after, 0.0).fails());
    CHECK(run::compare(before, after, 0.0099).fails());
    CHECK_FALSE(run::compare(before, after, 0.0101).fails());
    const auto comparison = run::compare(before, after, 0.0101);
    REQUIRE(find(comparison, "fast", "cycles") != nullptr);
    CHECK(find(comparison, "fast", "cycles")->change == Approx(0.01));
    CHECK(run::compare(after, before, 0.0).fails());  // faster is a difference too
}

TEST_CASE("bytes and utilisation are compared") {
    const auto before = made_up_run();
    auto after = before;
    after.panels[0].kernels[0].hbm_bytes += Bytes(1);
    after.panels[0].kernels[0].busiest_link.bytes += Bytes(1);
    after.panels[0].kernels[1].matrix_utilisation /= 2;
    const auto comparison = run::compare(before, after, 0.0);
    CHECK(find(comparison, "fast", "hbm_bytes") != nullptr);
    CHECK(find(comparison, "fast", "busiest_link_bytes") != nullptr);
    CHECK(find(comparison, "slow", "matrix_utilisation") != nullptr);
}

TEST_CASE("each quantity is read from its own place: what changes alone is the only difference") {
    const auto before = made_up_run();
    const auto only_difference = [&](auto change) {
        auto after = before;
        change(after.panels[0].kernels[0]);
        const auto comparison = run::compare(before, after, 0.0);
        REQUIRE(comparison.differences.size() == 1);
        CHECK(comparison.differences[0].label == "fast");
        return comparison.differences[0].what;
    };
    using report::KernelResult;
    CHECK(only_difference([](KernelResult& k) { k.cycles += 1; }) == "cycles");
    CHECK(only_difference([](KernelResult& k) { k.matrix_utilisation /= 2; }) == "matrix_utilisation");
    CHECK(only_difference([](KernelResult& k) { k.hbm_bytes += Bytes(1); }) == "hbm_bytes");
    CHECK(only_difference([](KernelResult& k) { k.busiest_link.bytes += Bytes(1); }) == "busiest_link_bytes");
    CHECK(only_difference([](KernelResult& k) { k.commands += 1; }) == "commands");
    CHECK(only_difference([](KernelResult& k) { k.machine_bound.time += Picoseconds(1); }) == "machine_bound_ps");
    CHECK(only_difference([](KernelResult& k) { k.schedule_bound.time += Picoseconds(1); }) == "schedule_bound_ps");
}

TEST_CASE("entries are matched by panel and label: the same kernel of another panel is another entry") {
    auto before = made_up_run();
    before.panels.push_back(before.panels[0]);
    before.panels[1].name = "another";
    auto after = before;
    after.panels[1].kernels[0].cycles *= 2;
    const auto comparison = run::compare(before, after, 0.0);
    REQUIRE(comparison.differences.size() == 1);
    CHECK(comparison.differences[0].panel == "another");
    CHECK(comparison.differences[0].change == Approx(1.0));
}

TEST_CASE("a verdict that turns fails under any tolerance") {
    const auto before = made_up_run();
    auto after = before;
    after.panels[0].kernels[1].verdict.pass = false;
    const auto comparison = run::compare(before, after, 1e6);
    REQUIRE(find(comparison, "slow", "verdict") != nullptr);
    CHECK(find(comparison, "slow", "verdict")->before == "pass");
    CHECK(find(comparison, "slow", "verdict")->after == "fail");
    CHECK(comparison.fails());
}

TEST_CASE("an entry that is gone fails, one that is new is only shown") {
    const auto before = made_up_run();
    auto after = before;
    after.panels[0].kernels.pop_back();
    const auto gone = run::compare(before, after, 0.0);
    REQUIRE(find(gone, "dead", "entry") != nullptr);
    CHECK(gone.fails());
    const auto added = run::compare(after, before, 0.0);
    REQUIRE(find(added, "dead", "entry") != nullptr);
    CHECK_FALSE(added.fails());
    CHECK_THAT(run::comparison_text(added, 0.0, false), Catch::Contains("3 entries compared, 1 differences, 0 past"));
}

// SPDX-License-Identifier: Apache-2.0
// Does compare show what moved, and fail exactly when something got worse beyond its threshold?
#include "sim/run/compare.h"
#include "sim/base/error.h"
#include "sim/run/comparison_text.h"
#include "tests/command/made_up.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace tilemesh;
using report::KernelResult;
using run::Outcome;

namespace {

run::Thresholds thresholds(std::initializer_list<const char*> texts, bool exact = false) {
    run::Thresholds thresholds;
    thresholds.exact = exact;
    for (const char* text : texts) thresholds.add(text);
    return thresholds;
}

run::Comparison compare(const report::RunResult& before, const report::RunResult& after,
                        const run::Thresholds& limits = {}) {
    return run::compare(run::snapshot_of(before), run::snapshot_of(after), limits);
}

/// The run with its first entry changed.
template <class Change>
report::RunResult with(Change change) {
    auto run = made_up_run();
    change(run.panels[0].kernels[0]);
    return run;
}

void take(KernelResult& kernel, double nanoseconds) {
    kernel.time = from_nanoseconds(nanoseconds);
    report::summarise(kernel);
}
report::RunResult taking(double nanoseconds) {
    return with([=](KernelResult& k) { take(k, nanoseconds); });
}

/// The outcome of the one entry that differs.
Outcome outcome(const report::RunResult& after, const run::Thresholds& limits = {}) {
    const auto comparison = compare(made_up_run(), after, limits);
    REQUIRE(comparison.entries.size() == 1);
    return comparison.entries[0].outcome;
}

}  // namespace

TEST_CASE("a result does not differ from itself, whatever the host took") {
    auto after = made_up_run();
    after.wall_seconds *= 10;
    after.tool_version = "9.9.9";
    const auto comparison = compare(made_up_run(), after, thresholds({}, true));
    CHECK(comparison.entries.empty());
    CHECK(comparison.compared == 4);
    CHECK(comparison.same() == 4);
    CHECK_FALSE(comparison.fails());
}

TEST_CASE("a slower entry fails beyond the threshold, a faster one is shown and passes, either fails exactly") {
    CHECK(outcome(taking(1010)) == Outcome::fails);
    CHECK(outcome(taking(1010), thresholds({"time=0.9%"})) == Outcome::fails);
    CHECK(outcome(taking(1010), thresholds({"time=1.1%"})) == Outcome::changed);
    CHECK(outcome(taking(990)) == Outcome::better);
    CHECK(outcome(taking(990), thresholds({}, true)) == Outcome::fails);
    CHECK(outcome(taking(990), thresholds({"time=2%", "busy=any"}, true)) == Outcome::better);
}

TEST_CASE("a change of exactly the threshold is within it") {
    for (const int percent : {1, 2, 7, 29, 57}) {
        const std::string text = "time=" + std::to_string(percent) + "%";
        INFO(text);
        CHECK(outcome(taking(1000 + 10 * percent), thresholds({text.c_str()})) == Outcome::changed);
        CHECK(outcome(taking(1000.001 + 10 * percent), thresholds({text.c_str()})) == Outcome::fails);
    }
    run::Thresholds limits;
    limits.all = 0.02;
    CHECK(outcome(taking(1020), limits) == Outcome::changed);
    CHECK(outcome(taking(1020.001), limits) == Outcome::fails);
}

TEST_CASE("the threshold of the time is that of distances and utilisation, unless they are given their own") {
    CHECK(outcome(taking(1020), thresholds({"time=2%"})) == Outcome::changed);
    CHECK(outcome(taking(1020), thresholds({"time=2%", "machine_distance=1%"})) == Outcome::fails);
    CHECK(outcome(taking(1020), thresholds({"time=any"})) == Outcome::changed);
}

TEST_CASE("each metric is read from its own place: what changes alone is the only difference") {
    const auto only = [&](auto change) {
        const auto comparison = compare(made_up_run(), with(change));
        REQUIRE(comparison.entries.size() == 1);
        CHECK(comparison.entries[0].label == "fast");
        REQUIRE(comparison.entries[0].differences.size() == 1);
        return comparison.entries[0].differences[0].what;
    };
    CHECK(only([](KernelResult& k) { k.matrix_utilisation /= 2; }) == "matrix_utilisation");
    CHECK(only([](KernelResult& k) { k.hbm_bytes += Bytes(1); }) == "hbm_bytes");
    CHECK(only([](KernelResult& k) { k.hop_bytes += Bytes(1); }) == "hop_bytes");
    CHECK(only([](KernelResult& k) { k.busiest_link.bytes += Bytes(1); }) == "link_bytes");
    CHECK(only([](KernelResult& k) { k.commands += 1; }) == "commands");
    CHECK(only([](KernelResult& k) { k.work_imbalance += 1; }) == "work_imbalance");
    CHECK(only([](KernelResult& k) { k.verdict.relative_l2 *= 2; }) == "relative_l2");
    CHECK(only([](KernelResult& k) { k.verdict.max_error *= 2; }) == "max_error");
    CHECK(only([](KernelResult& k) { k.verdict.lse_error *= 2; }) == "lse_error");
    CHECK(only([](KernelResult& k) { k.components[0].busy += Picoseconds(1); }) == "busy.matrix");
    CHECK(only([](KernelResult& k) { k.components[4].busy += Picoseconds(1); }) == "busy.link");
    CHECK(only([](KernelResult& k) { k.machine_bound.binding = "hbm"; }) == "machine_bound");
    CHECK(only([](KernelResult& k) { k.schedule_bound.binding = "hbm"; }) == "schedule_bound");
    CHECK(only([](KernelResult& k) { k.busiest_link.path = "another"; }) == "busiest link");
    const auto bound = compare(made_up_run(), with([](KernelResult& k) { k.machine_bound.time += Picoseconds(1); }));
    CHECK(bound.entries[0].find("machine_bound") != nullptr);
    CHECK(bound.entries[0].find("machine_distance") != nullptr);
    CHECK(bound.entries[0].find("schedule_distance") == nullptr);
}

TEST_CASE("what is neither better nor worse is shown, and judged when it is given a threshold or all is exact") {
    const auto more = with([](KernelResult& k) { k.commands += 1; });
    CHECK(outcome(more) == Outcome::changed);
    CHECK(outcome(more, thresholds({}, true)) == Outcome::fails);
    CHECK(outcome(more, thresholds({"commands=0"})) == Outcome::fails);
    CHECK(outcome(more, thresholds({"commands=3%"})) == Outcome::changed);
    const auto fewer = with([](KernelResult& k) { k.commands -= 1; });
    CHECK(outcome(fewer, thresholds({"commands=0"})) == Outcome::fails);
    const auto busier = with([](KernelResult& k) { k.components[0].busy += Picoseconds(1); });
    CHECK(outcome(busier, thresholds({"busy=0"})) == Outcome::fails);
}

TEST_CASE("more bytes and less utilisation are worse, fewer and more are better") {
    CHECK(outcome(with([](KernelResult& k) { k.hbm_bytes += Bytes(1); })) == Outcome::fails);
    CHECK(outcome(with([](KernelResult& k) { k.hbm_bytes -= Bytes(1); })) == Outcome::better);
    CHECK(outcome(with([](KernelResult& k) { k.matrix_utilisation /= 2; })) == Outcome::fails);
    CHECK(outcome(with([](KernelResult& k) { k.matrix_utilisation *= 2; })) == Outcome::better);
    const auto none_before = with([](KernelResult& k) { k.hop_bytes = Bytes(); });
    CHECK(compare(none_before, made_up_run(), thresholds({"hop_bytes=1000%"})).fails());
    CHECK_FALSE(compare(none_before, made_up_run(), thresholds({"hop_bytes=any"})).fails());
}

TEST_CASE("an error that is no number any more is worse than any number, and one that becomes a number is better") {
    const auto nan = with([](KernelResult& k) { k.verdict.relative_l2 = std::nan(""); });
    CHECK(outcome(nan, thresholds({"relative_l2=100000%"})) == Outcome::fails);
    CHECK(outcome(nan, thresholds({"relative_l2=any"})) == Outcome::changed);
    CHECK(compare(nan, nan, thresholds({}, true)).entries.empty());
    CHECK(compare(nan, made_up_run()).entries[0].outcome == Outcome::better);
    const auto infinite = with([](KernelResult& k) { k.verdict.relative_l2 = HUGE_VAL; });
    CHECK(outcome(infinite, thresholds({"relative_l2=100000%"})) == Outcome::fails);
}

TEST_CASE("a bound that is lost fails, one that is found passes") {
    const auto without = with([](KernelResult& k) { k.schedule_bound.time = Picoseconds(); });
    CHECK(outcome(without) == Outcome::fails);
    CHECK_FALSE(compare(without, made_up_run()).fails());
}

TEST_CASE("entries are matched by panel and label: the same kernel of another panel is another entry") {
    auto before = made_up_run();
    before.panels.push_back(before.panels[0]);
    before.panels[1].name = "another";
    auto after = before;
    take(after.panels[1].kernels[0], 2000);
    const auto comparison = compare(before, after);
    REQUIRE(comparison.entries.size() == 1);
    CHECK(comparison.entries[0].panel == "another");
    CHECK(comparison.entries[0].find("time")->change == Approx(1.0));
}

TEST_CASE("a verdict or state that turns fails under any threshold, in either direction") {
    run::Thresholds limits;
    limits.all = HUGE_VAL;
    const auto wrong = with([](KernelResult& k) { k.verdict.pass = false; });
    CHECK(outcome(wrong, limits) == Outcome::fails);
    const auto comparison = compare(made_up_run(), wrong, limits);
    REQUIRE(comparison.entries[0].find("verdict") != nullptr);
    CHECK(comparison.entries[0].find("verdict")->before == "pass");
    CHECK(comparison.entries[0].find("verdict")->after == "fail");
    CHECK(compare(wrong, made_up_run(), limits).fails());
    const auto dead = with([](KernelResult& k) { k.status = report::Status::crashed; });
    CHECK(outcome(dead, limits) == Outcome::fails);
    CHECK(compare(dead, dead, limits).without_result == 2);
}

TEST_CASE("an entry that is gone fails, one that is new is only shown unless all is exact") {
    auto after = made_up_run();
    after.panels[0].kernels.pop_back();
    const auto gone = compare(made_up_run(), after);
    REQUIRE(gone.entries.size() == 1);
    CHECK(gone.entries[0].label == "dead");
    CHECK(gone.entries[0].outcome == Outcome::fails);
    CHECK(gone.gone == 1);
    CHECK(compare(after, made_up_run()).entries[0].outcome == Outcome::added);
    CHECK_FALSE(compare(after, made_up_run()).fails());
    CHECK(compare(after, made_up_run(), thresholds({}, true)).fails());
    CHECK_THAT(run::comparison_text(gone, false),
               Catch::Contains("3 entries compared: 1 fails (1 gone), 3 the same."));
}

TEST_CASE("a changed configuration is named by its keys, is no failure by itself, and is one where all is exact") {
    auto before = made_up_run(), after = before;
    before.panels[0].configuration = Json::parse(
        R"({"name": "x", "machine": {"pe": {"lanes": 1024, "clock": 1}, "old": 1}, "problem": {"users": [{"keys": 8}]},
            "kernels": ["fast", "slow", {"kernel": "wrong"}, "dead"]})");
    after.panels[0].configuration = Json::parse(
        R"({"description": "y", "machine": {"pe": {"clock": 1, "lanes": 512}, "new": "a"}, "problem": {"users": [{"keys": 9}]},
            "kernels": ["fast", "slow", {"kernel": "wrong", "sharding": "zigzag"}, "dead"]})");
    after.panels[0].kernels[0].options[0].second = 7;
    const auto comparison = compare(before, after);
    CHECK_FALSE(comparison.fails());
    REQUIRE(comparison.entries.size() == 4);
    const std::vector<std::string> shared = {"machine.pe.lanes 1024 -> 512", "machine.old 1 -> nothing",
                                             "machine.new nothing -> \"a\"", "problem.users.0.keys 8 -> 9"};
    CHECK(comparison.entries[1].configuration == shared);
    CHECK(comparison.entries[0].configuration.front() == "option tile_queries 512 -> 7");
    CHECK(comparison.entries[2].configuration.front() == "kernel: sharding nothing -> \"zigzag\"");
    CHECK_THAT(run::why(comparison.entries[1]),
               Catch::Equals("another configuration: machine.pe.lanes 1024 -> 512, machine.old 1 -> nothing, "
                             "machine.new nothing -> \"a\" and 1 more keys"));
    CHECK(compare(before, after, thresholds({}, true)).fails());
}

TEST_CASE("what moved with an entry is said: bounds, links and the engines that work longer") {
    const auto after = with([](KernelResult& k) {
        k.components[0].busy += from_nanoseconds(300);
        k.schedule_bound.binding = "matrix";
        k.commands = 63;
        take(k, 1300);
    });
    const auto comparison = compare(made_up_run(), after);
    CHECK(run::why(comparison.entries[0]) ==
          "commands +50.000%, schedule_bound by matrix instead of link, busy.matrix +50.000% (+300 ns)");
    CHECK_THAT(run::comparison_text(comparison, false),
               Catch::Contains("made_up fast fails: time +30.000% (1000 ns -> 1300 ns); commands +50.000%"));
    CHECK_THAT(run::why(compare(made_up_run(), taking(1300)).entries[0]), Catch::StartsWith("no count, bound or"));
}

TEST_CASE(
    "a misspelt metric is answered with the one that was meant, and a share that is none with what is expected") {
    const auto complaint = [](const char* text) {
        try {
            thresholds({text});
        } catch (const InputError& error) {
            return std::string(error.what());
        }
        return std::string("no error");
    };
    CHECK_THAT(complaint("tme=2%"), Catch::Contains("there is no metric tme, expected one of time, hbm_bytes") &&
                                        Catch::EndsWith("did you mean time?"));
    CHECK_THAT(complaint("=2%"), Catch::Contains("there is no metric without a name"));
    CHECK_THAT(complaint("busy.vector=2%"), Catch::Contains("there is no metric busy.vector"));
    for (const char* text : {"time=", "time=%", "time=-1%", "time=two", "time=2%%", "time=100", "time=nan",
                             "time=1e9%", "time=inf", "time= 2%"}) {
        INFO(text);
        CHECK_THAT(complaint(text), Catch::Contains("expected a percentage such as 2%, a share from 0 to 1, or any"));
    }
    CHECK_THAT(complaint("time"), Catch::Contains("expected METRIC=SHARE"));
    for (const char* text : {"time=0", "time=1", "time=0.02", "time=150%", "busy=any"})
        CHECK(complaint(text) == "no error");
}

// SPDX-License-Identifier: Apache-2.0
// What a search may leave out, and what it says of it: kernels of which the test says how long they take.
#include "sim/search/tune.h"
#include "sim/base/error.h"
#include "sim/search/tune_space.h"
#include "sim/search/tune_table.h"
#include "tests/base/scratch.h"
#include "tests/search/dial_workload.h"

#include <algorithm>
#include <csignal>
#include <random>

using namespace tilemesh;
using namespace tilemesh::search;
using Catch::Contains;

namespace {

run::Workloads dials() {
    static const DialKind kind;
    return {&kind};
}

Json dial(const std::string& name, double time, double bound, const Json& more = Json::object()) {
    Json kernel = {{"dial", name}, {"kernel", name}, {"time", time}, {"bound", bound}};
    kernel.update(more);
    return kernel;
}

Space space_of(const std::vector<Json>& kernels) {
    const Json panel = {{"name", "dials"}, {"machine", "cube_line8"}, {"kernels", Json::array({kernels.front()})}};
    return Space({{"panel", panel}, {"axes", {{{"key", "kernels"}, {"values", kernels}}}}}, NamedFile("dials.json"),
                 {});
}

TuneOptions one_worker(std::vector<std::string> objectives = {"time"}, std::size_t depth = 1) {
    TuneOptions options;
    options.objectives = Objectives(std::move(objectives));
    options.depth = depth;
    options.workers = 1;
    return options;
}

Tuned tuned(const std::vector<Json>& kernels, const TuneOptions& options, const ScratchFolder& folder) {
    return tune(space_of(kernels), dials(), Store(folder / "store"), options);
}

std::vector<std::string> names(const Tuned& result) {
    std::vector<std::string> all;
    for (const std::size_t i : result.winners) all.push_back(result.points[i].keyed.point.kernel_name);
    return all;
}

std::string fates(const Tuned& result) {
    std::string text;
    for (const Candidate& point : result.points)
        text += (text.empty() ? "" : " ") + point.keyed.point.kernel_name + ":" + name_of(point.fate);
    return text;
}

std::string text_of(const std::vector<Json>& kernels, const Tuned& result, const Objectives& objectives) {
    return tuned_text(space_of(kernels), objectives, result, 5, false);
}

}  // namespace

TEST_CASE("a point is run unless its bound is above what was found, in the order of bounds") {
    const ScratchFolder folder;
    const std::vector<Json> kernels = {dial("a", 130, 99), dial("b", 110, 90), dial("c", 100, 95),
                                       dial("d", 120, 101), dial("e", 180, 40)};
    const Tuned result = tuned(kernels, one_worker(), folder);
    CHECK(names(result) == std::vector<std::string>{"c"});
    CHECK(fates(result) == "a:ran b:ran c:ran d:ruled out e:ran");
    CHECK_THAT(text_of(kernels, result, Objectives({"time"})),
               Contains(" is the optimum of this space: 100 ns.\n5 points: 4 run, 1 ruled out by their bounds."));
}

TEST_CASE("what is as good as the best found is run if it comes first in the space, and only then") {
    const ScratchFolder folder;
    const Tuned result = tuned({dial("a", 100, 100), dial("b", 100, 90), dial("c", 100, 100)}, one_worker(), folder);
    CHECK(names(result) == std::vector<std::string>{"a"});
    CHECK(fates(result) == "a:ran b:ran c:ruled out");
}

TEST_CASE("the second best is proved too, and how far ahead of it the best is") {
    const ScratchFolder folder;
    const std::vector<Json> kernels = {dial("a", 100, 50), dial("b", 112, 105), dial("c", 140, 111),
                                       dial("d", 150, 113)};
    const Tuned result = tuned(kernels, one_worker({"time"}, 2), folder);
    CHECK(names(result) == std::vector<std::string>{"a", "b"});
    CHECK(fates(result) == "a:ran b:ran c:ran d:ruled out");
    CHECK_THAT(text_of(kernels, result, Objectives({"time"})), Contains("100 ns, 12.0 % ahead of b, "));
}

TEST_CASE("equal works are run once") {
    const ScratchFolder folder;
    const Json same = {{"work", "same"}};
    const Tuned result = tuned({dial("a", 100, 50, same), dial("b", 100, 50, same), dial("c", 90, 50)},
                               one_worker({"time"}, 2), folder);
    CHECK(fates(result) == "a:ran b:same as another c:ran");
    CHECK(result.points[1].same_as == 0);
    // On another machine it is not the same.
    const Json panel = {
        {"name", "dials"}, {"machine", "cube_line8"}, {"kernels", Json::array({dial("a", 100, 50, same)})}};
    const Json axes = {{{"key", "machine.pe.queue_depth"}, {"values", {4, 8}}}};
    const Space space({{"panel", panel}, {"axes", axes}}, NamedFile("dials.json"), {});
    CHECK(tune(space, dials(), Store(folder / "other"), one_worker()).count(Fate::same) == 0);
}

TEST_CASE("what cannot run, fails or dies is said with its reason, and the best of the others is found") {
    const ScratchFolder folder;
    const std::vector<Json> kernels = {dial("a", 10, 5, {{"does", "refuse"}}), dial("b", 10, 5, {{"does", "fail"}}),
                                       dial("c", 10, 101, {{"does", "crash"}}), dial("d", 100, 5)};
    const Tuned result = tuned(kernels, one_worker(), folder);
    CHECK(fates(result) == "a:not possible b:failed c:ruled out d:ran");
    CHECK_THAT(text_of(kernels, result, Objectives({"time"})),
               Contains("d, dial d, ") && Contains("is the optimum") && Contains("it does not want to") &&
                   Contains("it gave up"));
    CHECK_THROWS_WITH(tuned({kernels[0]}, one_worker(), folder), Contains("none of 1 points can run"));
}

TEST_CASE("nothing is proved while a point that died could be better") {
    const ScratchFolder folder;
    const std::vector<Json> kernels = {dial("c", 10, 5, {{"does", "crash"}}), dial("d", 100, 5)};
    const Tuned result = tuned(kernels, one_worker(), folder);
    CHECK(fates(result) == "c:failed d:ran");
    CHECK_FALSE(result.proved());
    CHECK_THAT(text_of(kernels, result, Objectives({"time"})),
               Contains("d, dial d, ") && Contains("is the best so far") && !Contains("is the optimum") &&
                   Contains("1 points that died could be better"));
}

TEST_CASE("a point whose price nobody knows is not judged, and nothing is proved that it could change") {
    const ScratchFolder folder;
    const Json lacks = {{"does", "lack a price"}};
    const std::vector<Json> kernels = {dial("a", 10, 5, lacks), dial("b", 90, 5, {{"joules", 3}}),
                                       dial("c", 100, 5, {{"joules", 2}})};
    for (const bool again : {false, true}) {  // from the store too
        INFO(again);
        const Tuned result = tuned(kernels, one_worker({"energy"}), folder);
        CHECK(fates(result) == "a:not judged b:ran c:ran");
        CHECK(names(result) == std::vector<std::string>{"c"});
        CHECK_FALSE(result.proved());
        CHECK_THAT(text_of(kernels, result, Objectives({"energy"})),
                   Contains("is the best so far") && Contains("1 not judged") &&
                       Contains("not judged: its energy is not known: pj_per_byte.hbm is missing"));
    }
    // What its bound rules out for its time changes nothing.
    CHECK(tuned({dial("a", 200, 150, lacks), kernels[1]}, one_worker({"time"}), folder).proved());
    CHECK_THROWS_WITH(tuned({kernels[0], dial("d", 20, 5, lacks)}, one_worker({"energy"}), folder),
                      Contains("none of 2 points can be judged") && Contains("pj_per_byte.hbm is missing"));
    CHECK_THROWS_WITH(tuned({dial("a", 100, 5)}, one_worker({"energy"}), folder), Contains("--set energy=true"));
}

TEST_CASE("a wrong kernel cannot win, and what it had ruled out is looked at again") {
    const ScratchFolder folder;
    const std::vector<Json> kernels = {dial("a", 10, 5, {{"does", "wrong"}}), dial("b", 100, 50), dial("c", 90, 60)};
    const Tuned result = tuned(kernels, one_worker(), folder);
    CHECK(names(result) == std::vector<std::string>{"c"});
    CHECK(fates(result) == "a:wrong b:ran c:ran");
    CHECK(result.points[2].verified);
    CHECK_FALSE(result.points[1].verified);
    CHECK_THAT(text_of(kernels, result, Objectives({"time"})), Contains("does wrong: wrong: it is wrong"));
}

TEST_CASE("a run that has less than its bound is tilemesh's own mistake") {
    const ScratchFolder folder;
    CHECK_THROWS_AS(tuned({dial("a", 100, 101)}, one_worker(), folder), InternalError);
    CHECK_NOTHROW(tuned({dial("a", 100, 100)}, one_worker(), folder));
    const Json hops = {{"hop", 4}, {"hop_bound", 5}};
    CHECK_THROWS_WITH(tuned({dial("a", 100, 50, hops)}, one_worker({"time", "hop_bytes"}), folder),
                      Contains("hop_bytes is 4, less than its bound of 5"));
}

TEST_CASE("a search goes on from the store that another has left, and from that of a sweep") {
    const ScratchFolder folder;
    const std::vector<Json> kernels = {dial("a", 130, 99), dial("b", 110, 90), dial("c", 100, 95)};
    const Tuned first = tuned(kernels, one_worker(), folder);
    CHECK(first.reused() == 0);
    const Tuned again = tuned(kernels, one_worker(), folder);
    CHECK(again.reused() == 3);
    CHECK(fates(again) == fates(first));
    CHECK(again.winners == first.winners);
}

TEST_CASE("a search runs again what the store has no result of, or one that no run can have") {
    const ScratchFolder folder;
    const std::vector<Json> kernels = {dial("a", 130, 99), dial("b", 110, 90), dial("c", 100, 95)};
    const Tuned first = tuned(kernels, one_worker(), folder);
    CHECK(first.doubts.empty());
    const Store store(folder / "store");
    const std::string& key = first.points[0].keyed.key;
    const Json good = store.read(key).value();
    Json too_fast = good, too_slow = good;
    too_fast["result"]["time_ps"] = 98999;  // of "a", whose bound is 99 ns
    too_fast.erase("digest");
    too_fast["digest"] = digest_of(too_fast);
    too_slow["result"]["time_ps"] = -5;
    for (const auto& [record, why] :
         {std::pair(too_fast, "its time is 99 ns, less than its bound of 99 ns"),
          std::pair(too_slow, "/result/time_ps: found -5"), std::pair(Json(), "found null"),
          std::pair(store.read(first.points[1].keyed.key).value(), "/point: found")}) {
        store.write(key, record);
        const Tuned again = tuned(kernels, one_worker(), folder);
        REQUIRE(again.doubts.size() == 1);
        CHECK_THAT(again.doubts[0], Contains(key) && Contains(why));
        CHECK(again.reused() == 2);
        CHECK(fates(again) == fates(first));
        CHECK(again.winners == first.winners);
        CHECK(store.read(key) == good);
    }
    // The run of the winner with values too.
    for (const std::string& one : store.keys()) write_file(store.file_of(one), "{}");
    const Tuned anew = tuned(kernels, one_worker(), folder);
    CHECK(anew.doubts.size() == 4);
    CHECK(anew.winners == first.winners);
    CHECK(anew.points[anew.winners.front()].verified);
    CHECK(store.read(key) == good);
}

TEST_CASE("a search that is interrupted says what is open, and another goes on with it") {
    const ScratchFolder folder;
    const std::vector<Json> kernels = {dial("a", 130, 90), dial("b", 120, 95), dial("c", 110, 99),
                                       dial("d", 140, 131)};
    TuneOptions options = one_worker();
    std::size_t runs = 0;
    options.on_progress = [&](const run::Progress& progress) {
        if (progress.running != "finding bounds" && ++runs == 2) ::raise(SIGINT);
    };
    const Tuned stopped = tuned(kernels, options, folder);
    CHECK(stopped.interrupted);
    CHECK(fates(stopped) == "a:ran b:open c:open d:ruled out");
    CHECK_THAT(text_of(kernels, stopped, options.objectives),
               Contains(" is the best so far: 130 ns.") &&
                   Contains("Not proved: open points may have 95 ns, 26.9 % less.") && Contains("2 open"));
    const Tuned whole = tuned(kernels, one_worker(), folder);
    CHECK(names(whole) == std::vector<std::string>{"c"});
    CHECK(whole.reused() >= 1);
    CHECK_FALSE(whole.interrupted);
}

TEST_CASE(
    "thousands of random spaces have the optimum, the second best and the front that all points together have") {
    std::mt19937 random(7);
    const auto upto = [&](int most) { return std::uniform_int_distribution<int>(0, most)(random); };
    for (int space = 0; space < 2000; ++space) {
        // The rule alone, with points in a random order as several workers might bring them.
        const std::size_t axes = 1 + static_cast<std::size_t>(upto(2)), depth = 1 + static_cast<std::size_t>(upto(2));
        struct Point {
            Figures figures, least;
        };
        std::vector<Point> points(1 + static_cast<std::size_t>(upto(11)));
        for (Point& point : points)
            for (std::size_t k = 0; k < axes; ++k) {
                point.figures.push_back(upto(6));
                point.least.push_back(std::max(0.0, point.figures.back() - upto(3)));
            }
        Front all(depth), found(depth);
        std::vector<std::size_t> order(points.size());
        for (std::size_t i = 0; i < points.size(); ++i) {
            order[i] = i;
            all.add(points[i].figures, i);
        }
        std::shuffle(order.begin(), order.end(), random);
        for (const std::size_t i : order)
            if (!found.rules_out(points[i].least, i)) found.add(points[i].figures, i);
        REQUIRE(all.members().size() == found.members().size());
        for (std::size_t i = 0; i < all.members().size(); ++i) {
            REQUIRE(all.members()[i].order == found.members()[i].order);
            // By definition: fewer than `depth` others beat it.
            std::size_t better = 0;
            const Front::Member& member = all.members()[i];
            for (std::size_t j = 0; j < points.size(); ++j) {
                bool nowhere_more = true;
                for (std::size_t k = 0; k < axes; ++k)
                    nowhere_more = nowhere_more && points[j].figures[k] <= member.figures[k];
                better += nowhere_more && (points[j].figures != member.figures || j < member.order) ? 1 : 0;
            }
            REQUIRE(better < depth);
        }
    }
}

TEST_CASE("several objectives have a front, and bounds of both rule out") {
    const ScratchFolder folder;
    const auto hops = [](int hop, int bound) { return Json{{"hop", hop}, {"hop_bound", bound}}; };
    const std::vector<Json> kernels = {dial("fast", 100, 80, hops(50, 40)), dial("lean", 200, 150, hops(10, 10)),
                                       dial("between", 150, 120, hops(30, 20)), dial("worse", 160, 155, hops(35, 31)),
                                       dial("unbound", 160, 155, hops(35, 0))};
    const Tuned result = tuned(kernels, one_worker({"time", "hop_bytes"}), folder);
    CHECK(names(result) == std::vector<std::string>{"fast", "between", "lean"});
    CHECK(fates(result) == "fast:ran lean:ran between:ran worse:ruled out unbound:ran");
    CHECK_THAT(text_of(kernels, result, Objectives({"time", "hop_bytes"})),
               Contains("3 points are the whole front of time and hop_bytes"));
}

TEST_CASE("an objective of which no bound is known is said to rule out nothing") {
    const ScratchFolder folder;
    const std::vector<Json> kernels = {dial("a", 100, 80, {{"hop", 5}}), dial("b", 100, 80, {{"hop", 4}})};
    const Tuned result = tuned(kernels, one_worker({"hop_bytes"}), folder);
    CHECK(names(result) == std::vector<std::string>{"b"});
    CHECK_THAT(text_of(kernels, result, Objectives({"hop_bytes"})), Contains("No bound of hop_bytes is known"));
    CHECK_THROWS_WITH(Objectives({"tiem"}), Contains("did you mean time?"));
    CHECK_THROWS_WITH(Objectives({"commands"}), Contains("expected one of"));
    CHECK_THROWS_WITH(Objectives({"time", "time"}), Contains("twice"));
    CHECK_THROWS_WITH(tuned(kernels, one_worker({"relative_l2"}), folder), Contains("is not known"));
}

TEST_CASE("axes beside a panel are crossed with its kernels and their alternatives, and replace what they vary") {
    const ScratchFolder folder;
    write_file(
        folder / "panel.json",
        Json({{"machine", "cube_line8"}, {"kernels", {{{"dial", "a"}, {"time", 100}}, {{"dial", "k"}}}}}).dump());
    const NamedFile file((folder / "panel.json").string());
    const auto points = [&](const Wanted& wanted) {
        std::vector<std::string> all;
        tuning_space(file, wanted, dials()).for_each([&](const Point&, const run::Resolved& panel) {
            all.push_back(panel.json.at("kernels")[0].dump());
        });
        return all;
    };
    using List = std::vector<std::string>;
    CHECK(points({}) ==
          List{R"({"dial":"a","time":100})", R"({"dial":"k"})", R"({"dial":"b","time":100})", R"({"dial":"l"})"});
    CHECK(points({.axes = {parse_axis("machine.pe.queue_depth=4,8")}}).size() == 8);
    CHECK(points({.axes = {parse_axis("kernel.time=90,null")}}) ==
          List{R"({"dial":"a","time":90})", R"({"dial":"k","time":90})", R"({"dial":"b","time":90})",
               R"({"dial":"l","time":90})", R"({"dial":"a"})", R"({"dial":"k"})", R"({"dial":"b"})",
               R"({"dial":"l"})"});
    CHECK(points({.axes = {parse_axis(R"(kernels={"dial":"x","time":1},{"dial":"y"})")}}).size() == 2);
    for (const char* bad : {"x", "=1", "x=", "x=1,,2", "kernel=a,b"}) CHECK_THROWS_AS(parse_axis(bad), InputError);
    CHECK_THROWS_AS(points({.axes = {parse_axis("a.b=1"), parse_axis("a.b=2")}}), InputError);
    CHECK_THROWS_WITH(points({.kernels = {"nobody"}}), Contains("--kernel nobody"));
}

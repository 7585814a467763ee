// SPDX-License-Identifier: Apache-2.0
// Does a result file say everything, in the same bytes every time, and is a damaged one refused?
#include "sim/report/result_json.h"
#include "sim/base/error.h"
#include "tests/command/made_up.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace tilemesh;

TEST_CASE("a result written as JSON text and read back is the same result") {
    auto run = made_up_run();
    run.panels[0].kernels[0].host = {1.5, 28.0, 4096};
    run.panels[0].kernels[0].note = "a note with \"quotes\" and a\nnew line";
    const std::string text = report::pretty(report::to_json(run));
    const auto back = report::read_run_result(Json::parse(text), "x.json");
    CHECK(back == run);
    CHECK(report::pretty(report::to_json(back)) == text);
}

TEST_CASE("a summary has a record of each kind, with the sums and who is busiest; none has no records") {
    auto run = made_up_run();
    run.panels[0].kernels.resize(1);
    auto& components = run.panels[0].kernels[0].components;
    for (const double busy_ns : {10, 20, 30, 40}) {
        auto link = components.back();
        link.path = fmt::format("link{}", busy_ns);
        link.busy = from_nanoseconds(busy_ns);
        link.account = {{"moving", link.busy}, {"done", from_nanoseconds(1)}};
        components.push_back(link);
    }
    components.push_back(components.back());
    components.back().path = "idle";
    components.back().activities = 0;
    const auto records = [&](report::ComponentDetail detail) {
        return report::to_json(run, detail)["panels"][0]["kernels"][0]["components"];
    };
    const Json all = records(report::ComponentDetail::all), kinds = records(report::ComponentDetail::summary);
    CHECK(all.size() == 11);
    CHECK(records(report::ComponentDetail::none) == Json::array());
    REQUIRE(kinds.size() == 5);
    const Json &matrix = kinds[0], &links = kinds[4];
    CHECK(matrix["path"] == "all 1");
    CHECK(matrix["work"] == 4000);
    CHECK(links["kind"] == "link");
    CHECK(links["path"] == "all 7");
    CHECK(links["busy_ps"] == (600 + 50 + 10 + 20 + 30 + 40 + 40) * 1000);
    CHECK(links["bytes"] == 6000 + 6 * 500);
    CHECK(links["account_ps"] == Json{{"moving", (10 + 20 + 30 + 40 + 40) * 1000}, {"done", 5000}});
    const Json& distribution = links["distribution"];
    CHECK(distribution["count"] == 7);
    CHECK(distribution["at_work"] == 6);
    CHECK(distribution["accounted"] == 5);
    CHECK(distribution["busy_ps"] == Json{{"least", 10'000},
                                          {"quarter", 20'000},
                                          {"middle", 30'000},
                                          {"three_quarters", 50'000},
                                          {"most", 600'000}});
    REQUIRE(distribution["busiest"].size() == 3);
    CHECK(distribution["busiest"][1] == Json{{"path", "machine.cube0.link.pe1.west"}, {"busy_ps", 50'000}});
    CHECK(distribution["least_busy"][0] == Json{{"path", "link10"}, {"busy_ps", 10'000}});
    // It is read as what it says of all, and compared alike.
    const auto back = report::read_run_result(report::to_json(run, report::ComponentDetail::summary), "x.json");
    CHECK(back.panels[0].kernels[0].components[4].account[0].time == from_nanoseconds(140));
    CHECK(back.panels[0].kernels[0].cycles == run.panels[0].kernels[0].cycles);
}

TEST_CASE("one kernel's result survives the pipe from its worker") {
    auto kernel = made_up_kernel("k");
    kernel.host = {0.5, 84.0, 1 << 20};
    kernel.internal = true;
    kernel.status = report::Status::failed;
    kernel.error = "two\nlines";
    CHECK(report::read_kernel_result(Json::parse(report::kernel_to_json(kernel).dump()), "worker") == kernel);
}

TEST_CASE("errors that are not finite become words and come back as what they were; null of older files is nan") {
    auto kernel = made_up_kernel("k");
    kernel.verdict.relative_l2 = HUGE_VAL;
    kernel.verdict.max_error = std::nan("");
    Json json = Json::parse(report::kernel_to_json(kernel).dump());
    Json& verdict = json["result"]["verdict"];
    CHECK(verdict["relative_l2"] == "inf");
    CHECK(verdict["max_error"] == "nan");
    const auto back = report::read_kernel_result(json, "worker");
    CHECK(back.verdict.relative_l2 == HUGE_VAL);
    CHECK(std::isnan(back.verdict.max_error));
    verdict["max_error"] = nullptr;
    CHECK(std::isnan(report::read_kernel_result(json, "worker").verdict.max_error));
    verdict["max_error"] = "many";
    CHECK_THROWS_WITH(report::read_kernel_result(json, "worker"),
                      Catch::Contains("verdict/max_error: found a string"));
}

TEST_CASE("host facts are nowhere but in the host block") {
    auto run = made_up_run();
    Json before = report::to_json(run);
    run.wall_seconds = 99;
    run.workers = 64;
    for (auto& kernel : run.panels[0].kernels) kernel.host = {1, 2, 3};
    Json after = report::to_json(run);
    CHECK(before != after);
    before.erase("host");
    after.erase("host");
    CHECK(before == after);
}

TEST_CASE("a result file that tilemesh could not have written is refused with file and path") {
    Json json = report::to_json(made_up_run());
    std::string complaint;
    SECTION("another schema version") {
        json["schema_version"] = report::schema_version + 1;
        complaint = "x.json: /schema_version: found 2, expected 1";
    }
    SECTION("a missing figure") {
        json["panels"][0]["kernels"][1].erase("time_ps");
        complaint = "x.json: /panels/0/kernels/1/time_ps: missing";
    }
    SECTION("an unknown key") {
        json["panels"][0]["kernels"][0]["cycels"] = 1;
        complaint = "did you mean cycles?";
    }
    SECTION("a state that does not exist") {
        json["panels"][0]["kernels"][0]["status"] = "fine";
        complaint = "/status: found a string \"fine\"";
    }
    CHECK_THROWS_WITH(report::read_run_result(json, "x.json"), Catch::Contains(complaint));
    CHECK_THROWS_AS(report::read_run_result(json, "x.json"), InputError);
}

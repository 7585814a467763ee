// SPDX-License-Identifier: Apache-2.0
// What a page is made from: are its figures those of the result, and its sums the sums of its parts?
#include "sim/page/page_data.h"
#include "sim/page/account_tree.h"
#include "sim/page/embedded.h"
#include "sim/page/mesh_layout.h"
#include "sim/page/page.h"
#include "sim/report/result_json.h"
#include "tests/base/scratch.h"
#include "tests/command/made_up.h"

#include <map>

using namespace tilemesh;

namespace {

report::ComponentResult part(const std::string& path, const std::string& kind, std::uint64_t dot,
                             std::uint64_t done) {
    report::ComponentResult made;
    made.path = path;
    made.kind = kind;
    made.activities = 1;
    made.account = {{"dot", Picoseconds(dot)}, {"done", Picoseconds(done)}};
    return made;
}

std::uint64_t time_of(const page::AccountSum& sum, const std::string& name) {
    for (const report::ClassTime& one : sum.classes)
        if (one.name == name) return one.time.value();
    return 0;
}

const page::AccountSum& find(const std::vector<page::AccountSum>& sums, const std::string& scope,
                             const std::string& kind) {
    for (const page::AccountSum& sum : sums)
        if (sum.scope == scope && sum.kind == kind) return sum;
    throw std::runtime_error("no sum of " + kind + " in " + scope);
}

report::RunResult run_with_accounts() {
    report::RunResult run = made_up_run();
    for (report::ComponentResult& one : run.panels[0].kernels[0].components)
        one.account = {{"dot", Picoseconds(300000)}, {"done", Picoseconds(700000)}};
    return run;
}

}  // namespace

TEST_CASE("the account tree sums up to the machine, its cubes and its PEs") {
    const auto sums = page::account_tree({part("machine.cube0.pe0.matrix", "matrix", 10, 90),
                                          part("machine.cube0.pe1.matrix", "matrix", 20, 80),
                                          part("machine.cube1.pe0.matrix", "matrix", 40, 60),
                                          part("machine.cube1.hbm0", "hbm", 5, 95),
                                          part("machine.cube1.pe0_to_pe1", "link", 7, 93),
                                          {"machine.cube1.pe1.vector", "vector", {}, {}, {}, 0, 0, 0.0}});
    CHECK(time_of(find(sums, "machine", "matrix"), "dot") == 70);
    CHECK(find(sums, "machine", "matrix").parts == 3);
    CHECK(time_of(find(sums, "machine.cube0", "matrix"), "dot") == 30);
    CHECK(time_of(find(sums, "machine.cube0.pe1", "matrix"), "dot") == 20);
    CHECK(time_of(find(sums, "machine.cube1.pe0", "hbm"), "dot") == 5);  // a PE has its slice
    CHECK(time_of(find(sums, "machine.cube1", "link"), "dot") == 7);     // a cube its links
    for (const page::AccountSum& sum : sums) {
        std::uint64_t all = 0;
        for (const report::ClassTime& one : sum.classes) all += one.time.value();
        CHECK(all == 100 * sum.parts);
        CHECK(sum.kind != "vector");
    }
    CHECK(sums.front().scope == "machine");
    CHECK(sums.back().scope.find(".pe") != std::string::npos);
}

TEST_CASE("figures of a page are the result's, apart from the components") {
    const report::RunResult run = run_with_accounts();
    const Json saved = report::to_json(run), data = page::page_data(run);
    CHECK(data["tool"] == saved["tool"]);
    for (std::size_t i = 0; i < run.panels[0].kernels.size(); ++i) {
        Json kernel = saved["panels"][0]["kernels"][i];
        kernel.erase("components");
        CHECK(data["panels"][0]["kernels"][i]["result"] == kernel);
    }
    const Json& panel = data["panels"][0];
    CHECK(panel["sentence"].get<std::string>().find("fast is fastest") == 0);
    const Json& texts = panel["texts"];
    const Json& parts = panel["kernels"][0]["parts"];
    REQUIRE(parts.size() == run.panels[0].kernels[0].components.size());
    CHECK(texts[parts[0][0].get<std::size_t>()] == "machine.cube0.pe0.matrix");
    CHECK(texts[parts[0][3][0].get<std::size_t>()] == "dot");
    CHECK(parts[0][3][1] == 300000);
    CHECK(panel["machine"].is_null());  // made up: nothing that could be drawn
}

TEST_CASE("of many entries a page has everything of each panel's fastest alone") {
    report::RunResult run = run_with_accounts();
    for (int i = 0; i < 12; ++i) {
        run.panels[0].kernels.push_back(run.panels[0].kernels[0]);
        run.panels[0].kernels.back().time = from_nanoseconds(2000 + i);
    }
    const Json data = page::page_data(run);
    int detailed = 0;
    for (const Json& kernel : data["panels"][0]["kernels"]) detailed += kernel.contains("parts") ? 1 : 0;
    CHECK(detailed == 1);
    CHECK(data["panels"][0]["kernels"][0].contains("parts"));
    CHECK(page::detailed_entries(1, 12) == 12);
    CHECK(page::detailed_entries(3, 13) == 3);
    CHECK(page::room_for_pictures(1, 1) > page::room_for_pictures(1, 4));
    CHECK(page::room_for_pictures(100, 1000) == Bytes(60000));
}

TEST_CASE("a comparison has the entries of before beside those of now, and what differs") {
    const report::RunResult before = run_with_accounts();
    report::RunResult after = before;
    after.panels[0].kernels[0].time = from_nanoseconds(1100);
    for (report::ComponentResult& one : after.panels[0].kernels[0].components)
        one.account = {{"dot", Picoseconds(400000)}, {"done", Picoseconds(700000)}};
    const auto comparison = run::compare(run::snapshot_of(before), run::snapshot_of(after), {});
    const page::Before was{before, comparison, "old.json", "new.json"};
    const Json data = page::page_data(after, &was);
    const Json& kernel = data["panels"][0]["kernels"][0];
    CHECK(kernel["before"]["result"]["time_ps"] == 1000000);
    CHECK(kernel["result"]["time_ps"] == 1100000);
    const auto time_of_each = [](const Json& sum) {
        std::uint64_t time = 0;
        for (std::size_t i = 1; i < sum[3].size(); i += 2) time += sum[3][i].get<std::uint64_t>();
        return time / sum[2].get<std::uint64_t>();
    };
    CHECK(time_of_each(kernel["before"]["sums"][0]) == 1000000);
    CHECK(time_of_each(kernel["sums"][0]) == 1100000);
    CHECK(data["comparison"]["files"] == Json({"old.json", "new.json"}));
    CHECK(data["comparison"]["entries"][0]["outcome"] == "worse");
    CHECK(data["comparison"]["entries"][0]["differences"][0]["what"] == "time");
}

TEST_CASE("the picture of a machine has its PEs in their places, and routes of links that follow each other") {
    Json machine = parse_json_file(TILEMESH_CONFIGS "/machines/cubes_4x4.json");
    machine["cube"] = {{"topology", "mesh"}, {"rows", 2}, {"cols", 4}};
    const Json base = parse_json_file(TILEMESH_CONFIGS "/machines/cube_line8.json");
    Json whole = base;
    whole.merge_patch(machine);
    whole.erase("base");
    const page::MeshLayout layout(Json{{"machine", whole}});
    const Json json = layout.json();
    REQUIRE(json.is_object());
    CHECK(json["pes"].size() == 128);
    CHECK(json["rows"] == 8);
    CHECK(json["cols"] == 16);
    CHECK(json["pes"][9] == Json({"machine.cube1.pe1", 0, 5}));
    const Json route = layout.route(0, 127);
    std::size_t at = 0;
    for (const Json& link : route) {
        CHECK(json["links"][link.get<std::size_t>()][1] == at);
        at = json["links"][link.get<std::size_t>()][2].get<std::size_t>();
    }
    CHECK(at == 127);
    CHECK(route.size() == 7 + 15);
    CHECK(layout.route(0, 128).empty());
    CHECK(page::MeshLayout(Json{{"machine", 7}}).json().is_null());
    CHECK(page::MeshLayout(Json::object()).json().is_null());
}

TEST_CASE("of several networks links say which they are of, and routes go through one") {
    Json machine = parse_json_file(TILEMESH_CONFIGS "/machines/cube_line8.json");
    machine["cube"] = {{"topology", "ring"}, {"cols", 8}};
    machine["network"]["networks"] =
        Json::parse(R"([{"name": "noc0", "routing": ["east"]}, {"name": "noc1", "routing": ["west"]}])");
    const page::MeshLayout layout(Json{{"machine", machine}});
    const Json json = layout.json();
    REQUIRE(json["links"].size() == 16);
    CHECK(json["links"][0] == Json({"machine.cube0.pe0_to_pe1_noc0", 0, 1, 256.0, false}));
    CHECK(layout.route(0, 3).size() == 3);
    const Json back = layout.route(0, 3, 1);
    CHECK(back.size() == 5);
    for (const Json& link : back) CHECK(json["links"][link.get<std::size_t>()][5] == 1);
    CHECK(layout.route(0, 3, 2).empty());
}

TEST_CASE("nothing in the data ends the element that it stands in") {
    const Json data = {{"a", "</script><!--"}};
    const std::string page = page::html(data, "before @DATA@ after");
    CHECK(page == R"(before {"a":"\u003c/script>\u003c!--"} after)");
    CHECK(Json::parse(page.substr(7, page.size() - 13)) == data);
}

TEST_CASE("a tilemesh that was built without the chart library says what to do") {
    CHECK_NOTHROW(page::check_available("--report", "a page"));
    CHECK_THAT(input_error([] { page::check_available("--report", ""); }),
               Catch::StartsWith("--report: this tilemesh was built where its chart library was not installed"));
}

TEST_CASE("the page asks for nothing from anywhere") {
    const std::string page(page::embedded_run_page());
    if (page.empty()) return;  // built without the chart library
    CHECK(page.find("@DATA@") == page.rfind("@DATA@"));
    for (const char* mark :
         {"@STYLE@", "@SCRIPT@", "@FIGURES@", "<link rel=\"stylesheet\"", "<script src", "@import"}) {
        CAPTURE(mark);
        CHECK(page.find(mark) == std::string::npos);
    }
    CHECK(page.find("default-src 'none'") != std::string::npos);
}

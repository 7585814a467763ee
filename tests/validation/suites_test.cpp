// SPDX-License-Identifier: Apache-2.0
// From files to verdicts, with families made up for the purpose.
#include "sim/validation/result_json.h"
#include "sim/validation/table.h"
#include "tests/base/scratch.h"
#include "tests/command/fake_workload.h"

#include <cmath>

using namespace tilemesh;
using namespace tilemesh::validation;

namespace {

/// Rows of {"times": factor}: both suites measure 10 * factor where 10 is right; "double" is for what is not quick.
Family times_family(double tolerance) {
    Family family;
    family.name = "times";
    family.form = "rows of {times}";
    family.suites = {{"times_ten", "ten times the factor", {maximum_at_most(tolerance)}},
                     {"times_twenty", "twenty times the factor", {}}};
    family.recognises = [](const Json& file) { return has_row_with(file, "rows", {"times"}); };
    family.read = [](JsonReader file, const Surroundings&) {
        std::vector<Case> cases;
        for (JsonReader& row : file.member("rows").elements()) {
            const double factor = row.number("times", -10, 10);
            const std::string name = fmt::format("times {}", factor);
            const auto measure = [=] {
                if (factor < 0) fail<KernelError>("less than nothing");
                return std::vector<Comparison>{{"times_ten", name, 10.0, 10.0 * factor, "ns"},
                                               {"times_twenty", name, 20.0, 20.0 * factor, "ns"}};
            };
            cases.push_back({name, {"times_ten", "times_twenty"}, measure, factor <= 2});
        }
        return cases;
    };
    return family;
}

struct Bench {
    ScratchFolder folder;
    run::Workloads workloads = fake_workloads();
    std::vector<Family> families = {times_family(0.25)};
    ValidationOptions options;

    explicit Bench(const std::string& rows) {
        write_file(folder / "data.json", rows);
        options.files = {folder / "data.json"};
        options.workers = 2;
    }
    ValidationResult run() { return validate(families, {TILEMESH_CONFIGS, workloads}, options); }
};

}  // namespace

TEST_CASE("a suite within its tolerance passes, one beyond fails and says where") {
    Bench within(R"({"rows": [{"times": 1}, {"times": 1.2}]})");
    const ValidationResult good = within.run();
    CHECK(good.passes());
    REQUIRE(good.suites.size() == 2);
    CHECK(good.suites[0].comparisons.size() == 2);
    CHECK(good.suites[0].comparisons[1].measured == 12.0);
    Bench beyond(R"({"rows": [{"times": 1}, {"times": 1.3}]})");
    const ValidationResult bad = beyond.run();
    CHECK_FALSE(bad.passes());
    CHECK_FALSE(bad.suites[0].passes());
    CHECK(bad.suites[1].passes());  // states no tolerance
    const std::string text = validation_text(bad, false);
    CHECK_THAT(text,
               Catch::Contains("times_ten: expected maximum <= 25 %, found maximum 30 %, worst times 1.3 (30 %)"));
    CHECK_THAT(text, Catch::Contains("beyond tolerance: times_ten\n"));
    CHECK_THAT(report_text(bad, false), Catch::Contains("times 1.3         10        13  ns    +30 %"));
}

TEST_CASE("a suite shows how far its reference is from itself, one whose reference was not repeated does not") {
    Bench bench(R"({"rows": [{"times": 1}, {"times": 1.2}]})");
    const auto read = bench.families[0].read;
    bench.families[0].read = [read](JsonReader file, const Surroundings& surroundings) {
        std::vector<Case> cases = read(file, surroundings);
        for (Case& one : cases) {
            one.measure = [measure = one.measure] {
                std::vector<Comparison> comparisons = measure();
                comparisons[0].spread = {0.15, 1.3};
                return comparisons;
            };
        }
        return cases;
    };
    const ValidationResult result = bench.run();
    const std::string text = validation_text(result, false);
    const std::string row = text.substr(text.find("times_ten"), text.find("times_twenty") - text.find("times_ten"));
    CHECK_THAT(row, Catch::Contains("15 %") && Catch::Contains("130 %"));
    CHECK_THAT(text.substr(text.find("times_twenty")), !Catch::Contains("130 %"));
    const Json json = to_json(result);
    CHECK(json.at("suites").at(0).at("reference_spread").at("maximum") == 1.3);
    CHECK(json.at("suites").at(0).at("rows").at(0).at("reference_spread").at("median") == 0.15);
    CHECK(json.at("suites").at(1).at("reference_spread").is_null());
}

TEST_CASE("rows that nothing is compared with are counted by their reason, unless their suite was not asked for") {
    Bench bench(R"({"rows": [{"times": 1}, {"times": 0}, {"times": 9}, {"times": 10}]})");
    const auto read = bench.families[0].read;
    bench.families[0].read = [read](JsonReader file, const Surroundings& surroundings) {
        std::vector<Case> cases = read(file, surroundings);
        cases[1].measure = [] { return std::vector<Comparison>(); };  // finds out when it runs
        cases[1].left_out = "nothing of something";
        for (const std::size_t known_before : {2, 3})
            cases[known_before] = {"times many", {"times_ten"}, nullptr, true, "too many"};
        return cases;
    };
    const ValidationResult result = bench.run();
    CHECK(result.passes());
    const std::string text = validation_text(result, false), file = (bench.folder / "data.json").string();
    CHECK_THAT(text, Catch::Contains("not compared: 2 rows of " + file + ": too many\n"));
    CHECK_THAT(text, Catch::Contains("not compared: 1 row of " + file + ": nothing of something\n"));
    CHECK(to_json(result).at("left_out").size() == 2);
    bench.options.suites = {"times_twenty"};
    CHECK(bench.run().left_out.size() == 1);
}

TEST_CASE("a case that fails takes its suites with it and nothing else") {
    Bench bench(R"({"rows": [{"times": 1}, {"times": -1}]})");
    const ValidationResult result = bench.run();
    CHECK_FALSE(result.passes());
    CHECK_FALSE(result.internal);
    for (const SuiteResult& suite : result.suites) {
        CHECK_FALSE(suite.passes());
        CHECK(suite.comparisons[0].failure.empty());
        CHECK(suite.comparisons[1].failure == "less than nothing");
    }
}

TEST_CASE("suites are chosen by name or by family, cases by being quick") {
    Bench bench(R"({"rows": [{"times": 1}, {"times": 3}]})");
    bench.options.suites = {"times_twenty"};
    bench.options.quick = true;
    const ValidationResult result = bench.run();
    REQUIRE(result.suites.size() == 1);
    CHECK(result.suites[0].suite.name == "times_twenty");
    CHECK(result.suites[0].comparisons.size() == 1);
    bench.options.suites = {"times"};
    CHECK(bench.run().suites.size() == 2);
    bench.options.suites = {"times_tem"};
    CHECK_THAT(input_error([&] { bench.run(); }), Catch::Contains("did you mean times_ten?"));
}

TEST_CASE("a bad row is named by file and path, an unknown form by the forms there are") {
    Bench bad(R"({"rows": [{"times": 1}, {"times": "2"}]})");
    CHECK_THAT(input_error([&] { bad.run(); }), Catch::Contains("data.json: /rows/1/times: found a string \"2\""));
    for (const char* rows :
         {R"({"rows": [{"time": 1}]})", R"({"rows": []})", R"([1, 2])", R"({"rows": {"times": 1}})"}) {
        Bench unknown(rows);
        CHECK_THAT(input_error([&] { unknown.run(); }), Catch::Contains("times (rows of {times})"));
    }
    Bench nothing(R"({"rows": [{"times": 5}]})");
    nothing.options.quick = true;
    CHECK_THAT(input_error([&] { nothing.run(); }), Catch::Contains("nothing to compare"));
}

TEST_CASE("the JSON of a validation has every row, and is the same on repetition apart from the host block") {
    Bench bench(R"({"rows": [{"times": 1}, {"times": 1.5}, {"times": -1}]})");
    const auto simulated = [&] {
        Json json = to_json(bench.run());
        json.erase("host");
        return json;
    };
    const Json json = simulated();
    CHECK(json.dump() == simulated().dump());
    const Json& suite = json.at("suites").at(0);
    CHECK(suite.at("name") == "times_ten");
    CHECK(suite.at("passes") == false);
    CHECK(suite.at("rows").size() == 3);
    CHECK(suite.at("rows").at(1).at("error").get<double>() == Approx(0.5));
    CHECK(suite.at("rows").at(2).at("failure") == "less than nothing");
    CHECK(suite.at("maximum_error").is_null());  // infinite
}

TEST_CASE("comparisons survive their way between processes") {
    std::vector<Comparison> comparisons = {{"s", "n", 1.0 / 3.0, 1e-300, "ns", 0.1, "g", "f"},
                                           {"s", "n", 2.0, std::nan(""), ""}};
    comparisons[0].spread = {0.017, 0.108};
    comparisons[0].claimed = ClaimRange{0.5, 1.5};
    comparisons[0].note = "more";
    const auto back = comparisons_from_json(Json::parse(to_json(comparisons).dump()));
    REQUIRE(back.size() == 2);
    CHECK(back[0].reference == comparisons[0].reference);
    CHECK(back[0].measured == comparisons[0].measured);
    CHECK(back[0].tolerance == 0.1);
    CHECK(back[0].group == "g");
    CHECK(back[0].failure == "f");
    CHECK(back[0].spread.median == 0.017);
    CHECK(back[0].spread.maximum == 0.108);
    CHECK(back[0].claimed == ClaimRange{0.5, 1.5});
    CHECK(back[0].note == "more");
    CHECK_FALSE(back[1].claimed);
    CHECK(std::isnan(back[1].measured));
}

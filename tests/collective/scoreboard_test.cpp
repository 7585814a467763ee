// SPDX-License-Identifier: Apache-2.0
// Claims as data: what of them is run, when they hold, and what is refused. The panels are collectives, which are
// quick.
#include "sim/validation/scoreboard.h"

#include "sim/base/error.h"
#include "sim/validation/families.h"
#include "sim/validation/table.h"
#include "sim/workloads/collective/collective_run.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::validation;
using Catch::Contains;

namespace {

const workloads::CollectiveKind collectives;
const run::Workloads scoreboard_workloads{&collectives};

Json gather_on(const std::string& machine, const Json& kernels = Json::array({"relay"})) {
    return {{"name", machine},
            {"machine", machine},
            {"problem", {{"collective", "all_gather"}, {"bytes", 1 << 20}}},
            {"kernels", kernels},
            {"values", {{"mode", "none"}}}};
}

/// How many times as long as on a ring, which is between 1 and 3 whatever the chips' costs are.
Json line_over_ring(const Json& published) {
    return {{"claim", "a ring is faster"},
            {"source", "somebody"},
            {"of", Json::array({gather_on("wormhole_line8")})},
            {"over", Json::array({gather_on("wormhole_ring8")})},
            {"published", published}};
}

Comparison judge(const Json& claim) {
    return judge_claim(read_claim(JsonReader(claim, "s.json"), TILEMESH_CONFIGS, scoreboard_workloads));
}

std::string refusal(const Json& claim) {
    try {
        read_claim(JsonReader(claim, "s.json"), TILEMESH_CONFIGS, scoreboard_workloads);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("a claim that is known to be true holds, one that is known to be false does not") {
    const Comparison right = judge(line_over_ring({{"at_least", 1.0}, {"at_most", 3.0}}));
    CHECK(right.hits_claim());
    CHECK(right.error() == 0.0);
    CHECK(right.unit == "x");
    CHECK(right.note == "somebody");
    const Comparison wrong = judge(line_over_ring({{"at_most", 1.0}}));
    CHECK_FALSE(wrong.hits_claim());
    CHECK(wrong.measured == right.measured);
    CHECK(wrong.reference == 1.0);  // what the claim has nearest
    CHECK(wrong.error() > 0.0);
    CHECK_THAT(wrong.note, Contains("somebody; most of the time: wormhole_line8: link"));
    CHECK_THAT(wrong.note, Contains("against wormhole_ring8"));
}

TEST_CASE("figures of several panels are summed, and without `over` the sum is what is claimed") {
    Json claim = line_over_ring({{"at_least", 0.0}});
    const double ratio = judge(claim).measured;
    claim["of"].push_back(claim["of"][0]);
    CHECK(judge(claim).measured == Approx(2.0 * ratio));
    claim.erase("over");
    claim["unit"] = "ps";
    const double twice = judge(claim).measured;
    claim["of"].erase(1);
    CHECK(judge(claim).measured == Approx(twice / 2.0));
    CHECK(judge(claim).unit == "ps");
    claim.erase("unit");
    claim["figure"] = "hop_bytes";
    CHECK(judge(claim).measured == 8.0 * 7.0 * (1 << 20) / 8.0);  // every part over seven links
    CHECK(judge(claim).unit == "B");
}

TEST_CASE("a claim that is no ratio is judged in its unit, which a time must say") {
    Json claim = line_over_ring({{"at_most", 7.0}});
    claim.erase("over");
    CHECK_THAT(refusal(claim), Contains("says no unit of a time") && Contains("ps, ns, us, ms, s"));
    claim["unit"] = "ps";
    const double picoseconds = judge(claim).measured;
    CHECK(picoseconds > 7.0);
    CHECK_FALSE(judge(claim).hits_claim());
    claim["unit"] = "ms";  // a MiB over links of tens of GB/s
    CHECK(judge(claim).measured == picoseconds / 1e9);
    CHECK(judge(claim).hits_claim());
    claim["figure"] = "hop_bytes";
    CHECK_THAT(refusal(claim), Contains("/unit: found") && Contains("MiB"));
    claim["unit"] = "MiB";
    CHECK(judge(claim).measured == 7.0);  // every eighth of it over seven links
    CHECK(judge(claim).hits_claim());
    const Family family = scoreboard_family();
    ValidationResult result;
    result.suites.push_back(judged(family.suites.front(), {"s.json"}, {judge(claim)}));
    CHECK_THAT(validation_text(result, false), Contains("<= 7 MiB") && Contains(" 7 MiB  hit"));
    claim["figure"] = "commands";
    CHECK_THAT(refusal(claim), Contains("/unit") && Contains("has none"));
    Json ratio = line_over_ring({{"at_least", 1.0}});
    ratio["unit"] = "ns";
    CHECK_THAT(refusal(ratio), Contains("/unit") && Contains("no `over`"));
}

TEST_CASE("mistakes in claims are refused by their path") {
    const Json good = line_over_ring({{"at_least", 1.0}});
    CHECK(refusal(good).empty());
    const auto with = [&](const char* key, const Json& value) {
        Json claim = good;
        claim[key] = value;
        return refusal(claim);
    };
    CHECK_THAT(with("publishd", 1), Contains("publishd") && Contains("did you mean published?"));
    CHECK_THAT(with("published", Json::object()), Contains("s.json: /published") && Contains("at_least"));
    CHECK_THAT(with("published", {{"at_least", 2}, {"at_most", 1}}), Contains("/published"));
    CHECK_THAT(with("figure", "tyme"), Contains("/figure") && Contains("time"));
    CHECK_THAT(with("of", Json::array()), Contains("/of"));
    CHECK_THAT(with("over", Json::array({gather_on("wormhole_ring8", {"relay", "multicast"})})),
               Contains("/over/0") && Contains("2 kernels"));
    CHECK_THAT(with("of", Json::array({gather_on("no_such_chip")})), Contains("no_such_chip"));
    Json claim = good;
    claim.erase("source");
    CHECK_THAT(refusal(claim), Contains("/source: missing"));
}

TEST_CASE("the table of claims says hit and miss, and of a miss where the time goes") {
    const Comparison hit = judge(line_over_ring({{"at_least", 1.0}})),
                     miss = judge(line_over_ring({{"at_most", 1.0}}));
    const Family family = scoreboard_family();
    ValidationResult result;
    result.suites.push_back(judged(family.suites.front(), {"s.json"}, {hit, miss}));
    CHECK_FALSE(result.passes());
    const std::string text = validation_text(result, false);
    CHECK_THAT(text, Contains("hit") && Contains("MISS") && Contains(">= 1") && Contains("<= 1"));
    CHECK_THAT(text, Contains("miss: a ring is faster (somebody; most of the time"));
}

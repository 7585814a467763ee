// SPDX-License-Identifier: Apache-2.0
// Claims are data (configs/validation/scoreboard.json); what they name is run here and held against what was
// published.
#include "sim/validation/scoreboard.h"

#include "sim/base/error.h"
#include "sim/report/summary.h"
#include "sim/run/figures.h"
#include "sim/run/milestone.h"
#include "sim/validation/families.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tilemesh::validation {
namespace {

constexpr double farthest = 1e18;

/// Metrics that are one number of a run.
const run::Metric& metric_of_claim(const JsonReader& name) {
    std::vector<std::string> words;
    for (const run::Metric& metric : run::metrics())
        if (metric.of) words.emplace_back(metric.name);
    const std::string word = name.as_word(words);
    return *std::find_if(run::metrics().begin(), run::metrics().end(),
                         [&](const run::Metric& metric) { return metric.name == word; });
}

std::vector<ClaimRun> read_claim_runs(JsonReader list, const std::filesystem::path& folder,
                                      const run::Workloads& workloads) {
    if (!list.is_array() || list.value().empty()) list.reject("a list of panels, at least one");
    std::vector<ClaimRun> runs;
    for (const JsonReader& element : list.elements()) {
        ClaimRun one{run::read_panel(run::resolve_element(element, folder), workloads)};
        if (one.panel.kernels.size() != 1)
            element.complain(
                fmt::format("the panel has {} kernels, expected one: the claim would not say whose "
                            "figure it means",
                            one.panel.kernels.size()));
        runs.push_back(std::move(one));
    }
    return runs;
}

ClaimRange read_claim_range(JsonReader reader) {
    ClaimRange range;
    range.least = reader.number("at_least", -farthest, farthest, range.least);
    range.most = reader.number("at_most", -farthest, farthest, range.most);
    reader.finish();
    if (range == ClaimRange()) reader.complain("says nothing, expected \"at_least\", \"at_most\" or both");
    if (range.least > range.most) reader.complain("no number is in it, expected at_least <= at_most");
    return range;
}

struct Unit {
    const char *name, *of;  // of: the unit of figures
    double size;
};
constexpr Unit units[] = {
    {"ps", "ps", 1.0},    {"ns", "ps", 1e3},    {"us", "ps", 1e6}, {"ms", "ps", 1e9}, {"s", "ps", 1e12},
    {"B", "B", 1.0},      {"kB", "B", 1e3},     {"MB", "B", 1e6},  {"GB", "B", 1e9},  {"KiB", "B", 0x1p10},
    {"MiB", "B", 0x1p20}, {"GiB", "B", 0x1p30}, {"J", "J", 1.0},   {"mJ", "J", 1e-3}, {"uJ", "J", 1e-6},
    {"nJ", "J", 1e-9},    {"pJ", "J", 1e-12},   {"W", "W", 1.0},   {"mW", "W", 1e-3}, {"Js", "Js", 1.0},
    {"mm2", "mm2", 1.0},
};

/// A ratio has none. Times have none that everybody would take for granted: the claim says which it means.
void read_claim_unit(JsonReader& reader, Claim& claim) {
    const std::string of = claim.over.empty() ? run::find_metric(claim.figure)->unit : "";
    auto given = reader.optional_member("unit");
    if (of.empty()) {
        if (given)
            given->complain(
                "is the unit of what has none, expected it only with a figure that has one, and no `over`");
        claim.unit = claim.over.empty() ? "" : "x";
        return;
    }
    std::vector<std::string> words;
    for (const Unit& unit : units)
        if (unit.of == of) words.emplace_back(unit.name);
    if (!given && of == "ps")
        reader.complain(fmt::format("says no unit of a time, expected \"unit\": one of {}", fmt::join(words, ", ")));
    claim.unit = given ? given->as_word(words) : of;
    for (const Unit& unit : units)
        if (unit.name == claim.unit) claim.unit_size = unit.size;
}

report::KernelResult run_for_claim(const ClaimRun& one, bool with_account) {
    const run::Entry& entry = one.panel.kernels.front();
    const auto prepared = entry.workload->prepare({entry.number}, 1);
    run::Wanted wanted;
    wanted.account = with_account;
    report::KernelResult result = entry.workload->run(entry.number, *prepared, wanted).result;
    if (result.status != report::Status::ok) fail<KernelError>("{}: {}", one.panel.name, result.error);
    report::summarise(result);
    return result;
}

double sum_of(const Claim& claim, const std::vector<ClaimRun>& runs) {
    const run::Metric& metric = *run::find_metric(claim.figure);
    double sum = 0.0;
    for (const ClaimRun& one : runs) {
        const auto figure = metric.of(run_for_claim(one, false));
        if (!figure) fail<KernelError>("{} has no figure {}", one.panel.name, claim.figure);
        sum += *figure;
    }
    return sum;
}

/// What most of the time of these runs went into, by panel.
std::string where_time_goes(const std::vector<ClaimRun>& runs) {
    std::string text;
    for (const ClaimRun& one : runs) {
        const std::string bound = run_for_claim(one, true).bound;
        text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", one.panel.name,
                            bound.empty() ? "no account of it" : bound);
    }
    return text;
}

}  // namespace

Claim read_claim(JsonReader reader, const std::filesystem::path& folder, const run::Workloads& workloads) {
    Claim claim;
    claim.claim = reader.string("claim");
    claim.source = reader.string("source");
    if (auto figure = reader.optional_member("figure")) claim.figure = metric_of_claim(*figure).name;
    claim.of = read_claim_runs(reader.member("of"), folder, workloads);
    if (auto over = reader.optional_member("over")) claim.over = read_claim_runs(*over, folder, workloads);
    read_claim_unit(reader, claim);
    claim.published = read_claim_range(reader.member("published"));
    reader.finish();
    return claim;
}

Comparison judge_claim(const Claim& claim) {
    Comparison found;
    found.suite = "scoreboard";
    found.name = claim.claim;
    found.unit = claim.unit;
    found.claimed = claim.published;
    found.measured = sum_of(claim, claim.of) / claim.unit_size;
    if (!claim.over.empty()) {
        const double whole = sum_of(claim, claim.over);
        if (whole == 0.0) fail<KernelError>("{}: the figure of `over` is 0", claim.claim);
        found.measured /= whole;
    }
    found.reference = std::clamp(found.measured, claim.published.least, claim.published.most);
    found.note = claim.source;
    if (!found.hits_claim()) {
        found.note += fmt::format("; most of the time: {}", where_time_goes(claim.of));
        if (!claim.over.empty()) found.note += fmt::format("; against {}", where_time_goes(claim.over));
    }
    return found;
}

Family scoreboard_family() {
    Family family;
    family.name = "scoreboard";
    family.form = "claims of {claim, source, figure, unit, of, over, published}";
    family.files = {"scoreboard.json"};
    family.suites = {{"scoreboard",
                      "claims that others published, each run as a panel or two: in the range that is claimed or not",
                      {claims_hold(0.8)}}};
    family.recognises = [](const Json& file) { return has_row_with(file, "claims", {"claim", "published"}); };
    family.read = [](JsonReader file, const Surroundings& surroundings) {
        const auto folder = std::filesystem::path(file.place()).parent_path();
        file.string("about", "");
        std::vector<Case> cases;
        for (const JsonReader& row : file.member("claims").elements()) {
            const auto claim = std::make_shared<const Claim>(read_claim(row, folder, surroundings.workloads));
            Case one{claim->claim, {"scoreboard"}, [claim] { return std::vector<Comparison>{judge_claim(*claim)}; }};
            one.quick = false;
            cases.push_back(std::move(one));
        }
        file.finish();
        return cases;
    };
    return family;
}

}  // namespace tilemesh::validation

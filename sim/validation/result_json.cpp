// SPDX-License-Identifier: Apache-2.0
// Writing a validation as JSON. Wall time stands in the host block alone.
#include "sim/validation/result_json.h"

#include "sim/run/version.h"

#include <cmath>
#include <limits>

namespace tilemesh::validation {
namespace {

constexpr int schema_version = 1;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

double number_from(const Json& json) {
    return json.is_number() ? json.get<double>() : std::numeric_limits<double>::quiet_NaN();
}

/// [least, most]; null where it is open.
Json range_of(const ClaimRange& range) { return {number(range.least), number(range.most)}; }

std::optional<ClaimRange> range_from(const Json& json) {
    if (json.is_null()) return {};
    ClaimRange range;
    if (json.at(0).is_number()) range.least = json.at(0);
    if (json.at(1).is_number()) range.most = json.at(1);
    return range;
}

Json to_json(const Comparison& comparison) {
    return {{"suite", comparison.suite},
            {"name", comparison.name},
            {"reference", number(comparison.reference)},
            {"measured", number(comparison.measured)},
            {"unit", comparison.unit},
            {"tolerance", number(comparison.tolerance)},
            {"group", comparison.group},
            {"failure", comparison.failure},
            {"spread", {comparison.spread.median, comparison.spread.maximum}},
            {"claimed", comparison.claimed ? range_of(*comparison.claimed) : Json(nullptr)},
            {"note", comparison.note}};
}

Json json_of(const Spread& spread) { return {{"median", spread.median}, {"maximum", spread.maximum}}; }

Json row_of(const Comparison& comparison) {
    Json row = {{"name", comparison.name},
                {"reference", number(comparison.reference)},
                {"measured", comparison.failure.empty() ? number(comparison.measured) : Json(nullptr)},
                {"unit", comparison.unit},
                {"error", number(comparison.error())}};
    if (comparison.tolerance > 0.0) row["tolerance"] = comparison.tolerance;
    if (!comparison.group.empty()) row["group"] = comparison.group;
    if (comparison.spread.maximum > 0.0) row["reference_spread"] = json_of(comparison.spread);
    if (comparison.claimed) {
        row["claimed"] = range_of(*comparison.claimed);
        row["holds"] = comparison.hits_claim();
    }
    if (!comparison.note.empty()) row["note"] = comparison.note;
    if (!comparison.failure.empty()) row["failure"] = comparison.failure;
    return row;
}

Json to_json(const SuiteResult& result) {
    const ErrorStatistics errors = statistics_of(result.comparisons);
    Json conditions = Json::array(), rows = Json::array();
    for (const ConditionResult& condition : result.conditions) {
        conditions.push_back(
            {{"condition", condition.text}, {"holds", condition.finding.holds}, {"found", condition.finding.found}});
    }
    for (const Comparison& comparison : result.comparisons) rows.push_back(row_of(comparison));
    const Spread spread = spread_of(result.comparisons);
    return {{"name", result.suite.name},
            {"question", result.suite.question},
            {"files", result.files},
            {"passes", result.passes()},
            {"fitted", result.suite.fitted},
            {"references_are_bounds", result.suite.references_are_bounds},
            {"cases", errors.cases},
            {"median_error", number(errors.median)},
            {"percentile_90_error", number(errors.percentile_90)},
            {"maximum_error", number(errors.maximum)},
            {"bias", number(errors.bias)},
            {"reference_spread", spread.maximum > 0.0 ? json_of(spread) : Json(nullptr)},
            {"worst_case", result.comparisons.empty() ? "" : result.comparisons[errors.worst].name},
            {"conditions", conditions},
            {"rows", rows}};
}

}  // namespace

Json to_json(const std::vector<Comparison>& comparisons) {
    Json list = Json::array();
    for (const Comparison& comparison : comparisons) list.push_back(to_json(comparison));
    return list;
}

std::vector<Comparison> comparisons_from_json(const Json& json) {
    std::vector<Comparison> comparisons;
    for (const Json& item : json) {
        comparisons.push_back({item.at("suite"), item.at("name"), number_from(item.at("reference")),
                               number_from(item.at("measured")), item.at("unit"), number_from(item.at("tolerance")),
                               item.at("group"), item.at("failure"),
                               Spread{item.at("spread").at(0), item.at("spread").at(1)},
                               range_from(item.at("claimed")), item.at("note")});
    }
    return comparisons;
}

Json to_json(const ValidationResult& result) {
    Json suites = Json::array(), left_out = Json::array();
    for (const LeftOut& one : result.left_out)
        left_out.push_back({{"file", one.file}, {"reason", one.reason}, {"rows", one.rows}});
    for (const SuiteResult& suite : result.suites) suites.push_back(to_json(suite));
    return {{"schema_version", schema_version},
            {"tool", {{"name", "tilemesh"}, {"version", run::version()}}},
            {"kind", "validation"},
            {"passes", result.passes()},
            {"quick", result.quick},
            {"suites", suites},
            {"left_out", left_out},
            {"host", {{"wall_seconds", result.seconds}}}};
}

}  // namespace tilemesh::validation

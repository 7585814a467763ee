// SPDX-License-Identifier: Apache-2.0
// Laying the result out for reading.
#include "sim/validation/table.h"
#include "sim/report/text_table.h"

#include <fmt/format.h>

#include <cmath>

namespace tilemesh::validation {
namespace {

using report::Cell;
using report::Colour;
using Align = report::TextTable::Align;

std::string signed_percent(double relative) {
    if (std::isinf(relative)) return "infinite";
    return (relative >= 0.0 ? "+" : "") + percent_text(relative);
}

std::string tolerance_text(const SuiteResult& result) {
    std::vector<std::string> texts;
    for (const ConditionResult& condition : result.conditions) texts.push_back(condition.text);
    return texts.empty() ? "none stated" : fmt::format("{}", fmt::join(texts, ", "));
}

Cell verdict_cell(const SuiteResult& result) {
    if (!result.passes()) return {"FAIL", Colour::red};
    if (result.conditions.empty()) return {"shown", Colour::none};
    return {result.suite.fitted ? "pass (fitted)" : "pass", Colour::green};
}

std::string number_text(double value) {
    return std::isnan(value) ? "-" : fmt::format("{:.{}g}", value, std::abs(value) >= 1e5 ? 12 : 5);
}

std::string broken_conditions(const SuiteResult& result) {
    std::string text;
    for (const ConditionResult& condition : result.conditions) {
        if (!condition.finding.holds)
            text += fmt::format("{}: expected {}, found {}\n", result.suite.name, condition.text,
                                condition.finding.found);
    }
    for (const Comparison& comparison : result.comparisons) {
        if (!comparison.failure.empty())
            text += fmt::format("{}: {}: {}\n", result.suite.name, comparison.name, comparison.failure);
    }
    return text;
}

/// "1.5 to 1.8"; what is no ratio with its unit: "<= 5000 ns".
std::string range_text(const ClaimRange& range, const std::string& unit) {
    const std::string end = unit.empty() || unit == "x" ? "" : " " + unit;
    if (std::isinf(range.most)) return ">= " + number_text(range.least) + end;
    if (std::isinf(range.least)) return "<= " + number_text(range.most) + end;
    return number_text(range.least) + " to " + number_text(range.most) + end;
}

/// Every claim beside what came out, and for misses where the time goes.
std::string claims_text(const ValidationResult& result, bool with_colour) {
    report::TextTable table({{"", "claim", Align::left},
                             {"", "published", Align::right},
                             {"", "predicted", Align::right},
                             {"", "", Align::left}});
    std::string misses;
    bool any = false;
    for (const SuiteResult& suite : result.suites) {
        for (const Comparison& claim : suite.comparisons) {
            if (!claim.claimed) continue;
            any = true;
            const bool hit = claim.hits_claim();
            table.add_row({{claim.name},
                           {range_text(*claim.claimed, claim.unit)},
                           {number_text(claim.measured) + (claim.unit.empty() ? "" : " " + claim.unit)},
                           hit ? Cell{"hit", Colour::green} : Cell{"MISS", Colour::red}});
            if (!hit) misses += fmt::format("miss: {} ({})\n", claim.name, claim.note);
        }
    }
    return any ? "\n" + table.text(with_colour) + misses : "";
}

std::string left_out(const ValidationResult& result) {
    std::string text;
    for (const LeftOut& one : result.left_out)
        text += fmt::format("not compared: {} row{} of {}: {}\n", one.rows, one.rows == 1 ? "" : "s", one.file,
                            one.reason);
    return text;
}

std::string conclusion(const ValidationResult& result) {
    std::vector<std::string> beyond;
    std::size_t cases = 0;
    for (const SuiteResult& suite : result.suites) {
        cases += suite.comparisons.size();
        if (!suite.passes()) beyond.push_back(suite.suite.name);
    }
    const std::string what = fmt::format("{} comparisons in {} suites{}", cases, result.suites.size(),
                                         result.quick ? ", quick cases only" : "");
    if (result.interrupted) return what + ": interrupted\n";
    if (beyond.empty()) return what + ": all within their tolerances\n";
    return fmt::format("{}: beyond tolerance: {}\n", what, fmt::join(beyond, ", "));
}

}  // namespace

std::string validation_text(const ValidationResult& result, bool with_colour) {
    report::TextTable table({{"", "suite", Align::left},
                             {"", "cases", Align::right},
                             {"relative error", "median", Align::right},
                             {"relative error", "p90", Align::right},
                             {"relative error", "maximum", Align::right},
                             {"relative error", "bias", Align::right},
                             {"reference's own", "median", Align::right},
                             {"reference's own", "maximum", Align::right},
                             {"", "verdict", Align::left},
                             {"", "tolerance", Align::left},
                             {"", "worst case", Align::left}});
    for (const SuiteResult& suite : result.suites) {
        const ErrorStatistics errors = statistics_of(suite.comparisons);
        const bool bounds = suite.suite.references_are_bounds;
        const Spread own = spread_of(suite.comparisons);
        const auto of_own = [&](double value) { return Cell{own.maximum > 0.0 ? percent_text(value) : "-"}; };
        const auto shown = [&](const std::string& text) { return Cell{bounds ? "-" : text}; };
        table.add_row({{suite.suite.name},
                       {fmt::format("{}", errors.cases)},
                       shown(percent_text(errors.median)),
                       shown(percent_text(errors.percentile_90)),
                       shown(percent_text(errors.maximum)),
                       shown(signed_percent(errors.bias)),
                       of_own(own.median),
                       of_own(own.maximum),
                       verdict_cell(suite),
                       {tolerance_text(suite)},
                       shown(errors.maximum > 0.0 ? suite.comparisons[errors.worst].name : "-")});
    }
    std::string text = table.text(with_colour);
    for (const SuiteResult& suite : result.suites) text += broken_conditions(suite);
    return text + claims_text(result, with_colour) + left_out(result) + conclusion(result);
}

std::string report_text(const ValidationResult& result, bool with_colour) {
    std::string text;
    for (const SuiteResult& suite : result.suites) {
        text += fmt::format("{}: {}\n", suite.suite.name, suite.suite.question);
        report::TextTable table({{"", "case", Align::left},
                                 {"", "reference", Align::right},
                                 {"", "measured", Align::right},
                                 {"", "unit", Align::left},
                                 {"", "error", Align::right}});
        for (const Comparison& comparison : suite.comparisons) {
            const bool failed = !comparison.failure.empty();
            table.add_row({{comparison.name},
                           {failed ? "-" : number_text(comparison.reference)},
                           {failed ? "-" : number_text(comparison.measured)},
                           {comparison.unit},
                           failed ? Cell{"failed", Colour::red} : Cell{signed_percent(comparison.error())}});
        }
        text += table.text(with_colour) + "\n";
    }
    return text;
}

}  // namespace tilemesh::validation

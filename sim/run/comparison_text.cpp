// SPDX-License-Identifier: Apache-2.0
#include "sim/run/comparison_text.h"

#include "sim/base/names.h"
#include "sim/report/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tilemesh::run {
namespace {

constexpr std::size_t most_keys = 3;    // of a configuration
constexpr std::size_t most_parts = 3;   // of a metric with parts
constexpr std::size_t most_lines = 20;  // of entries explained

bool fails(const Difference& difference) { return difference.fails; }

/// Those of an entry that get a line: the primary ones; also what fails when none of those does.
std::vector<const Difference*> shown(const EntryComparison& entry) {
    std::vector<const Difference*> chosen;
    bool any_fails = false;
    for (const auto& difference : entry.differences) {
        if (!difference.is_primary()) continue;
        chosen.push_back(&difference);
        any_fails = any_fails || difference.fails;
    }
    if (any_fails) return chosen;
    for (const auto& difference : entry.differences) {
        if (!difference.is_primary() && difference.fails) chosen.push_back(&difference);
    }
    return chosen;
}

/// Moved exactly as the metric that it follows did, or as its inverse: says nothing new.
bool only_follows(const EntryComparison& entry, const Difference& difference) {
    if (difference.metric == nullptr || difference.metric->follows[0] == '\0') return false;
    const Difference* other = entry.find(difference.metric->follows);
    if (other == nullptr) return false;
    const double change = other->change, inverse = 1.0 / (1.0 + change) - 1.0;
    return std::min(std::abs(difference.change - change), std::abs(difference.change - inverse)) < 1e-9;
}

/// "schedule_bound by link instead of matrix", "commands +2.000%"
std::string in_words(const Difference& difference) {
    if (difference.metric != nullptr && difference.change != 0.0)
        return fmt::format("{} {}", difference.what, change_text(difference));
    if (difference.metric == nullptr && difference.what.ends_with("bound"))
        return fmt::format("{} by {} instead of {}", difference.what, difference.after, difference.before);
    return fmt::format("{} {} -> {}", difference.what, difference.before, difference.after);
}

std::string keys_text(const std::vector<std::string>& keys) {
    std::string out = "another configuration: ";
    for (std::size_t i = 0; i < std::min(keys.size(), most_keys); ++i) out += (i > 0 ? ", " : "") + keys[i];
    if (keys.size() > most_keys) out += fmt::format(" and {} more keys", keys.size() - most_keys);
    return out;
}

/// "busy.vector +5.0% (+1200 ns), ...": the parts that moved most.
void add_parts(const EntryComparison& entry, const Metric& metric, const std::vector<const Difference*>& rows,
               std::vector<std::string>& reasons) {
    std::vector<const Difference*> parts;
    for (const auto& difference : entry.differences) {
        const bool has_row = std::find(rows.begin(), rows.end(), &difference) != rows.end();
        if (difference.metric == &metric && !has_row) parts.push_back(&difference);
    }
    std::stable_sort(parts.begin(), parts.end(),
                     [](const auto* a, const auto* b) { return std::abs(a->moved) > std::abs(b->moved); });
    for (std::size_t i = 0; i < std::min(parts.size(), most_parts); ++i)
        reasons.push_back(fmt::format("{} {} ({}{})", parts[i]->what, change_text(*parts[i]),
                                      parts[i]->moved > 0 ? "+" : "", metric.text(parts[i]->moved)));
}

std::string verb(const Difference& difference) {
    if (difference.metric == nullptr)
        return fmt::format("{} {} -> {}", difference.what, difference.before, difference.after);
    return fmt::format("{} {} ({} -> {})", difference.what, change_text(difference), difference.before,
                       difference.after);
}

report::TextTable table_of(const Comparison& comparison) {
    using Align = report::TextTable::Align;
    report::TextTable table({{"", "panel", Align::left},
                             {"", "kernel", Align::left},
                             {"", "what", Align::left},
                             {"", "old"},
                             {"", "new"},
                             {"", "change"},
                             {"", "", Align::left}});
    for (const auto& entry : comparison.entries) {
        for (const Difference* d : shown(entry)) {
            const auto colour = d->fails                                      ? report::Colour::red
                                : d->metric && !d->worse && d->metric->judged ? report::Colour::green
                                                                              : report::Colour::none;
            const char* judgement = d->fails                               ? "FAILS"
                                    : d->metric == nullptr                 ? ""
                                    : d->metric->better == Better::neither ? ""
                                    : d->worse                             ? "worse"
                                                                           : "better";
            table.add_row({{printable(entry.panel)},
                           {printable(entry.label)},
                           {d->what},
                           {d->before},
                           {d->after, colour},
                           {change_text(*d), colour},
                           {judgement, colour}});
        }
    }
    return table;
}

}  // namespace

std::string change_text(const Difference& difference) {
    if (difference.change == 0.0) return "";
    const double percent = 100.0 * difference.change;
    if (std::isfinite(percent))
        return std::abs(percent) < 0.001 ? fmt::format("{:+.1e}%", percent) : fmt::format("{:+.3f}%", percent);
    return difference.before == "0" || difference.before == "0 ns" ? "from 0" : "";
}

std::string why(const EntryComparison& entry) {
    std::vector<std::string> reasons;
    if (!entry.configuration.empty()) reasons.push_back(keys_text(entry.configuration));
    const auto rows = shown(entry);
    for (const auto& difference : entry.differences) {
        if (std::find(rows.begin(), rows.end(), &difference) != rows.end()) continue;
        if (difference.metric != nullptr && difference.metric->parts != nullptr) continue;
        if (!only_follows(entry, difference)) reasons.push_back(in_words(difference));
    }
    for (const Metric& metric : metrics()) {
        if (metric.parts != nullptr) add_parts(entry, metric, rows, reasons);
    }
    if (reasons.empty() && entry.find("time") != nullptr)
        return "no count, bound or engine's work moved: latencies, waiting or the order of issue did";
    return fmt::format("{}", fmt::join(reasons, ", "));
}

std::string comparison_sentence(const Comparison& comparison) {
    const std::size_t failing = comparison.count(Outcome::fails);
    std::string out = fmt::format("{} entries compared: ", comparison.compared);
    out += failing == 0 ? "none fails" : failing == 1 ? "1 fails" : fmt::format("{} fail", failing);
    if (comparison.gone > 0) out += fmt::format(" ({} gone)", comparison.gone);
    const auto add = [&](std::size_t count, const char* text) {
        if (count > 0) out += fmt::format(", {} {}", count, text);
    };
    add(comparison.count(Outcome::better), "better");
    add(comparison.count(Outcome::changed), "changed otherwise");
    add(comparison.same(), "the same");
    add(comparison.count(Outcome::added), "new");
    if (comparison.without_result > 0)
        out += fmt::format("; {} without a result on both sides", comparison.without_result);
    return out + fmt::format(". Thresholds: {}.", comparison.thresholds.text());
}

std::string comparison_text(const Comparison& comparison, bool with_colour) {
    const auto entries = worst_first(comparison);
    std::string out;
    if (std::any_of(entries.begin(), entries.end(), [](const auto* entry) { return !shown(*entry).empty(); }))
        out += table_of(comparison).text(with_colour);
    std::size_t lines = 0, left_out = 0;
    for (const EntryComparison* entry : entries) {
        if (entry->outcome == Outcome::added) continue;
        const std::string reason = why(*entry);
        const auto failing = std::find_if(entry->differences.begin(), entry->differences.end(), fails);
        const std::string moved = failing == entry->differences.end() ? "" : " fails: " + verb(*failing);
        if (reason.empty() && moved.empty()) continue;
        if (++lines > most_lines) {
            ++left_out;
            continue;
        }
        const char* joint = reason.empty() ? "" : moved.empty() ? ": " : "; ";
        out += printable(entry->panel) + " " + printable(entry->label) + moved + joint + reason + "\n";
    }
    if (left_out > 0) out += fmt::format("... and {} more entries\n", left_out);
    return out + comparison_sentence(comparison) + "\n";
}

}  // namespace tilemesh::run

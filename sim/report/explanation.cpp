// SPDX-License-Identifier: Apache-2.0
#include "sim/report/explanation.h"

#include "sim/report/table.h"
#include "sim/report/text_table.h"
#include "sim/report/words.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace tilemesh::report {
namespace {

constexpr double worth_showing = 0.001;  // of the time; changes that gain or cost less are named together
constexpr double far_off = 0.05;         // an estimate that far from what was proved is marked
constexpr double as_good = 0.01;         // changes whose gains differ by less gain the same
constexpr std::size_t most_lines = 10;

/// A run of no time counts as one of a picosecond: as fast as itself.
double ratio(Picoseconds before, Picoseconds after) {
    const auto some = [](Picoseconds time) { return static_cast<double>(std::max<std::uint64_t>(time.value(), 1)); };
    return some(before) / some(after);
}

std::string gain_text(double gain) {
    if (gain < 1.0 - worth_showing) return fmt::format("{:.3g}x slower", 1.0 / gain);
    if (gain >= 1.5) return fmt::format("{:.3g}x as fast", gain);
    return fmt::format("{:+.1f}%", 100.0 * (gain - 1.0));
}

/// How much of the critical path is spent on what the change is about.
Picoseconds on_the_path(const KernelResult& kernel, const WhatIf& change) {
    Picoseconds time;
    if (!kernel.critical_path) return time;
    const std::string resource = change.change.substr(0, change.change.rfind('='));
    for (const PathShare& share : kernel.critical_path->shares)
        if (share.spent == resource || share.component.ends_with("." + resource)) time += share.time;
    return time;
}

/// How far the estimate was from what was proved.
Cell estimate_cell(const WhatIf& change) {
    if (!change.estimated || !change.proved) return {""};
    const double off = ratio(*change.estimated, *change.proved) - 1.0;
    return {fmt::format("{:+.1f}%", 100.0 * off), std::abs(off) > far_off ? Colour::yellow : Colour::none};
}

/// "link, issue=2x": a resource that gains nothing, whether twice as fast or free, by its name alone.
std::string in_short(const std::vector<std::string>& changes) {
    std::string text;
    for (std::size_t i = 0; i < changes.size(); ++i) {
        const std::string name = changes[i].substr(0, changes[i].rfind('='));
        const bool both = changes[i] == name + "=2x" && i + 1 < changes.size() && changes[i + 1] == name + "=free";
        text += (text.empty() ? "" : ", ") + printable(both ? name : changes[i]);
        if (both) ++i;
    }
    return text;
}

/// Columns of estimates only where there are any.
std::string table_of(const KernelResult& kernel, const std::vector<const WhatIf*>& changes, bool with_colour) {
    using Align = TextTable::Align;
    const bool estimates = std::any_of(kernel.what_if.begin(), kernel.what_if.end(),
                                       [](const WhatIf& change) { return change.estimated.has_value(); });
    std::vector<TextTable::Column> columns{{"", "what if", Align::left}};
    if (estimates)
        columns.insert(columns.end(), {{"estimated", "time", Align::right}, {"estimated", "gain", Align::right}});
    columns.insert(columns.end(), {{"proved", "time", Align::right}, {"proved", "gain", Align::right}});
    if (estimates) columns.push_back({"", "estimate off by", Align::right});
    TextTable table(columns);
    const auto time = [](const std::optional<Picoseconds>& t) { return t ? in_words(*t) : std::string("-"); };
    const auto gain = [&](const std::optional<Picoseconds>& t) {
        return t ? gain_text(ratio(kernel.time, *t)) : std::string("-");
    };
    for (const WhatIf* change : changes) {
        std::vector<Cell> row{{printable(change->change)}};
        if (estimates) row.insert(row.end(), {{time(change->estimated)}, {gain(change->estimated)}});
        if (change->impossible.empty()) {
            row.push_back({time(change->proved)});
            row.push_back({gain(change->proved), change->proved ? Colour::bold : Colour::none});
        } else {
            row.insert(row.end(), {{"-"}, {"cannot run", Colour::yellow}});
        }
        if (estimates) row.push_back(change->impossible.empty() ? estimate_cell(*change) : Cell{""});
        table.add_row(std::move(row));
    }
    return table.text(with_colour);
}

std::string changes_text(const KernelResult& kernel, bool with_colour) {
    std::vector<const WhatIf*> order;
    std::vector<std::string> without;
    for (const WhatIf& change : kernel.what_if) {
        if ((change.proved || change.estimated) && std::abs(gain_of(kernel, change) - 1.0) < worth_showing) {
            without.push_back(change.change);
        } else {
            order.push_back(&change);
        }
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](const WhatIf* a, const WhatIf* b) { return gain_of(kernel, *a) > gain_of(kernel, *b); });
    std::string text;
    if (!order.empty()) text += table_of(kernel, order, with_colour);
    if (!without.empty()) text += fmt::format("Nothing to gain from {}.\n", in_short(without));
    for (const WhatIf* change : order)
        if (!change->impossible.empty())
            text += fmt::format("{} cannot be run: {}\n", printable(change->change), printable(change->impossible));
    return text;
}

/// The phases of the first level that divides the run: those most on the critical path first.
std::vector<HotLine> dividing_phases(const std::vector<HotLine>& tree) {
    const auto level_of = [](const HotLine& phase) {
        std::size_t level = 0;
        for (std::size_t at = phase.place.find(" / "); at != std::string::npos; at = phase.place.find(" / ", at + 1))
            ++level;
        return level;
    };
    std::vector<HotLine> phases;
    for (std::size_t level = 0;; ++level) {
        std::vector<HotLine> here;
        for (const HotLine& phase : tree)
            if (level_of(phase) == level) here.push_back(phase);
        if (here.empty()) break;
        phases = std::move(here);
        if (phases.size() > 1) break;
    }
    std::stable_sort(phases.begin(), phases.end(), [](const HotLine& a, const HotLine& b) {
        return std::pair(a.critical, a.busy) > std::pair(b.critical, b.busy);
    });
    return phases;
}

std::string lines_text(const std::string& what, const std::vector<HotLine>& lines, const KernelResult& kernel,
                       bool with_colour) {
    if (lines.empty()) return {};
    const Clock clock(kernel.clock_ghz);
    using Align = TextTable::Align;
    TextTable table({{"", what, Align::left},
                     {"cycles", "on the critical path", Align::right},
                     {"cycles", "busy", Align::right},
                     {"cycles", "waiting", Align::right}});
    const auto add = [&](const std::string& place, const HotLine& line) {
        table.add_row({{place},
                       {grouped(clock.cycles_in(line.critical))},
                       {grouped(clock.cycles_in(line.busy))},
                       {grouped(clock.cycles_in(line.waiting))}});
    };
    HotLine others;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (i < most_lines) {
            add(printable(lines[i].place), lines[i]);
            continue;
        }
        others.critical += lines[i].critical;
        others.busy += lines[i].busy;
        others.waiting += lines[i].waiting;
    }
    if (lines.size() > most_lines) add(fmt::format("{} others", lines.size() - most_lines), others);
    return "\n" + table.text(with_colour);
}

}  // namespace

double gain_of(const KernelResult& kernel, const WhatIf& change) {
    const auto& time = change.proved ? change.proved : change.estimated;
    return time ? ratio(kernel.time, *time) : 0.0;
}

const WhatIf* best_proved(const KernelResult& kernel) {
    const WhatIf* best = nullptr;
    for (const WhatIf& change : kernel.what_if)
        if (change.proved && (best == nullptr || *change.proved < *best->proved)) best = &change;
    if (!best || gain_of(kernel, *best) < 1.0 + worth_showing) return nullptr;
    // Some changes mend what others are about: nobody waits for credits where messages take no time. What the path
    // waits for has the name then, and of that the smaller change.
    const WhatIf* first = best;
    for (const WhatIf& change : kernel.what_if) {
        const bool equal = change.proved && ratio(*change.proved, *best->proved) < 1.0 + as_good;
        const auto better = [&] { return on_the_path(kernel, change) > on_the_path(kernel, *first); };
        const bool smaller =
            change.change.substr(0, change.change.rfind('=')) == first->change.substr(0, first->change.rfind('=')) &&
            &change < first;
        if (equal && (better() || smaller)) first = &change;
    }
    return first;
}

std::string first_to_change(const KernelResult& kernel) {
    const WhatIf* best = best_proved(kernel);
    if (best == nullptr) return "Nothing that was tried makes it faster.";
    return fmt::format("First: {}, {} (proved by running it).", best->change, gain_text(gain_of(kernel, *best)));
}

std::string why_text(const KernelResult& kernel) {
    if (kernel.status != Status::ok)
        return fmt::format("{}: no explanation: {}\n", kernel.label, printable(kernel.error));
    if (!kernel.critical_path || kernel.critical_path->sentence.empty())
        return fmt::format("{}. {}\n", kernel.label, first_to_change(kernel));
    return fmt::format("{}, its critical path: {}. {}\n", kernel.label, kernel.critical_path->sentence,
                       first_to_change(kernel));
}

std::string explanation_text(const KernelResult& kernel, bool with_colour) {
    if (kernel.status != Status::ok)
        return fmt::format(
            "{}: {}{}\n", kernel.label, without_result(kernel),
            kernel.status == Status::not_possible || kernel.error.empty() ? "" : ": " + printable(kernel.error));
    std::string text =
        fmt::format("{}: {} cycles, {}\n", kernel.label, grouped(kernel.cycles), in_words(kernel.time));
    if (kernel.critical_path && !kernel.critical_path->sentence.empty())
        text += fmt::format("Its critical path: {}.\n", kernel.critical_path->sentence);
    if (!kernel.critical_path && !kernel.note.empty()) text += printable(kernel.note) + "\n";
    if (!kernel.what_if.empty()) text += "\n" + changes_text(kernel, with_colour);
    if (kernel.critical_path) {
        text += lines_text("line", kernel.critical_path->lines, kernel, with_colour);
        text += lines_text("phase", dividing_phases(kernel.critical_path->phases), kernel, with_colour);
    }
    if (std::any_of(kernel.what_if.begin(), kernel.what_if.end(), [](const WhatIf& one) { return one.proved; }))
        text += "\n" + first_to_change(kernel) + "\n";
    return text;
}

}  // namespace tilemesh::report

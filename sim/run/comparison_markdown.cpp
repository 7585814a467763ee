// SPDX-License-Identifier: Apache-2.0
#include "sim/run/comparison_text.h"

#include "sim/base/names.h"

#include <fmt/core.h>

#include <algorithm>

namespace tilemesh::run {
namespace {

constexpr std::size_t most_rows = 50;  // a comment of a pull request has its limits, and so have its readers

constexpr std::size_t longest = 1000;  // characters of one cell

/// Text from files, as text: what Markdown or HTML would make something of is escaped.
std::string literal(const std::string& text) {
    std::string out;
    for (const char c : printable(text, longest)) {
        if (c == '<') {
            out += "&lt;";
        } else if (c == '&') {
            out += "&amp;";
        } else if (std::string_view("\\`*[]|@").find(c) != std::string_view::npos) {
            out += fmt::format("&#{};", static_cast<int>(c));
        } else {
            out += c;
        }
    }
    return out;
}

/// The difference that says most of an entry: the worst of what fails, else of what is judged, else any.
const Difference* foremost(const EntryComparison& entry) {
    const Difference* best = nullptr;
    const auto weight = [](const Difference& d) { return (d.fails ? 2 : 0) + (d.is_primary() ? 1 : 0); };
    for (const auto& difference : entry.differences) {
        if (best == nullptr || weight(difference) > weight(*best)) best = &difference;
    }
    return best;
}

const char* word(Outcome outcome) {
    switch (outcome) {
        case Outcome::fails:
            return "**fails**";
        case Outcome::better:
            return "better";
        case Outcome::changed:
            return "changed";
        case Outcome::added:
            return "new";
    }
    return "";
}

std::string row(const EntryComparison& entry) {
    const Difference* difference = foremost(entry);
    const std::string start =
        fmt::format("| {} | {} | {} ", word(entry.outcome), literal(entry.panel), literal(entry.label));
    if (difference == nullptr) return start + fmt::format("| | | | | {} |\n", literal(why(entry)));
    return start + fmt::format("| {} | {} | {} | {} | {} |\n", literal(difference->what), literal(difference->before),
                               literal(difference->after), change_text(*difference), literal(why(entry)));
}

}  // namespace

std::string comparison_markdown(const Comparison& comparison) {
    std::string out =
        fmt::format("**{}**: {}\n", comparison.fails() ? "The comparison fails" : "The comparison passes",
                    literal(comparison_sentence(comparison)));
    const auto entries = worst_first(comparison);
    if (entries.empty()) return out;
    out += "\n| | panel | kernel | what | old | new | change | with it |\n|---|---|---|---|--:|--:|--:|---|\n";
    for (std::size_t i = 0; i < std::min(entries.size(), most_rows); ++i) out += row(*entries[i]);
    if (entries.size() > most_rows) out += fmt::format("\n... and {} more entries.\n", entries.size() - most_rows);
    return out;
}

}  // namespace tilemesh::run

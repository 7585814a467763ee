// SPDX-License-Identifier: Apache-2.0
#include "sim/search/sweep_table.h"

#include "sim/report/table.h"
#include "sim/report/text_table.h"
#include "sim/report/words.h"
#include "sim/run/version.h"

#include <fmt/format.h>

#include <algorithm>

namespace tilemesh::search {
namespace {

/// A figure of a result, by its place in the record; what it is, and how a page shows it (the formats of
/// sim/page/script/numbers.js).
struct Figure {
    const char* name;
    const char* pointer;
    const char *title, *unit, *format;
    const char* better;  // "less", "more"; empty: it can be neither
    const char* meaning;
    bool asked_for = false;        // left out where no point has it
    bool zero_is_unknown = false;  // as sim/run/figures.cpp takes it
};
constexpr Figure known_figures[] = {
    {"time_ps", "/result/time_ps", "time", "", "time", "less", "until the last PE has finished"},
    {"cycles", "/result/cycles", "cycles", "cycles", "cycles", "less", "time x clock"},
    {"tflops_per_s", "/result/tflops_per_s", "useful rate", "TFLOP/s", "number", "more", "useful work / time"},
    {"matrix_utilisation", "/result/matrix_utilisation", "matrix engines", "of their peak", "percent", "more",
     "multiply-accumulates done / what the matrix engines at work could do in the time"},
    {"hbm_bytes", "/result/hbm_bytes", "HBM traffic", "", "bytes", "less", "bytes that all slices moved"},
    {"hop_bytes", "/result/hop_bytes", "hop-bytes", "", "bytes", "less", "sum of the bytes of all links"},
    {"sram_peak_bytes", "/result/sram_peak_bytes", "SRAM", "", "bytes", "less",
     "taken in the fullest PE, at its fullest", false, true},
    {"energy_j", "/result/energy/joules", "energy", "J", "number", "less", "of all parts, static power included",
     true},
    {"energy_per_query_token_j", "/result/energy/joules_per_query_token", "energy per token", "J", "number", "less",
     "energy / query tokens", true},
    {"energy_delay_js", "/result/energy/energy_delay_js", "energy-delay", "Js", "number", "less", "energy x time",
     true},
    {"average_power_w", "/result/energy/power/average_w", "mean power", "W", "number", "less", "energy / time", true},
    {"peak_power_w", "/result/energy/power/peak_w", "peak power", "W", "number", "less",
     "greatest mean power of a window of time", true},
    {"over_power_limit_ps", "/result/energy/power/over_limit_ps", "above a limit", "", "time", "less",
     "of the run, above a limit of power of the machine: of the limit for which that is longest", true},
    {"area_mm2", "/result/energy/area/mm2", "area", "mm2", "number", "less", "of the machine, by its table", true},
    {"machine_bound_ps", "/result/machine_bound/time_ps", "machine bound", "", "time", "less",
     "the largest time that any part of the machine needs for this problem; no schedule is faster", false, true},
    {"schedule_bound_ps", "/result/schedule_bound/time_ps", "schedule bound", "", "time", "less",
     "the largest time that any part needs for this schedule; no execution of it is faster", false, true},
    {"bound", "/result/bound", "decided by", "", "word", "",
     "what the busiest engine of the PE that ended last worked on or waited for, for the longest"},
    {"relative_l2", "/result/verdict/relative_l2", "relative L2 error", "", "scientific", "less",
     "|answer - reference| / |reference|"},
    {"verdict", "/result/verdict/outcome", "answer", "", "word", "", "against the f64 reference"},
};

Json at(const Json& record, const char* pointer) {
    const Json::json_pointer place(pointer);
    return record.is_object() && record.contains(place) ? record.at(place) : Json();
}

/// The words of results ("ok", "not possible", "failed", ...), "wrong" (its answer), or "missing".
std::string status_of(const Row& row) {
    if (!row.point.impossible.empty()) return report::name_of(report::Status::not_possible);
    if (row.record.is_null()) return "missing";
    const Json status = at(row.record, "/result/status");
    if (status == "ok" && at(row.record, "/result/verdict/outcome") == "fail") return "wrong";
    return status.is_string() ? status.get<std::string>() : report::name_of(report::Status::failed);
}

/// Why it has no account of its energy or area though one was asked for; empty: it has, or none was.
std::string unpriced(const Row& row) {
    for (const auto& [what, place] :
         {std::pair("energy", "/result/energy/missing"), std::pair("area", "/result/energy/area/missing")}) {
        const Json missing = at(row.record, place);
        if (!missing.is_array() || missing.empty()) continue;
        const std::string more = missing.size() > 1 ? fmt::format("; and {} more", missing.size() - 1) : "";
        return fmt::format("{} refused: {}{}", what, missing.front().get<std::string>(), more);
    }
    return {};
}

std::string reason_of(const Row& row) {
    if (!row.point.impossible.empty()) return row.point.impossible;
    const Json why = at(row.record, status_of(row) == "wrong" ? "/result/verdict/why" : "/result/error");
    return why.is_string() && why != "" ? why.get<std::string>() : unpriced(row);
}

/// Null where the run did not come to its end: what a failed one says of its time is none. So is an error of an
/// answer that was not computed, and what nobody kept account of.
Json figure_in_table(const Row& row, const Figure& figure) {
    const std::string status = status_of(row);
    if (status != "ok" && status != "wrong") return {};
    if (figure.name == std::string_view("relative_l2") && at(row.record, "/result/verdict/mode") == "none") return {};
    Json value = at(row.record, figure.pointer);
    return figure.zero_is_unknown && value == 0 ? Json() : value;
}

/// As a reader of comma-separated values takes it for one field.
std::string csv_field(const Json& value) {
    if (value.is_null()) return {};
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
    std::string field = "\"";
    for (const char c : text) field += c == '"' ? std::string("\"\"") : std::string(1, c);
    return field + "\"";
}

/// Those that the table has.
std::vector<const Figure*> shown_figures(const std::vector<Row>& rows) {
    std::vector<const Figure*> shown;
    for (const Figure& figure : known_figures) {
        const auto has = [&](const Row& row) { return !figure_in_table(row, figure).is_null(); };
        if (!figure.asked_for || std::any_of(rows.begin(), rows.end(), has)) shown.push_back(&figure);
    }
    return shown;
}

/// Of one point, under the names of the columns.
Json line_of(const Space& space, const std::vector<const Figure*>& shown, const Row& row) {
    Json line = Json::object();
    const std::vector<std::string> axes = space.axes();
    for (std::size_t i = 0; i < axes.size(); ++i) line[axes[i]] = row.point.point.values[i];
    line["kernel"] = row.point.kernel;
    line["status"] = status_of(row);
    for (const Figure* figure : shown) line[figure->name] = figure_in_table(row, *figure);
    line["reason"] = reason_of(row);
    line["point"] = row.point.key;
    line["repeat"] = row.point.repeat;
    return line;
}

std::string values_text(const Space& space, const Row& row) {
    std::string text;
    const std::vector<std::string> axes = space.axes();
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const Json& value = row.point.point.values[i];
        text += (text.empty() ? "" : ", ") + axes[i] + "=" +
                (value.is_string() ? value.get<std::string>() : value.dump());
    }
    return printable(text);
}

/// Whether nothing runs, everywhere for the same reason.
bool alike(const std::vector<Row>& rows) {
    return std::all_of(rows.begin(), rows.end(), [&](const Row& row) {
        return status_of(row) == report::name_of(report::Status::not_possible) &&
               reason_of(row) == reason_of(rows.front());
    });
}

std::uint64_t time_of(const Row& row) { return at(row.record, "/result/time_ps").get<std::uint64_t>(); }

}  // namespace

Counts count(const std::vector<Row>& rows) {
    Counts counts;
    const std::string impossible = report::name_of(report::Status::not_possible);
    for (const Row& row : rows) {
        const std::string status = status_of(row);
        ++counts.points;
        counts.ok += status == "ok" ? 1 : 0;
        counts.wrong += status == "wrong" ? 1 : 0;
        counts.not_possible += status == impossible ? 1 : 0;
        counts.missing += status == "missing" ? 1 : 0;
    }
    counts.failed = counts.points - counts.ok - counts.wrong - counts.not_possible - counts.missing;
    return counts;
}

std::string why_none_runs(const std::vector<Row>& rows) {
    const Counts counts = count(rows);
    if (rows.empty() || counts.not_possible < counts.points) return {};
    const std::string first = reason_of(rows.front());
    return fmt::format("none of {} points can run{}: {}", counts.points, alike(rows) ? "" : "; the first",
                       printable_ends(first, 4000));
}

std::string table_csv(const Space& space, const std::vector<Row>& rows) {
    const std::vector<const Figure*> shown = shown_figures(rows);
    std::string text;
    for (const Row& row : rows) {
        const Json line = line_of(space, shown, row);
        if (text.empty()) {
            for (const auto& item : line.items()) text += (text.empty() ? "" : ",") + csv_field(item.key());
            text += '\n';
        }
        std::string fields;
        bool first = true;
        for (const auto& item : line.items()) {
            fields += (first ? "" : ",") + csv_field(item.value());
            first = false;
        }
        text += fields + '\n';
    }
    return text;
}

Json table_json(const Space& space, const std::vector<Row>& rows) {
    const std::vector<const Figure*> shown = shown_figures(rows);
    Json lines = Json::array();
    for (const Row& row : rows) lines.push_back(line_of(space, shown, row));
    return {{"sweep", space.name()}, {"axes", space.axes()}, {"points", std::move(lines)}};
}

Json page_json(const Space& space, const std::vector<Row>& rows) {
    Json data = table_json(space, rows);
    data["description"] = space.description();
    data["panel"] = space.panel().json;
    data["tool"] = {{"version", run::version()}};
    Json known = Json::array();
    for (const Figure* one : shown_figures(rows))
        known.push_back({{"name", one->name},
                         {"title", one->title},
                         {"unit", one->unit},
                         {"format", one->format},
                         {"better", one->better},
                         {"meaning", one->meaning}});
    data["figures"] = std::move(known);
    return data;
}

std::string summary_text(const Space& space, const std::vector<Row>& rows, std::size_t most, bool with_colour) {
    const Counts counts = count(rows);
    std::string text = fmt::format("{}: {} points, {} ok", space.name(), counts.points, counts.ok);
    for (const auto& [number, what] :
         {std::pair(counts.wrong, "wrong"), std::pair(counts.not_possible, "not possible"),
          std::pair(counts.failed, "failed"), std::pair(counts.missing, "not run yet")})
        if (number > 0) text += fmt::format(", {} {}", number, what);
    text += '\n';
    std::vector<const Row*> order;
    for (const Row& row : rows)
        if (status_of(row) == "ok") order.push_back(&row);
    std::stable_sort(order.begin(), order.end(),
                     [](const Row* a, const Row* b) { return time_of(*a) < time_of(*b); });
    if (!order.empty()) {
        using Align = report::TextTable::Align;
        report::TextTable table({{"", "fastest", Align::left},
                                 {"", "kernel", Align::left},
                                 {"", "time", Align::right},
                                 {"", "above schedule bound", Align::right},
                                 {"", "bound", Align::left}});
        for (std::size_t i = 0; i < std::min(order.size(), most); ++i) {
            const Row& row = *order[i];
            const Json distance = at(row.record, "/result/schedule_distance"),
                       bound = at(row.record, "/result/bound");
            table.add_row({{values_text(space, row)},
                           {printable(row.point.kernel)},
                           {report::in_words(Picoseconds(time_of(row)))},
                           {distance.is_number() ? fmt::format("{:+.1f}%", 100.0 * distance.get<double>()) : "-"},
                           {bound.is_string() ? bound.get<std::string>() : "-"}});
        }
        text += table.text(with_colour);
    }
    if (const auto refused =
            std::count_if(rows.begin(), rows.end(), [](const Row& row) { return !unpriced(row).empty(); })) {
        const auto first =
            std::find_if(rows.begin(), rows.end(), [](const Row& row) { return !unpriced(row).empty(); });
        text += fmt::format("{} of {} points: {}\n", refused, counts.points, printable_ends(unpriced(*first)));
    }
    if (alike(rows)) return text;  // why_none_runs says it once
    std::size_t shown = 0;
    for (const Row& row : rows) {
        const std::string status = status_of(row);
        if (status == "ok" || status == "missing") continue;
        if (shown++ == most) {
            text += fmt::format("and {} more without a result; --table has all\n",
                                counts.wrong + counts.not_possible + counts.failed - most);
            break;
        }
        text += fmt::format("{} {}: {}: {}\n", values_text(space, row), printable(row.point.kernel), status,
                            printable_ends(reason_of(row)));
        if (status != report::name_of(report::Status::not_possible) && !row.point.repeat.empty())
            text += "    " + row.point.repeat + "\n";
    }
    return text;
}

}  // namespace tilemesh::search

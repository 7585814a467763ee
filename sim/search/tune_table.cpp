// SPDX-License-Identifier: Apache-2.0
#include "sim/search/tune_table.h"

#include "sim/base/names.h"
#include "sim/report/table.h"
#include "sim/report/text_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

namespace tilemesh::search {
namespace {

/// What a point has of what is varied, the kernel's name apart: "tile_keys" -> "512", "program.constants.BLOCK" ->
/// "64".
using Ways = std::vector<std::pair<std::string, std::string>>;

std::string in_text(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

void add_ways(Ways& ways, const std::string& key, const Json& value) {
    const bool has_parts = value.is_object() || (value.is_array() && !value.empty() && value.front().is_object());
    if (!has_parts || value.empty()) {
        ways.emplace_back(key, in_text(value));
        return;
    }
    for (const auto& item : value.items()) add_ways(ways, key + "." + item.key(), item.value());
}

Ways ways_of(const Space& space, const Candidate& candidate) {
    Ways ways;
    const std::vector<std::string> axes = space.axes();
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const Json& value = candidate.keyed.point.values[i];
        if (axes[i] == "kernels") {
            if (!value.is_object()) continue;
            for (const auto& item : value.items())
                if (item.key() != "kernel" && item.key() != "label") add_ways(ways, item.key(), item.value());
        } else if (!is_of_kernel(axes[i]) || !value.is_null()) {
            ways.emplace_back(is_of_kernel(axes[i]) ? axes[i].substr(7) : axes[i], in_text(value));
        }
    }
    return ways;
}

std::string value_of(const Ways& ways, const std::string& key) {
    for (const auto& [name, value] : ways)
        if (name == key) return value;
    return {};
}

/// Keys, in order, of which these points do not all have the same value.
std::vector<std::string> differing(const Space& space, const std::vector<const Candidate*>& points) {
    std::vector<std::string> keys;
    std::vector<Ways> all;
    for (const Candidate* point : points) {
        all.push_back(ways_of(space, *point));
        for (const auto& way : all.back())
            if (std::find(keys.begin(), keys.end(), way.first) == keys.end()) keys.push_back(way.first);
    }
    std::erase_if(keys, [&](const std::string& key) {
        return std::all_of(all.begin(), all.end(),
                           [&](const Ways& ways) { return value_of(ways, key) == value_of(all.front(), key); });
    });
    return keys;
}

/// What an axis varies of its kernel stands beside its name; else its label says what sets it apart.
std::string kernel_of(const Space& space, const Candidate& point) {
    const std::vector<std::string> axes = space.axes();
    const bool varied = std::find(axes.begin(), axes.end(), "kernels") != axes.end();
    return varied || point.keyed.kernel.empty() ? point.keyed.point.kernel_name : point.keyed.kernel;
}

/// "mesh_kv, sharding zigzag, tile_keys 512".
std::string description(const Space& space, const Candidate& point, const std::vector<std::string>& keys) {
    std::string text = kernel_of(space, point);
    const Ways ways = ways_of(space, point);
    for (const std::string& key : keys)
        if (const std::string value = value_of(ways, key); !value.empty()) text += fmt::format(", {} {}", key, value);
    return printable(text);
}

std::string figures_text(const Objectives& objectives, const Figures& figures) {
    std::vector<std::string> parts;
    for (std::size_t k = 0; k < figures.size(); ++k)
        parts.push_back(
            (objectives.size() > 1 || objectives.names()[k] != "time" ? objectives.names()[k] + " " : "") +
            objectives.text(k, figures[k]));
    return fmt::format("{}", fmt::join(parts, ", "));
}

/// By how much the greater of two is above the other.
std::string ahead(double best, double other) {
    return best > 0 ? fmt::format("{:.1f} %", 100.0 * (other / best - 1.0)) : "all of it";
}

/// The least that any point may have that nobody knows of.
std::optional<double> lowest_open(const Tuned& tuned) {
    std::optional<double> lowest;
    for (const Candidate& point : tuned.points)
        if (point.fate == Fate::open) {
            const double least = point.least.empty() ? 0.0 : point.least.front();
            lowest = std::min(lowest.value_or(least), least);
        }
    return lowest;
}

std::string counts_text(const Tuned& tuned) {
    std::string text = report::grouped(static_cast<double>(tuned.points.size())) + " points";
    const std::pair<Fate, const char*> parts[] = {{Fate::ran, "run"},
                                                  {Fate::ruled_out, "ruled out by their bounds"},
                                                  {Fate::same, "the same as others"},
                                                  {Fate::impossible, "not possible"},
                                                  {Fate::failed, "failed"},
                                                  {Fate::wrong, "with a wrong answer"},
                                                  {Fate::unjudged, "not judged"},
                                                  {Fate::open, "open"}};
    const char* separator = ": ";
    for (const auto& [fate, words] : parts) {
        const std::size_t number = tuned.count(fate);
        if (number == 0) continue;
        text += separator + report::grouped(static_cast<double>(number)) + " " + words;
        if (fate == Fate::ran && tuned.reused() > 0)
            text += fmt::format(" ({} of them before)", report::grouped(static_cast<double>(tuned.reused())));
        separator = ", ";
    }
    return text + ".\n";
}

std::string verified_text(const Tuned& tuned) {
    const auto right = static_cast<std::size_t>(std::count_if(
        tuned.winners.begin(), tuned.winners.end(), [&](std::size_t i) { return tuned.points[i].verified; }));
    if (tuned.winners.empty() || tuned.interrupted) return "Values have not been computed.\n";
    if (right == tuned.winners.size())
        return right == 1 ? "Run with values, its answer is right.\n" : "Run with values, their answers are right.\n";
    return "Values have not been computed: the panel says so, or not what the answer should be.\n";
}

std::string conclusion(const Space& space, const Objectives& objectives, const Tuned& tuned,
                       const std::vector<std::string>& keys) {
    if (tuned.winners.empty())
        return tuned.interrupted              ? "Interrupted before anything was found.\n"
               : tuned.count(Fate::wrong) > 0 ? "No point that ran has a right answer.\n"
                                              : "No point ran to its end.\n";
    const Candidate& best = tuned.points[tuned.winners.front()];
    const auto lowest = lowest_open(tuned);
    std::string open;
    if (tuned.interrupted && objectives.size() == 1)
        open = lowest && *lowest < best.figures[0]
                   ? fmt::format("Not proved: open points may have {}, {:.1f} % less.\n", objectives.text(0, *lowest),
                                 100.0 * (1.0 - *lowest / best.figures[0]))
                   : "Proved all the same: no open point can have less.\n";
    if (tuned.unknown > 0)
        open += fmt::format("Not proved: by their bounds {} points that died{} could be better; see below.\n",
                            tuned.unknown, tuned.count(Fate::unjudged) > 0 ? " or are not judged" : "");
    if (objectives.size() > 1) {
        const char* const what = !tuned.proved() ? "{} points are the front so far of {}.\n"
                                                 : "{} points are the whole front of {} in this space.\n";
        return fmt::format(fmt::runtime(what), tuned.winners.size(), fmt::join(objectives.names(), " and ")) +
               (tuned.interrupted ? "Not proved: open points may be in it.\n" : "") + open;
    }
    std::string text = fmt::format("{} {}: {}", description(space, best, keys),
                                   tuned.proved() ? "is the optimum of this space" : "is the best so far",
                                   figures_text(objectives, best.figures));
    if (tuned.winners.size() > 1) {
        const Candidate& next = tuned.points[tuned.winners[1]];
        text += next.figures == best.figures
                    ? ", as much as " + description(space, next, keys)
                    : fmt::format(", {} ahead of {}", ahead(best.figures[0], next.figures[0]),
                                  description(space, next, keys));
    }
    return text + ".\n" + open;
}

/// The reason without its numbers.
std::string sort_of(const std::string& reason) {
    std::string sort;
    for (const char c : reason) {
        const bool digit = c >= '0' && c <= '9';
        if (!digit || sort.empty() || sort.back() != '0') sort += digit ? '0' : c;
    }
    return sort;
}

/// Of points that cannot run: each sort of reason once, with how many have it and one of them.
std::string impossible_text(const Tuned& tuned, std::size_t most) {
    struct Sort {
        std::size_t number = 0;
        std::string example{};
    };
    std::map<std::string, Sort> sorts;
    for (const Candidate& point : tuned.points) {
        if (point.fate != Fate::impossible) continue;
        Sort& sort = sorts[sort_of(point.reason)];
        if (sort.number++ == 0)
            sort.example = point.keyed.point.kernel_name + ": " + printable_ends(point.reason, 160);
    }
    std::vector<Sort> order;
    for (const auto& one : sorts) order.push_back(one.second);
    std::stable_sort(order.begin(), order.end(), [](const Sort& a, const Sort& b) { return a.number > b.number; });
    std::string text;
    for (std::size_t i = 0; i < std::min(most, order.size()); ++i)
        text += fmt::format("not possible, {} points{}: {}\n", report::grouped(static_cast<double>(order[i].number)),
                            order[i].number > 1 ? ", one of them" : "", order[i].example);
    if (order.size() > most) text += fmt::format("and for {} more reasons\n", order.size() - most);
    return text;
}

std::string failed_text(const Space& space, const Tuned& tuned, const std::vector<std::string>& keys,
                        std::size_t most) {
    std::string text;
    std::size_t shown = 0;
    for (const Candidate& point : tuned.points) {
        if (point.fate != Fate::failed && point.fate != Fate::wrong && point.fate != Fate::unjudged) continue;
        if (shown++ == most) return text + "and more; --json has all\n";
        text += fmt::format("{}: {}: {}\n    {}\n", description(space, point, keys), name_of(point.fate),
                            printable_ends(point.reason), point.keyed.repeat);
    }
    return text;
}

/// Winners, then of one objective the best others of those that ran.
std::vector<const Candidate*> best_of(const Objectives& objectives, const Tuned& tuned, std::size_t most) {
    std::vector<const Candidate*> best;
    for (const std::size_t i : tuned.winners) best.push_back(&tuned.points[i]);
    std::vector<const Candidate*> others;
    for (const Candidate& point : tuned.points)
        if (point.fate == Fate::ran && std::find(best.begin(), best.end(), &point) == best.end())
            others.push_back(&point);
    std::stable_sort(others.begin(), others.end(),
                     [](const Candidate* a, const Candidate* b) { return a->figures < b->figures; });
    if (objectives.size() == 1) best.insert(best.end(), others.begin(), others.end());
    if (best.size() > most) best.resize(most);
    return best;
}

std::string table_text(const Space& space, const Objectives& objectives, const Tuned& tuned, std::size_t most,
                       bool with_colour) {
    using Align = report::TextTable::Align;
    const std::vector<const Candidate*> best = best_of(objectives, tuned, most);
    if (best.empty()) return {};
    const std::vector<std::string> keys = differing(space, best);
    std::vector<report::TextTable::Column> columns{{"", "", Align::right}, {"", "kernel", Align::left}};
    for (const std::string& key : keys) columns.push_back({"", key, Align::right});
    for (const std::string& name : objectives.names()) columns.push_back({"", name, Align::right});
    columns.push_back({"", "above its bound", Align::right});
    report::TextTable table(std::move(columns));
    for (std::size_t row = 0; row < best.size(); ++row) {
        const Candidate& point = *best[row];
        const Ways ways = ways_of(space, point);
        const bool proved = tuned.proved() && row < tuned.winners.size();
        std::vector<report::Cell> cells{{proved ? fmt::format("{}", row + 1) : ""},
                                        {printable(kernel_of(space, point))}};
        for (const std::string& key : keys) {
            const std::string value = value_of(ways, key);
            cells.push_back({value.empty() ? "-" : printable(value)});
        }
        for (std::size_t k = 0; k < point.figures.size(); ++k)
            cells.push_back({objectives.text(k, point.figures[k])});
        cells.push_back({point.least[0] > 0 ? ahead(point.least[0], point.figures[0]) : "-"});
        table.add_row(std::move(cells));
    }
    std::string text = table.text(with_colour);
    if (tuned.proved() && best.size() > tuned.winners.size())
        text += "Lines without a number are the best of the others that were run.\n";
    return text;
}

}  // namespace

std::string tuned_text(const Space& space, const Objectives& objectives, const Tuned& tuned, std::size_t most,
                       bool with_colour) {
    std::vector<const Candidate*> all;
    for (const Candidate& point : tuned.points) all.push_back(&point);
    const std::vector<std::string> keys = differing(space, all);
    std::string text = space.name() + ": " + conclusion(space, objectives, tuned, keys) + counts_text(tuned);
    for (std::size_t k = 0; k < objectives.size(); ++k)
        if (tuned.count(Fate::ruled_out) == 0 && !tuned.interrupted &&
            std::none_of(all.begin(), all.end(),
                         [&](const Candidate* point) { return point->least.size() > k && point->least[k] > 0; }))
            text += fmt::format("No bound of {} is known without a run, so it ruled out nothing.\n",
                                objectives.names()[k]);
    return text + verified_text(tuned) + "\n" + table_text(space, objectives, tuned, most, with_colour) +
           impossible_text(tuned, 3) + failed_text(space, tuned, keys, most);
}

Json tuned_json(const Space& space, const Objectives& objectives, const Tuned& tuned) {
    const auto figures = [&](const Figures& values) {
        Json json = Json::object();
        for (std::size_t k = 0; k < values.size(); ++k) json[objectives.names()[k]] = values[k];
        return json;
    };
    const auto line = [&](const Candidate& point) {
        Json json = {{"kernel", kernel_of(space, point)}};
        Json ways = Json::object();
        for (const auto& [key, value] : ways_of(space, point)) ways[key] = value;
        json.update({{"values", ways},
                     {"fate", name_of(point.fate)},
                     {"figures", figures(point.figures)},
                     {"least", figures(point.least)},
                     {"reason", point.reason},
                     {"answer_is_right", point.verified              ? Json(true)
                                         : point.fate == Fate::wrong ? Json(false)
                                                                     : Json()},
                     {"same_as", point.fate == Fate::same ? Json(tuned.points[point.same_as].keyed.key) : Json()},
                     {"point", point.keyed.key},
                     {"repeat", point.keyed.repeat}});
        return json;
    };
    Json winners = Json::array(), points = Json::array(), counts = Json::object();
    for (const std::size_t i : tuned.winners) winners.push_back(line(tuned.points[i]));
    for (const Candidate& point : tuned.points) points.push_back(line(point));
    for (const Fate fate : {Fate::ran, Fate::ruled_out, Fate::same, Fate::impossible, Fate::failed, Fate::wrong,
                            Fate::unjudged, Fate::open})
        counts[name_of(fate)] = tuned.count(fate);
    return {{"tune", space.name()}, {"objectives", objectives.names()},
            {"axes", space.axes()}, {"proved", tuned.proved()},
            {"winners", winners},   {"counts", counts},
            {"points", points}};
}

}  // namespace tilemesh::search

// SPDX-License-Identifier: Apache-2.0
// Matching and comparing entries of two snapshots.
#include "sim/run/compare.h"

#include "sim/run/changed_keys.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace tilemesh::run {
namespace {

using Key = std::pair<std::string, std::string>;
struct Measured {
    const PanelFigures* panel;
    std::size_t number;
    const Figures& figures() const { return panel->entries[number]; }
};

std::map<Key, Measured> entries_of(const Snapshot& snapshot) {
    std::map<Key, Measured> entries;
    for (const auto& panel : snapshot.panels) {
        for (std::size_t i = 0; i < panel.entries.size(); ++i)
            entries.insert({{panel.name, panel.entries[i].label}, Measured{&panel, i}});
    }
    return entries;
}

/// Compares the configurations of panels, each pair once.
class Configurations {
public:
    std::vector<std::string> changed(const Measured& before, const Measured& after) {
        std::vector<std::string> keys;
        if (before.figures().kernel != after.figures().kernel)
            keys.push_back("kernel " + printable(before.figures().kernel) + " -> " +
                           printable(after.figures().kernel));
        for (const auto& key : changed_keys(own(before), own(after))) keys.push_back("kernel: " + key);
        for (const auto& key : changed_keys(options(before), options(after))) keys.push_back("option " + key);
        const auto found = shared_.find({before.panel, after.panel});
        const auto& shared = found != shared_.end() ? found->second : remember(*before.panel, *after.panel);
        keys.insert(keys.end(), shared.begin(), shared.end());
        return keys;
    }

private:
    using Pair = std::pair<const PanelFigures*, const PanelFigures*>;

    static const Json* kernels(const PanelFigures& panel) {
        if (!panel.configuration.is_object()) return nullptr;
        const auto found = panel.configuration.find("kernels");
        return found == panel.configuration.end() || !found->is_array() ? nullptr : &*found;
    }
    /// Its element of the panel's list of kernels. Which one is its own is known only where all of them ran.
    static Json own(const Measured& entry) {
        const Json* list = kernels(*entry.panel);
        return list != nullptr && list->size() == entry.panel->entries.size() ? (*list)[entry.number] : Json();
    }
    static Json options(const Measured& entry) {
        Json json = Json::object();
        for (const auto& option : entry.figures().options) json[option.first] = option.second;
        return json;
    }
    const std::vector<std::string>& remember(const PanelFigures& before, const PanelFigures& after) {
        // What the other kernels of the panel are does not concern an entry.
        Json ours = before.configuration, theirs = after.configuration;
        for (Json* json : {&ours, &theirs}) {
            if (json->is_object()) json->erase("kernels");
        }
        return shared_[{&before, &after}] = changed_keys(ours, theirs);
    }
    std::map<Pair, std::vector<std::string>> shared_;
};

bool has_part_of(const Figures& figures, const std::string& metric) {
    const auto found = figures.numbers.lower_bound(metric + ".");
    return found != figures.numbers.end() && found->first.starts_with(metric + ".");
}

/// A number of one side. A part that is not there is 0 where others of its sort are; nothing is known of a whole sort
/// that is not there, as in files from before there was such a metric.
std::optional<double> number_of(const Figures& figures, const Metric& metric, const std::string& name) {
    const auto found = figures.numbers.find(name);
    if (found != figures.numbers.end()) return found->second;
    if (metric.parts && has_part_of(figures, metric.name)) return 0.0;
    return {};
}

Difference lost_or_found(const Metric& metric, const std::string& name, std::optional<double> before,
                         std::optional<double> after, const Thresholds& thresholds) {
    const auto text = [&](std::optional<double> value) { return value ? metric.text(*value) : "-"; };
    Difference difference{name, text(before), text(after), &metric};
    difference.worse = before && metric.better != Better::neither;
    difference.fails =
        (difference.worse || thresholds.exact) && thresholds.judges(metric) && std::isfinite(thresholds.of(metric));
    return difference;
}

void compare_number(const Metric& metric, const std::string& name, const Figures& before, const Figures& after,
                    const Thresholds& thresholds, std::vector<Difference>& out) {
    const auto was = number_of(before, metric, name), is = number_of(after, metric, name);
    if (!was && !is) return;
    if (!was || !is) {
        if (!metric.parts) out.push_back(lost_or_found(metric, name, was, is, thresholds));
        return;
    }
    const double change = relative_change(*was, *is);
    if (change == 0.0) return;
    out.push_back({printable(name), metric.text(*was), metric.text(*is), &metric, change, *is - *was,
                   is_worse(metric, *was, *is), thresholds.beyond(metric, *was, *is)});
}

void compare_numbers(const Figures& before, const Figures& after, const Thresholds& thresholds,
                     std::vector<Difference>& out) {
    for (const Metric& metric : metrics()) {
        if (!metric.parts) {
            compare_number(metric, metric.name, before, after, thresholds, out);
            continue;
        }
        std::map<std::string, int> parts;
        for (const Figures* side : {&before, &after}) {
            const std::string prefix = std::string(metric.name) + ".";
            for (auto part = side->numbers.lower_bound(prefix);
                 part != side->numbers.end() && part->first.starts_with(prefix); ++part)
                parts[part->first] = 0;
        }
        for (const auto& part : parts) compare_number(metric, part.first, before, after, thresholds, out);
    }
}

void compare_words(const Figures& before, const Figures& after, const Thresholds& thresholds,
                   std::vector<Difference>& out) {
    for (const auto& word : before.words) {
        const auto other = after.words.find(word.first);
        if (other == after.words.end() || other->second == word.second) continue;
        const auto text = [](const std::string& value) { return value.empty() ? "none" : printable(value); };
        out.push_back({printable(word.first), text(word.second), text(other->second)});
        out.back().fails = thresholds.exact;
    }
}

Outcome outcome_of(const EntryComparison& entry, const Thresholds& thresholds) {
    const auto any = [&](auto what) { return std::any_of(entry.differences.begin(), entry.differences.end(), what); };
    if (any([](const Difference& d) { return d.fails; })) return Outcome::fails;
    if (thresholds.exact && !entry.configuration.empty()) return Outcome::fails;
    const auto judged = [&](const Difference& d) { return d.metric != nullptr && thresholds.judges(*d.metric); };
    const bool worse = any([&](const Difference& d) { return judged(d) && d.worse; });
    const bool better =
        any([&](const Difference& d) { return judged(d) && !d.worse && d.metric->better != Better::neither; });
    return better && !worse ? Outcome::better : Outcome::changed;
}

EntryComparison compare_entry(const Key& key, const Measured& before, const Measured& after,
                              Configurations& configurations, const Thresholds& thresholds) {
    EntryComparison entry{key.first, key.second};
    const Figures &was = before.figures(), &is = after.figures();
    if (was.state != is.state) {
        entry.differences.push_back({"verdict", was.state, is.state});
        entry.differences.back().fails = entry.differences.back().worse = true;
    }
    if (was.ran && is.ran) {
        compare_numbers(was, is, thresholds, entry.differences);
        compare_words(was, is, thresholds, entry.differences);
    }
    entry.configuration = configurations.changed(before, after);
    entry.outcome = outcome_of(entry, thresholds);
    return entry;
}

EntryComparison one_sided(const Key& key, const std::string& was, const std::string& is, bool fails) {
    EntryComparison entry{key.first, key.second, fails ? Outcome::fails : Outcome::added};
    entry.differences.push_back({"entry", was, is});
    entry.differences.back().fails = entry.differences.back().worse = fails;
    return entry;
}

/// The place of an entry among those that fail: gone, then verdicts, then numbers by how far they moved; what follows
/// or explains counts less than what is judged for itself.
std::tuple<int, int, double, double> badness(const EntryComparison& entry) {
    int rank = 0;
    double furthest = 0.0, other = 0.0;
    for (const auto& difference : entry.differences) {
        if (difference.fails != (entry.outcome == Outcome::fails)) continue;
        if (difference.what == "entry") rank = std::max(rank, 2);
        if (difference.what == "verdict") rank = std::max(rank, 1);
        double& distance = difference.is_primary() ? furthest : other;
        distance = std::max(distance, std::abs(difference.change));
    }
    return {static_cast<int>(entry.outcome), -rank, -furthest, -other};
}

}  // namespace

bool Difference::is_primary() const {
    if (metric == nullptr) return what == "verdict" || what == "entry";
    return metric->judged && metric->follows[0] == '\0';
}

const Difference* EntryComparison::find(const std::string& what) const {
    const auto found =
        std::find_if(differences.begin(), differences.end(), [&](const auto& d) { return d.what == what; });
    return found == differences.end() ? nullptr : &*found;
}

bool Comparison::fails() const { return count(Outcome::fails) > 0; }

std::size_t Comparison::count(Outcome outcome) const {
    return static_cast<std::size_t>(
        std::count_if(entries.begin(), entries.end(), [&](const auto& e) { return e.outcome == outcome; }));
}

std::size_t Comparison::same() const {
    const auto on_both = [](const EntryComparison& entry) { return entry.find("entry") == nullptr; };
    return compared - static_cast<std::size_t>(std::count_if(entries.begin(), entries.end(), on_both));
}

Comparison compare(const Snapshot& before, const Snapshot& after, const Thresholds& thresholds) {
    Comparison comparison;
    comparison.thresholds = thresholds;
    const auto old_entries = entries_of(before), new_entries = entries_of(after);
    Configurations configurations;
    for (const auto& panel : before.panels) {
        for (std::size_t i = 0; i < panel.entries.size(); ++i) {
            const Measured was{&panel, i};
            const Key key{panel.name, was.figures().label};
            const auto match = new_entries.find(key);
            if (match == new_entries.end()) {
                comparison.entries.push_back(one_sided(key, was.figures().state, "gone", true));
                ++comparison.gone;
                continue;
            }
            ++comparison.compared;
            if (!was.figures().ran && !match->second.figures().ran) ++comparison.without_result;
            auto entry = compare_entry(key, was, match->second, configurations, thresholds);
            if (!entry.differences.empty() || !entry.configuration.empty())
                comparison.entries.push_back(std::move(entry));
        }
    }
    for (const auto& panel : after.panels) {
        for (const auto& figures : panel.entries) {
            const Key key{panel.name, figures.label};
            if (old_entries.find(key) == old_entries.end())
                comparison.entries.push_back(one_sided(key, "not there", figures.state, thresholds.exact));
        }
    }
    return comparison;
}

std::vector<const EntryComparison*> worst_first(const Comparison& comparison) {
    std::vector<const EntryComparison*> entries;
    for (const auto& entry : comparison.entries) entries.push_back(&entry);
    std::stable_sort(entries.begin(), entries.end(),
                     [](const auto* a, const auto* b) { return badness(*a) < badness(*b); });
    return entries;
}

}  // namespace tilemesh::run

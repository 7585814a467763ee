// SPDX-License-Identifier: Apache-2.0
#include "sim/insight/critical_path.h"

#include "sim/tile/command.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace tilemesh::insight {

std::string_view name_of_spent(std::uint8_t spent) {
    static constexpr std::array<std::string_view, 10> names = {"issue",   "launch",     "descriptor",   "HBM latency",
                                                               "HBM",     "SRAM port",  "link latency", "link",
                                                               "credits", "unexplained"};
    if (spent < opcode_count) return name_of(static_cast<Opcode>(spent));
    return names[static_cast<std::size_t>(spent) - static_cast<std::size_t>(Spent::issue)];
}

void CriticalPath::add(const Step& step, Picoseconds until) {
    if (until <= until_) return;
    const Key key{step.component, step.phase, step.spent};
    shares_[key] += until - until_;
    if (step.line > 0) lines_[{step.file, step.line}].critical += until - until_;
    of_phase(step.phase).critical += until - until_;
    if (!segments_.empty() && segments_.back().key == key) {
        segments_.back().end = until;
    } else {
        if (segments_.size() == most_segments) coarsen();
        segments_.push_back({key, until_, until});
    }
    until_ = until;
}

CriticalPath::Line& CriticalPath::of_phase(std::uint32_t phase) {
    if (phase >= phases_.size()) phases_.resize(phase + std::size_t{1});
    return phases_[phase];
}

void CriticalPath::add_command(const std::string* file, std::int32_t line, std::uint32_t phase, Picoseconds waiting,
                               Picoseconds busy) {
    const Line more{{}, busy, waiting};
    of_phase(phase) += more;
    if (line > 0) lines_[{file, line}] += more;
}

std::vector<report::HotLine> CriticalPath::phase_tree(const Phases& phases) const {
    std::vector<Line> sums = phases_;
    sums.resize(phases.size());
    std::vector<std::vector<std::uint32_t>> within(phases.size());
    std::vector<std::size_t> of_level;
    for (std::uint32_t phase = static_cast<std::uint32_t>(phases.size()) - 1; phase > Phases::none; --phase) {
        const std::uint32_t parent = phases.parent(phase);  // which has a smaller number
        sums[parent] += sums[phase];
        within[parent].push_back(phase);
        const std::size_t level = phases.level(phase);
        if (level >= of_level.size()) of_level.resize(level + 1);
        ++of_level[level];
    }
    std::size_t levels = 0, shown = 0;
    while (levels < of_level.size() && shown + of_level[levels] <= most_phases) shown += of_level[levels++];
    std::vector<report::HotLine> tree;
    std::vector<std::uint32_t> next = within[Phases::none];  // the first last, as all of `within`
    while (!next.empty()) {
        const std::uint32_t phase = next.back();
        next.pop_back();
        if (phases.level(phase) >= levels) continue;
        const Line& line = sums[phase];
        tree.push_back({phases.path(phase), line.critical, line.busy, line.waiting});
        next.insert(next.end(), within[phase].begin(), within[phase].end());
    }
    return tree;
}

void CriticalPath::coarsen() {
    std::vector<Segment> halved;
    for (std::size_t i = 0; i + 1 < segments_.size(); i += 2) {
        const Segment& a = segments_[i];
        const Segment& b = segments_[i + 1];
        halved.push_back({a.end - a.begin >= b.end - b.begin ? a.key : b.key, a.begin, b.end});
    }
    segments_ = std::move(halved);
}

namespace {

std::string group_of(const std::string& spent) { return spent == "dot" ? "matrix" : spent; }

std::string without_root(const std::string& component) {
    const std::size_t dot = component.find('.');
    return dot == std::string::npos ? component : component.substr(dot + 1);
}

/// "cube0.pe3" for what one of a PE's parts does, the link or slice for what they do.
std::string place_of(const report::PathShare& share) {
    const std::string leaf = without_root(share.component);
    const std::size_t dot = leaf.rfind('.');
    if (dot == std::string::npos || leaf.find('.') == dot) return leaf;
    return leaf.substr(0, dot);
}

}  // namespace

std::string CriticalPath::sentence(const std::vector<report::PathShare>& shares) const {
    struct Group {
        std::string name;
        std::uint64_t time = 0;
        std::map<std::string, std::uint64_t> places;
    };
    std::vector<Group> groups;
    for (const report::PathShare& share : shares) {
        const std::string name = group_of(share.spent);
        auto found = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.name == name; });
        if (found == groups.end()) found = groups.insert(groups.end(), Group{name, 0, {}});
        found->time += share.time.value();
        found->places[place_of(share)] += share.time.value();
    }
    std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.time > b.time; });
    const auto whole = static_cast<double>(std::max<std::uint64_t>(until_.value(), 1));
    std::string text;
    for (const Group& group : groups) {
        const double share = static_cast<double>(group.time) / whole;
        if (!text.empty() && (share < 0.03 || std::count(text.begin(), text.end(), '%') == 5)) break;
        const auto most = std::max_element(group.places.begin(), group.places.end(),
                                           [](const auto& a, const auto& b) { return a.second < b.second; });
        text += fmt::format("{}{:.0f} % {}", text.empty() ? "" : ", ", 100.0 * share, group.name);
        if (static_cast<double>(most->second) >= 0.8 * static_cast<double>(group.time))
            text += (group.name == "link" ? " " : " on ") + most->first;
    }
    return text;
}

report::CriticalPath CriticalPath::close(const Phases& phases, const std::vector<std::string>& paths) const {
    report::CriticalPath result;
    std::map<std::tuple<std::string, std::string, std::string>, Picoseconds> summed;
    for (const auto& [key, time] : shares_) {
        const std::string spent(name_of_spent(key.spent));
        summed[{spent, paths[key.component], phases.kind(key.phase)}] += time;
        if (key.spent == static_cast<std::uint8_t>(Spent::unexplained)) result.unexplained += time;
    }
    for (const auto& [key, time] : summed)
        result.shares.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), time});
    std::stable_sort(result.shares.begin(), result.shares.end(),
                     [](const auto& a, const auto& b) { return a.time > b.time; });
    for (const Segment& segment : segments_)
        result.segments.push_back({std::string(name_of_spent(segment.key.spent)), paths[segment.key.component],
                                   phases.path(segment.key.phase), segment.begin, segment.end});
    for (const auto& [place, line] : lines_) {
        const std::string file =
            place.first ? std::filesystem::path(*place.first).filename().string() : std::string("?");
        result.lines.push_back({fmt::format("{}:{}", file, place.second), line.critical, line.busy, line.waiting});
    }
    std::stable_sort(result.lines.begin(), result.lines.end(), [](const auto& a, const auto& b) {
        return std::pair(a.critical, a.busy) > std::pair(b.critical, b.busy);
    });
    result.phases = phase_tree(phases);
    result.sentence = sentence(result.shares);
    return result;
}

}  // namespace tilemesh::insight

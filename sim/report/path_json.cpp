// SPDX-License-Identifier: Apache-2.0
#include "sim/report/path_json.h"

#include "sim/report/read_figures.h"

namespace tilemesh::report {
namespace {

std::optional<Picoseconds> optional_time(JsonReader& reader, std::string_view key) {
    if (!reader.has(key)) return {};
    return read_time(reader, key);
}

Json to_json(const std::vector<HotLine>& lines) {
    Json all = Json::array();
    for (const HotLine& line : lines)
        all.push_back({{"place", line.place},
                       {"critical_ps", line.critical.value()},
                       {"busy_ps", line.busy.value()},
                       {"waiting_ps", line.waiting.value()}});
    return all;
}

std::vector<HotLine> read_lines(const JsonReader& reader) {
    std::vector<HotLine> lines;
    for (JsonReader line : reader.elements()) {
        lines.push_back({line.string("place"), read_time(line, "critical_ps"), read_time(line, "busy_ps"),
                         read_time(line, "waiting_ps")});
        line.finish();
    }
    return lines;
}

}  // namespace

Json path_to_json(const CriticalPath& path) {
    Json shares = Json::array(), segments = Json::array();
    for (const PathShare& share : path.shares)
        shares.push_back({{"class", share.spent},
                          {"component", share.component},
                          {"phase", share.phase},
                          {"time_ps", share.time.value()}});
    for (const PathSegment& segment : path.segments)
        segments.push_back({{"class", segment.spent},
                            {"component", segment.component},
                            {"phase", segment.phase},
                            {"begin_ps", segment.begin.value()},
                            {"end_ps", segment.end.value()}});
    return {{"sentence", path.sentence},
            {"unexplained_ps", path.unexplained.value()},
            {"shares", shares},
            {"segments", segments},
            {"lines", to_json(path.lines)},
            {"phases", to_json(path.phases)}};
}

CriticalPath read_critical_path(JsonReader reader) {
    CriticalPath path;
    path.sentence = reader.string("sentence");
    path.unexplained = read_time(reader, "unexplained_ps");
    for (JsonReader share : reader.member("shares").elements()) {
        path.shares.push_back(
            {share.string("class"), share.string("component"), share.string("phase"), read_time(share, "time_ps")});
        share.finish();
    }
    for (JsonReader segment : reader.member("segments").elements()) {
        path.segments.push_back({segment.string("class"), segment.string("component"), segment.string("phase"),
                                 read_time(segment, "begin_ps"), read_time(segment, "end_ps")});
        segment.finish();
    }
    path.lines = read_lines(reader.member("lines"));
    path.phases = read_lines(reader.member("phases"));
    reader.finish();
    return path;
}

Json what_if_to_json(const std::vector<WhatIf>& changes) {
    Json all = Json::array();
    for (const WhatIf& change : changes) {
        Json one = {{"change", change.change}};
        if (change.estimated) one["estimated_ps"] = change.estimated->value();
        if (change.proved) one["proved_ps"] = change.proved->value();
        if (!change.impossible.empty()) one["impossible"] = change.impossible;
        all.push_back(std::move(one));
    }
    return all;
}

std::vector<WhatIf> read_what_if(const JsonReader& reader) {
    std::vector<WhatIf> changes;
    for (JsonReader one : reader.elements()) {
        WhatIf change;
        change.change = one.string("change");
        change.estimated = optional_time(one, "estimated_ps");
        change.proved = optional_time(one, "proved_ps");
        change.impossible = one.string("impossible", "");
        one.finish();
        changes.push_back(std::move(change));
    }
    return changes;
}

}  // namespace tilemesh::report

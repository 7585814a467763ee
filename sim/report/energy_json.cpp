// SPDX-License-Identifier: Apache-2.0
#include "sim/report/energy_json.h"

#include "sim/report/read_figures.h"

namespace tilemesh::report {
namespace {

double amount(JsonReader& reader, std::string_view key) {
    return reader.number(key, 0.0, std::numeric_limits<double>::max());
}

std::vector<std::string> read_texts(const JsonReader& reader) {
    std::vector<std::string> texts;
    for (const JsonReader& text : reader.elements()) texts.push_back(text.as_string());
    return texts;
}

Json to_json(const AreaResult& area) {
    Json parts = Json::array();
    for (const AreaPart& part : area.parts)
        parts.push_back({{"key", part.key},
                         {"count", part.count},
                         {"value", part.value},
                         {"mm2", part.mm2},
                         {"source", part.source},
                         {"trust", part.trust}});
    if (!area.missing.empty()) return {{"technology", area.technology}, {"missing", area.missing}};
    return {{"technology", area.technology}, {"mm2", area.mm2}, {"parts", parts}};
}

AreaResult read_area(JsonReader reader) {
    AreaResult area;
    area.technology = reader.string("technology");
    if (const auto missing = reader.optional_member("missing")) {
        area.missing = read_texts(*missing);
    } else {
        area.mm2 = amount(reader, "mm2");
        for (JsonReader part : reader.member("parts").elements()) {
            area.parts.push_back({part.string("key"), amount(part, "count"), amount(part, "value"),
                                  amount(part, "mm2"), part.string("source"), part.string("trust")});
            part.finish();
        }
    }
    reader.finish();
    return area;
}

Json to_json(const EnergyUse& use) {
    return {{"key", use.key},     {"kind", use.kind},     {"unit", use.unit},     {"count", use.count},
            {"value", use.value}, {"joules", use.joules}, {"source", use.source}, {"trust", use.trust}};
}

Json to_json(const PowerCheck& limit) {
    return {{"of", limit.of},
            {"limit_w", limit.limit_w},
            {"peak_w", limit.peak_w},
            {"peak_at_ps", limit.peak_at.value()},
            {"window_ps", limit.window.value()},
            {"over_ps", limit.over.value()},
            {"parts", limit.parts}};
}

void read_account(JsonReader& reader, EnergyResult& energy) {
    for (JsonReader use : reader.member("uses").elements()) {
        EnergyUse read;
        read.key = use.string("key");
        read.kind = use.string("kind");
        read.unit = use.string("unit");
        read.count = amount(use, "count");
        read.value = amount(use, "value");
        read.joules = amount(use, "joules");
        read.source = use.string("source");
        read.trust = use.string("trust");
        use.finish();
        energy.uses.push_back(std::move(read));
    }
    for (JsonReader part : reader.member("parts").elements()) {
        energy.parts.push_back({part.string("path"), part.string("kind"), amount(part, "joules")});
        part.finish();
    }
    for (JsonReader phase : reader.member("phases").elements()) {
        energy.phases.push_back({phase.string("phase"), amount(phase, "joules")});
        phase.finish();
    }
}

void read_power(JsonReader reader, EnergyResult& energy) {
    energy.average_w = amount(reader, "average_w");
    energy.peak_w = amount(reader, "peak_w");
    energy.peak_at = read_time(reader, "peak_at_ps");
    energy.window = read_time(reader, "window_ps");
    for (const JsonReader& watts : reader.member("windows_w").elements())
        energy.power_w.push_back(watts.as_number(0.0, std::numeric_limits<double>::max()));
    for (JsonReader limit : reader.member("limits").elements()) {
        PowerCheck read;
        read.of = limit.string("of");
        read.limit_w = amount(limit, "limit_w");
        read.peak_w = amount(limit, "peak_w");
        read.peak_at = read_time(limit, "peak_at_ps");
        read.window = read_time(limit, "window_ps");
        read.over = read_time(limit, "over_ps");
        read.parts = limit.integer("parts", 0, std::numeric_limits<std::uint64_t>::max());
        limit.finish();
        energy.limits.push_back(std::move(read));
    }
    reader.optional_member("over_limit_ps");  // the longest of theirs
    reader.finish();
}

}  // namespace

Json energy_to_json(const EnergyResult& energy) {
    Json json = {{"technology", energy.technology}};
    if (!energy.has_total()) {
        json["missing"] = energy.missing;
    } else {
        Json uses = Json::array(), parts = Json::array(), phases = Json::array(), limits = Json::array();
        for (const EnergyUse& use : energy.uses) uses.push_back(to_json(use));
        for (const EnergyPart& part : energy.parts)
            parts.push_back({{"path", part.path}, {"kind", part.kind}, {"joules", part.joules}});
        for (const EnergyPhase& phase : energy.phases)
            phases.push_back({{"phase", phase.phase}, {"joules", phase.joules}});
        for (const PowerCheck& limit : energy.limits) limits.push_back(to_json(limit));
        json["joules"] = energy.joules;
        json["static_joules"] = energy.static_joules;
        json["energy_delay_js"] = energy.energy_delay_js;
        if (energy.query_tokens > 0) {
            json["query_tokens"] = energy.query_tokens;
            json["joules_per_query_token"] = energy.joules_per_query_token;
        }
        json["power"] = {{"average_w", energy.average_w},        {"peak_w", energy.peak_w},
                         {"peak_at_ps", energy.peak_at.value()}, {"window_ps", energy.window.value()},
                         {"windows_w", energy.power_w},          {"limits", limits}};
        if (const auto over = over_limits(energy)) json["power"]["over_limit_ps"] = over->value();
        json["uses"] = uses;
        json["phases"] = phases;
        json["parts"] = parts;
    }
    if (!energy.area.technology.empty()) json["area"] = to_json(energy.area);
    return json;
}

EnergyResult read_energy(JsonReader reader) {
    EnergyResult energy;
    energy.technology = reader.string("technology");
    if (const auto missing = reader.optional_member("missing")) {
        energy.missing = read_texts(*missing);
    } else {
        energy.joules = amount(reader, "joules");
        energy.static_joules = amount(reader, "static_joules");
        energy.energy_delay_js = amount(reader, "energy_delay_js");
        if (reader.has("query_tokens")) {
            energy.query_tokens = reader.integer("query_tokens", 1, std::numeric_limits<std::uint64_t>::max());
            energy.joules_per_query_token = amount(reader, "joules_per_query_token");
        }
        read_power(reader.member("power"), energy);
        read_account(reader, energy);
    }
    if (const auto area = reader.optional_member("area")) energy.area = read_area(*area);
    reader.finish();
    return energy;
}

}  // namespace tilemesh::report

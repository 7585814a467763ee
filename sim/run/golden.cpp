// SPDX-License-Identifier: Apache-2.0
#include "sim/run/golden.h"

#include "sim/base/error.h"
#include "sim/report/result_json.h"
#include "sim/report/words.h"

#include <cmath>
#include <set>

namespace tilemesh::run {
namespace {

constexpr std::uint64_t golden_version = 1;
constexpr double largest = std::numeric_limits<double>::max();
constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

Json number_json(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return "inf";
    constexpr double exact = 9007199254740992.0;  // 2^53
    if (value >= 0.0 && value < exact && value == std::floor(value)) return static_cast<std::uint64_t>(value);
    return value;
}

double read_number(const JsonReader& reader) {
    if (!reader.is_string()) return reader.as_number(-largest, largest);
    return reader.as_word({"nan", "inf"}) == "nan" ? std::numeric_limits<double>::quiet_NaN() : HUGE_VAL;
}

Json entry_json(const Figures& figures) {
    Json json = {{"label", figures.label}, {"kernel", figures.kernel}, {"state", figures.state}};
    if (!figures.options.empty()) json["options"] = figures.options;
    if (!figures.ran) return json;
    Json numbers = Json::object(), parts = Json::object();
    for (const auto& number : figures.numbers) {
        const bool is_part = number.first.find('.') != std::string::npos;
        (is_part ? parts : numbers)[number.first] = number_json(number.second);
    }
    json["numbers"] = numbers;
    if (!parts.empty()) json["parts"] = parts;
    json["words"] = figures.words;
    return json;
}

/// The words that the state of an entry with numbers can be.
std::vector<std::string> outcomes() { return {"pass", "fail", "values not computed"}; }

void read_numbers(JsonReader reader, Figures& figures) {
    if (!reader.is_object()) reader.reject("an object");
    for (const auto& item : reader.value().items()) {
        const JsonReader number = reader.member(item.key());
        if (find_metric(item.key()) == nullptr) {
            const auto near = nearest_name(item.key(), metric_names());
            number.complain(fmt::format("there is no such metric{}", near ? ", did you mean " + *near + "?" : ""));
        }
        figures.numbers[item.key()] = read_number(number);
    }
}

Figures read_entry(JsonReader reader) {
    Figures figures;
    figures.label = reader.string("label");
    figures.kernel = reader.string("kernel");
    auto states = outcomes();
    const std::size_t with_numbers = states.size();
    for (const auto& word : report::status_words()) states.push_back(word);
    figures.state = reader.word("state", states);
    const auto state = std::find(states.begin(), states.end(), figures.state) - states.begin();
    figures.ran = static_cast<std::size_t>(state) < with_numbers;
    if (auto options = reader.optional_member("options")) {
        if (!options->is_object()) options->reject("an object");
        for (const auto& item : options->value().items())
            figures.options[item.key()] = options->integer(item.key(), 0, most);
    }
    if (figures.ran) {
        read_numbers(reader.member("numbers"), figures);
        if (const auto parts = reader.optional_member("parts")) read_numbers(*parts, figures);
        JsonReader words = reader.member("words");
        if (!words.is_object()) words.reject("an object");
        for (const auto& item : words.value().items()) figures.words[item.key()] = words.string(item.key());
    }
    reader.finish();
    return figures;
}

Snapshot read_golden(const Json& json, const std::string& file) {
    JsonReader reader(json, file);
    JsonReader version = reader.member("golden_version");
    if (version.as_integer(0, most) != golden_version)
        version.reject(fmt::format("{}, the version this tilemesh writes", golden_version));
    Snapshot snapshot;
    snapshot.name = reader.string("name");
    const JsonReader machines = reader.member("machines");
    if (!machines.is_object()) machines.reject("an object");
    for (JsonReader panel : reader.member("panels").elements()) {
        PanelFigures& figures = snapshot.panels.emplace_back();
        figures.name = panel.string("name");
        const JsonReader configuration = panel.member("configuration");
        figures.configuration = configuration.value();
        if (figures.configuration.is_object()) {
            const auto machine = figures.configuration.find("machine");
            if (machine != figures.configuration.end() && machine->is_string()) {
                const auto found = machines.value().find(machine->get<std::string>());
                if (found == machines.value().end()) configuration.complain("its machine is none of /machines");
                *machine = *found;
            }
        }
        for (const JsonReader& entry : panel.member("entries").elements())
            figures.entries.push_back(read_entry(entry));
        panel.finish();
    }
    reader.finish();
    return snapshot;
}

void check_distinct(const Snapshot& snapshot, const std::string& file) {
    std::set<std::pair<std::string, std::string>> seen;
    for (const auto& panel : snapshot.panels) {
        for (const auto& entry : panel.entries) {
            if (!seen.insert({panel.name, entry.label}).second)
                fail<InputError>("{}: found two entries {} of panel {}, expected one", printable(file),
                                 printable(entry.label), printable(panel.name));
        }
    }
}

}  // namespace

Json golden_json(const Snapshot& snapshot) {
    Json machines = Json::object(), panels = Json::array();
    for (const auto& panel : snapshot.panels) {
        Json configuration = panel.configuration, entries = Json::array();
        const Json* machine = nullptr;
        if (configuration.is_object() && configuration.contains("machine")) machine = &configuration["machine"];
        if (machine != nullptr && machine->is_object() && machine->contains("name") &&
            (*machine)["name"].is_string()) {
            const std::string name = (*machine)["name"];
            if (!machines.contains(name)) machines[name] = *machine;
            // One that only has the same name stays where it is.
            if (machines[name] == *machine) configuration["machine"] = name;
        }
        for (const auto& entry : panel.entries) entries.push_back(entry_json(entry));
        panels.push_back({{"name", panel.name}, {"configuration", configuration}, {"entries", entries}});
    }
    return {{"golden_version", golden_version}, {"name", snapshot.name}, {"machines", machines}, {"panels", panels}};
}

/// A result whose figures are the machine's.
report::RunResult read_result(const Json& json, const std::string& file) {
    report::RunResult result = report::read_run_result(json, file);
    for (const report::PanelResult& panel : result.panels)
        if (const std::string_view how = report::inexact_because(panel); !how.empty())
            fail<InputError>(
                "{}: panel {} ran {}, so that its times are not the machine's; expected a run "
                "without",
                printable(file), printable(panel.name), how);
    return result;
}

bool is_golden(const Json& json) { return json.is_object() && json.contains("golden_version"); }

Snapshot read_snapshot(const Json& json, const std::string& file) {
    const Snapshot snapshot = is_golden(json) ? read_golden(json, file) : snapshot_of(read_result(json, file));
    check_distinct(snapshot, file);
    return snapshot;
}

}  // namespace tilemesh::run

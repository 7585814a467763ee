// SPDX-License-Identifier: Apache-2.0
// --set: one value of a resolved panel replaced by another. What the value may be is the strict reader's business.
#include "sim/base/error.h"
#include "sim/run/resolve.h"

#include <algorithm>
#include <charconv>

namespace tilemesh::run {
namespace {

std::vector<std::string> steps_of(const std::string& path, const std::string& where) {
    std::vector<std::string> steps;
    std::size_t begin = 0;
    while (begin <= path.size()) {
        const std::size_t end = std::min(path.find('.', begin), path.size());
        if (end == begin)
            fail<InputError>("{}: found an empty step in the path, expected a.b.0.c=value", printable(where));
        steps.push_back(path.substr(begin, end - begin));
        begin = end + 1;
    }
    return steps;
}

Json& element_at(Json& array, const std::string& step, const Setting& setting) {
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
    if (error != std::errc() || end != step.data() + step.size() || index >= array.size()) {
        fail<InputError>("{}: found {}, expected the index of one of {} elements", printable(setting.where),
                         printable(step), array.size());
    }
    return array[index];
}

}  // namespace

Setting parse_setting(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
        fail<InputError>("--set {}: expected a.b.0.c=value, for example problem.users.0.keys=32768", printable(text));
    }
    const std::string value = text.substr(equals + 1);
    // What is JSON is read as strictly as a file; anything else is plain text.
    Json parsed = Json::accept(value) ? parse_json_text(value, "--set " + text) : Json(value);
    return {text.substr(0, equals), std::move(parsed), "--set " + text};
}

std::vector<Setting> parse_settings(const std::vector<std::string>& texts) {
    std::vector<Setting> settings;
    for (const std::string& text : texts) settings.push_back(parse_setting(text));
    return settings;
}

void apply_setting(Resolved& panel, const Setting& setting) {
    const auto steps = steps_of(setting.path, setting.where);
    const Origin origin{setting.where, "", true};
    const std::optional<Resolved> loaded = resolve_machine_part(setting);
    if (setting.path == "machine") panel.machine_file = loaded ? loaded->machine_file : std::filesystem::path();
    Json* node = &panel.json;
    std::string given, rest;  // the value's place, or that of the first object that is made for it; and on to it
    for (const auto& step : steps) {
        (node->is_null() ? rest : given) += "/" + pointer_step(step);
        if (node->is_array()) {
            node = &element_at(*node, step, setting);
        } else if (node->is_object() || node->is_null()) {
            node = &(*node)[step];
        } else {
            fail<InputError>("{}: {} is a plain value and has no member {}", printable(setting.where),
                             printable(node->dump()), step);
        }
    }
    if (loaded) {
        *node = loaded->json;
        return panel.origins.give(given + rest, loaded->origins);
    }
    *node = setting.value;
    panel.origins.give(given, origin);
    panel.origins.give(given + rest, origin);
}

void apply_settings(Resolved& panel, std::vector<Setting> settings) {
    for (const Setting& setting : in_order(std::move(settings))) apply_setting(panel, setting);
}

std::vector<Setting> in_order(std::vector<Setting> settings) {
    const auto steps = [](const Setting& setting) {
        return std::count(setting.path.begin(), setting.path.end(), '.');
    };
    std::stable_sort(settings.begin(), settings.end(),
                     [&](const Setting& a, const Setting& b) { return steps(a) < steps(b); });
    return settings;
}

}  // namespace tilemesh::run

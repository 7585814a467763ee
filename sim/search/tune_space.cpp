// SPDX-License-Identifier: Apache-2.0
#include "sim/search/tune_space.h"

#include "sim/base/error.h"
#include "sim/base/names.h"

#include <fmt/format.h>

#include <algorithm>

namespace tilemesh::search {
namespace {

/// Cut at commas that are in no brackets and no quotes.
std::vector<std::string> parts_of(const std::string& text) {
    std::vector<std::string> parts(1);
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
        if (!quoted && (c == '[' || c == '{')) ++depth;
        if (!quoted && (c == ']' || c == '}')) --depth;
        if (c == ',' && depth == 0 && !quoted)
            parts.emplace_back();
        else
            parts.back() += c;
    }
    return parts;
}

/// Elements of a panel's "kernels" and what could stand in their place, each once, without what an axis says.
std::vector<Json> choices(const Json& kernels, const std::vector<Axis>& axes, const run::Workloads& workloads) {
    std::vector<Json> all;
    std::vector<bool> claimed(kernels.size(), false);
    std::vector<Json> more;
    for (const run::WorkloadKind* kind : workloads) {
        std::vector<Json> own;
        for (std::size_t i = 0; i < kernels.size(); ++i) {
            if (claimed[i] || !kind->claims(kernels[i])) continue;
            claimed[i] = true;
            own.push_back(kernels[i]);
            if (kind->is_complete(kernels[i])) all.push_back(kernels[i]);
        }
        if (own.empty()) continue;
        const std::vector<Json> others = kind->alternatives(own);
        more.insert(more.end(), others.begin(), others.end());
    }
    all.insert(all.end(), more.begin(), more.end());
    std::vector<Json> once;
    std::set<std::string> seen;
    for (Json& kernel : all) {
        for (const Axis& axis : axes)
            if (kernel.is_object() && (is_of_kernel(axis.key) || axis.key.starts_with("ranks.")))
                kernel.erase(axis.key.substr(axis.key.find('.') + 1));
        if (seen.insert(nlohmann::json(kernel).dump()).second) once.push_back(std::move(kernel));
    }
    return once;
}

/// Its label, its kernel, or that of its program.
std::set<std::string> names_of(const Json& kernel) {
    std::set<std::string> names;
    if (kernel.is_string()) names.insert(kernel.get<std::string>());
    const auto take = [&](const Json& from, const char* key) {
        if (from.is_object() && from.contains(key) && from.at(key).is_string())
            names.insert(from.at(key).get<std::string>());
    };
    take(kernel, "label");
    take(kernel, "kernel");
    if (kernel.is_object() && kernel.contains("program")) take(kernel.at("program"), "kernel");
    return names;
}

void keep_named(std::vector<Json>& kernels, const std::vector<std::string>& wanted) {
    if (wanted.empty()) return;
    std::set<std::string> all;
    for (const Json& kernel : kernels) all.merge(names_of(kernel));
    const std::vector<std::string> names(all.begin(), all.end());
    for (const std::string& name : wanted) {
        if (all.count(name) != 0) continue;
        const auto near = nearest_name(name, names);
        fail<InputError>("--kernel {}: expected one of {}{}", printable(name), list_of_names(names),
                         near ? fmt::format("; did you mean {}?", *near) : "");
    }
    std::erase_if(kernels, [&](const Json& kernel) {
        const std::set<std::string> own = names_of(kernel);
        return std::none_of(wanted.begin(), wanted.end(),
                            [&](const std::string& name) { return own.count(name) != 0; });
    });
}

}  // namespace

Axis parse_axis(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
        fail<InputError>("--over {}: expected a key and its values, for example kernel.tile_keys=256,512",
                         printable(text));
    Axis axis{text.substr(0, equals), {}, "--over " + text};
    if (axis.key == "kernel")
        fail<InputError>("--over {}: expected kernels=..., or a key of each kernel: kernel.tile_keys=256,512",
                         printable(text));
    for (const std::string& part : parts_of(text.substr(equals + 1))) {
        if (part.empty()) fail<InputError>("--over {}: found an empty value", printable(text));
        axis.values.push_back(Json::accept(part) ? parse_json_text(part, axis.where) : Json(part));
    }
    return axis;
}

Space tuning_space(const NamedFile& file, const Wanted& wanted, const run::Workloads& workloads) {
    std::set<std::string> keys;
    for (const Axis& axis : wanted.axes)
        if (!keys.insert(axis.key).second) fail<InputError>("--over: {} is varied twice", printable(axis.key));
    const Json content = parse_json_file(file);
    if (is_sweep(content)) {
        if (!wanted.kernels.empty())
            fail<InputError>("--kernel {}: this file says which kernels there are; use --over kernels=...",
                             printable(wanted.kernels.front()));
        return Space(content, file, wanted.settings, wanted.axes);
    }
    run::Resolved panel = run::resolve_panel(content, file);
    run::apply_settings(panel, wanted.settings);
    std::vector<Axis> axes = wanted.axes;
    std::vector<run::Setting> settings = wanted.settings;
    const Json kernels = panel.json.value("kernels", Json());
    if (keys.count("kernels") == 0 && kernels.is_array() && !kernels.empty()) {
        std::vector<Json> all = choices(kernels, axes, workloads);
        keep_named(all, wanted.kernels);
        axes.push_back({"kernels", std::move(all), file.shown});
        // What is set in the panel's kernels is in them now; places of its list are none in the space's.
        std::erase_if(settings, [](const run::Setting& one) { return (one.path + ".").starts_with("kernels."); });
    }
    const std::string name = panel.json.value("name", file.path.stem().string());
    const Json whole = {{"name", name}, {"panel", file.path.filename().string()}, {"axes", Json::array()}};
    return Space(whole, file, settings, axes);
}

}  // namespace tilemesh::search

// SPDX-License-Identifier: Apache-2.0
// Reading milestones, and panels with their settings.
#include "sim/run/milestone.h"

#include "sim/base/error.h"

#include <set>

namespace tilemesh::run {
namespace {

Panel read_with(Resolved resolved, const std::vector<Setting>& settings, const Workloads& workloads) {
    apply_settings(resolved, settings);
    return read_panel(resolved, workloads);
}

/// {"panel": path, "name": ..., "set": {...}}
Resolved resolve_reference(JsonReader reader, const std::filesystem::path& folder) {
    Resolved resolved = resolve_panel_file(config_file(reader.member("panel"), "panels", folder));
    if (auto name = reader.optional_member("name"))
        apply_setting(resolved, {"name", name->as_string(), name->place()});
    if (auto set = reader.optional_member("set")) {
        if (!set->is_object()) set->reject("an object of dotted paths and values");
        std::vector<Setting> settings;
        for (const auto& item : set->value().items())
            settings.push_back({item.key(), item.value(), set->place() + "/" + item.key()});
        apply_settings(resolved, std::move(settings));
    }
    reader.finish();
    return resolved;
}

}  // namespace

Resolved resolve_element(const JsonReader& element, const std::filesystem::path& folder) {
    if (element.is_string()) return resolve_panel_file(config_file(element, "panels", folder));
    if (!element.is_object()) element.reject("the path of a panel, or a panel");
    if (element.has("panel")) return resolve_reference(element, folder);
    return resolve_panel_object(element.value(), element.place(), folder);
}

Panel load_panel(const std::filesystem::path& file, const std::vector<Setting>& settings,
                 const Workloads& workloads) {
    return read_with(resolve_panel_file(file), settings, workloads);
}

Milestone load_milestone(const std::filesystem::path& file, const std::vector<Setting>& settings,
                         const Workloads& workloads) {
    return read_milestone(parse_json_file(file), file, settings, workloads);
}

Milestone read_milestone(const Json& json, const std::filesystem::path& file, const std::vector<Setting>& settings,
                         const Workloads& workloads) {
    JsonReader reader(json, file.string());
    if (!reader.is_object()) reader.reject("a milestone");
    if (!json.contains("panels") && json.contains("kernels"))
        reader.complain("this is a panel, expected a milestone; use tilemesh run");
    Milestone milestone;
    milestone.name = reader.string("name", file.stem().string());
    milestone.description = reader.string("description", "");
    if (reader.word("rows", {"panels", "entries"}, "panels") == "entries") milestone.rows = MilestoneRows::entries;
    JsonReader panels = reader.member("panels");
    if (!panels.is_array() || panels.value().empty()) panels.reject("a non-empty array of panels");
    reader.finish();
    std::set<std::string> names;
    for (const JsonReader& element : panels.elements()) {
        milestone.panels.push_back(read_with(resolve_element(element, file.parent_path()), settings, workloads));
        const std::string& name = milestone.panels.back().name;
        if (!names.insert(name).second) {
            element.complain(fmt::format("a panel named {} is here twice; give one of them another \"name\"", name));
        }
    }
    return milestone;
}

}  // namespace tilemesh::run

// SPDX-License-Identifier: Apache-2.0
// Reading milestones, and panels with their settings.
#include "sim/run/milestone.h"

#include "sim/base/error.h"

#include <set>

namespace tilemesh::run {
namespace {

/// {"panel": path, "name": ..., "set": {...}}
Resolved resolve_reference(JsonReader reader, const std::filesystem::path& folder, const std::vector<Setting>& more) {
    Resolved resolved = resolve_panel_file(config_file(reader.member("panel"), "panels", folder));
    if (auto name = reader.optional_member("name"))
        apply_setting(resolved, {"name", name->as_string(), name->place()});
    std::vector<Setting> settings;
    if (auto set = reader.optional_member("set")) {
        if (!set->is_object()) set->reject("an object of dotted paths and values");
        for (const auto& item : set->value().items())
            settings.push_back(with_paths_from(folder, {item.key(), item.value(), set->place() + "/" + item.key()}));
    }
    reader.finish();
    settings.insert(settings.end(), more.begin(), more.end());
    apply_settings(resolved, std::move(settings));
    return resolved;
}

}  // namespace

Resolved resolve_element(const JsonReader& element, const std::filesystem::path& folder,
                         const std::vector<Setting>& more) {
    if (!element.is_string() && !element.is_object()) element.reject("the path of a panel, or a panel");
    if (element.is_object() && element.has("panel")) return resolve_reference(element, folder, more);
    Resolved resolved = element.is_string() ? resolve_panel_file(config_file(element, "panels", folder))
                                            : resolve_panel_object(element.value(), element.place(), folder);
    apply_settings(resolved, more);
    return resolved;
}

Panel load_panel(const std::filesystem::path& file, const std::vector<Setting>& settings,
                 const Workloads& workloads) {
    Resolved resolved = resolve_panel_file(file);
    apply_settings(resolved, settings);
    return read_panel(resolved, workloads);
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
        milestone.panels.push_back(read_panel(resolve_element(element, file.parent_path(), settings), workloads));
        const std::string& name = milestone.panels.back().name;
        if (!names.insert(name).second) {
            element.complain(fmt::format("a panel named {} is here twice; give one of them another \"name\"", name));
        }
    }
    return milestone;
}

}  // namespace tilemesh::run

// SPDX-License-Identifier: Apache-2.0
// A list of panels that together answer one question. Each element is the path of a panel file, an object
// {"panel": path, "name": ..., "set": {"dotted.path": value}}, or a panel written in place.
#pragma once

#include "sim/run/panel.h"
#include "sim/run/resolve.h"

#include <filesystem>
#include <string>
#include <vector>

namespace tilemesh::run {

/// What the closing table of a milestone lists.
enum class MilestoneRows : std::uint8_t {
    panels,   // each panel's fastest kernel; every panel has a table of its own before
    entries,  // every kernel of every panel in one table, then each panel's fastest
};

struct Milestone {
    std::string name;
    std::string description;
    MilestoneRows rows = MilestoneRows::panels;
    std::vector<Panel> panels;  // of distinct names
};

/// A panel as lists name it: its path, a panel written in place, or {"panel": path, "name": ..., "set": {...}}.
/// Paths are relative to `folder`. With more settings, those of the list first, in the order of in_order together.
Resolved resolve_element(const JsonReader& element, const std::filesystem::path& folder,
                         const std::vector<Setting>& more = {});

/// Reads a panel file with settings applied.
Panel load_panel(const std::filesystem::path& file, const std::vector<Setting>& settings, const Workloads& workloads);

/// Reads a milestone and all its panels; the settings apply to every panel.
Milestone load_milestone(const std::filesystem::path& file, const std::vector<Setting>& settings,
                         const Workloads& workloads);
/// The same for the content of `file`, read before.
Milestone read_milestone(const Json& content, const std::filesystem::path& file, const std::vector<Setting>& settings,
                         const Workloads& workloads);

}  // namespace tilemesh::run

// SPDX-License-Identifier: Apache-2.0
// A design space: one panel and what is varied in it. Axes are keys of the panel with values, crossed or, where they
// are zipped, taken together step by step; every kernel of the panel is a point of its own; conditions drop points.
// adr/0036 says why the space is data and not a program.
#pragma once

#include "sim/run/panel.h"
#include "sim/run/resolve.h"
#include "sim/search/axis.h"
#include "sim/search/conditions.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::search {

/// One panel with one kernel.
struct Point {
    std::vector<Json> values;            // by axis, as the file has them
    std::vector<run::Setting> settings;  // what the axes set
    std::optional<std::size_t> kernel;   // of those that the panel then has; none: it has no kernels
    std::string kernel_name;
};

/// What an element of a panel's "kernels" is called before it is read: two of one kernel may be called the same.
std::string name_of_kernel(const Json& kernel);

/// Whether the content of a file is a sweep; else it may be a panel.
inline bool is_sweep(const Json& content) { return content.is_object() && content.contains("axes"); }

class Space {
public:
    /// Reads a sweep file, strictly; the settings, those of the file first, and the axes apply to its panel together,
    /// in the order of run::in_order. Of `more` axes those with a
    /// key of the file's take its place, the others come after. InputError for what is none.
    Space(const Json& content, const NamedFile& file, const std::vector<run::Setting>& settings,
          const std::vector<Axis>& more = {});

    const std::string& name() const { return name_; }
    const std::string& description() const { return description_; }
    /// What the axes vary, with the settings.
    const run::Resolved& panel() const { return panel_; }
    /// The file by which the panel can be run: its own, or the sweep file in which it is written.
    const std::string& panel_name() const { return panel_name_; }
    const std::vector<run::Setting>& settings() const { return settings_; }
    std::vector<std::string> axes() const;
    /// All points in the order of the file, the last axis fastest and kernels faster still, without those dropped.
    /// InputError where an axis cannot be set, and where none is left. What it says of conditions that meet no point,
    /// a line for each.
    std::vector<std::string> for_each(
        const std::function<void(const Point& point, const run::Resolved& panel)>& visit) const;
    /// The panel of a point, with its kernel alone.
    run::Resolved panel_of(const Point& point) const;

private:
    void read_axes(JsonReader list, const std::filesystem::path& folder);
    void add_axis(const Axis& axis);
    void check_keys() const;
    void check_conditions(const std::vector<Condition>& conditions) const;
    void check_size(const std::string& where) const;
    bool drops(const Point& point, const run::Resolved& panel, std::vector<bool>& met) const;
    run::Resolved set_axes(const Point& point) const;

    std::string name_, description_, panel_name_;
    run::Resolved base_;   // without settings
    run::Resolved panel_;  // with them
    std::vector<run::Setting> settings_;
    std::vector<std::vector<Axis>> dimensions_;  // those of one go together
    std::vector<Condition> conditions_;
    std::string drop_where_;
};

/// Whether times of some of its points are random: the panel has a jitter, or an axis sets one.
bool has_jitter(const Space& space);

}  // namespace tilemesh::search

// SPDX-License-Identifier: Apache-2.0
// A design space: one panel and what is varied in it. Axes are keys of the panel with values, crossed or, where they
// are zipped, taken together step by step; every kernel of the panel is a point of its own; conditions drop points.
// adr/0036 says why the space is data and not a program.
#pragma once

#include "sim/run/panel.h"
#include "sim/run/resolve.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::search {

/// A key of the panel, dotted as for --set, and the values that it has in turn. One that begins with "kernel." is of
/// the point's own kernel, whatever its place in the panel; null there leaves the key out.
struct Axis {
    std::string key;
    std::vector<Json> values;
    std::string where;  // in the file, for errors
};

/// What a condition asks of one figure of a point: a key, or a product of keys.
struct Requirement {
    std::vector<std::string> keys;  // their product, where there are several
    std::vector<Json> any_of;       // one of these; none: the range decides
    std::optional<double> above, below;
};
/// A point that meets all of them is dropped.
using Condition = std::vector<Requirement>;

/// One panel with one kernel.
struct Point {
    std::vector<Json> values;            // by axis
    std::vector<run::Setting> settings;  // what the axes set
    std::optional<std::size_t> kernel;   // of those that the panel then has; none: it has no kernels
    std::string kernel_name;
};

inline bool is_of_kernel(const std::string& key) { return key.starts_with("kernel."); }

class Space {
public:
    /// Reads a sweep file, strictly; the settings apply to its panel, before the axes. Of `more` axes those with a
    /// key of the file's take its place, the others come after. InputError for what is none.
    Space(const Json& content, const NamedFile& file, const std::vector<run::Setting>& settings,
          const std::vector<Axis>& more = {});

    const std::string& name() const { return name_; }
    const std::string& description() const { return description_; }
    /// What the axes vary, with the settings.
    const run::Resolved& panel() const { return panel_; }
    /// The file or plain name of the panel; empty: it is written in the sweep file.
    const std::string& panel_name() const { return panel_name_; }
    const std::vector<run::Setting>& settings() const { return settings_; }
    std::vector<std::string> axes() const;
    /// All points in the order of the file, the last axis fastest and kernels faster still, without those dropped.
    /// InputError where an axis cannot be set.
    void for_each(const std::function<void(const Point& point, const run::Resolved& panel)>& visit) const;
    /// The panel of a point, with its kernel alone.
    run::Resolved panel_of(const Point& point) const;

private:
    void read_axes(JsonReader list, const std::filesystem::path& folder);
    void add_axis(const Axis& axis);
    void check_size(const std::string& where) const;
    Axis read_axis(JsonReader reader, const std::filesystem::path& folder) const;
    Condition read_condition(JsonReader reader) const;
    bool drops(const Point& point, const Json& panel) const;
    run::Resolved set_axes(const Point& point) const;

    std::string name_, description_, panel_name_;
    run::Resolved panel_;
    std::vector<run::Setting> settings_;
    std::vector<std::vector<Axis>> dimensions_;  // those of one go together
    std::vector<Condition> conditions_;
};

/// Evenly spaced from `from` to `to` with `step`, or on a logarithmic scale in so many points. Whole numbers stay
/// whole.
std::vector<Json> range_values(double from, double to, double step);
std::vector<Json> log_range_values(double from, double to, std::size_t points, bool whole);

}  // namespace tilemesh::search

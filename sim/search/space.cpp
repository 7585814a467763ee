// SPDX-License-Identifier: Apache-2.0
#include "sim/search/space.h"

#include "sim/base/dotted_path.h"
#include "sim/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tilemesh::search {
namespace {

constexpr std::size_t most_values = 100000;   // of an axis
constexpr std::size_t most_points = 1000000;  // of a space

/// Whole where it is, up to what rounding has done to it.
Json number(double value) {
    const double whole = std::round(value);
    if (std::abs(value - whole) <= 1e-9 * std::max(1.0, std::abs(value)) && std::abs(whole) < 9e15)
        return whole < 0 ? Json(static_cast<std::int64_t>(whole)) : Json(static_cast<std::uint64_t>(whole));
    return value;
}

std::string label_of(const Json& kernel) {
    if (kernel.is_string()) return kernel.get<std::string>();
    for (const char* key : {"label", "kernel", "name", "program"})
        if (kernel.is_object() && kernel.contains(key) && kernel.at(key).is_string())
            return kernel.at(key).get<std::string>();
    // Of several programs that follow each other the last names them all.
    const Json program = kernel.is_object() ? kernel.value("program", Json()) : Json();
    const Json& last = program.is_array() && !program.empty() ? program.back() : program;
    return last.is_object() && last.contains("kernel") ? label_of(last) : kernel.dump();
}

bool same(const Json& a, const Json& b) {
    if (a.is_number() && b.is_number()) return a.get<double>() == b.get<double>();
    return a == b;
}

std::optional<double> optional_number(JsonReader& reader, const char* key) {
    const auto value = reader.optional_member(key);
    if (!value) return {};
    return value->as_number(-std::numeric_limits<double>::max(), std::numeric_limits<double>::max());
}

/// {"above": 3, "below": 9}, a value or a list of values.
void read_requirement(JsonReader reader, Requirement& requirement) {
    if (reader.is_object()) {
        requirement.above = optional_number(reader, "above");
        requirement.below = optional_number(reader, "below");
        if (!requirement.above && !requirement.below) reader.reject("\"above\", \"below\" or both");
        reader.finish();
    } else if (reader.is_array()) {
        if (reader.value().empty()) reader.reject("a value, or a non-empty list of values");
        for (const Json& value : reader.value()) requirement.any_of.push_back(value);
    } else {
        requirement.any_of.push_back(reader.value());
    }
}

/// `panel` has that kernel alone.
bool meets(const Requirement& requirement, const std::string& kernel, const Json& panel) {
    const auto value_of = [&](const std::string& key) -> Json {
        if (key == "kernel") return kernel;
        const Json* const found = member(panel, is_of_kernel(key) ? "kernels.0" + key.substr(6) : key);
        return found ? *found : Json();
    };
    if (!requirement.any_of.empty())
        return std::any_of(requirement.any_of.begin(), requirement.any_of.end(),
                           [&](const Json& value) { return same(value, value_of(requirement.keys.front())); });
    double product = 1.0;
    for (const std::string& key : requirement.keys) {
        const Json value = value_of(key);
        if (!value.is_number()) return false;
        product *= value.get<double>();
    }
    return (!requirement.above || product > *requirement.above) &&
           (!requirement.below || product < *requirement.below);
}

}  // namespace

std::vector<Json> range_values(double from, double to, double step) {
    std::vector<Json> values;
    // Whether the last is reached must not hang on how sums of 0.1 are rounded.
    const double last = std::floor((to - from) / step + 1e-9);
    for (double i = 0; i <= last; ++i) values.push_back(number(from + i * step));
    return values;
}

std::vector<Json> log_range_values(double from, double to, std::size_t points, bool whole) {
    std::vector<Json> values;
    for (std::size_t i = 0; i < points; ++i) {
        const double share = points > 1 ? static_cast<double>(i) / static_cast<double>(points - 1) : 0.0;
        const double value = from * std::pow(to / from, share);
        Json one = number(whole ? std::round(value) : value);
        if (values.empty() || values.back() != one) values.push_back(std::move(one));
    }
    return values;
}

Space::Space(const Json& content, const NamedFile& file, const std::vector<run::Setting>& settings,
             const std::vector<Axis>& more) {
    JsonReader reader(content, file.shown);
    if (!reader.is_object()) reader.reject("a sweep");
    const std::filesystem::path folder = file.path.parent_path();
    name_ = reader.has("name") ? run::read_name(reader.member("name")) : file.path.stem().string();
    description_ = reader.string("description", "");
    const JsonReader panel = reader.member("panel");
    if (panel.is_string()) {
        const NamedFile panel_file = run::config_file(panel, "panels", folder);
        panel_name_ = panel_file.path.string();
        panel_ = run::resolve_panel_file(panel_file);
    } else {
        panel_ = run::resolve_panel_object(panel.value(), panel.place(), folder);
    }
    if (auto set = reader.optional_member("set")) {
        if (!set->is_object()) set->reject("an object of dotted paths and values");
        for (const auto& item : set->value().items())
            settings_.push_back({item.key(), item.value(), set->place() + "/" + item.key()});
    }
    settings_.insert(settings_.end(), settings.begin(), settings.end());
    for (const run::Setting& setting : settings_) run::apply_setting(panel_, setting);
    read_axes(reader.member("axes"), folder);
    for (const Axis& axis : more) add_axis(axis);
    check_size(more.empty() ? reader.member("axes").place() : more.back().where);
    if (auto drop = reader.optional_member("drop")) {
        if (!drop->is_array()) drop->reject("an array of conditions");
        for (JsonReader condition : drop->elements()) conditions_.push_back(read_condition(condition));
    }
    reader.finish();
}

void Space::read_axes(JsonReader list, const std::filesystem::path& folder) {
    if (!list.is_array()) list.reject("an array of axes");
    std::set<std::string> keys;
    for (JsonReader element : list.elements()) {
        std::vector<Axis> together;
        if (element.is_object() && element.has("zip")) {
            const JsonReader zip = element.member("zip");
            if (!zip.is_array() || zip.value().empty()) zip.reject("a non-empty array of axes");
            for (const JsonReader& axis : zip.elements()) together.push_back(read_axis(axis, folder));
            element.finish();
            for (const Axis& axis : together)
                if (axis.values.size() != together.front().values.size())
                    zip.complain(fmt::format("zipped axes have as many values each; {} has {}, {} has {}",
                                             together.front().key, together.front().values.size(), axis.key,
                                             axis.values.size()));
        } else {
            together.push_back(read_axis(element, folder));
        }
        for (const Axis& axis : together)
            if (!keys.insert(axis.key).second)
                element.complain(fmt::format("{} is varied twice", printable(axis.key)));
        dimensions_.push_back(std::move(together));
    }
}

void Space::add_axis(const Axis& axis) {
    for (std::vector<Axis>& together : dimensions_)
        for (const Axis& other : together) {
            if (other.key != axis.key) continue;
            if (together.size() > 1)
                fail<InputError>("{}: {} is zipped with others in the file; change it there", printable(axis.where),
                                 printable(axis.key));
            together = {axis};
            return;
        }
    dimensions_.push_back({axis});
}

void Space::check_size(const std::string& where) const {
    double points = 1.0;
    for (const std::vector<Axis>& together : dimensions_)
        points *= static_cast<double>(together.front().values.size());
    if (points > static_cast<double>(most_points))
        fail<InputError>("{}: {:.3g} points, expected at most {}", printable(where), points, most_points);
}

Axis Space::read_axis(JsonReader reader, const std::filesystem::path& folder) const {
    if (!reader.is_object()) reader.reject("an axis");
    Axis axis;
    axis.key = reader.string("key");
    axis.where = reader.place();
    if (axis.key.empty() || axis.key == "kernel") reader.member("key").reject("a dotted key of the panel");
    const auto ends_of = [&](const char* key) {
        const JsonReader range = reader.member(key);
        const double most = std::numeric_limits<double>::max();
        if (!range.is_array() || range.value().size() != 2) range.reject("[from, to]");
        return std::pair(range.elements()[0].as_number(-most, most), range.elements()[1].as_number(-most, most));
    };
    if (const auto values = reader.optional_member("values")) {
        if (!values->is_array() || values->value().empty()) values->reject("a non-empty array of values");
        for (const JsonReader& value : values->elements()) {
            // A file is named as seen from this one.
            const bool machine = axis.key == "machine" && value.is_string();
            axis.values.push_back(machine ? Json(run::config_file(value, "machines", folder).path.string())
                                          : value.value());
        }
    } else if (reader.has("range")) {
        const auto [from, to] = ends_of("range");
        const double step = reader.number("step", 0.0, std::numeric_limits<double>::max(), 1.0);
        if (step <= 0.0 || to < from) reader.complain("expected a range that goes up, and a step above 0");
        if ((to - from) / step >= static_cast<double>(most_values))
            reader.complain(fmt::format("expected at most {} values", most_values));
        axis.values = range_values(from, to, step);
    } else if (reader.has("log_range")) {
        const auto [from, to] = ends_of("log_range");
        const std::uint64_t points = reader.integer("points", 1, most_values);
        if (from <= 0.0 || to < from) reader.complain("expected a logarithmic range that goes up from above 0");
        axis.values = log_range_values(from, to, points, reader.boolean("whole", false));
    } else {
        reader.reject("an axis with \"values\", \"range\" or \"log_range\"");
    }
    reader.finish();
    return axis;
}

Condition Space::read_condition(JsonReader reader) const {
    if (!reader.is_object() || reader.value().empty()) reader.reject("a condition: keys and what they are");
    Condition condition;
    if (reader.has("product")) {
        Requirement requirement;
        for (const JsonReader& key : reader.member("product").elements()) requirement.keys.push_back(key.as_string());
        if (requirement.keys.empty()) reader.member("product").reject("a non-empty array of keys");
        requirement.above = optional_number(reader, "above");
        requirement.below = optional_number(reader, "below");
        if (!requirement.above && !requirement.below)
            reader.reject("\"above\", \"below\" or both beside \"product\"");
        reader.finish();
        return {requirement};
    }
    for (const auto& item : reader.value().items()) {
        Requirement requirement;
        requirement.keys.push_back(item.key());
        read_requirement(reader.member(item.key()), requirement);
        condition.push_back(std::move(requirement));
    }
    reader.finish();
    return condition;
}

bool Space::drops(const Point& point, const Json& panel) const {
    return std::any_of(conditions_.begin(), conditions_.end(), [&](const Condition& condition) {
        return std::all_of(condition.begin(), condition.end(), [&](const Requirement& requirement) {
            return meets(requirement, point.kernel_name, panel);
        });
    });
}

std::vector<std::string> Space::axes() const {
    std::vector<std::string> keys;
    for (const std::vector<Axis>& together : dimensions_)
        for (const Axis& axis : together) keys.push_back(axis.key);
    return keys;
}

run::Resolved Space::set_axes(const Point& point) const {
    run::Resolved panel = panel_;
    for (const run::Setting& setting : point.settings)
        if (!is_of_kernel(setting.path)) run::apply_setting(panel, setting);
    return panel;
}

namespace {

/// The point's kernel alone, with what the axes say of it.
void keep_kernel(run::Resolved& panel, std::size_t kernel, const Point& point) {
    Json& kernels = panel.json["kernels"];
    if (kernels.size() > 1)
        run::apply_setting(
            panel, {"kernels", Json::array({kernels[kernel]}), fmt::format("kernel {} of the panel", kernel)});
    for (const run::Setting& setting : point.settings) {
        if (!is_of_kernel(setting.path)) continue;
        Json& one = panel.json["kernels"][0];
        if (one.is_string()) one = {{"kernel", one}};
        if (!setting.value.is_null()) {
            run::apply_setting(panel, {"kernels.0" + setting.path.substr(6), setting.value, setting.where});
            continue;
        }
        std::string place = setting.path.substr(6);
        std::replace(place.begin(), place.end(), '.', '/');
        const Json::json_pointer key(place);
        if (one.contains(key) && one.at(key.parent_pointer()).is_object())
            one[key.parent_pointer()].erase(key.back());
    }
}

}  // namespace

run::Resolved Space::panel_of(const Point& point) const {
    run::Resolved panel = set_axes(point);
    if (point.kernel) keep_kernel(panel, *point.kernel, point);
    return panel;
}

void Space::for_each(const std::function<void(const Point& point, const run::Resolved& panel)>& visit) const {
    std::vector<std::size_t> at(dimensions_.size(), 0);
    for (;;) {
        Point point;
        for (std::size_t d = 0; d < dimensions_.size(); ++d)
            for (const Axis& axis : dimensions_[d]) {
                const Json& value = axis.values[at[d]];
                const bool one_kernel = axis.key == "kernels" && !value.is_array();
                point.values.push_back(value);
                point.settings.push_back({axis.key, one_kernel ? Json::array({value}) : value, axis.where});
            }
        const run::Resolved panel = set_axes(point);
        const Json kernels = panel.json.value("kernels", Json());
        if (!kernels.is_array() || kernels.empty()) visit(point, panel);  // no panel, as reading it will say
        for (std::size_t k = 0; kernels.is_array() && k < kernels.size(); ++k) {
            point.kernel = k;
            point.kernel_name = label_of(kernels[k]);
            run::Resolved alone = panel;
            keep_kernel(alone, k, point);
            if (!drops(point, alone.json)) visit(point, alone);
        }
        std::size_t d = dimensions_.size();
        while (d > 0 && ++at[d - 1] == dimensions_[d - 1].front().values.size()) at[--d] = 0;
        if (d == 0) return;
    }
}

}  // namespace tilemesh::search

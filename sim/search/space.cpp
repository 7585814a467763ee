// SPDX-License-Identifier: Apache-2.0
#include "sim/search/space.h"

#include "sim/base/error.h"
#include "sim/base/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tilemesh::search {
namespace {

constexpr std::size_t most_points = 1000000;  // of a space

/// Dotted, of everything within.
void add_keys(const Json& json, const std::string& prefix, std::vector<std::string>& keys) {
    if (!json.is_object()) return;
    for (const auto& item : json.items()) {
        keys.push_back(prefix + item.key());
        add_keys(item.value(), keys.back() + ".", keys);
    }
}

/// "kernel.tile_keys" for "kernels.0.tile_keys"; other keys are themselves.
std::string of_every_kernel(const std::string& key) {
    constexpr std::string_view list = "kernels.";
    if (!key.starts_with(list)) return key;
    const std::size_t end = key.find_first_not_of("0123456789", list.size());
    return end != std::string::npos && end > list.size() && key[end] == '.' ? "kernel" + key.substr(end) : key;
}

}  // namespace

std::string name_of_kernel(const Json& kernel) {
    if (kernel.is_string()) return kernel.get<std::string>();
    for (const char* key : {"label", "kernel", "name", "program"})
        if (kernel.is_object() && kernel.contains(key) && kernel.at(key).is_string())
            return kernel.at(key).get<std::string>();
    // Of several programs that follow each other the last names them all.
    const Json program = kernel.is_object() ? kernel.value("program", Json()) : Json();
    const Json& last = program.is_array() && !program.empty() ? program.back() : program;
    return last.is_object() && last.contains("kernel") ? name_of_kernel(last) : kernel.dump();
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
        base_ = run::resolve_panel_file(panel_file);
    } else {
        panel_name_ = file.path.string();
        base_ = run::resolve_panel_object(panel.value(), panel.place(), folder);
        if (!base_.json.contains("name")) base_.json["name"] = name_;
    }
    if (auto set = reader.optional_member("set")) {
        if (!set->is_object()) set->reject("an object of dotted paths and values");
        for (const auto& item : set->value().items())
            settings_.push_back(
                run::with_paths_from(folder, {item.key(), item.value(), set->place() + "/" + item.key()}));
    }
    settings_.insert(settings_.end(), settings.begin(), settings.end());
    panel_ = base_;
    run::apply_settings(panel_, settings_);
    read_axes(reader.member("axes"), folder);
    for (const Axis& axis : more) add_axis(axis);
    check_keys();
    check_size(more.empty() ? reader.member("axes").place() : more.back().where);
    if (auto drop = reader.optional_member("drop")) {
        if (!drop->is_array()) drop->reject("an array of conditions");
        std::vector<Condition> conditions;
        for (JsonReader condition : drop->elements()) conditions.push_back(read_condition(condition, folder));
        check_conditions(conditions);
        conditions_ = std::move(conditions);
        drop_where_ = drop->place();
    }
    reader.finish();
}

void Space::read_axes(JsonReader list, const std::filesystem::path& folder) {
    if (!list.is_array()) list.reject("an array of axes");
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

void Space::check_keys() const {
    std::map<std::string, const Axis*> by_key;
    for (const std::vector<Axis>& together : dimensions_)
        for (const Axis& axis : together)
            if (!by_key.emplace(axis.key, &axis).second) fail<InputError>("{}: varied twice", printable(axis.where));
    for (const auto& entry : by_key) {
        const std::string every = of_every_kernel(entry.first);
        for (std::size_t end = every.size(); end != std::string::npos && end > 0; end = every.rfind('.', end - 1)) {
            const auto other = by_key.find(every.substr(0, end));
            if (every == entry.first || other == by_key.end()) continue;
            fail<InputError>("{}: varied twice, also by {}, which is of every kernel", printable(entry.second->where),
                             printable(other->first));
        }
    }
}

void Space::check_size(const std::string& where) const {
    double points = 1.0;
    for (const std::vector<Axis>& together : dimensions_)
        points *= static_cast<double>(together.front().values.size());
    if (points > static_cast<double>(most_points))
        fail<InputError>("{}: {:.3g} points, expected at most {}", printable(where), points, most_points);
}

void Space::check_conditions(const std::vector<Condition>& conditions) const {
    const std::vector<std::string> keys = axes();
    std::map<std::string, std::string> unknown;  // where they are asked for, by key
    bool may_come = false;                       // with the values of an axis
    for (const Condition& condition : conditions)
        for (const Requirement& requirement : condition)
            for (const std::string& key : requirement.keys) {
                if (says(panel_.json, key) || std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
                unknown.emplace(key, requirement.where);
                may_come = may_come || std::any_of(keys.begin(), keys.end(), [&](const std::string& axis) {
                               const bool of_kernels = key.starts_with("kernel") && axis.starts_with("kernel");
                               return of_kernels || axis.starts_with(key + ".") || key.starts_with(axis + ".");
                           });
            }
    if (may_come)
        for_each([&](const Point&, const run::Resolved& panel) {
            std::erase_if(unknown, [&](const auto& one) { return says(panel.json, one.first); });
        });
    if (unknown.empty()) return;
    const auto& [key, where] = *unknown.begin();
    std::vector<std::string> known = keys;
    known.emplace_back("kernel");
    add_keys(panel_.json, "", known);
    const auto near = nearest_name(key, known);
    fail<InputError>(
        "{}: no point says {}, so that nothing would be dropped; expected an axis, or a key that the "
        "panel says{}",
        printable(where), printable(key), near ? fmt::format("; did you mean {}?", *near) : "");
}

bool Space::drops(const Point& point, const run::Resolved& panel, std::vector<bool>& met) const {
    std::vector<run::Setting> settings = settings_;
    settings.insert(settings.end(), point.settings.begin(), point.settings.end());
    bool dropped = false;
    for (std::size_t i = 0; i < conditions_.size(); ++i) {
        if (dropped && met[i]) continue;  // nothing more to learn from it
        if (!meets(conditions_[i], point.kernel_name, panel, settings)) continue;
        dropped = true;
        met[i] = true;
    }
    return dropped;
}

std::vector<std::string> Space::axes() const {
    std::vector<std::string> keys;
    for (const std::vector<Axis>& together : dimensions_)
        for (const Axis& axis : together) keys.push_back(axis.key);
    return keys;
}

run::Resolved Space::set_axes(const Point& point) const {
    run::Resolved panel = base_;
    std::vector<run::Setting> settings = settings_;
    for (const run::Setting& setting : point.settings)
        if (!is_of_kernel(setting.path)) settings.push_back(setting);
    run::apply_settings(panel, std::move(settings));
    return panel;
}

namespace {

/// The point's kernel alone, with what the axes say of it.
void keep_kernel(run::Resolved& panel, std::size_t kernel, const Point& point) {
    Json& kernels = panel.json["kernels"];
    if (kernels.size() > 1)
        run::apply_setting(
            panel, {"kernels", Json::array({kernels[kernel]}), fmt::format("kernel {} of the panel", kernel)});
    for (const run::Setting& setting : run::in_order(point.settings)) {
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

std::vector<std::string> Space::for_each(
    const std::function<void(const Point& point, const run::Resolved& panel)>& visit) const {
    std::vector<bool> met(conditions_.size(), false);
    std::vector<std::size_t> at(dimensions_.size(), 0);
    bool all_dropped = true;
    for (bool more = true; more;) {
        Point point;
        for (std::size_t d = 0; d < dimensions_.size(); ++d)
            for (const Axis& axis : dimensions_[d]) {
                const Json& value = axis.values[at[d]];
                const bool one_kernel = axis.key == "kernels" && !value.is_array();
                point.values.push_back(axis.as_written(at[d]));
                point.settings.push_back({axis.key, one_kernel ? Json::array({value}) : value, axis.where});
            }
        const run::Resolved panel = set_axes(point);
        const Json kernels = panel.json.value("kernels", Json());
        if (!kernels.is_array() || kernels.empty()) {  // no panel, as reading it will say
            visit(point, panel);
            all_dropped = false;
        }
        for (std::size_t k = 0; kernels.is_array() && k < kernels.size(); ++k) {
            point.kernel = k;
            point.kernel_name = name_of_kernel(kernels[k]);
            run::Resolved alone = panel;
            keep_kernel(alone, k, point);
            if (drops(point, alone, met)) continue;
            visit(point, alone);
            all_dropped = false;
        }
        std::size_t d = dimensions_.size();
        while (d > 0 && ++at[d - 1] == dimensions_[d - 1].front().values.size()) at[--d] = 0;
        more = d > 0;
    }
    if (all_dropped) fail<InputError>("{}: every point is dropped", drop_where_);
    std::vector<std::string> idle;
    for (std::size_t i = 0; i < met.size(); ++i)
        if (!met[i]) idle.push_back(fmt::format("{}/{}: this condition drops no point", drop_where_, i));
    return idle;
}

bool has_jitter(const Space& space) {
    const std::vector<std::string> axes = space.axes();
    const Json& panel = space.panel().json;
    return (panel.contains("jitter") && !panel.at("jitter").is_null()) ||
           std::find(axes.begin(), axes.end(), "jitter") != axes.end();
}

}  // namespace tilemesh::search

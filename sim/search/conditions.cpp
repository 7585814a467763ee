// SPDX-License-Identifier: Apache-2.0
#include "sim/search/conditions.h"

#include "sim/base/dotted_path.h"
#include "sim/search/axis.h"

#include <algorithm>
#include <limits>

namespace tilemesh::search {
namespace {

bool same(const Json& a, const Json& b) {
    if (a.is_number() && b.is_number()) return a.get<double>() == b.get<double>();
    return a == b;
}

std::optional<double> optional_number(JsonReader& reader, const char* key) {
    const auto value = reader.optional_member(key);
    if (!value) return {};
    return value->as_number(-std::numeric_limits<double>::max(), std::numeric_limits<double>::max());
}

bool same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
    std::error_code ignored;
    return a == b || std::filesystem::equivalent(a, b, ignored);
}

/// {"above": 3, "below": 9}, a value or a list of values. In a list objects are values, of a mask say.
void read_requirement(JsonReader reader, Requirement& requirement, const std::filesystem::path& folder) {
    const auto add = [&](const JsonReader& value) {
        const std::string& key = requirement.keys.front();
        if (key == "machine" && value.is_string()) {
            const NamedFile file = run::config_file(value, "machines", folder);
            run::resolve_machine_file(file);  // that it is there
            requirement.any_of.emplace_back(file.path.string());
            return;
        }
        const run::Setting setting = run::with_paths_from(folder, {key, value.value(), value.place()});
        requirement.any_of.push_back(setting.value);
        if (auto part = run::resolve_machine_part(setting)) requirement.any_of.push_back(std::move(part->json));
    };
    if (reader.is_object()) {
        requirement.above = optional_number(reader, "above");
        requirement.below = optional_number(reader, "below");
        if (!requirement.above && !requirement.below)
            reader.reject(R"("above", "below" or both, or the object that is meant in a list)");
        reader.finish();
    } else if (reader.is_array()) {
        if (reader.value().empty()) reader.reject("a value, or a non-empty list of values");
        for (const JsonReader& value : reader.elements()) {
            if (value.is_object() && (value.has("above") || value.has("below")))
                value.reject("a value; a range stands alone, in a condition of its own");
            add(value);
        }
    } else {
        add(reader);
    }
}

bool is_met(const Requirement& requirement, const std::string& kernel, const run::Resolved& panel,
            const std::vector<run::Setting>& set) {
    const auto value_of = [&](const std::string& key) -> Json {
        if (key == "kernel") return kernel;
        const Json* const found = member(panel.json, is_of_kernel(key) ? "kernels.0" + key.substr(6) : key);
        return found ? *found : Json();
    };
    if (!requirement.any_of.empty()) {
        const std::string& key = requirement.keys.front();
        const auto setting =
            std::find_if(set.rbegin(), set.rend(), [&](const run::Setting& one) { return one.path == key; });
        return std::any_of(requirement.any_of.begin(), requirement.any_of.end(), [&](const Json& value) {
            if (key == "machine" && value.is_string() && !panel.machine_file.empty())
                return same_file(value.get<std::string>(), panel.machine_file);
            return same(value, value_of(key)) || (setting != set.rend() && same(value, setting->value));
        });
    }
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

Condition read_condition(JsonReader reader, const std::filesystem::path& folder) {
    if (!reader.is_object() || reader.value().empty()) reader.reject("a condition: keys and what they are");
    Condition condition;
    if (reader.has("product")) {
        Requirement requirement;
        requirement.where = reader.member("product").place();
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
        requirement.where = reader.member(item.key()).place();
        read_requirement(reader.member(item.key()), requirement, folder);
        condition.push_back(std::move(requirement));
    }
    reader.finish();
    return condition;
}

bool says(const Json& panel, const std::string& key) {
    if (key == "kernel") return true;
    if (!is_of_kernel(key)) return member(panel, key) != nullptr;
    const Json* const kernels = member(panel, "kernels");
    return kernels && std::any_of(kernels->begin(), kernels->end(), [&](const Json& kernel) {
               return member(kernel, key.substr(std::string("kernel.").size())) != nullptr;
           });
}

bool meets(const Condition& condition, const std::string& kernel, const run::Resolved& panel,
           const std::vector<run::Setting>& set) {
    return std::all_of(condition.begin(), condition.end(),
                       [&](const Requirement& requirement) { return is_met(requirement, kernel, panel, set); });
}

}  // namespace tilemesh::search

// SPDX-License-Identifier: Apache-2.0
// Following "base", inlining machines, making paths relative to where we are. Settings are in setting.cpp.
#include "sim/run/resolve.h"

#include "sim/base/error.h"

namespace tilemesh::run {
namespace {

// A chain of bases is two or three files long; a longer one goes in circles.
constexpr int longest_chain = 16;

std::filesystem::path beside(const std::filesystem::path& folder, const std::string& path) {
    return (folder / path).lexically_normal();
}

void require_object(const Json& json, const std::string& file) {
    if (!json.is_object()) JsonReader(json, file).reject("an object");
}

/// Removes and returns the "base" of a configuration; empty when it has none.
std::string take_base(Json& json, const std::string& file, const std::string& path, int depth) {
    const auto base = json.find("base");
    if (base == json.end()) return "";
    JsonReader reader(*base, file, path + "/base");
    const std::string name = reader.as_string();
    if (name.empty()) reader.reject("the path of a file");
    if (depth >= longest_chain) {
        reader.complain(
            fmt::format("more than {} files build on each other; does this one build on itself?", longest_chain));
    }
    json.erase(base);
    return name;
}

Json machine_from_file(const std::filesystem::path& file, int depth);

Json machine_from_object(Json json, const std::string& file, const std::string& path,
                         const std::filesystem::path& folder, int depth) {
    const std::string base = take_base(json, file, path, depth);
    if (base.empty()) return json;
    Json merged = machine_from_file(beside(folder, base), depth + 1);
    merged.merge_patch(json);
    return merged;
}

Json machine_from_content(Json json, const std::filesystem::path& file, int depth) {
    require_object(json, file.string());
    if (!json.contains("name")) json["name"] = file.stem().string();
    return machine_from_object(std::move(json), file.string(), "", file.parent_path(), depth);
}

Json machine_from_file(const std::filesystem::path& file, int depth) {
    return machine_from_content(parse_json_file(file), file, depth);
}

/// A member "file", wherever it is, names a file relative to the one that has it; from here on, to where we are.
void place_files(Json& json, const std::filesystem::path& folder, int depth = 0) {
    if (!json.is_structured() || depth > longest_chain) return;  // deeper than anything that is read
    if (json.is_object())
        if (const auto file = json.find("file"); file != json.end() && file->is_string() && *file != "")
            *file = beside(folder, file->get<std::string>()).string();
    for (Json& part : json) place_files(part, folder, depth + 1);
}

/// Puts the machine that `json` asks for into `panel`, on top of the one its base brought.
void merge_machine(ResolvedPanel& panel, const Json& machine, const std::filesystem::path& folder) {
    if (machine.is_string()) {
        const auto file = beside(folder, machine.get<std::string>());
        panel.json["machine"] = machine_from_file(file, 0);
        panel.machine_file = file.string();
    } else if (machine.is_object() && machine.contains("base")) {
        panel.json["machine"] = machine_from_object(machine, panel.file, "/machine", folder, 0);
        panel.machine_file.clear();
    } else {
        panel.json["machine"].merge_patch(machine);
        panel.machine_file.clear();
    }
}

/// Kernels may be plain names; as objects, --set can reach into them.
void spell_out_kernels(Json& json) {
    const auto kernels = json.find("kernels");
    if (kernels == json.end() || !kernels->is_array()) return;
    for (Json& kernel : *kernels) {
        if (kernel.is_string()) kernel = {{"kernel", kernel}};
    }
}

ResolvedPanel panel_from_file(const std::filesystem::path& file, int depth);

ResolvedPanel panel_from_object(Json json, const std::string& file, const std::filesystem::path& folder, int depth) {
    ResolvedPanel panel;
    const std::string base = take_base(json, file, "", depth);
    if (!base.empty()) panel = panel_from_file(beside(folder, base), depth + 1);
    panel.file = file;

    const auto inputs = json.find("inputs");
    if (inputs != json.end() && inputs->is_object() && inputs->contains("tensors")) {
        Json& tensors = (*inputs)["tensors"];
        if (tensors.is_string() && tensors != "") tensors = beside(folder, tensors.get<std::string>()).string();
    }

    for (const char* part : {"problem", "kernels", "tensors", "check"})
        if (const auto found = json.find(part); found != json.end()) place_files(*found, folder);

    Json machine;
    if (const auto found = json.find("machine"); found != json.end()) {
        machine = std::move(*found);
        json.erase(found);
    }
    panel.json.merge_patch(json);
    if (!machine.is_null()) merge_machine(panel, machine, folder);
    spell_out_kernels(panel.json);
    return panel;
}

ResolvedPanel panel_from_content(Json json, const std::filesystem::path& file, int depth) {
    require_object(json, file.string());
    // Each file is its own experiment: it does not inherit the name of what it builds on.
    if (!json.contains("name")) json["name"] = file.stem().string();
    return panel_from_object(std::move(json), file.string(), file.parent_path(), depth);
}

ResolvedPanel panel_from_file(const std::filesystem::path& file, int depth) {
    return panel_from_content(parse_json_file(file), file, depth);
}

}  // namespace

Json resolve_machine_file(const std::filesystem::path& file) { return machine_from_file(file, 0); }

ResolvedPanel resolve_panel_file(const std::filesystem::path& file) { return panel_from_file(file, 0); }

Json resolve_machine(Json content, const std::filesystem::path& file) {
    return machine_from_content(std::move(content), file, 0);
}

ResolvedPanel resolve_panel(Json content, const std::filesystem::path& file) {
    return panel_from_content(std::move(content), file, 0);
}

ResolvedPanel resolve_panel_object(const Json& object, const std::string& file, const std::filesystem::path& folder) {
    require_object(object, file);
    return panel_from_object(object, file, folder, 0);
}

}  // namespace tilemesh::run

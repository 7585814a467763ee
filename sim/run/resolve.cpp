// SPDX-License-Identifier: Apache-2.0
// Following "base", inlining machines, making paths relative to where we are. Settings are in setting.cpp.
#include "sim/run/resolve.h"

#include "sim/base/error.h"
#include "sim/base/shared_files.h"

namespace tilemesh::run {
namespace {

// A chain of bases is two or three files long; a longer one goes in circles.
constexpr int longest_chain = 16;

/// Keys of a machine, and the folders of files for them.
constexpr const char* machine_tables[] = {"energy", "area"};

/// An object written in a file, or the whole of it.
struct Written {
    Json json;
    Origin origin;
    std::filesystem::path folder;  // to which its paths are relative

    /// Stands on the value of one of its members.
    JsonReader reader(const Json& value, const std::string& key) const {
        return JsonReader(value, origin.source, origin.path + key);
    }
};

void require_object(const Json& json, const std::string& file) {
    if (!json.is_object()) JsonReader(json, file).reject("an object");
}

Written whole_file(Json json, const NamedFile& file) {
    require_object(json, file.shown);
    // Each file is its own experiment: it does not inherit the name of what it builds on.
    if (!json.contains("name")) json["name"] = file.path.stem().string();
    return {std::move(json), {file.shown, ""}, file.path.parent_path()};
}

/// Puts `patch`, written at `origin`, on top of what is at `at` in the whole.
void merge(Json& target, const std::string& at, const Json& patch, const Origin& origin, Origins& origins) {
    if (!target.is_object() || !patch.is_object()) {
        target.merge_patch(patch);
        origins.give(at, origin);
        return;
    }
    for (const auto& item : patch.items()) {
        const std::string step = "/" + pointer_step(item.key());
        const Origin inner{origin.source, origin.path + step};
        if (item.value().is_null()) {
            target.erase(item.key());
            origins.give(at + step, inner);
        } else {
            merge(target[item.key()], at + step, item.value(), inner, origins);
        }
    }
}

void merge(Resolved& whole, const Written& written) {
    std::vector<std::string> keys;
    for (const auto& item : whole.json.items()) keys.push_back(item.key());
    whole.origins.give_all_but(keys, written.origin);
    Json patch = written.json;
    patch.erase("base");
    merge(whole.json, "", patch, written.origin, whole.origins);
}

bool is_there(const std::filesystem::path& file) {
    std::error_code ignored;
    return std::filesystem::exists(file, ignored) && !std::filesystem::is_directory(file, ignored);
}

/// What the file that an object names as its base resolves to; nothing yet when it names none.
template <class Resolve>
Resolved base_of(const Written& written, const char* kind, int depth, Resolve resolve) {
    const auto base = written.json.find("base");
    if (base == written.json.end()) return {Json::object(), Origins(written.origin)};
    const JsonReader reader = written.reader(*base, "/base");
    const NamedFile file = config_file(reader, kind, written.folder);
    if (depth >= longest_chain) {
        reader.complain(
            fmt::format("more than {} files build on each other; does this one build on itself?", longest_chain));
    }
    return resolve(file, depth + 1);
}

/// A table of energies or areas, in a file of the folder of that name.
Resolved table_from_file(const NamedFile& file, const char* kind, int depth);

Resolved table_from(const Written& written, const char* kind, int depth) {
    if (!written.json.contains("base")) return {written.json, Origins(written.origin)};
    Resolved table = base_of(written, kind, depth,
                             [&](const NamedFile& file, int deeper) { return table_from_file(file, kind, deeper); });
    merge(table, written);
    return table;
}

Resolved table_from_file(const NamedFile& file, const char* kind, int depth) {
    return table_from(whole_file(parse_json_file(file), file), kind, depth);
}

/// Merges a machine, written at `origin`, into what is at `at`. Its tables may be the names of files, or build on
/// one.
void merge_machine_keys(Resolved& whole, const std::string& at, const Written& written) {
    Json& target = at.empty() ? whole.json : whole.json[Json::json_pointer(at)];
    Written rest = written;
    std::vector<std::pair<std::string, Resolved>> tables;
    for (const char* kind : machine_tables) {
        const auto found = rest.json.find(kind);
        if (found == rest.json.end()) continue;
        const std::string path = std::string("/") + kind;
        const Origin origin{written.origin.source, written.origin.path + path};
        if (found->is_string()) {
            const NamedFile file = config_file(written.reader(*found, path), kind, written.folder);
            tables.emplace_back(kind, table_from_file(file, kind, 0));
        } else if (found->is_object() && found->contains("base")) {
            tables.emplace_back(kind, table_from({*found, origin, written.folder}, kind, 0));
        } else {
            continue;
        }
        rest.json.erase(kind);
    }
    if (at.empty()) {
        merge(whole, rest);
    } else {
        merge(target, at, rest.json, written.origin, whole.origins);
    }
    for (auto& [kind, table] : tables) {
        target[kind] = std::move(table.json);
        whole.origins.give(at + "/" + kind, table.origins);
    }
}

Resolved machine_from_file(const NamedFile& file, int depth);

Resolved machine_from(const Written& written, int depth) {
    Resolved machine = base_of(written, "machines", depth, machine_from_file);
    merge_machine_keys(machine, "", written);
    return machine;
}

Resolved machine_from_file(const NamedFile& file, int depth) {
    return machine_from(whole_file(parse_json_file(file), file), depth);
}

/// Makes a path that an object names relative to where we are; what is no path is the strict reader's business.
void place_file(Json& object, const char* key, const std::filesystem::path& folder) {
    if (!object.is_object()) return;
    if (const auto file = object.find(key); file != object.end() && file->is_string() && *file != "")
        *file = (folder / file->get<std::string>()).lexically_normal().string();
}

/// A member "file", wherever it is, names a file relative to the one that has it, and so does "python", a function of
/// a file. What a kernel is given has names of its own.
void place_members(Json& json, const std::filesystem::path& folder, int depth = 0) {
    if (!json.is_structured() || depth > longest_chain) return;  // deeper than anything that is read
    for (const char* key : {"file", "python"}) place_file(json, key, folder);
    for (auto part = json.begin(); part != json.end(); ++part)
        if (!json.is_object() || (part.key() != "arguments" && part.key() != "constants"))
            place_members(*part, folder, depth + 1);
}

void place_files(Json& json, const std::filesystem::path& folder) {
    if (const auto inputs = json.find("inputs"); inputs != json.end()) place_file(*inputs, "tensors", folder);
    for (const char* part : {"probe", "problem", "kernels", "tensors", "check"})
        if (const auto found = json.find(part); found != json.end()) place_members(*found, folder);
}

/// Puts the machine that `json` asks for into `panel`, on top of the one its base brought.
void merge_machine(Resolved& panel, const Json& json, const Written& written) {
    const Origin origin{written.origin.source, written.origin.path + "/machine"};
    if (!json.is_string() && !(json.is_object() && json.contains("base"))) {
        if (!json.is_object()) return merge(panel.json["machine"], "/machine", json, origin, panel.origins);
        Json& machine = panel.json["machine"];
        if (!machine.is_object()) machine = Json::object();
        return merge_machine_keys(panel, "/machine", {json, origin, written.folder});
    }
    const NamedFile file =
        json.is_string() ? config_file(written.reader(json, "/machine"), "machines", written.folder)
                         : config_file(written.reader(json.at("base"), "/machine/base"), "machines", written.folder);
    Resolved machine =
        json.is_string() ? machine_from_file(file, 0) : machine_from({json, origin, written.folder}, 0);
    panel.machine_file = file.path;
    panel.json["machine"] = std::move(machine.json);
    panel.origins.give("/machine", machine.origins);
}

/// Kernels may be plain names; as objects, --set can reach into them.
void spell_out_kernels(Json& json) {
    const auto kernels = json.find("kernels");
    if (kernels == json.end() || !kernels->is_array()) return;
    for (Json& kernel : *kernels) {
        if (kernel.is_string()) kernel = {{"kernel", kernel}};
    }
}

Resolved panel_from_file(const NamedFile& file, int depth);

Resolved panel_from(Written written, int depth) {
    Resolved panel = base_of(written, "panels", depth, panel_from_file);
    place_files(written.json, written.folder);
    Json machine;
    if (const auto found = written.json.find("machine"); found != written.json.end()) {
        machine = std::move(*found);
        written.json.erase(found);
    }
    merge(panel, written);
    if (!machine.is_null()) merge_machine(panel, machine, written);
    spell_out_kernels(panel.json);
    return panel;
}

Resolved panel_from_file(const NamedFile& file, int depth) {
    return panel_from(whole_file(parse_json_file(file), file), depth);
}

}  // namespace

NamedFile config_file(const std::string& name, const char* kind) {
    if (is_there(name)) return name;
    return shared_config(kind, name).value_or(name);
}

NamedFile config_file(const JsonReader& name, const char* kind, const std::filesystem::path& folder) {
    NamedFile file = name.as_file(folder);
    if (is_there(file.path)) return file;
    const auto shared = shared_config(kind, name.as_string());
    return shared ? NamedFile(*shared, name.place() + ": " + shared->string()) : file;
}

Resolved resolve_machine_file(const NamedFile& file) { return machine_from_file(file, 0); }

std::optional<Resolved> resolve_machine_part(const Setting& setting) {
    const Origin origin{setting.where, "", true};
    const JsonReader name(setting.value, setting.where);
    if (setting.path == "machine") {
        if (!setting.value.is_string() && !setting.value.is_object()) return {};
        const bool is_built_on = setting.value.is_object() && setting.value.contains("base");
        NamedFile file;
        if (setting.value.is_string()) file = config_file(name, "machines");
        if (is_built_on) file = config_file(JsonReader(setting.value.at("base"), setting.where, "/base"), "machines");
        Resolved machine =
            setting.value.is_string() ? machine_from_file(file, 0) : machine_from({setting.value, origin, {}}, 0);
        machine.machine_file = file.path;
        return machine;
    }
    for (const char* kind : machine_tables) {
        if (setting.path != std::string("machine.") + kind) continue;
        if (setting.value.is_string()) return table_from_file(config_file(name, kind), kind, 0);
        if (setting.value.is_object()) return table_from({setting.value, origin, {}}, kind, 0);
    }
    return {};
}

Setting with_paths_from(const std::filesystem::path& folder, Setting setting) {
    const std::string& path = setting.path;
    const auto name_file = [&](Json& name, const char* kind) {
        if (name.is_string() && name != "")
            name = config_file(JsonReader(name, setting.where), kind, folder).path.string();
    };
    /// A machine, or one of its tables.
    const auto place = [&](Json& part, const char* kind) {
        name_file(part, kind);
        if (part.is_object() && part.contains("base")) name_file(part["base"], kind);
    };
    if (path == "machine") place(setting.value, "machines");
    for (const char* kind : machine_tables) {
        if (path == std::string("machine.") + kind) place(setting.value, kind);
        if (path == "machine" && setting.value.is_object() && setting.value.contains(kind))
            place(setting.value[kind], kind);
    }
    const auto is_in = [&](const char* part) { return (path + ".").find(part) != std::string::npos; };
    if (path.starts_with("machine") || is_in(".arguments.") || is_in(".constants.")) return setting;
    if (path == "inputs") place_file(setting.value, "tensors", folder);
    // Under its key, as it stands in a panel.
    const std::string key = path.substr(path.rfind('.') + 1);
    Json member = {{key, setting.value}};
    if (path == "inputs.tensors") place_file(member, "tensors", folder);
    place_members(member, folder);
    setting.value = std::move(member[key]);
    return setting;
}

Resolved resolve_panel_file(const NamedFile& file) { return panel_from_file(file, 0); }

Resolved resolve_machine(const Json& content, const NamedFile& file) {
    return machine_from(whole_file(content, file), 0);
}

Resolved resolve_table(const Json& content, const NamedFile& file, const char* kind) {
    return table_from(whole_file(content, file), kind, 0);
}

Resolved resolve_panel(const Json& content, const NamedFile& file) {
    return panel_from(whole_file(content, file), 0);
}

Resolved resolve_panel_object(const Json& object, const std::string& place, const std::filesystem::path& folder) {
    require_object(object, place);
    return panel_from({object, {place, ""}, folder}, 0);
}

Json with_absolute_paths(Json panel) {
    place_files(panel, std::filesystem::current_path());
    return panel;
}

}  // namespace tilemesh::run

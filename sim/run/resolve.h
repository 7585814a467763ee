// SPDX-License-Identifier: Apache-2.0
// Makes configuration files whole: a file that names a "base" becomes that base with its own keys merged in
// (recursively, as in RFC 7386: objects merge, everything else replaces, null removes), a panel's machine becomes the
// machine's content, relative paths become relative to where we are, and --set changes the result. Who gave which
// value is remembered, for errors.
#pragma once

#include "sim/base/json_reader.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::run {

/// One --set: a dotted path and the value put there.
struct Setting {
    std::string path;  // "machine.pe.clock_ghz", "problem.users.0.keys"
    Json value;
    std::string where;  // "--set a.b=1", or the place in a milestone; for errors
};
/// Parses "a.b.0.c=value". The value is JSON when it parses as JSON, else a string.
Setting parse_setting(const std::string& text);
std::vector<Setting> parse_settings(const std::vector<std::string>& texts);
/// One of a file: paths in its value, relative to the file's folder, become relative to where we are.
Setting with_paths_from(const std::filesystem::path& folder, Setting setting);

/// A panel, probe or machine made whole.
struct Resolved {
    Json json;
    Origins origins;
    /// Of a panel: the file that its machine is, or is built on, whoever named it; empty: it is written out.
    std::filesystem::path machine_file = {};
};

/// The file that a user or a member of a file names: its path, or the plain name of one that comes with tilemesh
/// ("cube_2x4" of the kind "machines").
NamedFile config_file(const std::string& name, const char* kind);
NamedFile config_file(const JsonReader& name, const char* kind, const std::filesystem::path& folder = {});

Resolved resolve_machine_file(const NamedFile& file);
Resolved resolve_panel_file(const NamedFile& file);
/// The same for the content of `file`, read before: a pipe can be read once.
Resolved resolve_machine(const Json& content, const NamedFile& file);
Resolved resolve_panel(const Json& content, const NamedFile& file);
/// Of a table of energies or areas; `kind` is the machine's key for it.
Resolved resolve_table(const Json& content, const NamedFile& file, const char* kind);
/// A panel written inside another file (a milestone), which errors show as `place`; paths in it are relative to
/// `folder`.
Resolved resolve_panel_object(const Json& object, const std::string& place, const std::filesystem::path& folder);

/// A resolved panel as it can stand in any folder.
Json with_absolute_paths(Json panel);
/// What a setting makes the machine, or a table of its energies or areas: a file, or what is written out and may
/// build on one; nothing of other settings.
std::optional<Resolved> resolve_machine_part(const Setting& setting);

/// Puts a value at a path. Missing objects on the way are made (the strict reader will complain of keys it does not
/// know); an index outside an array or a step into a plain value is an InputError. "machine=FILE" loads the machine,
/// "machine.energy=FILE" and "machine.area=FILE" its tables.
void apply_setting(Resolved& panel, const Setting& setting);
/// The same of several, in_order.
void apply_settings(Resolved& panel, std::vector<Setting> settings);
/// From the shortest path to the longest, otherwise as they are: "machine" before "machine.pe.queue_depth", which it
/// would undo. Of equal paths the last counts.
std::vector<Setting> in_order(std::vector<Setting> settings);

}  // namespace tilemesh::run

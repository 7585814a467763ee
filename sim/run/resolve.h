// SPDX-License-Identifier: Apache-2.0
// Makes configuration files whole: a file that names a "base" becomes that base with its own keys merged in
// (recursively, as in RFC 7386: objects merge, everything else replaces, null removes), a panel's machine becomes the
// machine's content, relative paths become relative to where we are, and --set changes the result.
#pragma once

#include "sim/base/json_reader.h"

#include <filesystem>
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

/// A panel made whole, and what errors about it should show.
struct ResolvedPanel {
    Json json;
    std::string file;
    std::string machine_file;  // empty when the machine is part of the panel
};

Json resolve_machine_file(const std::filesystem::path& file);
ResolvedPanel resolve_panel_file(const std::filesystem::path& file);
/// The same for the content of `file`, read before: a pipe can be read once.
Json resolve_machine(Json content, const std::filesystem::path& file);
ResolvedPanel resolve_panel(Json content, const std::filesystem::path& file);
/// A panel written inside another file (a milestone); paths in it are relative to `folder`.
ResolvedPanel resolve_panel_object(const Json& object, const std::string& file, const std::filesystem::path& folder);

/// Puts a value at a path. Missing objects on the way are made (the strict reader will complain of keys it does not
/// know); an index outside an array or a step into a plain value is an InputError. "machine=FILE" loads the machine.
void apply_setting(ResolvedPanel& panel, const Setting& setting);

}  // namespace tilemesh::run

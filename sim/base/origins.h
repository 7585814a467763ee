// SPDX-License-Identifier: Apache-2.0
// Who gave which value of a JSON that was made of several files and settings, so that an error about a value names
// the file or the setting that it came from, and the files that led there.
#pragma once

#include <concepts>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace tilemesh {

/// Characters of a place that errors show: chains of files are longer than other names.
inline constexpr std::size_t longest_place = 600;

/// A file and what errors about it begin with: its path, behind the file and the place that named it if one did
/// ("panel.json: /machine: machines/line.json").
struct NamedFile {
    NamedFile() = default;
    /// Named by nobody but the user.
    template <std::convertible_to<std::filesystem::path> Path>
    NamedFile(const Path& file) : path(file), shown(path.string()) {}
    NamedFile(std::filesystem::path file, std::string shown_as) : path(std::move(file)), shown(std::move(shown_as)) {}

    std::filesystem::path path;
    std::string shown;
};

/// A key as a step of a JSON pointer, which escapes '~' and '/'.
std::string pointer_step(std::string_view key);

/// A value somebody wrote: in a file at a JSON pointer, or by a setting.
struct Origin {
    std::string source;  // the file as errors show it, or the setting: "--set a.b=1"
    std::string path;    // JSON pointer within it
    bool setting = false;
};

/// Origins by JSON pointer; a value without one of its own has that of what it lies in.
class Origins {
public:
    explicit Origins(Origin whole) { by_path_[""] = std::move(whole); }
    explicit Origins(std::string file = "") : Origins(Origin{std::move(file), ""}) {}

    /// The value at `path` and all within it are from `origin` now.
    void give(const std::string& path, Origin origin);
    /// The value at `path` is from where `part` says.
    void give(const std::string& path, const Origins& part);
    /// The whole is another's now, but its members, named by `keys`, stay what they are.
    template <class Keys>
    void give_all_but(const Keys& keys, Origin origin) {
        const Origin before = by_path_.at("");
        for (const auto& key : keys) {
            const std::string path = "/" + pointer_step(key);
            by_path_.try_emplace(path, Origin{before.source, before.path + path, before.setting});
        }
        by_path_[""] = std::move(origin);
    }

    /// As errors about the value at `path` begin: "file: /a/b".
    std::string place(const std::string& path) const;
    /// The settings within the value at `path`, which may be why its parts do not fit: " (with --set a.b=1)", or
    /// nothing.
    std::string settings_within(const std::string& path) const;

private:
    std::map<std::string, Origin> by_path_;
};

}  // namespace tilemesh

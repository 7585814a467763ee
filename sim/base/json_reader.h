// SPDX-License-Identifier: Apache-2.0
// Strict reading of JSON configuration. A reader stands on one JSON value and knows its path ("file: /a/b/0"). Every
// key must be asked for; finish() rejects the rest with the nearest known name. Numbers are range-checked as they are
// read. Every failure is an InputError of one line: file, path, value found, value expected.
#pragma once

#include "sim/base/names.h"
#include "sim/base/origins.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tilemesh {

using Json = nlohmann::ordered_json;

/// Parses a file; malformed text, duplicate keys, or an unreadable file are InputErrors that name line and column.
Json parse_json_file(const NamedFile& file);
/// The same for text that comes from elsewhere; `name` stands for the file in errors.
Json parse_json_text(std::string_view text, const std::string& name);

class JsonReader {
public:
    /// `file` is what errors show; `value` must outlive the reader.
    JsonReader(const Json& value, std::string file, std::string path = "");
    /// The same for a whole of several files and settings; `origins` must outlive the reader too.
    JsonReader(const Json& value, const Origins& origins);

    const Json& value() const { return *value_; }
    const std::string& path() const { return path_; }  // "" at the root, else "/a/b/0"
    /// As errors about this node begin: "file: /a/b/0".
    std::string place() const { return place_of(path_); }

    bool is_object() const;
    bool is_array() const;
    bool is_string() const;
    bool has(std::string_view key) const;  // present and not null; also marks the key as known

    JsonReader member(std::string_view key);                          // required
    std::optional<JsonReader> optional_member(std::string_view key);  // absent or null: nothing
    std::vector<JsonReader> elements() const;                         // of an array

    /// Typed values of this node.
    std::string as_string() const;
    /// The file that this text names, relative to `folder`.
    NamedFile as_file(const std::filesystem::path& folder = {}) const;
    bool as_bool() const;
    double as_number(double least, double most) const;  // finite, in [least, most]
    /// A whole number, also when it is written 8192.0 or 8e3 (up to 2^53, where doubles still tell them apart).
    std::uint64_t as_integer(std::uint64_t least, std::uint64_t most) const;
    /// The same where the range includes negative numbers.
    std::int64_t as_signed(std::int64_t least, std::int64_t most) const;
    /// One of a list of words; unknown words are answered with the nearest.
    std::string as_word(const std::vector<std::string>& words) const;
    /// The same as a value of an enum whose values the words name, in their order.
    template <class Enum>
    Enum as_choice(const std::vector<std::string>& words) const {
        return static_cast<Enum>(std::find(words.begin(), words.end(), as_word(words)) - words.begin());
    }

    /// Shorthands for members. Without a default the key is required.
    std::string string(std::string_view key);
    std::string string(std::string_view key, std::string_view otherwise);
    bool boolean(std::string_view key, bool otherwise);
    double number(std::string_view key, double least, double most, std::optional<double> otherwise = {});
    std::uint64_t integer(std::string_view key, std::uint64_t least, std::uint64_t most,
                          std::optional<std::uint64_t> otherwise = {});
    std::string word(std::string_view key, const std::vector<std::string>& words,
                     std::optional<std::string> otherwise = {});
    template <class Enum>
    Enum choice(std::string_view key, const std::vector<std::string>& words, Enum otherwise) {
        const auto member = optional_member(key);
        return member ? member->as_choice<Enum>(words) : otherwise;
    }

    /// Rejects members nobody asked for. Call last.
    void finish() const;

    /// Throws an InputError "file: path: found X, expected Y" about this node; with several origins what is shown
    /// is the one of this node.
    [[noreturn]] void reject(std::string_view expected) const;
    /// The same with a free text: "file: path: text".
    [[noreturn]] void complain(std::string_view text) const;

private:
    JsonReader(const Json& value, const JsonReader& parent, std::string path);
    JsonReader child(std::string_view key) const;  // must be there
    JsonReader required(std::string_view key, std::string_view expected) const;

    std::string place_of(const std::string& path) const;

    const Json* value_;
    std::string file_;                  // when there is no more to say of origins
    const Origins* origins_ = nullptr;  // of what; paths count from the same root
    std::string path_;
    mutable std::set<std::string, std::less<>> known_;
};

}  // namespace tilemesh

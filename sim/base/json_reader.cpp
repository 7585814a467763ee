// SPDX-License-Identifier: Apache-2.0
// Typed, range-checked access to JSON values, and the one form that all its errors have.
#include "sim/base/json_reader.h"

#include "sim/base/error.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tilemesh {
namespace {

/// As a person writes it: 1e300, not 1e+300.
std::string number_text(double value) {
    std::string text = fmt::format("{}", value);
    std::erase(text, '+');
    return text;
}

std::string number_range(double least, double most) {
    return fmt::format("a number from {} to {}", number_text(least), number_text(most));
}
std::string integer_range(std::uint64_t least, std::uint64_t most) {
    return fmt::format("an integer from {} to {}", least, most);
}
std::string one_of(const std::vector<std::string>& words) { return "one of " + list_of_names(words); }

/// The whole number that `value` is, however it is written (100, 1e2, 100.0); nothing when it is none or negative.
std::optional<std::uint64_t> natural(const Json& value) {
    if (value.is_number_float()) {
        // Up to here every whole number has a double of its own; of a larger one nobody knows which was written.
        constexpr double largest = 9007199254740992.0;
        const double number = value.get<double>();
        const bool whole = number >= 0.0 && number <= largest && number == std::floor(number);
        return whole ? std::optional(static_cast<std::uint64_t>(number)) : std::nullopt;
    }
    if (!value.is_number_integer()) return std::nullopt;
    // A value built in memory may be signed and positive.
    if (!value.is_number_unsigned() && value.get<std::int64_t>() < 0) return std::nullopt;
    return value.get<std::uint64_t>();
}

std::string description(const Json& value) {
    constexpr std::size_t shown = 40;
    switch (value.type()) {
        case Json::value_t::null:
            return "null";
        case Json::value_t::object:
            return "an object";
        case Json::value_t::array:
            return "an array";
        case Json::value_t::string:
            return fmt::format("a string \"{}\"", printable(value.get_ref<const std::string&>(), shown));
        case Json::value_t::number_float: {
            const double number = value.get<double>();
            // Shown as a float even when it is whole, or "found 8.0, expected an integer" would read "found 8".
            std::string text = number_text(number);
            if (std::isfinite(number) && text.find_first_of(".e") == text.npos) text += ".0";
            return text;
        }
        default:
            return value.dump();
    }
}

}  // namespace

JsonReader::JsonReader(const Json& value, std::string file, std::string path)
    : value_(&value), file_(std::move(file)), path_(std::move(path)) {}

JsonReader::JsonReader(const Json& value, const Origins& origins) : value_(&value), origins_(&origins) {}

JsonReader::JsonReader(const Json& value, const JsonReader& parent, std::string path)
    : value_(&value), file_(parent.file_), origins_(parent.origins_), path_(std::move(path)) {}

bool JsonReader::is_object() const { return value_->is_object(); }
bool JsonReader::is_array() const { return value_->is_array(); }
bool JsonReader::is_string() const { return value_->is_string(); }

bool JsonReader::has(std::string_view key) const {
    if (!is_object()) reject("an object");
    known_.emplace(key);
    const auto found = value_->find(std::string(key));
    return found != value_->end() && !found->is_null();
}

JsonReader JsonReader::child(std::string_view key) const {
    return JsonReader(*value_->find(std::string(key)), *this, path_ + "/" + pointer_step(key));
}

JsonReader JsonReader::required(std::string_view key, std::string_view expected) const {
    if (has(key)) return child(key);
    const auto found = value_->find(std::string(key));
    if (found != value_->end()) child(key).reject(expected);  // null
    const std::string path = path_ + "/" + pointer_step(key);
    fail<InputError>("{}: missing, expected {}", place_of(path), expected);
}

JsonReader JsonReader::member(std::string_view key) { return required(key, "a value"); }

std::optional<JsonReader> JsonReader::optional_member(std::string_view key) {
    if (!has(key)) return std::nullopt;
    return child(key);
}

std::vector<JsonReader> JsonReader::elements() const {
    if (!is_array()) reject("an array");
    std::vector<JsonReader> readers;
    for (const Json& element : *value_)
        readers.push_back(JsonReader(element, *this, fmt::format("{}/{}", path_, readers.size())));
    return readers;
}

std::string JsonReader::as_string() const {
    if (!is_string()) reject("a string");
    return value_->get<std::string>();
}

NamedFile JsonReader::as_file(const std::filesystem::path& folder) const {
    const std::string name = as_string();
    if (name.empty()) reject("the path of a file");
    const std::filesystem::path file = (folder / name).lexically_normal();
    return {file, place() + ": " + file.string()};
}

bool JsonReader::as_bool() const {
    if (!value_->is_boolean()) reject("true or false");
    return value_->get<bool>();
}

double JsonReader::as_number(double least, double most) const {
    if (!value_->is_number()) reject(number_range(least, most));
    const double number = value_->get<double>();
    if (!(number >= least && number <= most) || !std::isfinite(number)) reject(number_range(least, most));
    return number;
}

std::uint64_t JsonReader::as_integer(std::uint64_t least, std::uint64_t most) const {
    const std::optional<std::uint64_t> integer = natural(*value_);
    if (!integer || *integer < least || *integer > most) reject(integer_range(least, most));
    return *integer;
}

std::int64_t JsonReader::as_signed(std::int64_t least, std::int64_t most) const {
    const std::string range = fmt::format("an integer from {} to {}", least, most);
    if (!value_->is_number_integer()) reject(range);
    constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (value_->is_number_unsigned() && value_->get<std::uint64_t>() > largest) reject(range);
    const auto integer = value_->get<std::int64_t>();
    if (integer < least || integer > most) reject(range);
    return integer;
}

std::string JsonReader::as_word(const std::vector<std::string>& words) const {
    if (!is_string()) reject(one_of(words));
    const std::string word = value_->get<std::string>();
    if (std::find(words.begin(), words.end(), word) != words.end()) return word;
    const std::optional<std::string> meant = nearest_name(word, words);
    reject(meant ? fmt::format("{}; did you mean {}?", one_of(words), *meant) : one_of(words));
}

std::string JsonReader::string(std::string_view key) { return required(key, "a string").as_string(); }

std::string JsonReader::string(std::string_view key, std::string_view otherwise) {
    return has(key) ? child(key).as_string() : std::string(otherwise);
}

bool JsonReader::boolean(std::string_view key, bool otherwise) { return has(key) ? child(key).as_bool() : otherwise; }

double JsonReader::number(std::string_view key, double least, double most, std::optional<double> otherwise) {
    if (otherwise && !has(key)) return *otherwise;
    return required(key, number_range(least, most)).as_number(least, most);
}

std::uint64_t JsonReader::integer(std::string_view key, std::uint64_t least, std::uint64_t most,
                                  std::optional<std::uint64_t> otherwise) {
    if (otherwise && !has(key)) return *otherwise;
    return required(key, integer_range(least, most)).as_integer(least, most);
}

std::string JsonReader::word(std::string_view key, const std::vector<std::string>& words,
                             std::optional<std::string> otherwise) {
    if (otherwise && !has(key)) return *otherwise;
    return required(key, one_of(words)).as_word(words);
}

void JsonReader::finish() const {
    if (!is_object()) reject("an object");
    const std::vector<std::string> known(known_.begin(), known_.end());
    for (const auto& item : value_->items()) {
        const std::string& key = item.key();
        if (known_.contains(key)) continue;
        const std::optional<std::string> meant = nearest_name(key, known);
        const JsonReader stranger = child(key);
        if (meant) stranger.complain(fmt::format("unknown key, did you mean {}?", *meant));
        if (known.empty()) stranger.complain("unknown key, expected none");
        stranger.complain(fmt::format("unknown key, expected one of {}", list_of_names(known)));
    }
}

void JsonReader::reject(std::string_view expected) const {
    complain(fmt::format("found {}, expected {}", description(*value_), expected));
}

void JsonReader::complain(std::string_view text) const {
    fail<InputError>("{}: {}{}", place(), text, origins_ != nullptr ? origins_->settings_within(path_) : "");
}

std::string JsonReader::place_of(const std::string& path) const {
    if (origins_ != nullptr) return origins_->place(path);
    return path.empty() ? printable(file_) : printable(file_) + ": " + printable(path);
}

}  // namespace tilemesh

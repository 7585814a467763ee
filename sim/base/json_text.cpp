// SPDX-License-Identifier: Apache-2.0
// From text to a JSON value, strictly: duplicate keys and deep nesting are rejected, and what is wrong is told with
// line and column. The reading of values is in json_reader.cpp.
#include "sim/base/error.h"
#include "sim/base/json_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <unordered_set>
#include <utility>

namespace tilemesh {
namespace {

constexpr std::size_t kDeepest = 64;  // objects and arrays inside each other; real files have about six

/// Reads characters and tells how far it has come; copies share the count.
class CountingIterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    CountingIterator(const char* position, const char** furthest) : position_(position), furthest_(furthest) {}
    reference operator*() const { return *position_; }
    CountingIterator& operator++() {
        *furthest_ = ++position_;
        return *this;
    }
    CountingIterator operator++(int) {
        CountingIterator before = *this;
        ++*this;
        return before;
    }
    bool operator==(const CountingIterator& other) const { return position_ == other.position_; }

private:
    const char* position_;
    const char** furthest_;
};

/// Builds the value from the parser's events. Pointers into open containers stay valid because only the innermost one
/// grows.
class Builder {
public:
    Json root;
    std::string complaint;                // not empty once an event was refused
    std::optional<std::size_t> position;  // of a malformed character, counted from 1

    bool null() { return put(nullptr); }
    bool boolean(bool value) { return put(value); }
    bool number_integer(Json::number_integer_t value) { return put(value); }
    bool number_unsigned(Json::number_unsigned_t value) { return put(value); }
    bool number_float(Json::number_float_t value, const std::string&) { return put(value); }
    bool string(std::string& value) { return put(std::move(value)); }
    bool binary(Json::binary_t&) { return refuse("binary value"); }

    bool start_object(std::size_t) { return open(Json::object()); }
    bool start_array(std::size_t) { return open(Json::array()); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(std::string& name) {
        if (!open_.back().keys.insert(name).second)
            return refuse("key \"" + printable(name, 40) + "\" appears twice");
        key_ = std::move(name);
        return true;
    }

    bool parse_error(std::size_t at_character, const std::string&, const nlohmann::detail::exception& error) {
        position = at_character;
        // "[json.exception.x] parse error at line 1, column 2: syntax error while ... - reason; last read: '...'"
        std::string_view text = error.what();
        const auto drop_through = [&](std::string_view mark) {
            const std::size_t at = text.find(mark);
            if (at != text.npos) text.remove_prefix(at + mark.size());
        };
        drop_through("] ");
        if (text.starts_with("parse error at")) drop_through(": ");
        text = text.substr(0, text.find("; last read"));
        return refuse(printable(text, 120));
    }

private:
    struct Container {
        Json* value;
        std::unordered_set<std::string> keys;
    };

    bool refuse(std::string text) {
        complaint = std::move(text);
        return false;
    }
    Json* place(Json value) {
        if (open_.empty()) return &(root = std::move(value));
        Json& into = *open_.back().value;
        if (into.is_array()) return &into.get_ref<Json::array_t&>().emplace_back(std::move(value));
        return &into.get_ref<Json::object_t&>().emplace_back(key_, std::move(value)).second;
    }
    bool put(Json value) { return place(std::move(value)) != nullptr; }
    bool open(Json value) {
        if (open_.size() == kDeepest) return refuse(fmt::format("nested deeper than {} levels", kDeepest));
        Json* placed = place(std::move(value));
        open_.push_back({placed, {}});
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    std::vector<Container> open_;
    std::string key_;
};

}  // namespace

Json parse_json_text(std::string_view text, const std::string& name) {
    if (text.empty()) fail<InputError>("{}: is empty, expected JSON", printable(name));
    const char* furthest = text.data();
    const char* const end = text.data() + text.size();
    Builder builder;
    if (Json::sax_parse(CountingIterator(text.data(), &furthest), CountingIterator(end, &furthest), &builder))
        return std::move(builder.root);

    const auto read = static_cast<std::size_t>(furthest - text.data());
    const std::size_t position = std::max<std::size_t>(1, builder.position.value_or(read));
    const std::string_view before = text.substr(0, position - 1);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t line_start = before.rfind('\n');
    const std::size_t column = before.size() - (line_start == before.npos ? 0 : line_start + 1) + 1;
    fail<InputError>("{}: line {}, column {}: {}", printable(name), line, column, builder.complaint);
}

Json parse_json_file(const std::filesystem::path& file) {
    const std::string name = file.string();
    std::error_code ignored;
    if (std::filesystem::is_directory(file, ignored))
        fail<InputError>("{}: is a directory, expected a JSON file", printable(name));
    errno = 0;
    std::ifstream stream(file, std::ios::binary);
    if (!stream) fail<InputError>("{}: cannot be read: {}", printable(name), std::strerror(errno));
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    if (stream.bad()) fail<InputError>("{}: cannot be read: {}", printable(name), std::strerror(errno));
    return parse_json_text(text, name);
}

}  // namespace tilemesh

// SPDX-License-Identifier: Apache-2.0
// From text to a JSON value, strictly: duplicate keys and deep nesting are rejected, and what is wrong is told with
// line and column. The reading of values is in json_reader.cpp.
#include "sim/base/error.h"
#include "sim/base/json_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
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
    if (text.starts_with("\xef\xbb\xbf"))
        fail<InputError>("{}: begins with a byte order mark, expected plain UTF-8", printable(name));
    const auto complain = [&](std::size_t position, std::string_view what) {
        const std::string_view before = text.substr(0, position - 1);
        const auto line = 1 + std::count(before.begin(), before.end(), '\n');
        const std::size_t line_start = before.rfind('\n');
        const std::size_t column = before.size() - (line_start == before.npos ? 0 : line_start + 1) + 1;
        fail<InputError>("{}: line {}, column {}: {}", printable(name, longest_place), line, column, what);
    };
    // The parser would take it for the end, and what follows for nothing.
    if (const std::size_t nul = text.find('\0'); nul != text.npos) complain(nul + 1, "a NUL byte, expected text");
    const char* furthest = text.data();
    const char* const end = text.data() + text.size();
    Builder builder;
    if (!Json::sax_parse(CountingIterator(text.data(), &furthest), CountingIterator(end, &furthest), &builder)) {
        const auto read = static_cast<std::size_t>(furthest - text.data());
        complain(std::max<std::size_t>(1, builder.position.value_or(read)), builder.complaint);
    }
    return std::move(builder.root);
}

namespace {

constexpr std::size_t most_bytes = std::size_t{1} << 28;  // of a file; results of large milestones have tens of MiB

/// Closes a descriptor, whatever happens.
struct Opened {
    int descriptor;
    explicit Opened(int opened) : descriptor(opened) {}
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;
    ~Opened() {
        if (descriptor >= 0) ::close(descriptor);
    }
};

/// The whole of a file or of a pipe that someone writes to. Devices and pipes without a writer would never end.
std::string content_of(const NamedFile& named) {
    const std::string shown = printable(named.shown, longest_place);
    // Without waiting: a pipe that nobody writes to is then at its end.
    const Opened file(::open(named.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (file.descriptor < 0) fail<InputError>("{}: cannot be read: {}", shown, std::strerror(errno));
    struct stat status {};
    ::fstat(file.descriptor, &status);
    if (S_ISDIR(status.st_mode)) fail<InputError>("{}: is a directory, expected a JSON file", shown);
    const bool device = S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode);
    if (device && ::isatty(file.descriptor) == 0) fail<InputError>("{}: is a device, expected a JSON file", shown);
    // Files are read without waiting: there are none to wait for but the endless ones of /proc.
    if (!S_ISREG(status.st_mode)) ::fcntl(file.descriptor, F_SETFL, ::fcntl(file.descriptor, F_GETFL) & ~O_NONBLOCK);
    std::string text;
    std::array<char, 1 << 16> portion{};
    while (true) {
        const ssize_t got = ::read(file.descriptor, portion.data(), portion.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail<InputError>("{}: cannot be read: {}", shown, std::strerror(errno));
        if (got == 0) return text;
        text.append(portion.data(), static_cast<std::size_t>(got));
        if (text.size() > most_bytes)
            fail<InputError>("{}: found more than {} MiB, expected a JSON file", shown, most_bytes >> 20);
    }
}

}  // namespace

Json parse_json_file(const NamedFile& file) { return parse_json_text(content_of(file), file.shown); }

}  // namespace tilemesh

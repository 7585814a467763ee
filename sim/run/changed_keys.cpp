// SPDX-License-Identifier: Apache-2.0
#include "sim/run/changed_keys.h"

#include <fmt/core.h>

namespace tilemesh::run {
namespace {

constexpr std::size_t longest_value = 40;

std::string short_text(const Json* value) {
    if (value == nullptr) return "nothing";
    if (value->is_object() && !value->empty()) return "{...}";
    if (value->is_array() && !value->empty()) return fmt::format("[{} elements]", value->size());
    return printable(value->dump(-1, ' ', false, Json::error_handler_t::replace), longest_value);
}

const Json* member(const Json& object, const std::string& key) {
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
}

std::string below(const std::string& path, const std::string& step) {
    const std::string shown = printable(step, longest_value);
    return path.empty() ? shown : path + "." + shown;
}

void add(const std::string& path, const Json* before, const Json* after, std::vector<std::string>& out) {
    // A machine without a key has its default, which may be what the other one says: that is a difference of words,
    // but only running would tell.
    if (before != nullptr && after != nullptr) {
        if (*before == *after) return;
        if (before->is_object() && after->is_object()) {
            for (const auto& item : before->items())
                add(below(path, item.key()), &item.value(), member(*after, item.key()), out);
            for (const auto& item : after->items()) {
                if (member(*before, item.key()) == nullptr) add(below(path, item.key()), nullptr, &item.value(), out);
            }
            return;
        }
        if (before->is_array() && after->is_array() && before->size() == after->size()) {
            for (std::size_t i = 0; i < before->size(); ++i)
                add(below(path, std::to_string(i)), &(*before)[i], &(*after)[i], out);
            return;
        }
    }
    out.push_back(fmt::format("{} {} -> {}", path, short_text(before), short_text(after)));
}

}  // namespace

std::vector<std::string> changed_keys(const Json& before, const Json& after) {
    std::vector<std::string> out;
    add("", &before, &after, out);
    return out;
}

}  // namespace tilemesh::run

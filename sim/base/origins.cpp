// SPDX-License-Identifier: Apache-2.0
#include "sim/base/origins.h"

#include "sim/base/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace tilemesh {

std::string pointer_step(std::string_view key) {
    std::string step;
    for (const char c : key) step += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    return step;
}

void Origins::give(const std::string& path, Origin origin) {
    const std::string within = path + "/";
    auto at = by_path_.lower_bound(within);
    while (at != by_path_.end() && at->first.starts_with(within)) at = by_path_.erase(at);
    by_path_[path] = std::move(origin);
}

void Origins::give(const std::string& path, const Origins& part) {
    give(path, part.by_path_.at(""));
    for (const auto& [within, origin] : part.by_path_) by_path_[path + within] = origin;
}

std::string Origins::place(const std::string& path) const {
    std::string known = path;
    while (!by_path_.contains(known)) known.resize(known.rfind('/'));
    const Origin& origin = by_path_.at(known);
    const std::string inner = origin.path + path.substr(known.size());
    return printable(inner.empty() ? origin.source : origin.source + ": " + inner, longest_place);
}

std::string Origins::settings_within(const std::string& path) const {
    const std::string within = path + "/";
    std::vector<std::string> settings;
    for (auto at = by_path_.lower_bound(within); at != by_path_.end() && at->first.starts_with(within); ++at) {
        const std::string shown = printable(at->second.source);
        if (at->second.setting && std::find(settings.begin(), settings.end(), shown) == settings.end())
            settings.push_back(shown);
    }
    return settings.empty() ? "" : fmt::format(" (with {})", fmt::join(settings, ", "));
}

}  // namespace tilemesh

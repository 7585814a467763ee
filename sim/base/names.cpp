// SPDX-License-Identifier: Apache-2.0
// Edit distance and escaping behind the names in messages.
#include "sim/base/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace tilemesh {
namespace {

char folded(char c) { return c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

/// Insertions, deletions, replacements and swaps of neighbours that turn a into b; case and '-' for '_' are free.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = folded(a[i - 1]) == folded(b[j - 1]);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
            const bool swapped =
                i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) && folded(a[i - 2]) == folded(b[j - 1]);
            if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        before_last.swap(last);
        last.swap(row);
    }
    return last[b.size()];
}

/// Bytes of the well-formed UTF-8 character at the start of `text`, 0 if there is none.
std::size_t character_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xc2 && lead < 0xe0 ? 2
                               : lead >= 0xe0 && lead < 0xf0 ? 3
                               : lead >= 0xf0 && lead < 0xf5 ? 4
                                                             : 0;
    if (length == 0 || length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    return length;
}

/// The first character as it can be printed; `text`, not empty, then begins with the next.
std::string take_character(std::string_view& text) {
    const std::size_t length = character_length(text);
    const auto lead = static_cast<unsigned char>(text[0]);
    std::string shown(text.substr(0, length));
    if (length == 0 || lead < 0x20 || lead == 0x7f) shown = fmt::format("\\x{:02x}", lead);
    text.remove_prefix(std::max<std::size_t>(length, 1));
    return shown;
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& known) {
    constexpr std::size_t longest = 200;  // nobody means a known name by more than this
    if (name.empty() || name.size() > longest) return std::nullopt;
    std::optional<std::string> nearest;
    std::size_t nearest_distance = 0;
    for (const std::string& candidate : known) {
        const std::size_t distance = edit_distance(name, candidate);
        const std::size_t shorter = std::min(name.size(), candidate.size());
        // One slip in three characters; a name with nothing in common is no slip.
        const std::size_t allowed = std::max<std::size_t>(1, shorter / 3);
        if (distance > allowed || distance >= shorter) continue;
        if (nearest && distance >= nearest_distance) continue;
        nearest = candidate;
        nearest_distance = distance;
    }
    return nearest;
}

std::string list_of_names(const std::vector<std::string>& names) {
    constexpr std::size_t most = 50;
    std::string list;
    for (std::size_t i = 0; i < names.size() && i < most; ++i) list += (i == 0 ? "" : ", ") + printable(names[i]);
    if (names.size() > most) list += fmt::format(" and {} more", names.size() - most);
    return list;
}

std::string printable(std::string_view text, std::size_t most) {
    std::string shown;
    for (std::size_t characters = 0; !text.empty(); ++characters) {
        if (characters == most) return shown + "...";
        shown += take_character(text);
    }
    return shown;
}

std::string printable_ends(std::string_view text, std::size_t most) {
    std::vector<std::string> shown;
    while (!text.empty()) shown.push_back(take_character(text));
    if (shown.size() <= most) return fmt::format("{}", fmt::join(shown, ""));
    const auto first = static_cast<std::ptrdiff_t>(most / 4), last = static_cast<std::ptrdiff_t>(most - most / 4);
    return fmt::format("{}...{}", fmt::join(shown.begin(), shown.begin() + first, ""),
                       fmt::join(shown.end() - last, shown.end(), ""));
}

}  // namespace tilemesh

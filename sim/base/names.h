// SPDX-License-Identifier: Apache-2.0
// Names in messages: suggesting the one that was meant, and showing text from files safely on one line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tilemesh {

/// The nearest of `known` by edit distance when it is near enough to be a slip of the pen.
std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& known);

/// "a, b, c"; long lists are cut with the number of those left out.
std::string list_of_names(const std::vector<std::string>& names);

/// The text with control characters and broken UTF-8 escaped, and cut after `most` characters.
std::string printable(std::string_view text, std::size_t most = 200);
/// The same, cut in its first half: an error begins with its places, what is wrong with them comes last.
std::string printable_ends(std::string_view text, std::size_t most = 200);

}  // namespace tilemesh

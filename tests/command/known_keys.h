// SPDX-License-Identifier: Apache-2.0
// Which keys an object of a panel may have, asked of the readers themselves: given a key that resembles none, they
// answer with all they know.
#pragma once

#include "tests/command/example_panel.h"

#include <set>

namespace tilemesh {

inline std::set<std::string> keys_known_at(Json panel, const std::string& pointer) {
    panel[Json::json_pointer(pointer + "/zqzqzqzqzqzqzqzqzqzq")] = 1;
    const std::string complaint = input_error([&] { read_example(panel); });
    const std::string before = "unknown key, expected one of ";
    const std::size_t begin = complaint.find(before);
    INFO(pointer << ": " << complaint);
    REQUIRE(begin != std::string::npos);
    std::set<std::string> keys;
    std::string key;
    for (const char c : complaint.substr(begin + before.size()) + ",") {
        if (c == ',') {
            keys.insert(key);
            key.clear();
        } else if (c != ' ') {
            key += c;
        }
    }
    return keys;
}

}  // namespace tilemesh

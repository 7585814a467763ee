// SPDX-License-Identifier: Apache-2.0
#include "sim/base/dotted_path.h"

#include <algorithm>
#include <charconv>

namespace tilemesh {

const Json* member(const Json& json, const std::string& path) {
    const Json* node = &json;
    for (std::size_t begin = 0; begin <= path.size();) {
        const std::size_t end = std::min(path.find('.', begin), path.size());
        const std::string step = path.substr(begin, end - begin);
        begin = end + 1;
        if (node->is_object() && node->contains(step)) {
            node = &node->at(step);
            continue;
        }
        std::size_t index = 0;
        const auto [rest, error] = std::from_chars(step.data(), step.data() + step.size(), index);
        const bool is_index = error == std::errc() && rest == step.data() + step.size();
        if (!node->is_array() || !is_index || index >= node->size()) return nullptr;
        node = &node->at(index);
    }
    return node;
}

}  // namespace tilemesh

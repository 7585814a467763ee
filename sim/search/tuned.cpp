// SPDX-License-Identifier: Apache-2.0
// What became of the points of a search, in words and counted.
#include "sim/search/tune.h"

#include <algorithm>

namespace tilemesh::search {

std::string name_of(Fate fate) {
    static const std::vector<std::string> words = {"open",         "ran",    "ruled out", "same as another",
                                                   "not possible", "failed", "wrong",     "not judged"};
    return words[static_cast<std::size_t>(fate)];
}

std::size_t Tuned::count(Fate fate) const {
    return static_cast<std::size_t>(
        std::count_if(points.begin(), points.end(), [&](const Candidate& point) { return point.fate == fate; }));
}

std::size_t Tuned::reused() const {
    return static_cast<std::size_t>(std::count_if(points.begin(), points.end(), [](const Candidate& point) {
        return point.fate == Fate::ran && point.was_there;
    }));
}

}  // namespace tilemesh::search

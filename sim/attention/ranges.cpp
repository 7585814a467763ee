// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/ranges.h"

#include <algorithm>

namespace tilemesh::attention {

std::int64_t total(const Ranges& ranges) {
    std::int64_t sum = 0;
    for (const Range& range : ranges) sum += range.size();
    return sum;
}

bool is_united(const Ranges& ranges) {
    for (std::size_t i = 0; i < ranges.size(); ++i)
        if (ranges[i].empty() || (i > 0 && ranges[i].begin <= ranges[i - 1].end)) return false;
    return true;
}

Ranges united(Ranges ranges) {
    if (is_united(ranges)) return ranges;
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    std::size_t kept = 0;
    for (const Range& range : ranges) {
        if (range.empty()) continue;
        if (kept > 0 && range.begin <= ranges[kept - 1].end) {
            ranges[kept - 1].end = std::max(ranges[kept - 1].end, range.end);
        } else {
            ranges[kept++] = range;
        }
    }
    ranges.shorten(kept);
    return ranges;
}

Ranges intersection(const Ranges& a, const Ranges& b) {
    Ranges result;
    for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
        const Range common{std::max(a[i].begin, b[j].begin), std::min(a[i].end, b[j].end)};
        if (!common.empty()) result.push_back(common);
        if (a[i].end < b[j].end) {
            ++i;
        } else {
            ++j;
        }
    }
    return result;
}

bool covers(const Ranges& outer, const Ranges& inner) { return total(intersection(outer, inner)) == total(inner); }

}  // namespace tilemesh::attention

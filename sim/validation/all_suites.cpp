// SPDX-License-Identifier: Apache-2.0
// The list of families.
#include "sim/validation/families.h"

#include <algorithm>

namespace tilemesh::validation {

std::vector<Family> all_families() {
    return {systolic_family(),  network_family(),    memory_family(),    dma_family(),
            silicon_family(),   efficiency_family(), chips_family(),     chip_attention_family(),
            noc_reads_family(), gemm_family(),       published_family(), scoreboard_family()};
}

Case not_compared(const std::string& suite, const std::string& why) {
    Case row;
    row.suites = {suite};
    row.left_out = why;
    return row;
}

bool has_row_with(const Json& file, const std::string& list, const std::vector<std::string>& keys) {
    if (!file.is_object() || !file.contains(list) || !file.at(list).is_array()) return false;
    const Json& rows = file.at(list);
    return std::any_of(rows.begin(), rows.end(), [&](const Json& row) {
        return row.is_object() &&
               std::all_of(keys.begin(), keys.end(), [&](const std::string& key) { return row.contains(key); });
    });
}

}  // namespace tilemesh::validation

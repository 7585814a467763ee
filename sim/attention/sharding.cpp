// SPDX-License-Identifier: Apache-2.0
// Dividing tokens and heads. See sharding.h for the contract.
#include "sim/attention/sharding.h"

#include "sim/base/error.h"

#include <algorithm>

namespace tilemesh::attention {

Range contiguous_part(std::int64_t total, std::int64_t parts, std::int64_t index) {
    if (total < 0 || parts < 1 || index < 0 || index >= parts) {
        fail<InternalError>("part {} of {} parts of {} tokens does not exist", index, parts, total);
    }
    const std::int64_t shorter = total / parts, longer_parts = total % parts;
    const std::int64_t begin = index * shorter + std::min(index, longer_parts);
    return {begin, begin + shorter + (index < longer_parts ? 1 : 0)};
}

}  // namespace tilemesh::attention

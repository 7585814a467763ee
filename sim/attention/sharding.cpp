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

std::vector<Run> tokens_of(Sharding sharding, std::int64_t total, int ranks, int rank) {
    if (total < 0 || ranks < 1 || rank < 0 || rank >= ranks) {
        fail<InternalError>("rank {} of {} ranks over {} tokens does not exist", rank, ranks, total);
    }
    if (ranks == 1 && total > 0) return {{0, total, 1}};  // everything, in one run however it is dealt
    std::vector<Run> runs;
    const auto add_part = [&](std::int64_t parts, std::int64_t part) {
        const Range range = contiguous_part(total, parts, part);
        if (!range.empty()) runs.push_back({range.begin, range.size(), 1});
    };
    switch (sharding) {
        case Sharding::contiguous:
            add_part(ranks, rank);
            return runs;
        case Sharding::zigzag:
            add_part(2 * std::int64_t{ranks}, rank);
            add_part(2 * std::int64_t{ranks}, 2 * std::int64_t{ranks} - 1 - rank);
            return runs;
        case Sharding::striped:
            if (rank < total) runs.push_back({rank, (total - 1 - rank) / ranks + 1, ranks});
            return runs;
    }
    fail<InternalError>("no sharding number {}", static_cast<int>(sharding));
}

std::vector<Run> around(const std::vector<Run>& runs, Range gap) {
    std::vector<Run> result;
    for (const Run& run : runs) {
        const std::int64_t distance = std::max<std::int64_t>(0, gap.begin - run.first);
        const std::int64_t before = std::min(run.count, (distance + run.stride - 1) / run.stride);
        if (before > 0) result.push_back(run.part(0, before));
        Run after = run.part(before, run.count);
        after.first += gap.size();
        if (!after.empty()) result.push_back(after);
    }
    return result;
}

}  // namespace tilemesh::attention

// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/tokens.h"

#include <algorithm>

namespace tilemesh::attention {

Tokens::Tokens(std::vector<Run> runs) : runs_(std::move(runs)) {
    std::erase_if(runs_, [](const Run& run) { return run.count <= 0; });
    for (const Run& run : runs_) {
        begins_.push_back(size_);
        size_ += run.count;
    }
}

std::size_t Tokens::run_of(std::int64_t local) const {
    return static_cast<std::size_t>(std::upper_bound(begins_.begin(), begins_.end(), local) - begins_.begin()) - 1;
}

std::int64_t Tokens::at(std::int64_t local) const {
    const std::size_t i = run_of(local);
    return runs_[i].at(local - begins_[i]);
}

std::optional<std::int64_t> Tokens::local_of(std::int64_t token) const {
    for (std::size_t i = 0; i < runs_.size(); ++i) {
        const Run& run = runs_[i];
        const std::int64_t distance = token - run.first;
        if (distance >= 0 && distance % run.stride == 0 && distance / run.stride < run.count)
            return begins_[i] + distance / run.stride;
    }
    return {};
}

Run Tokens::run(Range local) const {
    const std::size_t i = run_of(local.begin);
    return runs_[i].part(local.begin - begins_[i], local.end - begins_[i]);
}

Ranges Tokens::cut(Range locals, std::int64_t step) const {
    Ranges pieces;
    for (std::int64_t begin = locals.begin; begin < locals.end;) {
        const std::size_t i = run_of(begin);
        const std::int64_t next = begins_[i] + ((begin - begins_[i]) / step + 1) * step;
        const std::int64_t end = std::min({locals.end, next, begins_[i] + runs_[i].count});
        pieces.push_back({begin, end});
        begin = end;
    }
    return pieces;
}

}  // namespace tilemesh::attention

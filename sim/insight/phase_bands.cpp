// SPDX-License-Identifier: Apache-2.0
#include "sim/insight/phase_bands.h"

namespace tilemesh::insight {

const std::vector<PhaseBands::Band>& PhaseBands::enter(const Phases& phases, std::uint32_t phase, Picoseconds when) {
    ended_.clear();
    if (when > since_) {
        settle(phases);
        since_ = when;
    }
    current_ = phase;
    return ended_;
}

const std::vector<PhaseBands::Band>& PhaseBands::close(const Phases& phases, Picoseconds when) {
    enter(phases, Phases::none, when);
    for (; !open_.empty(); open_.pop_back())
        ended_.push_back({open_.size() - 1, open_.back().phase, open_.back().begin, when});
    return ended_;
}

void PhaseBands::settle(const Phases& phases) {
    std::vector<std::uint32_t> path;  // the innermost first
    for (std::uint32_t phase = current_; phase != Phases::none; phase = phases.parent(phase)) path.push_back(phase);
    std::size_t same = 0;
    while (same < open_.size() && same < path.size() && open_[same].phase == path[path.size() - 1 - same]) ++same;
    for (; open_.size() > same; open_.pop_back())
        ended_.push_back({open_.size() - 1, open_.back().phase, open_.back().begin, since_});
    while (open_.size() < path.size()) open_.push_back({path[path.size() - 1 - open_.size()], since_});
}

}  // namespace tilemesh::insight

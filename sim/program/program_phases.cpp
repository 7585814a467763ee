// SPDX-License-Identifier: Apache-2.0
#include "sim/program/program_phases.h"

#include <fmt/format.h>

#include <algorithm>

namespace tilemesh::program {

void ProgramPhases::tell() {
    if (begun_) tl_.end_phase();
    path_.clear();
    for (const Level& level : levels_) path_.push_back(level.phase);
    tl_.begin_phase(path_);
    begun_ = true;
}

void ProgramPhases::push(const Level& level) {
    levels_.push_back(level);
    tell();
}

void ProgramPhases::pop(std::size_t depth) {
    while (!levels_.empty() && levels_.back().depth >= depth) levels_.pop_back();
    tell();
}

void ProgramPhases::pop_from(std::size_t depth, std::int32_t loop) {
    const auto found = std::find_if(levels_.begin(), levels_.end(),
                                    [=](const Level& level) { return level.depth == depth && level.what == loop; });
    if (found == levels_.end()) return;
    levels_.erase(found, levels_.end());
    tell();
}

void ProgramPhases::next(std::size_t depth, std::int32_t loop, std::int32_t line, std::int64_t number) {
    pop_from(depth, loop);
    push({depth,
          loop,
          {kept(line > 0 ? fmt::format("loop at line {}, iteration", line) : "loop, iteration"), number}});
}

void ProgramPhases::named(std::size_t depth, const std::string& name, std::int64_t number) {
    if (!wanted_) return;
    if (levels_.back().depth == depth && levels_.back().what == names) levels_.pop_back();
    push({depth, names, {kept(name), number}});
}

}  // namespace tilemesh::program

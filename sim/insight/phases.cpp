// SPDX-License-Identifier: Apache-2.0
#include "sim/insight/phases.h"

#include <fmt/core.h>

namespace tilemesh::insight {

std::uint32_t Phases::enter(std::uint32_t parent, const Phase& phase) {
    const bool apart = known_.size() < most;
    const std::int64_t first = apart ? phase.first : -1, last = apart ? phase.last : -1;
    const auto [found, is_new] = numbers_.try_emplace({parent, std::string(phase.name), first, last},
                                                      static_cast<std::uint32_t>(known_.size()));
    if (is_new)
        known_.push_back({parent, std::string(phase.name), first, last, parent == none ? 0 : level(parent) + 1});
    return found->second;
}

std::string Phases::path(std::uint32_t phase) const {
    if (phase == none) return {};
    const std::string text = path(known_[phase].parent);
    return text.empty() ? name(phase) : text + " / " + name(phase);
}

std::string Phases::name(std::uint32_t phase) const {
    const Known& known = known_[phase];
    std::string text = known.name;
    if (known.first >= 0) text += fmt::format(" {}", known.first);
    if (known.last > known.first) text += fmt::format("-{}", known.last);
    return text;
}

std::string Phases::kind(std::uint32_t phase) const {
    if (phase == none) return {};
    const std::string text = kind(known_[phase].parent);
    return text.empty() ? known_[phase].name : text + " / " + known_[phase].name;
}

}  // namespace tilemesh::insight

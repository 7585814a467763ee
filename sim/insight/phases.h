// SPDX-License-Identifier: Apache-2.0
// The phases of a run by number: each name within its parent once, so that commands carry a number.
#pragma once

#include "sim/tile/tile.h"

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace tilemesh::insight {

class Phases {
public:
    static constexpr std::uint32_t none = 0;
    /// Beyond so many, those of one name are told apart no more.
    static constexpr std::size_t most = 65536;

    std::uint32_t enter(std::uint32_t parent, const Phase& phase);
    /// How many there are, with none.
    std::size_t size() const { return known_.size(); }
    /// Of a phase that is not none; smaller than the phase's number.
    std::uint32_t parent(std::uint32_t phase) const { return known_[phase].parent; }
    /// How many phases are around it.
    std::size_t level(std::uint32_t phase) const { return known_[phase].level; }
    /// "keys 512-1023".
    std::string name(std::uint32_t phase) const;
    /// "ring step 3 / keys 512-1023"; empty for none.
    std::string path(std::uint32_t phase) const;
    /// Without what tells them apart: "ring step / keys".
    std::string kind(std::uint32_t phase) const;

private:
    struct Known {
        std::uint32_t parent = none;
        std::string name;
        std::int64_t first = -1, last = -1;
        std::size_t level = 0;
    };
    std::vector<Known> known_{Known()};
    std::map<std::tuple<std::uint32_t, std::string, std::int64_t, std::int64_t>, std::uint32_t, std::less<>> numbers_;
};

/// Hears when a command processor comes into another phase.
class PhaseListener {
public:
    virtual ~PhaseListener() = default;
    virtual void entered(const Phases& phases, int pe, int processor, std::uint32_t phase, Picoseconds when) = 0;
};

}  // namespace tilemesh::insight

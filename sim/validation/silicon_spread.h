// SPDX-License-Identifier: Apache-2.0
// How far silicon is from itself: what was measured twice, from configs/validation/silicon_spread.json.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/validation/comparison.h"

#include <cstdint>
#include <map>
#include <string>

namespace tilemesh::validation {

class SiliconSpread {
public:
    /// `rings`: from how many tokens per GPU on, with median and maximum; `repeats`: a kind, `us` and `us_again`.
    /// InputError that names file and path.
    explicit SiliconSpread(JsonReader file);

    /// Of what has this kind; none when nothing of it was measured twice.
    Spread of(const std::string& kind) const;
    Spread of_rings(std::uint64_t tokens_per_gpu) const;

private:
    std::map<std::string, Spread> kinds_;
    std::map<std::uint64_t, Spread> rings_;
};

}  // namespace tilemesh::validation

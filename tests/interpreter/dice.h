// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sim/base/random.h"

#include <cstdint>

namespace tilemesh::test {

/// Random numbers of one test, one after the other.
class Dice {
public:
    explicit Dice(std::uint64_t seed) : seed_(seed) {}
    std::int64_t between(std::int64_t low, std::int64_t high) {
        return low +
               static_cast<std::int64_t>(random_below(seed_, 1, next_++, static_cast<std::uint64_t>(high - low + 1)));
    }

private:
    std::uint64_t seed_, next_ = 0;
};

}  // namespace tilemesh::test

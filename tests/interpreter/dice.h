// SPDX-License-Identifier: Apache-2.0
// Random numbers of a test, one after the other.
#pragma once

#include "sim/base/random.h"

#include <cstdint>

namespace tilemesh::test {

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

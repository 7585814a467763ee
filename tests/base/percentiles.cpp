// SPDX-License-Identifier: Apache-2.0
#include "sim/base/percentile.h"

#include <catch2/catch.hpp>

namespace tilemesh {
namespace {

TEST_CASE("the ninety-ninth percentile is the smallest value that 99 % do not exceed") {
    CHECK(nearest_rank(1, 99.0) == 0);
    CHECK(nearest_rank(2, 99.0) == 1);
    CHECK(nearest_rank(10, 99.0) == 9);
    CHECK(nearest_rank(100, 99.0) == 98);
    CHECK(nearest_rank(101, 99.0) == 99);
    CHECK(nearest_rank(1000, 99.0) == 989);
    CHECK(nearest_rank(4, 50.0) == 1);
    CHECK(nearest_rank(4, 100.0) == 3);
    CHECK(nearest_rank(4, 0.0) == 0);
}

}  // namespace
}  // namespace tilemesh

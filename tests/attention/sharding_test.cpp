// SPDX-License-Identifier: Apache-2.0
// Properties of the division into parts, for every small total and number of parts.
#include "sim/attention/sharding.h"
#include "sim/base/error.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::attention;

TEST_CASE("contiguous parts follow one another, cover everything, and the longer ones come first") {
    int wrong = 0;
    for (std::int64_t total = 0; total <= 40; ++total) {
        for (std::int64_t parts = 1; parts <= 17; ++parts) {
            std::int64_t next = 0;
            for (std::int64_t index = 0; index < parts; ++index) {
                const Range part = contiguous_part(total, parts, index);
                const std::int64_t expected = total / parts + (index < total % parts ? 1 : 0);
                wrong += part.begin != next || part.size() != expected;
                next = part.end;
            }
            wrong += next != total;
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("more parts than tokens leaves the surplus parts empty") {
    CHECK(contiguous_part(3, 5, 2) == Range{2, 3});
    CHECK(contiguous_part(3, 5, 3).empty());
    CHECK(contiguous_part(3, 5, 4).empty());
}

TEST_CASE("a part that does not exist is refused") {
    CHECK_THROWS_AS(contiguous_part(8, 4, 4), InternalError);
    CHECK_THROWS_AS(contiguous_part(8, 4, -1), InternalError);
    CHECK_THROWS_AS(contiguous_part(8, 0, 0), InternalError);
    CHECK_THROWS_AS(contiguous_part(-1, 4, 0), InternalError);
}

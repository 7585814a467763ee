// SPDX-License-Identifier: Apache-2.0
// Which PE or cube each rank stands on.
#include "sim/base/error.h"
#include "sim/run/panel.h"

#include <numeric>

namespace tilemesh::run {

std::vector<std::int64_t> units_of_ranks(const Panel& panel, std::int64_t units) {
    const RanksChoice& ranks = panel.ranks;
    const char* unit = ranks.unit == RankUnit::pe ? "PE" : "cube";
    const std::int64_t count = ranks.count.value_or(units);
    if (count > units) {
        fail<InputError>("{}: /ranks/count: found {} ranks, expected at most {}, one per {} of the machine",
                         panel.file, count, units, unit);
    }
    if (ranks.placement == RanksChoice::Placement::list) {
        for (std::size_t rank = 0; rank < ranks.list.size(); ++rank) {
            if (ranks.list[rank] >= units) {
                fail<InputError>("{}: /ranks/placement/{}: found {}, expected the number of a {}, 0 to {}",
                                 panel.file, rank, ranks.list[rank], unit, units - 1);
            }
        }
        return ranks.list;
    }
    std::vector<std::int64_t> placed(static_cast<std::size_t>(count));
    if (ranks.placement == RanksChoice::Placement::identity) {
        std::iota(placed.begin(), placed.end(), 0);
    } else {
        std::iota(placed.rbegin(), placed.rend(), 0);
    }
    return placed;
}

}  // namespace tilemesh::run

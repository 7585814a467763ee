// SPDX-License-Identifier: Apache-2.0
// Which PE or cube each rank stands on. A placement is a curve through the units and an order of the ranks along it;
// fewer ranks than units stand on the first of the curve.
#include "sim/base/error.h"
#include "sim/workloads/attention/grid_curves.h"
#include "sim/workloads/attention/panel.h"
#include "sim/workloads/attention/unit_grid.h"

namespace tilemesh::workloads {
namespace {

using Placement = RanksChoice::Placement;

/// Unit numbers in the order of the curve.
std::vector<std::int64_t> curve_of(Placement placement, const UnitGrid& grid) {
    std::vector<std::int64_t> units;
    if (placement == Placement::identity || placement == Placement::reversed) {
        for (std::int64_t unit = 0; unit < grid.units(); ++unit) units.push_back(unit);
        return units;
    }
    const bool hilbert = placement == Placement::hilbert;
    for (const Cell& cell :
         hilbert ? hilbert_curve(grid.rows(), grid.cols()) : snake_curve(grid.rows(), grid.cols())) {
        units.push_back(grid.unit_at(cell));
    }
    return units;
}

/// Positions 0, 2, 4, ..., 5, 3, 1 of ranks 0, 1, 2, ...: out on every second position and back on those left out, so
/// ring neighbours, the last and the first too, are at most two positions apart.
std::int64_t folded_position(std::int64_t rank, std::int64_t count) {
    return 2 * rank < count ? 2 * rank : 2 * (count - 1 - rank) + 1;
}

/// Ranks ..., 4, 2, 0, 1, 3, 5, ...: for zigzag shards under a causal mask, where rank r owns half-chunks r and
/// 2n-1-r. Everybody needs every rank's low half-chunk, but its high one is needed only by lower ranks (which own
/// later ones); nobody needs that of rank 0. A link carries, one way, the low half-chunks of the k ranks behind it,
/// and those of their high ones whose rank is above the lowest rank ahead.
///  - While rank 0 is ahead that is all of them, 2k half-chunks: at most n of them if rank 0 stands in the middle.
///  - With rank 0 behind, the n - k ranks ahead are every second one of the highest 2(n - k) (or of one fewer), so at
///    most n - k ranks behind are above the lowest of them: k + n - k = n half-chunks again, n C / 2.
/// No order does better: the last link before an end carries n - 1 low half-chunks outwards, and one more unless the
/// highest rank stands there, which it cannot at both ends.
std::int64_t heavy_middle_position(std::int64_t rank, std::int64_t count) {
    const std::int64_t middle = (count - 1) / 2;
    return rank % 2 == 0 ? middle - rank / 2 : middle + (rank + 1) / 2;
}

/// Where along the curve a rank stands.
std::int64_t position_of(Placement placement, std::int64_t rank, std::int64_t count) {
    switch (placement) {
        case Placement::reversed:
            return count - 1 - rank;
        case Placement::folded:
            return folded_position(rank, count);
        case Placement::heavy_middle:
            return heavy_middle_position(rank, count);
        case Placement::identity:
        case Placement::snake:
        case Placement::hilbert:
            return rank;
        case Placement::list:
            break;
    }
    fail<InternalError>("placement number {} has no positions", static_cast<int>(placement));
}

}  // namespace

std::vector<std::int64_t> units_of_ranks(const AttentionPanel& panel, const RanksChoice& ranks, std::int64_t units) {
    const char* unit = ranks.unit == RankUnit::pe ? "PE" : "cube";
    const std::int64_t count = ranks.count.value_or(units);
    if (count > units) {
        fail<InputError>("{}: found {} ranks, expected at most {}, one per {} of the machine",
                         panel.origins.place("/ranks/count"), count, units, unit);
    }
    if (ranks.placement == Placement::list) {
        for (std::size_t rank = 0; rank < ranks.list.size(); ++rank) {
            if (ranks.list[rank] >= units) {
                fail<InputError>("{}: found {}, expected the number of a {}, 0 to {}",
                                 panel.origins.place(fmt::format("/ranks/placement/{}", rank)), ranks.list[rank],
                                 unit, units - 1);
            }
        }
        return ranks.list;
    }
    const std::vector<std::int64_t> curve = curve_of(ranks.placement, UnitGrid(panel.machine.network, ranks.unit));
    std::vector<std::int64_t> placed;
    for (std::int64_t rank = 0; rank < count; ++rank) {
        placed.push_back(curve.at(static_cast<std::size_t>(position_of(ranks.placement, rank, count))));
    }
    return placed;
}

}  // namespace tilemesh::workloads

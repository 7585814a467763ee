// SPDX-License-Identifier: Apache-2.0
// Two-dimensional tiles: the rank in row i and column j of the grid attends the queries of all ranks of row i to the
// keys of all ranks of column j. Queries are gathered along rows, K and V along columns, and partial results are
// merged along rows on their way to the queries' owners. Source: the two-dimensional decomposition of dense linear
// algebra (van de Geijn and Watts 1997, SUMMA) for attention.
// Cost on an a x b grid: (a-1)C on a column link and Cq + (b-1)Co on a row link, instead of (n-1)C; hop-bytes
// n(a-1)C + n(b-1)(Cq + Co): volume falls with the root of n. Wins when n is large and heads are not grouped (Cq and
// Co of all query heads travel). On one row it is pass_q_merging. Where routers copy, each rank sends its queries to
// all of its row and its keys to all of its column at once: the same bytes on links, without a stop at every rank.
#include "kernels/queries/tiles_2d.h"

#include "kernels/schedules.h"

namespace tilemesh::kernels {
namespace {

using attention::Item;
using attention::Ranges;
using attention::Tree;

}  // namespace

std::optional<std::string> tiles_2d_refuses(const attention::Problem&, const RankGrid& grid, std::int64_t) {
    return grid.not_full();
}

Schedule tiles_2d(const NeedSets& needs, const RankGrid& grid) {
    Schedule schedule(needs.ranks(), needs.users());
    const auto ways = [&](const Tree& tree) { return grid.copies ? attention::copied(tree) : tree; };
    const int work_step = grid.rows + grid.cols;  // by then both queries and keys have come
    for (int user = 0; user < needs.users(); ++user) {
        for (int origin = 0; origin < needs.ranks(); ++origin) {
            const auto column =
                attention::arms(grid.ranks_of_col(grid.col_of(origin)), grid.row_of(origin), grid.cols_wrap);
            std::vector<Ranges> needed;
            for (const int rank : column.ranks) {
                Ranges all;
                for (const int owner : grid.ranks_of_row(grid.row_of(rank))) {
                    const Ranges& keys = needs.needed(user, owner, origin);
                    schedule.attend(work_step, rank, owner, {.user = user, .id = origin}, keys);
                    all.append(keys);
                }
                needed.push_back(std::move(all));
            }
            schedule.spread({.user = user, .id = origin}, ways(column), std::move(needed));
        }
        for (int owner = 0; owner < needs.ranks(); ++owner) {
            schedule.attend_shared(0, needs, user, owner);
            const auto row =
                attention::arms(grid.ranks_of_row(grid.row_of(owner)), grid.col_of(owner), grid.rows_wrap);
            std::vector<Ranges> wanted;
            std::vector<bool> has;
            for (const int rank : row.ranks) {
                bool any = false;
                for (const int origin : grid.ranks_of_col(grid.col_of(rank)))
                    any = any || !needs.needed(user, owner, origin).empty();
                has.push_back(any);
                wanted.push_back(any ? Ranges{{0, 1}} : Ranges{});
            }
            schedule.spread({.kind = Item::Kind::queries, .user = user, .id = owner}, ways(row), std::move(wanted));
            schedule.reduce(row, {.kind = Item::Kind::state, .user = user, .id = owner}, has, work_step + 1);
        }
    }
    return schedule;
}

}  // namespace tilemesh::kernels

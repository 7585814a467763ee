// SPDX-License-Identifier: Apache-2.0
// Nothing moves. One rank attends everything; its PEs own kv heads (with their query heads), and heads never meet in
// attention. Source: tensor parallelism over heads (Shoeybi et al. 2019).
// Cost: no transfer, no link byte; time is the work of the PE that owns most heads, ceil(heads_kv/PEs)/heads_kv of
// all. Wins whenever heads divide evenly over the PEs: it is the baseline that every ring must justify itself
// against. Loses when there are more PEs than kv heads, or when one PE's HBM slice cannot hold all tokens of its
// heads.
#include "kernels/schedules.h"
#include "sim/base/error.h"

namespace tilemesh::kernels {

Schedule head_parallel(const NeedSets& needs, const RankGrid&) {
    if (needs.ranks() != 1) fail<InternalError>("head_parallel over {} ranks, expected 1", needs.ranks());
    Schedule schedule(1, needs.users());
    for (int user = 0; user < needs.users(); ++user) schedule.attend_own(needs, user);
    return schedule;
}

}  // namespace tilemesh::kernels

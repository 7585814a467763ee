// SPDX-License-Identifier: Apache-2.0
// The backward pass where nothing moves: one rank attends everything, its PEs own kv heads with their query heads,
// and dq, dk and dv are complete where they are made. Source: FlashAttention-2 (Dao 2023), its backward pass, over
// heads as in tensor parallelism (Shoeybi et al. 2019). Cost: no transfer; five products where the forward pass has
// two. Wins, as head_parallel does, whenever heads divide evenly over the PEs; it is the baseline of the other
// backward kernels.
#include "kernels/schedules.h"
#include "sim/base/error.h"

namespace tilemesh::kernels {

Schedule attention_backward(const NeedSets& needs, const RankGrid&) {
    if (needs.ranks() != 1) fail<InternalError>("attention_backward over {} ranks, expected 1", needs.ranks());
    Schedule schedule(1, needs.users(), 1, Schedule::Pass::backward);
    for (int user = 0; user < needs.users(); ++user) schedule.attend_own(needs, user);
    return schedule;
}

}  // namespace tilemesh::kernels

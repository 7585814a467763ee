// SPDX-License-Identifier: Apache-2.0
// Every schedule there is: one small function each, in the folder of its family, from need-sets and the grid of ranks
// to a table. Which kernel name of a panel runs which schedule is the lists' affair (all.cpp); what a table means,
// sim/attention/schedule.h.
#pragma once

#include "sim/attention/rank_grid.h"
#include "sim/attention/schedule.h"

namespace tilemesh::kernels {

using attention::NeedSets;
using attention::RankGrid;
using attention::Schedule;

// wave/: K and V travel from their rank to the ends of the line
Schedule mesh_kv(const NeedSets& needs, const RankGrid& grid);          // both ways
Schedule all_gather_kv(const NeedSets& needs, const RankGrid& grid);    // first all transfers, then all work
Schedule two_orientation(const NeedSets& needs, const RankGrid& grid);  // half row-first, half column-first
// ring/: K and V go round
Schedule ring_kv(const NeedSets& needs, const RankGrid& grid);
Schedule ring_kv_bidirectional(const NeedSets& needs, const RankGrid& grid);
Schedule ring_kv_halved(const NeedSets& needs, const RankGrid& grid);    // both ways, the opposite chunk halved
Schedule hamiltonian_ring(const NeedSets& needs, const RankGrid& grid);  // the same along a cycle of the grid
// queries/: queries travel, K and V stay
Schedule pass_q(const NeedSets& needs, const RankGrid& grid);          // results come back directly
Schedule pass_q_merging(const NeedSets& needs, const RankGrid& grid);  // results are merged on the way back
Schedule tiles_2d(const NeedSets& needs, const RankGrid& grid);        // queries along rows, keys along columns
// merge/: all ranks have all queries, partial results are merged
Schedule mesh_mlo(const NeedSets& needs, const RankGrid& grid);      // prefix and suffix along the line
Schedule mlo_chain(const NeedSets& needs, const RankGrid& grid);     // in rank order, then broadcast
Schedule mlo_centre(const NeedSets& needs, const RankGrid& grid);    // to the middle, then broadcast
Schedule mlo_doubling(const NeedSets& needs, const RankGrid& grid);  // recursive doubling
Schedule mlo_reduce_scatter(const NeedSets& needs,
                            const RankGrid& grid);  // each rank ends with its share of the heads
// head_parallel/: heads never meet
Schedule head_parallel(const NeedSets& needs, const RankGrid& grid);  // nothing moves; needs one rank
Schedule head_ring(const NeedSets& needs, const RankGrid& grid);      // all-to-all on heads in groups, rings across
Schedule ulysses(const NeedSets& needs, const RankGrid& grid);        // all-to-all on heads alone
// backward/: the backward pass
Schedule attention_backward(const NeedSets& needs, const RankGrid& grid);  // nothing moves; needs one rank
Schedule ring_kv_backward(const NeedSets& needs, const RankGrid& grid);    // K, V and behind them dk, dv go round
Schedule mesh_kv_backward(const NeedSets& needs, const RankGrid& grid);    // K and V out, dk and dv back

}  // namespace tilemesh::kernels

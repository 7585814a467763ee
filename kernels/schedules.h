// SPDX-License-Identifier: Apache-2.0
// Every schedule there is: one small function each, in the folder of its family, from need-sets to a table. Which
// kernel name of a panel runs which schedule is the lists' affair (all.cpp); what a table means,
// sim/attention/schedule.h.
#pragma once

#include "sim/attention/schedule.h"

namespace tilemesh::kernels {

using attention::NeedSets;
using attention::Schedule;

Schedule mesh_kv(const NeedSets& needs);                // wave/: both ways along the line
Schedule ring_kv(const NeedSets& needs);                // ring/: closed ring, one way
Schedule ring_kv_bidirectional(const NeedSets& needs);  // ring/: closed ring, both ways
Schedule mesh_mlo(const NeedSets& needs);               // merge/: partial results move; needs replicated queries
Schedule head_parallel(const NeedSets& needs);          // head_parallel/: nothing moves; needs one rank

}  // namespace tilemesh::kernels

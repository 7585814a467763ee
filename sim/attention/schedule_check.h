// SPDX-License-Identifier: Apache-2.0
// The static proof that a schedule's table is sound, made before anything is simulated. What it cannot see is in no
// table: sizes, rates, times (timeline.h, bounds.h).
#pragma once

#include "sim/attention/schedule.h"

namespace tilemesh::attention {

/// Proves, or throws InternalError with the first fault found, that
/// - programs are in program order and name only ranks, users, chunks, keys and head parts that exist;
/// - every send has its receive and every receive its send, in the same order of items for each ordered pair of
/// ranks;
/// - a rank sends and attends only what it has by then, receives no key and no queries twice, and nothing in vain;
/// - with buffered sends every program runs to its end: no cycle of ranks that wait for each other;
/// - each rank attends only keys that the queries in question need;
/// - the result of every rank's queries (register 0) ends with exactly the keys they need, each counted once,
/// whichever
///   rank attended them; in a backward pass the gradient of every chunk likewise with exactly the queries that need
///   it.
void check_schedule(const Schedule& schedule, const NeedSets& needs);

}  // namespace tilemesh::attention

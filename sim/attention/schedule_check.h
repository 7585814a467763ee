// SPDX-License-Identifier: Apache-2.0
// The static proof that a schedule's table is sound, made before anything is simulated. What it cannot see is in no
// table: sizes, rates, times (timeline.h, bounds.h).
#pragma once

#include "sim/attention/schedule.h"

namespace tilemesh::attention {

/// Proves, or throws InternalError with the first fault found, that
/// - programs are in program order and name only ranks, users and chunks that exist;
/// - every send has its receive and every receive its send, in the same order of items for each ordered pair of
/// ranks;
/// - a rank sends only what it has by then, and receives a chunk once, and not in vain;
/// - with buffered sends every program runs to its end: no cycle of ranks that wait for each other;
/// - each rank attends only chunks it needs and has, each once, and its result (register 0) ends with exactly the
/// chunks
///   it needs, each counted once, whether it attended them itself or got them as merged states.
void check_schedule(const Schedule& schedule, const NeedSets& needs);

}  // namespace tilemesh::attention

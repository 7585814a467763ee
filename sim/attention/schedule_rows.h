// SPDX-License-Identifier: Apache-2.0
// Rules about single rows of a schedule's table and about the two ends of its transfers; part of check_schedule().
#pragma once

#include "sim/attention/table_edges.h"

namespace tilemesh::attention {

/// Rows are in program order and name only what exists.
void check_rows(const Schedule& schedule, const NeedSets& needs);
/// Sends and receives of every ordered pair of ranks are the same items in the same order.
void check_pairs(const Schedule& schedule, const TableEdges& edges);

}  // namespace tilemesh::attention

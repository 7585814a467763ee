// SPDX-License-Identifier: Apache-2.0
// What shares an engine or a link takes turns there.
#pragma once

#include <vector>

namespace tilemesh::attention {

/// A piece of work for something that does one at a time: not before `ready`, `work` long, and what must follow it
/// takes `rest` at least. All in one unit of time.
struct Turn {
    double ready = 0;
    double work = 0;
    double rest = 0;
};

/// No order of the turns ends sooner: for any set of them, the first cannot begin before the smallest `ready` of the
/// set, all its work is done one after the other, and after the last comes the smallest `rest` of the set. The
/// largest such sum over all sets is found by doing at every moment what has the largest rest, interrupted by
/// whatever becomes ready and has more (Jackson's preemptive schedule; Carlier 1982). 0 without turns.
double in_turn(std::vector<Turn> turns);

}  // namespace tilemesh::attention

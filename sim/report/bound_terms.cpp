// SPDX-License-Identifier: Apache-2.0
#include "sim/report/bound_terms.h"

namespace tilemesh::report {

Picoseconds bound_time(double ns) { return Picoseconds(static_cast<std::uint64_t>(ns * 1000.0 * (1.0 - 1e-9))); }

BoundResult largest_of(std::vector<BoundTerm> terms) {
    BoundResult bound;
    for (const BoundTerm& term : terms) {
        if (term.time <= bound.time && !bound.binding.empty()) continue;
        bound.time = term.time;
        bound.binding = term.name;
    }
    bound.terms = std::move(terms);
    return bound;
}

}  // namespace tilemesh::report

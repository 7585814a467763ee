// SPDX-License-Identifier: Apache-2.0
#include "sim/machine/passed_over.h"

#include <algorithm>
#include <cmath>

namespace tilemesh::machine {
namespace {

/// What was counted, and `share` of it more.
template <class Amount>
Amount more(Amount amount, double share) {
    return amount + Amount(static_cast<std::uint64_t>(std::llround(static_cast<double>(amount.value()) * share)));
}

double share(std::int64_t passed, std::uint64_t simulated) {
    return simulated == 0 ? 0.0 : static_cast<double>(passed) / static_cast<double>(simulated);
}

/// The same, but no more than the run lasted; what was simulated stays.
Picoseconds at_most(Picoseconds run, Picoseconds busy, double share) {
    return std::max(busy, std::min(run, more(busy, share)));
}

}  // namespace

void add_passed(std::vector<Totals>& totals, const OwnParts& parts, const Effort& passed, Picoseconds run) {
    Totals& slice = totals[parts.slice];
    std::int64_t bytes_passed = 0;
    std::uint64_t transfers = 0;
    std::uint64_t bytes_simulated = 0;
    for (std::size_t i = 0; i < Effort::engines; ++i) {
        const Effort::Part& part = passed.parts[i];
        Totals& engine = totals[parts.engines[i]];
        engine.queued = more(engine.queued, share(part.commands, engine.activities));
        bytes_passed += part.bytes;
        if (part.bytes > 0) transfers += static_cast<std::uint64_t>(part.commands);  // each one request
        bytes_simulated += engine.bytes.value();
        engine.busy = part.bytes == 0 ? engine.busy + Picoseconds(static_cast<std::uint64_t>(part.busy))
                                      : at_most(run, engine.busy, share(part.bytes, engine.bytes.value()));
        engine.bytes += Bytes(static_cast<std::uint64_t>(part.bytes));
        engine.work += static_cast<std::uint64_t>(part.work);
        engine.activities += static_cast<std::uint64_t>(part.commands);
    }
    // What it moves for a byte that is asked for, whole bursts, stays what it was.
    const double of_slice = share(bytes_passed, bytes_simulated);
    slice.busy = at_most(run, slice.busy, of_slice);
    slice.queued = more(slice.queued, of_slice);
    slice.bytes = more(slice.bytes, of_slice);
    slice.activities += transfers;
}

}  // namespace tilemesh::machine

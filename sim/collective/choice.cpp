// SPDX-License-Identifier: Apache-2.0
// Which algorithm a call takes: the machine's library's, or whatever ends first.
#include "sim/collective/execution.h"

namespace tilemesh::collective {

Algorithm chosen(const CollectiveConfig& config, Operation operation, const Chips& chips, Bytes bytes) {
    const bool ring = chips.ring && chips.n > 2;
    if (operation == Operation::all_to_all) return Algorithm::one_shot;
    if (operation == Operation::reduce_scatter)
        return ring && bytes <= config.one_shot_bytes ? Algorithm::one_shot : Algorithm::relay;
    return ring ? Algorithm::relay : Algorithm::multicast;
}

Algorithm quickest(const Ground& ground, Operation operation, const Chips& chips, std::uint64_t elements,
                   std::uint64_t bytes_per_element) {
    const Algorithm usual = chosen(ground.config, operation, chips, Bytes(elements * bytes_per_element));
    if (!ground.network.router.reduction || !can(Algorithm::in_network, operation)) return usual;
    const auto time = [&](Algorithm algorithm) {
        return execute(schedule_of(operation, algorithm, chips, elements), bytes_per_element, ground).time;
    };
    return time(Algorithm::in_network) < time(usual) ? Algorithm::in_network : usual;
}

}  // namespace tilemesh::collective

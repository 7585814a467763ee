// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/bounds.h"

#include "sim/report/bound_terms.h"

#include <algorithm>

namespace tilemesh::workloads {
using report::bound_time;
using report::largest_of;

report::BoundResult machine_bound(const machine::MachineConfig& machine, const machine::Outcome& outcome,
                                  const std::vector<Ref<program::Array>>& arrays, double fastest) {
    double products = 0, vector_ns = 0, slice_rate = 0;
    for (std::size_t i = 0; i < outcome.components.size(); ++i) {
        const machine::Component& part = outcome.components[i];
        const machine::Totals& totals = outcome.totals[i];
        if (part.kind == "matrix") products += static_cast<double>(totals.work);
        if (part.kind == "vector") vector_ns += to_nanoseconds(totals.busy);
        if (part.kind == "hbm") slice_rate += part.peak_per_ns;
    }
    double bytes = 0;
    for (const auto& array : arrays) bytes += static_cast<double>(array->bytes_touched());
    const double pes = machine.pes();
    return largest_of({{"matrix", bound_time(products / (pes * fastest))},
                       {"vector", bound_time(vector_ns / pes)},
                       {"hbm", bound_time(slice_rate > 0 ? bytes / slice_rate : 0)}});
}

report::BoundResult schedule_bound(const machine::Outcome& outcome) {
    double matrix = 0, vector = 0, hbm = 0, link = 0;
    for (std::size_t i = 0; i < outcome.components.size(); ++i) {
        const machine::Component& part = outcome.components[i];
        const machine::Totals& totals = outcome.totals[i];
        const double busy = to_nanoseconds(totals.busy);
        const double moving = part.peak_per_ns > 0 ? static_cast<double>(totals.bytes.value()) / part.peak_per_ns : 0;
        if (part.kind == "matrix") matrix = std::max(matrix, busy);
        if (part.kind == "vector") vector = std::max(vector, busy);
        if (part.kind == "hbm") hbm = std::max(hbm, moving);
        if (part.kind == "link") link = std::max(link, moving);
    }
    return largest_of({{"matrix", bound_time(matrix)},
                       {"vector", bound_time(vector)},
                       {"hbm", bound_time(hbm)},
                       {"link", bound_time(link)}});
}

}  // namespace tilemesh::workloads

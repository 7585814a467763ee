// SPDX-License-Identifier: Apache-2.0
// What no run may claim, whatever the kernel and the machine. A violation is a fault of tilemesh, never of the user.
#include "sim/base/error.h"
#include "sim/report/summary.h"

#include <algorithm>
#include <cmath>

namespace tilemesh::report {
namespace {

// Rates are doubles: a component that is busy from first to last picosecond may exceed its peak by rounding only.
constexpr double rounding = 1.0 + 1e-9;

void check_component(const KernelResult& result, const ComponentResult& part) {
    if (part.busy > result.time) {
        fail<InternalError>("{}: {} was busy {} ps in a run of {} ps", result.kernel, part.path, part.busy.value(),
                            result.time.value());
    }
    if (part.peak_per_ns <= 0.0) return;
    const double most = part.peak_per_ns * to_nanoseconds(result.time) * rounding;
    if (static_cast<double>(part.bytes.value()) > most) {
        fail<InternalError>("{}: {} moved {} bytes in {} ps, more than its {} GB/s allow", result.kernel, part.path,
                            part.bytes.value(), result.time.value(), part.peak_per_ns);
    }
    if (static_cast<double>(part.work) > most) {
        fail<InternalError>("{}: {} did {} operations in {} ps, more than its {} per ns allow", result.kernel,
                            part.path, part.work, result.time.value(), part.peak_per_ns);
    }
}

void check_bound(const KernelResult& result, const BoundResult& bound, const char* name) {
    if (result.time < bound.time) {
        fail<InternalError>("{}: the run took {} ps, less than its {} bound of {} ps ({})", result.kernel,
                            result.time.value(), name, bound.time.value(), bound.binding);
    }
}

/// In which the part can have done it.
Picoseconds least_time(const ComponentResult& part) {
    Picoseconds least = part.busy;
    if (part.peak_per_ns <= 0.0) return least;
    const auto most = static_cast<double>(std::max(part.bytes.value(), part.work));
    return std::max(least, Picoseconds(static_cast<std::uint64_t>(std::ceil(most / part.peak_per_ns * 1000.0))));
}

}  // namespace

void keep_to_physics(KernelResult& result) {
    if (!result.passed || result.passed->commands == 0) return;
    Picoseconds least = std::max(result.machine_bound.time, result.schedule_bound.time);
    for (const ComponentResult& part : result.components) least = std::max(least, least_time(part));
    if (least <= result.time) return;
    result.passed->doubt += least - result.time;
    result.time = least;
}

void check_physics(const KernelResult& result) {
    Bytes sent, received;
    for (const auto& part : result.components) {
        check_component(result, part);
        if (part.kind == "send") sent += part.bytes;
        if (part.kind == "receive") received += part.bytes;
    }
    if (sent + result.copied != received) {
        const std::string copied =
            result.copied > Bytes() ? fmt::format(" and {} copied", result.copied.value()) : std::string();
        fail<InternalError>("{}: {} bytes were sent{} but {} received", result.kernel, sent.value(), copied,
                            received.value());
    }
    check_bound(result, result.machine_bound, "machine");
    check_bound(result, result.schedule_bound, "schedule");
}

}  // namespace tilemesh::report

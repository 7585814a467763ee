// SPDX-License-Identifier: Apache-2.0
// The derived figures of a result. Every one is a plain ratio of what the components recorded.
#include "sim/report/summary.h"

#include "sim/report/cautions.h"

namespace tilemesh::report {
namespace {

double distance(Picoseconds time, const BoundResult& bound) {
    if (bound.time == Picoseconds()) return 0.0;
    return static_cast<double>(time.value()) / static_cast<double>(bound.time.value()) - 1.0;
}

LinkSummary busiest_link_of(const KernelResult& result, double nanoseconds) {
    LinkSummary busiest;
    for (const auto& part : result.components) {
        if (part.kind != "link" || part.bytes == Bytes()) continue;
        const double rate = static_cast<double>(part.bytes.value()) / nanoseconds;
        const double share = part.peak_per_ns > 0.0 ? rate / part.peak_per_ns : 0.0;
        const bool more =
            share > busiest.share_of_peak || (share == busiest.share_of_peak && part.bytes > busiest.bytes);
        if (more) busiest = {part.path, part.bytes, rate, share};
    }
    return busiest;
}

}  // namespace

BusiestPart busiest_part_of(const KernelResult& result) {
    BusiestPart busiest;
    for (const ComponentResult& part : result.components) {
        if (part.kind != "matrix" && part.kind != "vector" && part.kind != "link") continue;
        const double share = static_cast<double>(part.busy.value()) / static_cast<double>(result.time.value());
        if (share > busiest.share) busiest = {part.kind, share};
    }
    return busiest;
}

void summarise(KernelResult& result) {
    result.cycles = Clock(result.clock_ghz).cycles_in(result.time);
    result.machine_distance = distance(result.time, result.machine_bound);
    result.schedule_distance = distance(result.time, result.schedule_bound);
    if (result.time == Picoseconds()) return;
    const double nanoseconds = to_nanoseconds(result.time);
    result.tflops_per_s = static_cast<double>(result.flops) / nanoseconds * 1e-3;

    double work = 0.0, peak_work = 0.0, peak_bytes = 0.0;
    result.hbm_bytes = Bytes();
    result.hop_bytes = Bytes();
    for (const auto& part : result.components) {
        if (part.kind == "matrix" && part.work > 0) {
            work += static_cast<double>(part.work);
            peak_work += part.peak_per_ns * nanoseconds;
        }
        if (part.kind == "link") result.hop_bytes += part.bytes;
        if (part.kind == "hbm" && part.bytes > Bytes()) {
            result.hbm_bytes += part.bytes;
            peak_bytes += part.peak_per_ns * nanoseconds;
        }
    }
    const double hbm_bytes = static_cast<double>(result.hbm_bytes.value());
    result.matrix_utilisation = peak_work > 0.0 ? work / peak_work : 0.0;
    result.hbm_gbytes_per_s = hbm_bytes / nanoseconds;
    result.hbm_share_of_peak = peak_bytes > 0.0 ? hbm_bytes / peak_bytes : 0.0;
    result.busiest_link = busiest_link_of(result, nanoseconds);
    result.cautions = cautions_of(result);
}

}  // namespace tilemesh::report

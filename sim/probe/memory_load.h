// SPDX-License-Identifier: Apache-2.0
// The load of a memory probe as JSON, and the same load on the arithmetic that books whole transfers, which is what
// kernels run on: beside the command-level result it shows that arithmetic's error.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/memory/burst_run.h"

namespace tilemesh::probe {

/// Reads the keys of a load (mode, burst_bytes, request_bytes, window_bytes, write_share, total_bytes, every_ns, seed)
/// and finishes the reader.
memory::BurstLoad read_memory_load(JsonReader& reader, const memory::HbmConfig& hbm);

struct BookedResult {
    double gbytes_per_s = 0, fraction_of_peak = 0, latency_mean_ns = 0, latency_min_ns = 0;
};
/// Requests of `load` as transfers on one slice.
BookedResult run_booked(const memory::HbmConfig& hbm, const memory::BurstLoad& load);

}  // namespace tilemesh::probe

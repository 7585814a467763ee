// SPDX-License-Identifier: Apache-2.0
// What decided how long a run took, in one word, from its account.
#pragma once

#include "sim/report/result.h"

namespace tilemesh::insight {

/// Divides the time of the PE that ended last by what its busiest engine worked on and waited for, the longest first:
/// "matrix", "vector", "HBM", "link" (at work at their rates), "latency" (waiting for data whose path is not full),
/// "SRAM" (its room, or its port, of which each of `transfers` under way has the rate), "issue", "barrier". Waiting
/// for another engine of the PE, or for a message while another PE is at work, counts as that one's work, and so does
/// waiting for its own pipeline. Sums up to the run's time. Empty without an account.
std::vector<report::ClassTime> bound_times(const report::KernelResult& result, int transfers);

/// The first of these, or "imbalance" where more time than that is lost by PEs that ended early, on the average.
std::string bound_word(const report::KernelResult& result, int transfers);

}  // namespace tilemesh::insight

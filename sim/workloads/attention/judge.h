// SPDX-License-Identifier: Apache-2.0
// How the answer of a forward kernel is judged: o and lse against the f64 reference, row by row, copy by copy.
#pragma once

#include "sim/attention/kernel.h"
#include "sim/attention/reference.h"
#include "sim/run/workload.h"
#include "sim/workloads/attention/layout.h"

#include <vector>

namespace tilemesh::workloads {

/// The rows that are looked at, and the reference's, by user.
struct ExpectedRows {
    const RowSample& sample;
    const std::vector<attention::Reference>& rows;
};

/// Writes verdict, errors by part where pictures are wanted and, when wanted, outputs ("user0.o", "user0.lse").
void judge(const AttentionPanel& panel, const Arrangement& arrangement, const attention::Kernel& kernel,
           const std::vector<std::vector<attention::Launch>>& launches, const ExpectedRows& expected,
           bool want_outputs, run::EntryOutcome& entry);

}  // namespace tilemesh::workloads

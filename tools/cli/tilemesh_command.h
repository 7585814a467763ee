// SPDX-License-Identifier: Apache-2.0
// The whole `tilemesh` command, for a main that says which workloads and kernels there are. Nothing of CLI11 is seen
// from here, which takes longer to read than a kernel.
#pragma once

#include "sim/run/workload.h"

namespace tilemesh::cli {

/// Parses, runs, turns exceptions into one line and an exit code.
int tilemesh_command(int argc, char** argv, const run::Workloads& workloads);

}  // namespace tilemesh::cli

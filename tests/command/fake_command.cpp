// SPDX-License-Identifier: Apache-2.0
// The tilemesh command with the fake simulator.
#include "tests/command/fake_workload.h"
#include "tools/cli/command.h"

int main(int argc, char** argv) { return tilemesh::cli::tilemesh_command(argc, argv, tilemesh::fake_workloads()); }

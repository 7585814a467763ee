// SPDX-License-Identifier: Apache-2.0
// The one place where the simulator, the list of kernels and the command meet.
#include "kernels/all.h"
#include "sim/workloads/attention/attention_run.h"
#include "tools/cli/command.h"

int main(int argc, char** argv) {
    const tilemesh::workloads::AttentionKind attention(tilemesh::kernels::all());
    return tilemesh::cli::tilemesh_command(argc, argv, {&attention});
}

// SPDX-License-Identifier: Apache-2.0
// The one place where the simulator, the list of kernels and the command meet.
#include "kernels/all.h"
#include "sim/run/attention_run.h"
#include "tools/cli/command.h"

int main(int argc, char** argv) {
    const tilemesh::run::AttentionRunner runner(tilemesh::kernels::all());
    return tilemesh::cli::tilemesh_command(argc, argv, runner);
}

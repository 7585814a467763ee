// SPDX-License-Identifier: Apache-2.0
// tilemesh with a kernel of our own beside those it has: every command knows it.
#include "kernels/all.h"
#include "sim/workloads/attention/attention_run.h"
#include "sim/workloads/program/program_run.h"
#include "tools/cli/tilemesh_command.h"
#include "two_pass.h"

int main(int argc, char** argv) {
    tilemesh::attention::Kernels kernels = tilemesh::kernels::all();
    kernels.push_back(example::two_pass());
    const tilemesh::workloads::AttentionKind attention(std::move(kernels));
    const tilemesh::workloads::ProgramKind programs;
    return tilemesh::cli::tilemesh_command(argc, argv, {&programs, &attention});
}

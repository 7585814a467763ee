// SPDX-License-Identifier: Apache-2.0
// The one place where the simulator, the list of kernels and the command meet.
#include "kernels/all.h"
#include "sim/workloads/attention/attention_run.h"
#include "sim/workloads/collective/collective_run.h"
#include "sim/workloads/product/product_run.h"
#include "sim/workloads/program/program_run.h"
#include "tools/cli/tilemesh_command.h"

int main(int argc, char** argv) {
    const tilemesh::workloads::AttentionKind attention(tilemesh::kernels::all());
    const tilemesh::workloads::ProgramKind programs;
    const tilemesh::workloads::CollectiveKind collectives;
    const tilemesh::workloads::ProductKind products;
    return tilemesh::cli::tilemesh_command(argc, argv, {&programs, &collectives, &products, &attention});
}

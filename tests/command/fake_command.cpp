// SPDX-License-Identifier: Apache-2.0
// The tilemesh command with the fake simulator.
#include "tests/command/fake_runner.h"
#include "tools/cli/command.h"

int main(int argc, char** argv) {
    const tilemesh::FakeRunner runner;
    return tilemesh::cli::tilemesh_command(argc, argv, runner);
}

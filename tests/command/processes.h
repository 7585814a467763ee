// SPDX-License-Identifier: Apache-2.0
// Running the command as its users do, and seeing what they see.
#pragma once

#include "sim/base/safetensors.h"
#include "tests/base/scratch.h"

#include <sys/wait.h>

#include <cstdlib>
#include <string>

namespace tilemesh {

struct Ran {
    int exit_code = -1;
    std::string out, err;
};

/// Runs a command line through the shell, with its streams captured.
inline Ran run_command(const ScratchFolder& folder, const std::string& command_line) {
    const auto out = folder / "stdout.txt", err = folder / "stderr.txt";
    const std::string line = command_line + " >'" + out.string() + "' 2>'" + err.string() + "' </dev/null";
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(out), read_file(err)};
}

/// Exit code 2, one line that begins as all errors do, nothing else anywhere.
inline void check_bad_input(const Ran& ran) {
    CHECK(ran.exit_code == 2);
    CHECK(ran.out.empty());
    CHECK_THAT(ran.err, Catch::StartsWith("tilemesh: error: "));
    CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
    CHECK_THAT(ran.err, Catch::EndsWith("\n"));
}

}  // namespace tilemesh

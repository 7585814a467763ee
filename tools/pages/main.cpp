// SPDX-License-Identifier: Apache-2.0
// Writes the man page and the completions of the command to standard output: tilemesh_pages man|bash|zsh|fish.
#include "sim/run/version.h"
#include "tools/cli/command.h"
#include "tools/cli/terminal.h"
#include "tools/pages/pages.h"

#include <cstdio>

int main(int argc, char** argv) {
    using namespace tilemesh;
    const run::Workloads none;
    spdlog::logger log = cli::make_log();
    cli::Context context{none, log, false};
    const cli::Description description = cli::describe(*cli::declare_all(context));
    const std::string what = argc == 2 ? argv[1] : "";
    std::string text;
    if (what == "man") {
        text = cli::man_page(description, run::version());
    } else if (what == "bash") {
        text = cli::bash_completion(description);
    } else if (what == "zsh") {
        text = cli::zsh_completion(description);
    } else if (what == "fish") {
        text = cli::fish_completion(description);
    } else {
        std::fputs("usage: tilemesh_pages man|bash|zsh|fish\n", stderr);
        return cli::exit_bad_input;
    }
    return std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0 ? cli::exit_bad_input : cli::exit_ok;
}

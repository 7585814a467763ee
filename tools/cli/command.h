// SPDX-License-Identifier: Apache-2.0
// The `tilemesh` command. Each subcommand lives in a file of its own: an options struct, a function that declares the
// options, and a function that does the work and returns the exit code.
#pragma once

#include "tools/cli/tilemesh_command.h"

#include <CLI/CLI.hpp>

#include <spdlog/logger.h>

#include <exception>
#include <memory>
#include <string>

namespace tilemesh::cli {

/// What every subcommand works with.
struct Context {
    const run::Workloads& workloads;
    spdlog::logger& log;  // to stderr
    bool colour;          // of stdout
    int exit_code = 0;    // set by the subcommand that ran
};

inline constexpr int exit_ok = 0;
inline constexpr int exit_check_failed = 1;
inline constexpr int exit_bad_input = 2;
inline constexpr int exit_internal = 3;
inline constexpr int exit_interrupted = 130;

void add_run(CLI::App& app, Context& context);
void add_bench(CLI::App& app, Context& context);
void add_explain(CLI::App& app, Context& context);
void add_sweep(CLI::App& app, Context& context);
void add_tune(CLI::App& app, Context& context);
void add_list(CLI::App& app, Context& context);
void add_check(CLI::App& app, Context& context);
void add_compare(CLI::App& app, Context& context);
void add_probe(CLI::App& app, Context& context);
void add_validate(CLI::App& app, Context& context);

/// What an exception says, on one line whatever the files it speaks of contain, and of bounded length.
std::string one_line(const std::exception& error);

/// Every subcommand and option, declared.
std::unique_ptr<CLI::App> declare_all(Context& context);

}  // namespace tilemesh::cli

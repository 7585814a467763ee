// SPDX-License-Identifier: Apache-2.0
// Table of contents of the command, and the only catch outside worker processes.
#include "tools/cli/command.h"

#include "sim/base/error.h"
#include "sim/base/names.h"
#include "sim/run/version.h"
#include "tools/cli/terminal.h"

#include <fmt/format.h>

#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <new>

namespace tilemesh::cli {
namespace {

/// CLI11 would only say that a subcommand is missing.
void check_subcommand(int argc, char** argv, const CLI::App& app) {
    if (argc < 2 || argv[1][0] == '-') return;
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
    const std::string asked = argv[1];
    if (std::find(names.begin(), names.end(), asked) != names.end()) return;
    const auto near = nearest_name(asked, names);
    fail<InputError>("there is no command {}, expected {}{}", asked, fmt::join(names, ", "),
                     near ? fmt::format("; did you mean {}?", *near) : "");
}

/// A table that nobody got is an error; a reader who has seen enough (`| head`) is not.
int with_output_written(int exit_code, spdlog::logger& log) {
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
    pollfd reader{1, POLLOUT, 0};
    if (::poll(&reader, 1, 0) == 1 && (reader.revents & POLLERR) != 0) return exit_code;
    log.error("standard output cannot be written");
    return exit_code == exit_ok ? exit_bad_input : exit_code;
}

int parse_and_run(int argc, char** argv, Context& context) {
    const auto app = declare_all(context);
    check_subcommand(argc, argv, *app);
    try {
        app->parse(argc, argv);
    } catch (const CLI::Success& request) {  // --help, --version
        return app->exit(request);
    } catch (const CLI::ParseError& error) {
        context.log.error("{}; tilemesh --help shows what there is", one_line(error));
        return exit_bad_input;
    }
    return context.exit_code;
}

}  // namespace

std::unique_ptr<CLI::App> declare_all(Context& context) {
    auto app = std::make_unique<CLI::App>(
        "What does this attention kernel cost on this mesh of processing elements, is its answer right, and\n"
        "what stands between it and the limit?",
        "tilemesh");
    app->set_version_flag("--version", "tilemesh " + run::version());
    app->require_subcommand(1);
    app->footer(
        "Exit codes: 0 ok, 1 a check failed, 2 bad input, 3 internal error, 130 interrupted.\n"
        "configs/README.md documents panels, milestones, machines and probes.");
    add_run(*app, context);
    add_bench(*app, context);
    add_explain(*app, context);
    add_sweep(*app, context);
    add_tune(*app, context);
    add_list(*app, context);
    add_check(*app, context);
    add_compare(*app, context);
    add_probe(*app, context);
    add_validate(*app, context);
    return app;
}

std::string one_line(const std::exception& error) {
    constexpr std::size_t longest = 4000;
    std::string text = error.what();
    while (!text.empty() && text.back() == '\n') text.pop_back();
    std::replace(text.begin(), text.end(), '\n', ' ');
    return printable(text, longest);
}

int tilemesh_command(int argc, char** argv, const run::Workloads& workloads) {
    spdlog::logger log = make_log();
    Context context{workloads, log, colour_wanted(1)};
    try {
        return with_output_written(parse_and_run(argc, argv, context), log);
    } catch (const InputError& error) {
        log.error("{}", one_line(error));
        return exit_bad_input;
    } catch (const KernelError& error) {
        log.error("{}", error.what());
        return exit_check_failed;
    } catch (const std::bad_alloc&) {
        log.error("found less memory on this computer than it takes, expected more, or a smaller problem or machine");
        return exit_bad_input;
    } catch (const std::exception& error) {
        log.error("internal: {}", one_line(error));
        return exit_internal;
    }
}

}  // namespace tilemesh::cli

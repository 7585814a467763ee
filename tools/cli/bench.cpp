// SPDX-License-Identifier: Apache-2.0
// tilemesh bench MILESTONE.json: all panels of a milestone, in parallel.
#include "tools/cli/run_options.h"

#include <memory>

namespace tilemesh::cli {

void add_bench(CLI::App& app, Context& context) {
    auto flags = std::make_shared<RunFlags>();
    CLI::App* command = app.add_subcommand("bench", "Run all panels of a milestone");
    command->add_option("milestone", flags->file, "Milestone file, or the name of one that comes with tilemesh")
        ->required()
        ->type_name("MILESTONE.json");
    declare(*command, *flags);
    command->callback([flags, &context] {
        flags->file = run::config_file(flags->file, "milestones").path.string();
        run::Milestone milestone = run::load_milestone(flags->file, settings_of(*flags), context.workloads);
        context.exit_code =
            run_and_report(milestone.name, std::move(milestone.panels), milestone.rows, *flags, context);
    });
}

}  // namespace tilemesh::cli

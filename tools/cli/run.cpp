// SPDX-License-Identifier: Apache-2.0
// tilemesh run PANEL.json: every kernel of one panel, side by side.
#include "tools/cli/run_options.h"

#include <memory>

namespace tilemesh::cli {

void add_run(CLI::App& app, Context& context) {
    auto flags = std::make_shared<RunFlags>();
    CLI::App* command = app.add_subcommand("run", "Run the kernels of one panel and compare them");
    command->add_option("panel", flags->file, "Panel file, or the name of a panel that comes with tilemesh")
        ->required()
        ->type_name("PANEL.json");
    declare(*command, *flags);
    command->callback([flags, &context] {
        flags->file = run::config_file(flags->file, "panels").path.string();
        run::Panel panel = run::load_panel(flags->file, settings_of(*flags), context.workloads);
        const std::string name = panel.name;
        context.exit_code = run_and_report(name, {std::move(panel)}, run::MilestoneRows::panels, *flags, context);
    });
}

}  // namespace tilemesh::cli

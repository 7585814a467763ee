// SPDX-License-Identifier: Apache-2.0
// tilemesh run PANEL.json: every kernel of one panel, side by side.
#include "sim/search/space.h"
#include "tools/cli/run_options.h"

#include <memory>

namespace tilemesh::cli {
namespace {

/// Of a panel's file, or the panel of a sweep before its axes change it, by which points of a sweep are repeated.
run::Resolved resolved_panel(const NamedFile& file, const std::vector<run::Setting>& settings) {
    const Json content = parse_json_file(file);
    if (search::is_sweep(content)) return search::Space(content, file, settings).panel();
    run::Resolved panel = run::resolve_panel(content, file);
    run::apply_settings(panel, settings);
    return panel;
}

}  // namespace

void add_run(CLI::App& app, Context& context) {
    auto flags = std::make_shared<RunFlags>();
    CLI::App* command = app.add_subcommand("run", "Run the kernels of one panel and compare them");
    command
        ->add_option("panel", flags->file,
                     "Panel file, sweep file (its panel), or the name of a panel that comes with tilemesh")
        ->required()
        ->type_name("PANEL.json");
    declare(*command, *flags);
    command->callback([flags, &context] {
        flags->file = run::config_file(flags->file, "panels").path.string();
        run::Panel panel = run::read_panel(resolved_panel(flags->file, settings_of(*flags)), context.workloads);
        const std::string name = panel.name;
        context.exit_code = run_and_report(name, {std::move(panel)}, run::MilestoneRows::panels, *flags, context);
    });
}

}  // namespace tilemesh::cli

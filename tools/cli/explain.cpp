// SPDX-License-Identifier: Apache-2.0
// tilemesh explain PANEL.json: why its kernels take their time, and what would change it.
#include "sim/run/explain.h"
#include "sim/run/version.h"

#include "sim/base/error.h"
#include "sim/report/explanation.h"
#include "sim/report/result_json.h"
#include "tools/cli/command.h"
#include "tools/cli/output_file.h"
#include "tools/cli/run_options.h"
#include "tools/cli/terminal.h"

#include <cstdio>
#include <memory>

namespace tilemesh::cli {
namespace {

struct ExplainFlags {
    std::string file, json;
    std::vector<std::string> set, what_if, kernels;
    bool prove = false, quiet = false;
    int jobs = 0;
};

int explain(const ExplainFlags& flags, const Context& context) {
    const NamedFile file = run::config_file(flags.file, "panels");
    run::Resolved panel = run::resolve_panel_file(file);
    run::apply_settings(panel, run::parse_settings(flags.set));
    run::ExplainOptions options;
    std::vector<run::Panel> panels{run::read_panel(panel, context.workloads)};
    restrict_kernels(panels, flags.kernels);
    for (const run::Entry& entry : panels.front().kernels) options.kernels.push_back(entry.label);
    for (const std::string& change : flags.what_if) options.changes.push_back({change, "--what-if " + change});
    if (!options.changes.empty()) options.proofs = flags.prove ? options.changes.size() : 0;
    if (options.changes.empty() && flags.prove) options.proofs = run::every_resource(panel).size();
    options.workers = flags.jobs;
    const auto json = open_output(flags.json, "--json", flags.file);
    ProgressBar bar(flags.quiet);
    options.on_progress = [&](const run::Progress& progress) { bar.show(progress); };
    const run::Explained explained = run::explain(panel, context.workloads, options);
    bar.clear();
    report::RunResult result;
    result.name = explained.panel.name;
    result.tool_version = run::version();
    result.panels.push_back(explained.panel);
    if (!flags.quiet && flags.json != "-") {
        std::string text = fmt::format("{}: {}\n", explained.panel.name, explained.panel.description);
        for (const report::KernelResult& kernel : explained.panel.kernels)
            text += "\n" + report::explanation_text(kernel, context.colour);
        std::fwrite(text.data(), 1, text.size(), stdout);
    }
    if (json) json->write(report::pretty(report::to_json(result)));
    if (explained.interrupted) {
        context.log.warn("interrupted");
        return exit_interrupted;
    }
    return run::exit_code(result);
}

}  // namespace

void add_explain(CLI::App& app, Context& context) {
    auto flags = std::make_shared<ExplainFlags>();
    CLI::App* command = app.add_subcommand(
        "explain", "Say why the kernels of a panel take their time, what would change it, and prove it");
    command->add_option("panel", flags->file, "Panel file, or the name of a panel that comes with tilemesh")
        ->required()
        ->type_name("PANEL.json");
    command
        ->add_option("--what-if", flags->what_if,
                     "A change of the machine: a key or a resource and 2x, free or a value, several with commas "
                     "between; repeatable. Default: every resource, 2x and free, the best proved")
        ->type_name("KEY=2x")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command->add_flag("--prove", flags->prove, "Run the kernels on every changed machine too");
    command->add_option("--set", flags->set, "Change a value of the panel, as in run; repeatable")
        ->type_name("PATH=VALUE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command->add_option("--kernel", flags->kernels, "Only the entries of this label or kernel; repeatable")
        ->type_name("KERNEL")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command->add_option("--json", flags->json, "Write the results to FILE; - is standard output")->type_name("FILE");
    command->add_option("-j,--jobs", flags->jobs, "Worker processes; default: one per core")
        ->check(CLI::Range(1, 4096));
    command->add_flag("-q,--quiet", flags->quiet, "No text, no progress bar; errors and the exit code only");
    command->callback([flags, &context] { context.exit_code = explain(*flags, context); });
}

}  // namespace tilemesh::cli

// SPDX-License-Identifier: Apache-2.0
// tilemesh validate [SUITE...]: how far tilemesh is from reference data, per suite.
#include "sim/validation/validate.h"
#include "sim/report/result_json.h"
#include "sim/validation/result_json.h"
#include "sim/validation/table.h"
#include "tools/cli/command.h"
#include "tools/cli/configs.h"
#include "tools/cli/output_file.h"
#include "tools/cli/terminal.h"

#include <cstdio>
#include <memory>

namespace tilemesh::cli {
namespace {

struct ValidateFlags {
    std::vector<std::string> suites, data;
    std::string json;
    int jobs = 0;
    bool report = false, quick = false, quiet = false;
};

int validate_suites(const ValidateFlags& flags, const Context& context) {
    validation::ValidationOptions options;
    options.suites = flags.suites;
    for (const std::string& file : flags.data) options.files.emplace_back(file);
    options.quick = flags.quick;
    options.workers = flags.jobs;
    const auto json = open_output(flags.json, "--json", flags.data.empty() ? "" : flags.data.front());
    ProgressBar bar(flags.quiet);
    options.on_progress = [&](const run::Progress& progress) { bar.show(progress); };
    const auto result =
        validation::validate(validation::all_families(), {find_configs(), context.workloads}, options);
    bar.clear();
    if (!flags.quiet && flags.json != "-") {
        std::string text = flags.report ? validation::report_text(result, context.colour) : "";
        text += validation::validation_text(result, context.colour);
        std::fputs(text.c_str(), stdout);
    }
    if (json) json->write(report::pretty(validation::to_json(result)));
    if (result.interrupted) return exit_interrupted;
    if (result.internal) return exit_internal;
    return result.passes() ? exit_ok : exit_check_failed;
}

}  // namespace

void add_validate(CLI::App& app, Context& context) {
    auto flags = std::make_shared<ValidateFlags>();
    CLI::App* command = app.add_subcommand("validate", "Compare tilemesh with reference data");
    command->add_option("suites", flags->suites, "Suites or families of suites; default: all (tilemesh list suites)")
        ->type_name("SUITE");
    command->add_option("--data", flags->data, "Compare with this file of the same form instead; repeatable")
        ->type_name("FILE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command->add_flag("--quick", flags->quick, "Only the cases that together take seconds");
    command->add_flag("--report", flags->report, "Show every row: reference, measured, error");
    command->add_option("--json", flags->json, "Write the whole result as JSON (- for standard output)")
        ->type_name("FILE");
    command->add_option("-j,--jobs", flags->jobs, "Worker processes; default: one per core")
        ->check(CLI::Range(1, 4096));
    command->add_flag("-q,--quiet", flags->quiet, "No table, no progress bar; errors and the exit code only");
    command->callback([flags, &context] { context.exit_code = validate_suites(*flags, context); });
}

}  // namespace tilemesh::cli

// SPDX-License-Identifier: Apache-2.0
// tilemesh compare OLD.json NEW.json: what moved between two result files.
#include "sim/run/compare.h"
#include "sim/report/result_json.h"
#include "tools/cli/command.h"

#include <cstdio>
#include <memory>

namespace tilemesh::cli {
namespace {

struct CompareFlags {
    std::string before, after;
    double tolerance = 0.0;
    bool quiet = false;
};

report::RunResult load(const std::string& file) { return report::read_run_result(parse_json_file(file), file); }

int compare_files(const CompareFlags& flags, const Context& context) {
    const auto comparison = run::compare(load(flags.before), load(flags.after), flags.tolerance);
    if (!flags.quiet) {
        std::fputs(run::comparison_text(comparison, flags.tolerance, context.colour).c_str(), stdout);
    }
    return comparison.fails() ? exit_check_failed : exit_ok;
}

}  // namespace

void add_compare(CLI::App& app, Context& context) {
    auto flags = std::make_shared<CompareFlags>();
    CLI::App* command = app.add_subcommand("compare", "Show what moved between two result files");
    command->add_option("old", flags->before, "Result file of before")->required()->type_name("OLD.json");
    command->add_option("new", flags->after, "Result file of now")->required()->type_name("NEW.json");
    command->add_option("--tolerance", flags->tolerance, "Relative change of a number that is still fine, e.g. 0.01")
        ->check(CLI::Range(0.0, 1e6));
    command->add_flag("-q,--quiet", flags->quiet, "Exit code only");
    command->callback([flags, &context] { context.exit_code = compare_files(*flags, context); });
}

}  // namespace tilemesh::cli

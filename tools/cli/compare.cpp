// SPDX-License-Identifier: Apache-2.0
// tilemesh compare OLD.json NEW.json: what moved between two result files, and whether that is too far.
#include "sim/base/error.h"
#include "sim/page/embedded.h"
#include "sim/page/page.h"
#include "sim/page/page_data.h"
#include "sim/report/result_json.h"
#include "sim/run/comparison_text.h"
#include "sim/run/golden.h"
#include "tools/cli/command.h"
#include "tools/cli/output_file.h"
#include "tools/cli/report_option.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace tilemesh::cli {
namespace {

struct CompareFlags {
    std::string before, after, markdown, report;
    std::vector<std::string> thresholds;
    double tolerance = 0.0;
    bool exact = false;
    bool approve = false;
    bool quiet = false;
};

run::Snapshot load(const std::string& file) { return run::read_snapshot(parse_json_file(file), file); }

run::Thresholds thresholds_of(const CompareFlags& flags) {
    run::Thresholds thresholds;
    thresholds.all = flags.tolerance;
    thresholds.exact = flags.exact;
    for (const auto& text : flags.thresholds) thresholds.add(text);
    return thresholds;
}

/// What was approved before; nothing the first time. Any other file than a golden one is somebody's result.
run::Snapshot load_golden(const std::string& file) {
    std::error_code ignored;
    if (std::filesystem::status(file, ignored).type() == std::filesystem::file_type::not_found) return {};
    const Json json = parse_json_file(file);
    if (!run::is_golden(json))
        fail<InputError>("--approve: {} is no golden file, expected one or none", printable(file));
    return run::read_snapshot(json, file);
}

/// A page shows what golden files do not have.
report::RunResult load_result(const std::string& file) {
    const Json json = parse_json_file(file);
    if (run::is_golden(json)) fail<InputError>("--report: {} is a golden file, expected a result", printable(file));
    return report::read_run_result(json, file);
}

std::string report_page(const CompareFlags& flags, const run::Comparison& comparison) {
    const report::RunResult before = load_result(flags.before), after = load_result(flags.after);
    const page::Before was{before, comparison, flags.before, flags.after};
    return page::html(page::page_data(after, &was), page::embedded_run_page());
}

void check_approvable(const run::Snapshot& after, const std::string& file) {
    for (const auto& panel : after.panels) {
        for (const auto& entry : panel.entries) {
            if (!entry.ran && entry.state != "not possible")
                fail<InputError>("--approve: {}: entry {} of panel {} is {}, expected results", printable(file),
                                 printable(entry.label), printable(panel.name), entry.state);
        }
    }
}

int compare_files(const CompareFlags& flags, const Context& context) {
    const run::Thresholds thresholds = thresholds_of(flags);
    const auto markdown = open_output(flags.markdown, "--markdown", flags.before);
    open_output(flags.markdown, "--markdown", flags.after);
    const auto report_file = open_report(flags.report, flags.before);
    open_report(flags.report, flags.after);
    const run::Snapshot before = flags.approve ? load_golden(flags.before) : load(flags.before);
    const run::Snapshot after = load(flags.after);
    const auto comparison = run::compare(before, after, thresholds);
    const std::string page = report_file ? report_page(flags, comparison) : "";
    if (flags.approve) {
        check_approvable(after, flags.after);
        open_output(flags.before, "--approve", flags.after)->write(report::pretty(run::golden_json(after)));
    }
    if (!flags.quiet && flags.markdown != "-")
        std::fputs(run::comparison_text(comparison, context.colour).c_str(), stdout);
    if (report_file) report_file->write(page);
    if (markdown) markdown->write(run::comparison_markdown(comparison));
    return comparison.fails() && !flags.approve ? exit_check_failed : exit_ok;
}

}  // namespace

void add_compare(CLI::App& app, Context& context) {
    auto flags = std::make_shared<CompareFlags>();
    CLI::App* command =
        app.add_subcommand("compare", "Show what moved between two results; exit code 1 if it got worse");
    command->add_option("old", flags->before, "Result file of before, or a golden one")
        ->required()
        ->type_name("OLD.json");
    command->add_option("new", flags->after, "Result file of now")->required()->type_name("NEW.json");
    command
        ->add_option(
            "--threshold", flags->thresholds,
            "How much worse a metric may be, e.g. time=2%, link_bytes=0, relative_l2=any; repeatable. Metrics: "
            "tilemesh list metrics")
        ->type_name("METRIC=SHARE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command
        ->add_option("--tolerance", flags->tolerance,
                     "The threshold of all metrics without one of their own, as a share, e.g. 0.01; default: 0")
        ->check(CLI::Range(0.0, 1e6))
        ->check([](const std::string& text) {  // a range lets pass what is neither below nor above it
            return std::string(
                std::isnan(std::strtod(text.c_str(), nullptr)) ? "found " + text + ", expected a number" : "");
        });
    command->add_flag("--exact", flags->exact,
                      "Any change of any metric fails beyond its threshold, for the better too; and so do changed "
                      "configurations, new entries and what binds");
    command->add_option("--markdown", flags->markdown, "Write a table for a pull request (- for standard output)")
        ->type_name("FILE");
    CLI::Option* approve =
        command->add_flag("--approve", flags->approve,
                          "Write the figures of NEW.json to OLD.json, a golden file or none yet; exit code 0");
    command->add_option("--report", flags->report, "Write a page for a browser that shows both, and what moved")
        ->type_name("FILE.html")
        ->excludes(approve);
    command->add_flag("-q,--quiet", flags->quiet, "Exit code only");
    command->callback([flags, &context] { context.exit_code = compare_files(*flags, context); });
}

}  // namespace tilemesh::cli

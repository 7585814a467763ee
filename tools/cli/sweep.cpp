// SPDX-License-Identifier: Apache-2.0
// tilemesh sweep SWEEP.json --into DIR: runs what DIR does not have yet of a design space, and says what it has.
#include "sim/search/sweep_table.h"
#include "tools/cli/command.h"
#include "tools/cli/output_file.h"
#include "tools/cli/report_option.h"
#include "tools/cli/terminal.h"

#include "sim/base/error.h"
#include "sim/page/embedded.h"
#include "sim/page/page.h"
#include "sim/report/result_json.h"

#include <cstdio>
#include <memory>

namespace tilemesh::cli {
namespace {

struct SweepFlags {
    std::string file, into, shard, table, report;
    std::vector<std::string> set;
    bool status = false, quiet = false;
    int jobs = 0;
};

constexpr std::size_t most_lines = 10;

search::SweepOutcome swept(const search::Space& space, const search::Store& store, search::SweepOptions options,
                           const SweepFlags& flags, const Context& context) {
    ProgressBar bar(flags.quiet);
    options.on_progress = [&](const run::Progress& progress) { bar.show(progress); };
    return search::run_sweep(space, context.workloads, store, options);
}

int sweep(const SweepFlags& flags, const Context& context) {
    const NamedFile file = run::config_file(flags.file, "sweeps");
    const search::Space space(parse_json_file(file), file, run::parse_settings(flags.set));
    search::SweepOptions options;
    if (!flags.shard.empty()) options.shard = search::parse_shard(flags.shard);
    options.workers = flags.jobs;
    const auto table = open_output(flags.table, "--table", flags.file);
    if (table && table->path() != "-" && table->path().extension() != ".csv" && table->path().extension() != ".json")
        fail<InputError>("--table {}: expected a name that ends in .csv or .json", printable(flags.table));
    const auto page = open_report(flags.report, flags.file);
    check_apart({{"--table", table.get()}, {"--report", page.get()}});
    const search::Store store = flags.status ? search::Store::to_read(flags.into) : search::Store(flags.into);
    if (!store.is_there()) context.log.warn("--into {}: nothing is there", printable(flags.into));
    if (search::has_jitter(space))
        context.log.warn("{}: times are jittered: points differ by random latencies, which are not the machine's",
                         space.name());
    options.look_only = flags.status;
    const search::SweepOutcome outcome = swept(space, store, options, flags, context);
    const auto& rows = outcome.rows;
    for (const std::string& condition : outcome.idle) context.log.warn(condition);
    if (!outcome.doubts.empty()) context.log.warn(search::doubts_text(outcome.doubts));
    if (table)
        table->write(table->path().extension() == ".json" ? report::pretty(search::table_json(space, rows))
                                                          : search::table_csv(space, rows));
    if (page) page->write(page::html(search::page_json(space, rows), page::embedded_sweep_page()));
    if (!flags.quiet && flags.table != "-") {
        std::string text = search::summary_text(space, rows, most_lines, context.colour);
        if (!flags.status) text += fmt::format("{} were there, {} have been run\n", outcome.had, outcome.ran);
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fflush(stdout);
    }
    if (outcome.interrupted) {
        context.log.warn("interrupted; run it again to go on");
        return exit_interrupted;
    }
    if (outcome.stopped > 0)
        context.log.warn(
            "the processes of {} points were ended from outside, perhaps for want of memory (then use -j); run it "
            "again to go on",
            outcome.stopped);
    if (const std::string why = search::why_none_runs(rows); !why.empty()) {
        context.log.error(why);
        return exit_bad_input;
    }
    const search::Counts counts = search::count(rows);
    return counts.wrong + counts.failed + outcome.stopped > 0 ? exit_check_failed : exit_ok;
}

}  // namespace

void add_sweep(CLI::App& app, Context& context) {
    auto flags = std::make_shared<SweepFlags>();
    CLI::App* command =
        app.add_subcommand("sweep", "Run every point of a design space that a directory does not have yet");
    command->add_option("sweep", flags->file, "Sweep file: a panel, axes, conditions")
        ->required()
        ->type_name("SWEEP.json");
    command->add_option("--into", flags->into, "Directory of results; several processes may share it")
        ->required()
        ->type_name("DIR");
    command->add_flag("--status", flags->status, "Run nothing: say what is there, what is missing, what failed");
    command
        ->add_option("--table", flags->table,
                     "Write a line for each point to FILE.csv or FILE.json; - is standard output")
        ->type_name("FILE");
    command
        ->add_option("--report", flags->report,
                     "Write a page: Pareto fronts, axes against each other, every point and how to run it again")
        ->type_name("FILE.html");
    command
        ->add_option("--shard", flags->shard,
                     "Only part i of N, or auto: by SLURM_ARRAY_TASK_ID, OMPI_COMM_WORLD_RANK or PMI_RANK")
        ->type_name("i/N");
    command->add_option("--set", flags->set, "Change a value of the panel before the axes do; repeatable")
        ->type_name("PATH=VALUE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command->add_option("-j,--jobs", flags->jobs, "Worker processes; default: one per core")
        ->check(CLI::Range(1, 4096));
    command->add_flag("-q,--quiet", flags->quiet, "No text, no progress bar; errors and the exit code only");
    command->callback([flags, &context] { context.exit_code = sweep(*flags, context); });
}

}  // namespace tilemesh::cli

// SPDX-License-Identifier: Apache-2.0
// tilemesh tune PANEL: the best point of a design space, with the proof that no other is better.
#include "sim/search/tune.h"
#include "sim/search/tune_space.h"
#include "sim/search/tune_table.h"
#include "tools/cli/command.h"
#include "tools/cli/output_file.h"
#include "tools/cli/terminal.h"

#include "sim/base/error.h"
#include "sim/report/result_json.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace tilemesh::cli {
namespace {

struct TuneFlags {
    std::string file, into, json, write;
    std::vector<std::string> over, set, kernels, objectives;
    bool quiet = false;
    int jobs = 0;
    std::size_t best = 2;
};

constexpr std::size_t lines_of_best = 5, lines_of_front = 30;

/// A folder for the results of a search that keeps none.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "tilemesh-tune-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            fail<InputError>("{}: cannot be made; give --into DIR", printable(name));
        path_ = name;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// A file of panels or of sweeps, by its path or its plain name.
NamedFile tuned_file(const std::string& name) {
    NamedFile file = run::config_file(name, "panels");
    std::error_code ignored;
    return std::filesystem::exists(file.path, ignored) ? file : run::config_file(name, "sweeps");
}

std::vector<std::string> words_of(const std::vector<std::string>& lists) {
    std::vector<std::string> words;
    for (const std::string& list : lists)
        for (std::size_t begin = 0; begin <= list.size();) {
            const std::size_t end = std::min(list.find(',', begin), list.size());
            words.push_back(list.substr(begin, end - begin));
            begin = end + 1;
        }
    return words;
}

/// The winner's panel, as `tilemesh run` takes it.
std::string panel_text(const search::Space& space, const search::Candidate& winner) {
    search::Point point = winner.keyed.point;
    std::erase_if(point.settings,
                  [](const run::Setting& setting) { return setting.where == search::without_values; });
    Json panel = run::with_absolute_paths(space.panel_of(point).json);
    const std::string end = "_tuned";
    panel["name"] = panel.value("name", space.name()).substr(0, run::longest_name - end.size()) + end;
    return report::pretty(panel) + "\n";
}

/// Of random latencies the least is a matter of luck.
void refuse_jitter(const search::Space& space) {
    if (!search::has_jitter(space)) return;
    fail<InputError>(
        "{}: the panel's times are jittered, and the best of random latencies is no optimum; expected no jitter "
        "(--set jitter=null)",
        space.name());
}

int tune(const TuneFlags& flags, const Context& context) {
    const NamedFile file = tuned_file(flags.file);
    search::Wanted wanted;
    for (const std::string& over : flags.over) wanted.axes.push_back(search::parse_axis(over));
    wanted.settings = run::parse_settings(flags.set);
    wanted.kernels = flags.kernels;
    search::TuneOptions options;
    if (!flags.objectives.empty()) options.objectives = search::Objectives(words_of(flags.objectives));
    options.depth = flags.best;
    options.workers = flags.jobs;
    const search::Space space = search::tuning_space(file, wanted, context.workloads);
    refuse_jitter(space);
    const auto json = open_output(flags.json, "--json", flags.file);
    const auto write = open_output(flags.write, "--write", flags.file);
    check_apart({{"--json", json.get()}, {"--write", write.get()}});
    std::unique_ptr<TemporaryFolder> temporary;
    if (flags.into.empty()) temporary = std::make_unique<TemporaryFolder>();
    const search::Store store(temporary ? temporary->path() : std::filesystem::path(flags.into));
    ProgressBar bar(flags.quiet);
    options.on_progress = [&](const run::Progress& progress) { bar.show(progress); };
    const search::Tuned tuned = search::tune(space, context.workloads, store, options);
    bar.clear();
    for (const std::string& condition : tuned.idle) context.log.warn(condition);
    if (!tuned.doubts.empty()) context.log.warn(search::doubts_text(tuned.doubts));
    if (json) json->write(report::pretty(search::tuned_json(space, options.objectives, tuned)) + "\n");
    if (write && !tuned.winners.empty()) write->write(panel_text(space, tuned.points[tuned.winners.front()]));
    if (!flags.quiet && flags.json != "-" && flags.write != "-") {
        const std::size_t lines =
            options.objectives.size() > 1 ? lines_of_front : std::max(lines_of_best, flags.best);
        const std::string text = search::tuned_text(space, options.objectives, tuned, lines, context.colour);
        std::fwrite(text.data(), 1, text.size(), stdout);
    }
    if (tuned.interrupted) {
        context.log.warn(flags.into.empty() ? "interrupted; with --into DIR the next search goes on from there"
                                            : "interrupted; run it again to go on");
        return exit_interrupted;
    }
    if (std::any_of(tuned.points.begin(), tuned.points.end(), [](const auto& point) { return point.internal; }))
        return exit_internal;
    using search::Fate;
    const std::size_t without = tuned.count(Fate::failed) + tuned.count(Fate::wrong) + tuned.count(Fate::unjudged);
    return without > 0 ? exit_check_failed : exit_ok;
}

}  // namespace

void add_tune(CLI::App& app, Context& context) {
    auto flags = std::make_shared<TuneFlags>();
    CLI::App* command =
        app.add_subcommand("tune", "Find the best kernel, layout and tiles for a panel, and prove that it is");
    command
        ->add_option("panel", flags->file,
                     "Panel, searched over every kernel that can run its problem and how each can be laid out and "
                     "cut; or a sweep file, which is a space of its own")
        ->required()
        ->type_name("PANEL.json");
    command
        ->add_option("--over", flags->over,
                     "Vary a key: of the panel (machine.pe.vector.lanes=256,512) or of the kernel "
                     "(kernel.tile_keys=256,512; null: left out), instead of what is varied otherwise; repeatable")
        ->type_name("KEY=A,B")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command
        ->add_option("--objective", flags->objectives,
                     "What there shall be least of, default time; several with commas between: their Pareto front. "
                     "tilemesh list metrics says what there is")
        ->type_name("METRIC")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command->add_option("--best", flags->best, "Prove the N best, not only the best; default: 2")
        ->check(CLI::Range(1, 1000))
        ->type_name("N");
    command->add_option("--kernel", flags->kernels, "Only these kernels; repeatable")
        ->type_name("KERNEL")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command->add_option("--set", flags->set, "Change a value of the panel first, as in run; repeatable")
        ->type_name("PATH=VALUE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command
        ->add_option("--into", flags->into,
                     "Keep results in DIR and take those that are there, as sweep does: a search can be gone on with")
        ->type_name("DIR");
    command->add_option("--write", flags->write, "Write the panel of the best point to FILE")->type_name("FILE");
    command
        ->add_option("--json", flags->json, "Write every point and what became of it to FILE; - is standard output")
        ->type_name("FILE");
    command->add_option("-j,--jobs", flags->jobs, "Worker processes; default: one per core")
        ->check(CLI::Range(1, 4096));
    command->add_flag("-q,--quiet", flags->quiet, "No text, no progress bar; errors and the exit code only");
    command->callback([flags, &context] { context.exit_code = tune(*flags, context); });
}

}  // namespace tilemesh::cli

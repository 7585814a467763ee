// SPDX-License-Identifier: Apache-2.0
// Parse, then validate, then run: nothing is written and nothing simulated before all panels, kernels and output
// files have been checked.
#include "tools/cli/run_options.h"

#include "sim/base/error.h"
#include "sim/page/embedded.h"
#include "sim/page/page.h"
#include "sim/page/page_data.h"
#include "sim/report/explanation.h"
#include "sim/report/result_json.h"
#include "sim/report/table.h"
#include "sim/run/explain.h"
#include "sim/run/workers.h"
#include "tools/cli/output_file.h"
#include "tools/cli/report_option.h"
#include "tools/cli/terminal.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <system_error>

namespace tilemesh::cli {
namespace {

/// Whether --kernel `name` means this entry: the one with exactly that label; in a panel that has no such entry,
/// every one that runs the kernel of that name.
bool means(const std::string& name, const run::Panel& panel, const run::Entry& entry) {
    if (entry.label == name) return true;
    const auto labelled = [&](const run::Entry& other) { return other.label == name; };
    return entry.kernel == name && std::none_of(panel.kernels.begin(), panel.kernels.end(), labelled);
}

void check_steady(const std::vector<run::Panel>& panels, const RunFlags& flags) {
    const std::pair<bool, std::string_view> refused[] = {
        {!flags.trace.file.empty(), "--trace"}, {!flags.report.empty(), "--report"}, {flags.explain, "--explain"}};
    for (const run::Panel& panel : panels)
        for (const auto& [given, option] : refused)
            if (panel.steady && given)
                fail<InputError>(
                    "{}: panel {} is steady, and what is passed over cannot be shown; expected one of them", option,
                    panel.name);
}

void check_save_outputs(const std::vector<run::Panel>& panels, const RunFlags& flags) {
    if (flags.save_outputs.empty()) return;
    if (panels.size() != 1 || panels.front().kernels.size() != 1)
        fail<InputError>("--save-outputs {}: expected a single kernel on a single panel; choose one with --kernel",
                         flags.save_outputs);
    if (panels.front().values.mode != run::ValueMode::full)
        fail<InputError>("--save-outputs {}: found values {}, expected full; add --values full", flags.save_outputs,
                         run::name_of(panels.front().values.mode));
}

/// Without a table or a file nothing else would say why there is no result.
void log_errors(const report::RunResult& result, spdlog::logger& log) {
    for (const auto& panel : result.panels) {
        for (const auto& kernel : panel.kernels) {
            if (kernel.status != report::Status::failed && kernel.status != report::Status::crashed) continue;
            log.error("{}/{}: {}", panel.name, kernel.label, printable(kernel.error, 4000));
        }
    }
}

std::size_t count_entries(const std::vector<run::Panel>& panels) {
    std::size_t entries = 0;
    for (const auto& panel : panels) entries += panel.kernels.size();
    return entries;
}

report::ComponentDetail detail_of(const std::string& word) {
    if (word == "none") return report::ComponentDetail::none;
    return word == "summary" ? report::ComponentDetail::summary : report::ComponentDetail::all;
}

void print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

/// What to change first for the fastest kernel of each panel, in sentences; its path and changes go into the result.
std::string explain_fastest(const std::vector<run::Panel>& panels, report::RunResult& result,
                            const run::RunOptions& run_options, const Context& context) {
    std::string text;
    for (std::size_t i = 0; i < panels.size(); ++i) {
        const report::KernelResult* const fastest = report::fastest(result.panels[i]);
        if (fastest == nullptr) continue;
        run::ExplainOptions options;
        options.kernels = {fastest->label};
        options.workers = run_options.workers;
        options.on_progress = run_options.on_progress;
        const run::Explained explained =
            run::explain({panels[i].resolved, panels[i].origins}, context.workloads, options);
        if (explained.panel.kernels.empty()) continue;
        const report::KernelResult& why = explained.panel.kernels.front();
        text += (panels.size() > 1 ? panels[i].name + ": " : std::string()) + report::why_text(why);
        for (report::KernelResult& kernel : result.panels[i].kernels) {
            if (kernel.label != why.label) continue;
            kernel.critical_path = why.critical_path;
            kernel.what_if = why.what_if;
        }
    }
    return text;
}

}  // namespace

void restrict_kernels(std::vector<run::Panel>& panels, const std::vector<std::string>& wanted) {
    if (wanted.empty()) return;
    std::vector<std::string> present;
    for (const auto& panel : panels) {
        for (const auto& entry : panel.kernels) {
            for (const auto& name : {entry.label, entry.kernel}) {
                if (std::find(present.begin(), present.end(), name) == present.end()) present.push_back(name);
            }
        }
    }
    for (const auto& name : wanted) {
        if (std::find(present.begin(), present.end(), name) != present.end()) continue;
        const auto near = nearest_name(name, present);
        fail<InputError>("--kernel {}: expected a kernel of the panel, one of {}{}", printable(name),
                         list_of_names(present), near ? fmt::format("; did you mean {}?", *near) : "");
    }
    for (auto& panel : panels) {
        std::vector<run::Entry> kept;
        for (const auto& entry : panel.kernels) {
            const auto named = [&](const std::string& name) { return means(name, panel, entry); };
            if (std::any_of(wanted.begin(), wanted.end(), named)) kept.push_back(entry);
        }
        panel.kernels = std::move(kept);
    }
    std::erase_if(panels, [](const run::Panel& panel) { return panel.kernels.empty(); });
}

void declare(CLI::App& command, RunFlags& flags) {
    command.add_option("--json", flags.json, "Write the whole result as JSON (- for standard output)")
        ->type_name("FILE");
    command
        .add_option("--components", flags.components,
                    "Of every engine, link and HBM slice a record in --json (the default), of each kind one, or none")
        ->type_name("all|summary|none")
        ->check(CLI::IsMember({"all", "summary", "none"}))
        ->needs("--json");
    command.add_option("--report", flags.report, "Write a page for a browser that shows where the time went")
        ->type_name("FILE.html");
    command.add_option("--set", flags.set, "Override a key, e.g. --set problem.users.0.keys=32768; repeatable")
        ->type_name("KEY=VALUE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command.add_option("--values", flags.values, "Shorthand for --set values.mode=MODE")
        ->type_name("full|sampled|none");
    command
        .add_option("--jitter", flags.jitter,
                    "Shorthand for --set jitter=SEED: random extra latency everywhere, which may change nothing but "
                    "times")
        ->check([](const std::string& text) {
            // What is read into a number wraps around below 0 and stops at its end; the error is to show what was
            // given.
            std::uint64_t seed = 0;
            const auto read = std::from_chars(text.data(), text.data() + text.size(), seed);
            const bool fits = read.ec != std::errc::result_out_of_range && !text.starts_with("-");
            return fits ? std::string() : "found " + text + ", expected a whole number from 0 on, below 2^53";
        })
        ->type_name("SEED");
    command
        .add_option("--kernel", flags.kernels,
                    "Only the entry with this label, or the entries of this kernel; repeatable")
        ->type_name("KERNEL")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command
        .add_option("--save-outputs", flags.save_outputs,
                    "Write o and lse (backward: dq, dk, dv) of one kernel as safetensors")
        ->type_name("FILE");
    declare(command, flags.trace);
    command.add_option("-j,--jobs", flags.jobs, "Worker processes; default: one per core")
        ->check(CLI::Range(1, 4096));
    command.add_flag("--energy", flags.energy,
                     "Shorthand for --set energy=true: account for energy and power, by the machine's table");
    command.add_flag("--steady", flags.steady,
                     "Shorthand for --set steady=true --values none: pass over work that repeats, and say what that "
                     "costs in precision");
    command.add_flag("--explain", flags.explain,
                     "Name the first thing to change for each panel's fastest kernel, proved by running it so");
    command.add_flag("--strict", flags.strict,
                     "Refuse panels of which a kernel cannot run the problem, instead of running the others");
    command.add_flag("-q,--quiet", flags.quiet, "No table, no progress bar; errors and the exit code only");
}

std::vector<run::Setting> settings_of(const RunFlags& flags) {
    std::vector<run::Setting> settings = run::parse_settings(flags.set);
    if (flags.jitter) settings.push_back({"jitter", Json(*flags.jitter), fmt::format("--jitter {}", *flags.jitter)});
    if (flags.energy) settings.push_back({"energy", Json(true), "--energy"});
    if (flags.steady) settings.push_back({"steady", Json(true), "--steady"});
    if (flags.steady && flags.values.empty()) settings.push_back({"values.mode", "none", "--steady"});
    if (!flags.values.empty()) settings.push_back({"values.mode", flags.values, "--values " + flags.values});
    return settings;
}

int run_and_report(const std::string& name, std::vector<run::Panel> panels, run::MilestoneRows rows,
                   const RunFlags& flags, const Context& context) {
    restrict_kernels(panels, flags.kernels);
    for (auto& panel : panels) {
        if (flags.strict) {
            run::check_panel(panel);
        } else {
            run::mark_impossible(panel);
        }
    }
    check_save_outputs(panels, flags);
    check_steady(panels, flags);
    const auto json = open_output(flags.json, "--json", flags.file);
    const auto report_file = open_report(flags.report, flags.file);
    const auto outputs = open_output(flags.save_outputs, "--save-outputs", flags.file);
    const TraceChoice choice = trace_choice(flags.trace, panels);
    const auto trace = open_output(flags.trace.file, "--trace", flags.file);
    check_apart({{"--json", json.get()},
                 {"--report", report_file.get()},
                 {"--save-outputs", outputs.get()},
                 {"--trace", trace.get()}});

    const bool tables = !flags.quiet && flags.json != "-";
    const bool by_entry = rows == run::MilestoneRows::entries;
    ProgressBar bar(flags.quiet);
    run::RunOptions options;
    options.workers = flags.jobs;
    const report::ComponentDetail detail = detail_of(flags.components);
    options.files = {.save_outputs = flags.save_outputs, .trace = choice};
    options.files.components = report_file || (json && detail != report::ComponentDetail::none);
    if (report_file) options.files.pictures = page::room_for_pictures(panels.size(), count_entries(panels));
    options.on_progress = [&](const run::Progress& progress) { bar.show(progress); };
    options.on_panel = [&](const report::PanelResult& panel) {
        bar.clear();
        if (tables && !by_entry) print(report::panel_text(panel, context.colour) + "\n");
    };
    run::RunOutcome outcome = run::run_panels(name, panels, options);
    if (flags.explain && !outcome.interrupted) {
        const std::string text = explain_fastest(panels, outcome.result, options, context);
        bar.clear();
        if (tables) print(text);
    }
    bar.clear();
    if (flags.quiet && !json) log_errors(outcome.result, context.log);
    if (!tables && choice.wanted() && !outcome.result.panels.empty())
        for (const auto& kernel : outcome.result.panels.front().kernels)
            if (!kernel.note.empty()) context.log.warn("{}: {}", kernel.label, kernel.note);
    if (tables && by_entry) print(report::entries_text(outcome.result, context.colour) + "\n");
    if (tables && panels.size() > 1) print(report::run_text(outcome.result, context.colour));
    if (json) json->write(report::pretty(report::to_json(outcome.result, detail)));
    if (report_file) report_file->write(page::html(page::page_data(outcome.result), page::embedded_run_page()));
    if (outcome.interrupted) {
        context.log.warn("interrupted; {}", json ? "finished entries are in " + flags.json
                                                 : "finished entries are shown above, --json would keep them");
        return exit_interrupted;
    }
    return run::exit_code(outcome.result);
}

}  // namespace tilemesh::cli

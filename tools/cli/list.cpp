// SPDX-License-Identifier: Apache-2.0
// tilemesh list kernels|machines|panels|milestones|probes|suites|metrics|commands: what there is to choose from.
#include "sim/base/error.h"
#include "sim/pe/cost_text.h"
#include "sim/program/commands_of.h"
#include "sim/report/text_table.h"
#include "sim/run/figures.h"
#include "sim/run/milestone.h"
#include "sim/tile/command_table.h"
#include "sim/validation/suite.h"
#include "tools/cli/command.h"
#include "tools/cli/configs.h"
#include "tools/cli/probe_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

namespace tilemesh::cli {
namespace {

namespace fs = std::filesystem;

/// One line about a configuration file; a broken one is listed with what is wrong.
std::string summary_of(const std::string& what, const fs::path& file, const Context& context) {
    try {
        if (what == "panels") return run::load_panel(file, {}, context.workloads).describe();
        if (what == "milestones") {
            const auto milestone = run::load_milestone(file, {}, context.workloads);
            return fmt::format("{} panels. {}", milestone.panels.size(), milestone.description);
        }
        if (what == "probes") {
            const probe::Probe probe = load_probe(file, {});
            return fmt::format("{} on {}. {}", probe.kind, probe.machine, probe.description);
        }
        const run::Resolved machine = run::resolve_machine_file(file);
        machine::check_machine(JsonReader(machine.json, machine.origins));
        const auto description = machine.json.find("description");
        return description != machine.json.end() && description->is_string() ? description->get<std::string>() : "";
    } catch (const InputError& error) {
        return fmt::format("cannot be used: {}", error.what());
    }
}

/// What probes read, and is none.
bool is_list_of_a_probe(const fs::path& file) {
    try {
        const Json json = parse_json_file(file.string());
        return json.is_object() && !json.contains("probe") &&
               (json.contains("transfers") || json.contains("programs"));
    } catch (const InputError&) {
        return false;  // listed with what is wrong
    }
}

/// The configuration files of a kind, in order.
std::vector<fs::path> files_of(const std::string& what) {
    std::vector<fs::path> files;
    const fs::path folder = find_configs() / what;
    std::error_code ignored;
    for (const auto& item : fs::recursive_directory_iterator(folder, ignored)) {
        if (item.path().extension() != ".json") continue;
        if (what != "probes" || !is_list_of_a_probe(item.path())) files.push_back(item.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

/// One to a line, for scripts and for the completion of command lines.
int list_names(const std::string& what, const Context& context) {
    std::string names;
    if (what == "kernels") {
        for (const run::WorkloadKind* kind : context.workloads)
            for (const auto& kernel : kind->kernels()) names += std::string(kernel.name) + "\n";
    } else if (what == "suites") {
        for (const auto& family : validation::all_families())
            for (const auto& suite : family.suites) names += std::string(suite.name) + "\n";
    } else if (what == "commands") {
        for (const CommandEntry& command : command_table()) names += std::string(command.name) + "\n";
    } else if (what == "metrics") {
        for (const auto& name : run::metric_names()) names += name + "\n";
    } else {
        const fs::path folder = find_configs() / what;
        for (const fs::path& file : files_of(what))
            names += file.lexically_relative(folder).replace_extension().string() + "\n";
    }
    std::fputs(names.c_str(), stdout);
    return exit_ok;
}

/// What compare does with a metric.
std::string judgement_of(const run::Metric& metric) {
    if (!metric.judged) return "shown; judged with --threshold or --exact";
    const std::string worse = metric.better == run::Better::more ? "less is worse" : "more is worse";
    return metric.follows[0] == '\0' ? worse : fmt::format("{}; has the threshold of {}", worse, metric.follows);
}

void list_metrics(const Context& context) {
    using Align = report::TextTable::Align;
    report::TextTable table({{"", "metrics", Align::left}, {"", "", Align::left}, {"", "", Align::left}});
    for (const run::Metric& metric : run::metrics())
        table.add_row({{metric.name}, {judgement_of(metric)}, {metric.meaning}});
    std::fputs(table.text(context.colour).c_str(), stdout);
}

/// The tile language, from the tables that check and execute it.
void list_commands(const Context& context) {
    using Align = report::TextTable::Align;
    std::vector<report::TextTable::Column> columns;
    for (const char* heading : {"commands", "operands", "result", "what", "in programs", "engine", "cycles"})
        columns.push_back({"", heading, Align::left});
    report::TextTable table(columns);
    for (const CommandEntry& command : command_table()) {
        table.add_row({{std::string(command.name)},
                       {std::string(command.operands)},
                       {std::string(command.result)},
                       {std::string(command.meaning)},
                       {fmt::format("{}", fmt::join(program::operations_of(command.op), ", "))},
                       {std::string(name_of(engine_of(command.op)))},
                       {pe::cost_text(command.op)}});
    }
    std::fputs(table.text(context.colour).c_str(), stdout);
    for (const std::string& note : pe::cost_notes()) std::fputs((note + "\n").c_str(), stdout);
}

int list(const std::string& what, const Context& context) {
    using Align = report::TextTable::Align;
    if (what == "metrics" || what == "commands") {
        what == "metrics" ? list_metrics(context) : list_commands(context);
        return exit_ok;
    }
    report::TextTable table({{"", what, Align::left}, {"", "", Align::left}});
    if (what == "kernels") {
        for (const run::WorkloadKind* kind : context.workloads)
            for (const auto& kernel : kind->kernels()) table.add_row({{kernel.name}, {kernel.summary}});
    } else if (what == "suites") {
        for (const auto& family : validation::all_families()) {
            for (const auto& suite : family.suites) table.add_row({{suite.name}, {suite.question}});
        }
    } else {
        for (const auto& file : files_of(what)) table.add_row({{file.string()}, {summary_of(what, file, context)}});
    }
    std::fputs(table.text(context.colour).c_str(), stdout);
    return exit_ok;
}

}  // namespace

void add_list(CLI::App& app, Context& context) {
    auto what = std::make_shared<std::string>();
    CLI::App* command =
        app.add_subcommand("list", "List kernels, machines, panels and what else there is to choose from");
    command->add_option("what", *what, "What to list")
        ->required()
        ->type_name("kernels|machines|panels|milestones|probes|suites|metrics|commands")
        ->check(CLI::IsMember(
            {"kernels", "machines", "panels", "milestones", "probes", "suites", "metrics", "commands"}));
    auto names = std::make_shared<bool>(false);
    command->add_flag("--names", *names,
                      "Names alone, one to a line; configurations by the names that stand for them");
    command->callback(
        [what, names, &context] { context.exit_code = *names ? list_names(*what, context) : list(*what, context); });
}

}  // namespace tilemesh::cli

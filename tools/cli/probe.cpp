// SPDX-License-Identifier: Apache-2.0
// tilemesh probe PROBE.json: load one part of a machine and measure it.
#include "sim/report/result_json.h"
#include "sim/run/version.h"
#include "tools/cli/command.h"
#include "tools/cli/output_file.h"
#include "tools/cli/probe_file.h"
#include "tools/cli/terminal.h"

#include <cstdio>
#include <memory>

namespace tilemesh::cli {
namespace {

constexpr int schema_version = 1;

struct ProbeFlags {
    std::string file, json;
    std::vector<std::string> set;
    bool quiet = false;
};

Json to_json(const probe::Probe& probe, const probe::ProbeReport& report) {
    return {{"schema_version", schema_version},
            {"tool", {{"name", "tilemesh"}, {"version", run::version()}}},
            {"kind", "probe"},
            {"name", probe.name},
            {"configuration", probe.resolved},
            {"conclusion", report.conclusion},
            {"result", report.result}};
}

int run_probe(const ProbeFlags& flags, const Context& context) {
    const probe::Probe probe =
        load_probe(run::config_file(flags.file, "probes").path, run::parse_settings(flags.set));
    const auto json = open_output(flags.json, "--json", flags.file);
    ProgressBar bar(flags.quiet);
    const probe::ProbeReport report = probe.run([&](std::uint64_t done, std::uint64_t all) {
        bar.show({done, all, probe.name});
    });
    bar.clear();
    if (!flags.quiet && flags.json != "-") {
        std::string text = fmt::format("{}: {} on {}\n", probe.name, probe.kind, probe.machine);
        for (const auto& section : report.sections) {
            if (!section.title.empty()) text += "\n" + section.title + "\n";
            text += section.table.text(context.colour);
        }
        text += report.conclusion + "\n";
        std::fputs(text.c_str(), stdout);
    }
    if (json) json->write(report::pretty(to_json(probe, report)));
    return exit_ok;
}

}  // namespace

void add_probe(CLI::App& app, Context& context) {
    auto flags = std::make_shared<ProbeFlags>();
    CLI::App* command = app.add_subcommand("probe", "Load one part of a machine and measure it");
    command->add_option("probe", flags->file, "Probe file, or the name of one that comes with tilemesh")
        ->required()
        ->type_name("PROBE.json");
    command->add_option("--json", flags->json, "Write the whole result as JSON (- for standard output)")
        ->type_name("FILE");
    command->add_option("--set", flags->set, "Override a key, e.g. --set probe.bytes=65536; repeatable")
        ->type_name("KEY=VALUE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command->add_flag("-q,--quiet", flags->quiet, "No table, no progress bar; errors and the exit code only");
    command->callback([flags, &context] { context.exit_code = run_probe(*flags, context); });
}

}  // namespace tilemesh::cli

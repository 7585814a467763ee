// SPDX-License-Identifier: Apache-2.0
// tilemesh check FILE...: are these panels, milestones, machines, probes and result files usable? Every file is
// looked at, each bad one gets its line.
#include "sim/base/error.h"
#include "sim/report/result_json.h"
#include "sim/run/milestone.h"
#include "tools/cli/command.h"
#include "tools/cli/probe_file.h"

#include <cstdio>
#include <memory>

namespace tilemesh::cli {
namespace {

struct CheckFlags {
    std::vector<std::string> files;
    bool quiet = false;
};

std::string check_panels(const std::vector<run::Panel>& panels, const Context& context) {
    std::size_t entries = 0;
    for (const auto& panel : panels) {
        run::check_panel(panel, context.runner);
        entries += panel.kernels.size();
    }
    return fmt::format("{} kernels", entries);
}

/// What the file is and that it is fine; throws when it is not.
std::string check_file(const std::string& file, const Context& context) {
    const Json json = parse_json_file(file);
    if (json.is_object() && json.contains("schema_version")) {
        return fmt::format("result file, {} panels", report::read_run_result(json, file).panels.size());
    }
    if (json.is_object() && json.contains("panels")) {
        const auto milestone = run::load_milestone(file, {});
        return fmt::format("milestone, {} panels, {}", milestone.panels.size(),
                           check_panels(milestone.panels, context));
    }
    if (json.is_object() && json.contains("probe")) return "probe of kind " + load_probe(file, {}).kind;
    // What a file that builds on another is shows only in the whole of it.
    const Json machine = run::resolve_machine_file(file);
    if (machine.contains("problem") || machine.contains("kernels")) {
        return "panel, " + check_panels({run::load_panel(file, {})}, context);
    }
    machine::read_machine(JsonReader(machine, file));
    return "machine";
}

int check_files(const CheckFlags& flags, const Context& context) {
    int code = exit_ok;
    for (const auto& file : flags.files) {
        try {
            const std::string kind = check_file(file, context);
            if (!flags.quiet) std::fputs(fmt::format("{}: ok ({})\n", file, kind).c_str(), stdout);
        } catch (const InputError& error) {
            context.log.error("{}", error.what());
            code = exit_bad_input;
        }
    }
    return code;
}

}  // namespace

void add_check(CLI::App& app, Context& context) {
    auto flags = std::make_shared<CheckFlags>();
    CLI::App* command = app.add_subcommand("check", "Check panels, milestones, machines, probes and result files");
    command->add_option("files", flags->files, "Files to check")->required()->type_name("FILE");
    command->add_flag("-q,--quiet", flags->quiet, "Errors only");
    command->callback([flags, &context] { context.exit_code = check_files(*flags, context); });
}

}  // namespace tilemesh::cli

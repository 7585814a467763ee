// SPDX-License-Identifier: Apache-2.0
// tilemesh check FILE...: are these files what run, bench, sweep, probe, validate and compare take? What a file is,
// its keys say. Every file is looked at, each bad one gets its line. With --kernels the kernels of panels run,
// without time.
#include "sim/base/error.h"
#include "sim/energy/table.h"
#include "sim/report/result_json.h"
#include "sim/run/golden.h"
#include "sim/run/milestone.h"
#include "sim/search/sweep.h"
#include "sim/search/sweep_table.h"
#include "sim/validation/silicon_spread.h"
#include "sim/validation/validate.h"
#include "tools/cli/check_kernels.h"
#include "tools/cli/command.h"
#include "tools/cli/configs.h"
#include "tools/cli/output_file.h"
#include "tools/cli/probe_file.h"
#include "tools/cli/run_options.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <optional>

namespace tilemesh::cli {
namespace {

struct CheckFlags {
    std::vector<std::string> files;
    KernelCheckFlags kernels;
    bool quiet = false;
};

std::string check_panels(std::vector<run::Panel> read, std::vector<run::Panel>& panels) {
    std::size_t entries = 0;
    for (const auto& panel : read) {
        run::check_panel(panel);
        run::check_inputs(panel);
        entries += panel.kernels.size();
    }
    std::move(read.begin(), read.end(), std::back_inserter(panels));
    return fmt::format("{} kernels", entries);
}

/// A point that cannot run is a result of a sweep; one of which none can is a mistake.
std::string check_sweep(const Json& json, const std::string& file, const std::vector<run::Setting>& settings,
                        const Context& context) {
    const search::Space space(json, file, settings);
    std::vector<search::Row> rows;
    for (search::Keyed& point : search::keyed_points(space, context.workloads)) rows.push_back({std::move(point)});
    if (const std::string why = search::why_none_runs(rows); !why.empty()) fail<InputError>("{}", why);
    const search::Counts counts = search::count(rows);
    if (counts.not_possible == 0) return fmt::format("sweep, {} points", counts.points);
    return fmt::format("sweep, {} points, {} of them not possible", counts.points, counts.not_possible);
}

/// What the file is if it is a result that another command than run wrote: `kind` says so, of probes and validations,
/// and the name of a search stands under the word of its command. Else nothing.
std::optional<std::string> result_of_command(const Json& json, const std::string& file) {
    if (!json.is_object()) return {};
    JsonReader reader(json, file);
    const auto count = [&](const char* key) { return reader.member(key).elements().size(); };
    const Json kind = json.contains("schema_version") ? json.value("kind", Json()) : Json();
    if (kind == "probe") {
        reader.member("result");
        return fmt::format("result of probe {}", printable(reader.member("name").as_string()));
    }
    if (kind == "validation") return fmt::format("result of validate, {} suites", count("suites"));
    if (json.contains("tune") && json.contains("winners"))
        return fmt::format("result of tune, {} points, {} of them winners", count("points"), count("winners"));
    if (json.contains("sweep") && json.contains("points"))
        return fmt::format("table of a sweep, {} points", count("points"));
    if (json.contains("kernels") && json.size() == 1 && json.at("kernels").is_array() &&
        std::any_of(json.at("kernels").begin(), json.at("kernels").end(),
                    [](const Json& kernel) { return kernel.is_object() && kernel.contains("findings"); }))
        return fmt::format("findings of check, {} kernels", count("kernels"));
    return {};
}

bool has_group(const Json& json, const std::vector<energy::Group>& groups) {
    return json.is_object() && std::any_of(groups.begin(), groups.end(),
                                           [&](const energy::Group& group) { return json.contains(group.unit); });
}

/// What the file is and that it is fine; throws when it is not. The file is read once: it may be a pipe. Adds its
/// panels.
std::string check_file(const std::string& file, const std::vector<run::Setting>& settings, const Context& context,
                       std::vector<run::Panel>& panels) {
    Json json = parse_json_file(file);
    if (const auto what = result_of_command(json, file)) return *what;
    if (json.is_object() && json.contains("schema_version"))
        return fmt::format("result file, {} panels", report::read_run_result(json, file).panels.size());
    if (run::is_golden(json))
        return fmt::format("golden results, {} panels", run::read_snapshot(json, file).panels.size());
    const auto cases =
        validation::check_reference_data(validation::all_families(), {find_configs(), context.workloads}, json, file);
    if (cases) return fmt::format("reference data, {} cases", *cases);
    if (json.is_object() && json.contains("repeats")) {
        validation::SiliconSpread{JsonReader(json, file)};
        return "spread of silicon";
    }
    if (search::is_sweep(json)) return check_sweep(json, file, settings, context);
    if (json.is_object() && json.contains("panels")) {
        auto milestone = run::read_milestone(json, file, settings, context.workloads);
        const std::size_t count = milestone.panels.size();
        return fmt::format("milestone, {} panels, {}", count, check_panels(std::move(milestone.panels), panels));
    }
    if (json.is_object() && json.contains("transfers"))
        return fmt::format("list of {} transfers", probe::check_transfer_list(json, file));
    for (const auto& [kind, groups] :
         {std::pair{"energy", &energy::energy_groups()}, {"area", &energy::area_groups()}}) {
        if (!has_group(json, *groups)) continue;
        const run::Resolved table = run::resolve_table(json, file, kind);
        const std::size_t numbers = energy::read_table(JsonReader(table.json, table.origins), *groups).prices.size();
        return fmt::format("table for the key {} of a machine, {} numbers", kind, numbers);
    }
    if (json.is_object() && json.contains("programs") && !json.contains("kernels"))
        return fmt::format("{} programs of processors", probe::check_programs(json, file));
    // What a file that builds on another is shows only in the whole of it.
    const run::Resolved whole = run::resolve_machine(json, file);
    if (whole.json.contains("probe"))
        return "probe of kind " + read_probe(run::resolve_panel(std::move(json), file)).kind;
    if (whole.json.contains("problem") || whole.json.contains("kernels")) {
        run::Resolved resolved = run::resolve_panel(std::move(json), file);
        run::apply_settings(resolved, settings);
        return "panel, " + check_panels({run::read_panel(resolved, context.workloads)}, panels);
    }
    machine::check_machine(JsonReader(whole.json, whole.origins));
    return "machine";
}

int check_files(const CheckFlags& flags, const Context& context) {
    const std::vector<run::Setting> settings = settings_of(flags.kernels);
    const auto json = open_output(flags.kernels.json, "--json", flags.files.front());
    const bool texts = !flags.quiet && flags.kernels.json != "-";
    std::vector<run::Panel> panels;
    int code = exit_ok;
    for (const auto& file : flags.files) {
        try {
            const std::string path = flags.kernels.wanted ? run::config_file(file, "panels").path.string() : file;
            const std::string kind = check_file(path, settings, context, panels);
            if (texts) std::fputs(fmt::format("{}: ok ({})\n", file, kind).c_str(), stdout);
        } catch (const InputError& error) {
            context.log.error("{}", one_line(error));
            code = exit_bad_input;
        }
    }
    if (!flags.kernels.wanted) return code;
    restrict_kernels(panels, flags.kernels.kernels);
    Json results = Json::array();
    for (const run::Panel& panel : panels)
        if (!check_kernels(panel, flags.kernels, flags.quiet, results) && code == exit_ok) code = exit_check_failed;
    if (json) json->write(report::pretty({{"kernels", std::move(results)}}));
    return code;
}

}  // namespace

void add_check(CLI::App& app, Context& context) {
    auto flags = std::make_shared<CheckFlags>();
    CLI::App* command = app.add_subcommand(
        "check", "Check panels, milestones, sweeps, machines, probes, transfer lists, reference data and results");
    command->add_option("files", flags->files, "Files to check")->required()->type_name("FILE");
    declare(*command, flags->kernels);
    command->add_flag("-q,--quiet", flags->quiet, "Errors only");
    command->callback([flags, &context] { context.exit_code = check_files(*flags, context); });
}

}  // namespace tilemesh::cli

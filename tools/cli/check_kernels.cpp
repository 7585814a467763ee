// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/check_kernels.h"

#include "sim/base/error.h"
#include "sim/check/untimed_machine.h"

#include <chrono>
#include <cstdio>

namespace tilemesh::cli {
namespace {

check::Report report_of(const run::Panel& panel, const run::Entry& entry, const run::PreparedPanel& prepared) {
    std::shared_ptr<const void> laid_out;  // outlives the machine
    check::UntimedMachine machine(panel.machine);
    laid_out = entry.workload->launch(entry.number, prepared.of(entry), machine);
    return machine.run();
}

std::string text_of(const std::string& name, const check::Report& report) {
    std::string text;
    for (const check::Finding& finding : report.findings)
        text += fmt::format("{}: {}{}: {}{}\n", name, finding.mistake ? "" : "note: ", finding.kind, finding.text,
                            finding.times > 1 ? fmt::format(" (and {} more like it)", finding.times - 1) : "");
    if (!report.sound()) return text;
    const std::string buffer = report.messages == 0
                                   ? "no messages"
                                   : fmt::format("{} messages, receive buffer {} of {} bytes", report.messages,
                                                 report.least_buffer->value(), report.buffer.value());
    return text + fmt::format("{}: sound ({} commands, {}, SRAM {} of {} bytes)\n", name, report.commands, buffer,
                              report.sram_held.value(), report.sram.value());
}

Json json_of(const run::Panel& panel, const run::Entry& entry, const check::Report& report) {
    Json findings = Json::array();
    for (const check::Finding& finding : report.findings)
        findings.push_back(
            {{"kind", finding.kind}, {"mistake", finding.mistake}, {"text", finding.text}, {"times", finding.times}});
    return {{"panel", panel.name},
            {"kernel", entry.kernel},
            {"label", entry.label},
            {"sound", report.sound()},
            {"commands", report.commands},
            {"messages", report.messages},
            {"receive_buffer_bytes", report.buffer.value()},
            {"least_receive_buffer_bytes", report.least_buffer ? Json(report.least_buffer->value()) : Json()},
            {"sram_bytes", report.sram.value()},
            {"sram_held_bytes", report.sram_held.value()},
            {"fullest_pe", report.fullest},
            {"findings", std::move(findings)}};
}

}  // namespace

void declare(CLI::App& command, KernelCheckFlags& flags) {
    CLI::Option* const wanted =
        command.add_flag("--kernels", flags.wanted,
                         "Run the kernels of panels without time: messages, deadlocks, races, SRAM, addresses");
    command.add_option("--json", flags.json, "With --kernels: write what was found as JSON (- for standard output)")
        ->type_name("FILE")
        ->needs(wanted);
    command.add_option("--set", flags.set, "With --kernels: override a key of the panels, as for run; repeatable")
        ->type_name("KEY=VALUE")
        ->needs(wanted)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command
        .add_option("--kernel", flags.kernels,
                    "With --kernels: only the entry with this label, or the entries of this kernel; repeatable")
        ->type_name("KERNEL")
        ->needs(wanted)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

std::vector<run::Setting> settings_of(const KernelCheckFlags& flags) {
    std::vector<run::Setting> settings = run::parse_settings(flags.set);
    if (flags.wanted) settings.push_back({"values.mode", "none", "--kernels"});
    return settings;
}

bool check_kernels(const run::Panel& panel, const KernelCheckFlags& flags, bool quiet, Json& results) {
    const run::PreparedPanel prepared(panel, 1);
    bool sound = true;
    for (const run::Entry& entry : panel.kernels) {
        const check::Report report = report_of(panel, entry, prepared);
        const std::string text = text_of(fmt::format("{}/{}", panel.name, entry.label), report);
        if (flags.json != "-" && (!quiet || !report.sound())) std::fputs(text.c_str(), stdout);
        std::fflush(stdout);
        results.push_back(json_of(panel, entry, report));
        sound = sound && report.sound();
    }
    return sound;
}

}  // namespace tilemesh::cli

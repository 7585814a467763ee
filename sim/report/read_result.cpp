// SPDX-License-Identifier: Apache-2.0
// Reading results back, as strictly as configurations: compare must not mistake one file for another.
#include "sim/base/error.h"
#include "sim/report/energy_json.h"
#include "sim/report/path_json.h"
#include "sim/report/result_json.h"
#include "sim/report/words.h"

#include <algorithm>

namespace tilemesh::report {
namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
constexpr double largest = std::numeric_limits<double>::max();

std::uint64_t count(JsonReader& reader, std::string_view key) { return reader.integer(key, 0, most); }
double real(JsonReader& reader, std::string_view key) { return reader.number(key, -largest, largest); }
double not_negative(JsonReader& reader, std::string_view key) { return reader.number(key, 0.0, largest); }

/// A number, or "nan" or "inf". Files of version 0.1.0 have null for both.
double read_error(JsonReader& reader, std::string_view key) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
    const auto member = reader.optional_member(key);
    if (!member) return nan;
    if (!member->is_string()) return member->as_number(0.0, largest);
    return member->as_word({"nan", "inf"}) == "nan" ? nan : inf;
}

ComponentResult read_component(JsonReader reader) {
    ComponentResult part;
    part.path = reader.string("path");
    part.kind = reader.string("kind");
    part.busy = Picoseconds(count(reader, "busy_ps"));
    part.queued = Picoseconds(count(reader, "queued_ps"));
    part.bytes = Bytes(count(reader, "bytes"));
    part.work = count(reader, "work");
    part.activities = count(reader, "activities");
    part.peak_per_ns = not_negative(reader, "peak_per_ns");
    if (auto account = reader.optional_member("account_ps"))
        for (const auto& [name, time] : account->value().items())
            part.account.push_back({name, Picoseconds(count(*account, name.c_str()))});
    reader.optional_member("distribution");  // of a kind; nothing is compared with it
    reader.finish();
    return part;
}

Caution read_caution(JsonReader reader) {
    Caution caution;
    caution.regime = reader.string("regime");
    caution.evidence = reader.string("evidence");
    caution.doubt = reader.string("doubt");
    reader.finish();
    return caution;
}

BoundResult read_bound(JsonReader reader) {
    BoundResult bound;
    bound.time = Picoseconds(count(reader, "time_ps"));
    bound.binding = reader.string("binding");
    for (JsonReader term : reader.member("terms").elements()) {
        BoundTerm read;
        read.name = term.string("name");
        read.time = Picoseconds(count(term, "time_ps"));
        term.finish();
        bound.terms.push_back(std::move(read));
    }
    reader.finish();
    return bound;
}

VerdictResult read_verdict(JsonReader reader) {
    VerdictResult verdict;
    verdict.mode = reader.word("mode", {"full", "sampled", "none"});
    verdict.pass = reader.word("outcome", {"pass", "fail", "values not computed"}) == "pass";
    verdict.relative_l2 = read_error(reader, "relative_l2");
    verdict.max_error = read_error(reader, "max_error");
    verdict.lse_error = read_error(reader, "lse_error");
    verdict.rows_checked = count(reader, "rows_checked");
    verdict.tolerance = read_error(reader, "tolerance");
    if (auto units = reader.optional_member("units")) {  // files of version 0.1.0 have none
        verdict.units = read_error(*units, "error");
        verdict.units_allowed = not_negative(*units, "allowed");
        verdict.units_of = units->string("of");
        units->finish();
    }
    verdict.why = reader.string("why");
    reader.finish();
    return verdict;
}

LinkSummary read_link(JsonReader reader) {
    LinkSummary link;
    link.path = reader.string("path");
    link.bytes = Bytes(count(reader, "bytes"));
    link.gbytes_per_s = not_negative(reader, "gbytes_per_s");
    link.share_of_peak = not_negative(reader, "share_of_peak");
    reader.finish();
    return link;
}

void read_host(JsonReader& reader, HostResult& host) {
    host.wall_seconds = not_negative(reader, "wall_seconds");
    host.commands_per_second = not_negative(reader, "commands_per_second");
    host.peak_memory_bytes = count(reader, "peak_memory_bytes");
    reader.finish();
}

KernelResult read_simulated_part(JsonReader reader) {
    KernelResult kernel;
    kernel.label = reader.string("label");
    kernel.kernel = reader.string("kernel");
    const auto words = status_words();
    const auto status = std::find(words.begin(), words.end(), reader.word("status", words));
    kernel.status = static_cast<Status>(status - words.begin());
    kernel.internal = reader.member("internal").as_bool();
    kernel.error = reader.string("error");
    kernel.note = reader.string("note");
    JsonReader options = reader.member("options");
    if (!options.is_object()) options.reject("an object");
    for (const auto& item : options.value().items()) {
        kernel.options.emplace_back(item.key(), options.integer(item.key(), 0, most));
    }
    kernel.cycles = not_negative(reader, "cycles");
    kernel.time = Picoseconds(count(reader, "time_ps"));
    kernel.clock_ghz = not_negative(reader, "clock_ghz");
    kernel.verdict = read_verdict(reader.member("verdict"));
    kernel.machine_bound = read_bound(reader.member("machine_bound"));
    kernel.machine_distance = real(reader, "machine_distance");
    kernel.schedule_bound = read_bound(reader.member("schedule_bound"));
    kernel.schedule_distance = real(reader, "schedule_distance");
    kernel.flops = count(reader, "flops");
    kernel.tflops_per_s = not_negative(reader, "tflops_per_s");
    kernel.matrix_utilisation = not_negative(reader, "matrix_utilisation");
    kernel.hbm_bytes = Bytes(count(reader, "hbm_bytes"));
    kernel.hbm_gbytes_per_s = not_negative(reader, "hbm_gbytes_per_s");
    kernel.hbm_share_of_peak = not_negative(reader, "hbm_share_of_peak");
    kernel.busiest_link = read_link(reader.member("busiest_link"));
    kernel.hop_bytes = Bytes(count(reader, "hop_bytes"));
    kernel.work_imbalance = not_negative(reader, "work_imbalance");
    kernel.bound = reader.string("bound", "");
    kernel.commands = count(reader, "commands");
    kernel.copied = Bytes(reader.integer("copied_bytes", 0, most, 0));        // where routers copied
    kernel.sram_peak = Bytes(reader.integer("sram_peak_bytes", 0, most, 0));  // files of version 0.1.0 have none
    if (const auto cautions = reader.optional_member("cautions"))             // files of version 0.1.0 have none
        for (const JsonReader& caution : cautions->elements()) kernel.cautions.push_back(read_caution(caution));
    if (auto path = reader.optional_member("critical_path")) kernel.critical_path = read_critical_path(*path);
    if (auto changes = reader.optional_member("what_if")) kernel.what_if = read_what_if(*changes);
    if (auto energy = reader.optional_member("energy")) kernel.energy = read_energy(*energy);
    if (auto passed = reader.optional_member("steady")) {
        kernel.passed = PassedResult{count(*passed, "passed_commands"), Picoseconds(count(*passed, "doubt_ps"))};
        passed->finish();
    }
    if (auto paging = reader.optional_member("paging")) {
        kernel.paging = PagingResult{Picoseconds(count(*paging, "contiguous_time_ps")),
                                     Bytes(count(*paging, "contiguous_hbm_bytes"))};
        paging->finish();
    }
    for (JsonReader part : reader.member("components").elements()) kernel.components.push_back(read_component(part));
    reader.finish();
    return kernel;
}

PanelResult read_panel_result(JsonReader reader) {
    PanelResult panel;
    panel.name = reader.string("name");
    panel.description = reader.string("description");
    panel.seed = count(reader, "seed");
    panel.layers = count(reader, "layers");
    panel.configuration = reader.member("configuration").value();
    for (JsonReader kernel : reader.member("kernels").elements()) {
        panel.kernels.push_back(read_simulated_part(kernel));
    }
    reader.finish();
    return panel;
}

void read_host_block(JsonReader reader, RunResult& run) {
    run.wall_seconds = not_negative(reader, "wall_seconds");
    run.workers = static_cast<int>(reader.integer("workers", 0, std::numeric_limits<int>::max()));
    for (JsonReader entry : reader.member("entries").elements()) {
        const std::string panel_name = entry.string("panel");
        const std::string label = entry.string("label");
        HostResult host;
        read_host(entry, host);
        for (auto& panel : run.panels) {
            for (auto& kernel : panel.kernels) {
                if (panel.name == panel_name && kernel.label == label) kernel.host = host;
            }
        }
    }
    reader.finish();
}

}  // namespace

KernelResult read_kernel_result(const Json& json, const std::string& source) {
    JsonReader reader(json, source);
    KernelResult kernel = read_simulated_part(reader.member("result"));
    JsonReader host = reader.member("host");
    read_host(host, kernel.host);
    if (const auto pictures = reader.optional_member("pictures")) kernel.pictures = pictures->value();
    reader.finish();
    return kernel;
}

RunResult read_run_result(const Json& json, const std::string& file) {
    JsonReader reader(json, file);
    RunResult run;
    JsonReader version = reader.member("schema_version");
    if (version.as_integer(0, most) != schema_version) {
        version.reject(fmt::format("{}, the version this tilemesh writes", schema_version));
    }
    JsonReader tool = reader.member("tool");
    tool.word("name", {"tilemesh"});
    run.tool_version = tool.string("version");
    tool.finish();
    run.name = reader.string("name");
    for (JsonReader panel : reader.member("panels").elements()) run.panels.push_back(read_panel_result(panel));
    read_host_block(reader.member("host"), run);
    reader.finish();
    return run;
}

}  // namespace tilemesh::report

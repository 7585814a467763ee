// SPDX-License-Identifier: Apache-2.0
// Writing results as JSON. Keys carry their unit. Errors that are not finite become the words nan and inf, which JSON
// has no numbers for.
#include "sim/report/result_json.h"

#include "sim/report/energy_json.h"
#include "sim/report/path_json.h"
#include "sim/report/words.h"

#include <cmath>

namespace tilemesh::report {
namespace {

Json to_json(const BoundResult& bound) {
    Json terms = Json::array();
    for (const auto& term : bound.terms) terms.push_back({{"name", term.name}, {"time_ps", term.time.value()}});
    return {{"time_ps", bound.time.value()}, {"binding", bound.binding}, {"terms", terms}};
}

Json error(double value) {
    if (std::isnan(value)) return "nan";
    return std::isinf(value) ? Json("inf") : Json(value);  // an error is never negative
}

Json to_json(const VerdictResult& verdict) {
    return {
        {"mode", verdict.mode},
        {"outcome", outcome_of(verdict)},
        {"relative_l2", error(verdict.relative_l2)},
        {"max_error", error(verdict.max_error)},
        {"lse_error", error(verdict.lse_error)},
        {"rows_checked", verdict.rows_checked},
        {"tolerance", error(verdict.tolerance)},
        {"units", {{"error", error(verdict.units)}, {"allowed", verdict.units_allowed}, {"of", verdict.units_of}}},
        {"why", verdict.why}};
}

Json to_json(const LinkSummary& link) {
    return {{"path", link.path},
            {"bytes", link.bytes.value()},
            {"gbytes_per_s", link.gbytes_per_s},
            {"share_of_peak", link.share_of_peak}};
}

Json to_json(const HostResult& host) {
    return {{"wall_seconds", host.wall_seconds},
            {"commands_per_second", host.commands_per_second},
            {"peak_memory_bytes", host.peak_memory_bytes}};
}

Json simulated_part(const KernelResult& kernel, ComponentDetail detail) {
    Json options = Json::object();
    for (const auto& [name, value] : kernel.options) options[name] = value;
    Json cautions = Json::array();
    for (const auto& caution : kernel.cautions)
        cautions.push_back({{"regime", caution.regime}, {"evidence", caution.evidence}, {"doubt", caution.doubt}});
    Json json = {{"label", kernel.label},
                 {"kernel", kernel.kernel},
                 {"status", name_of(kernel.status)},
                 {"internal", kernel.internal},
                 {"error", kernel.error},
                 {"note", kernel.note},
                 {"options", options},
                 {"cycles", kernel.cycles},
                 {"time_ps", kernel.time.value()},
                 {"clock_ghz", kernel.clock_ghz},
                 {"verdict", to_json(kernel.verdict)},
                 {"machine_bound", to_json(kernel.machine_bound)},
                 {"machine_distance", kernel.machine_distance},
                 {"schedule_bound", to_json(kernel.schedule_bound)},
                 {"schedule_distance", kernel.schedule_distance},
                 {"flops", kernel.flops},
                 {"tflops_per_s", kernel.tflops_per_s},
                 {"matrix_utilisation", kernel.matrix_utilisation},
                 {"hbm_bytes", kernel.hbm_bytes.value()},
                 {"hbm_gbytes_per_s", kernel.hbm_gbytes_per_s},
                 {"hbm_share_of_peak", kernel.hbm_share_of_peak},
                 {"busiest_link", to_json(kernel.busiest_link)},
                 {"hop_bytes", kernel.hop_bytes.value()},
                 {"work_imbalance", kernel.work_imbalance},
                 {"bound", kernel.bound},
                 {"commands", kernel.commands},
                 {"sram_peak_bytes", kernel.sram_peak.value()},
                 {"cautions", cautions},
                 {"components", components_to_json(kernel.components, detail)}};
    if (kernel.copied > Bytes()) json["copied_bytes"] = kernel.copied.value();
    if (kernel.critical_path) json["critical_path"] = path_to_json(*kernel.critical_path);
    if (!kernel.what_if.empty()) json["what_if"] = what_if_to_json(kernel.what_if);
    if (kernel.energy) json["energy"] = energy_to_json(*kernel.energy);
    if (kernel.passed)
        json["steady"] = {{"passed_commands", kernel.passed->commands}, {"doubt_ps", kernel.passed->doubt.value()}};
    if (kernel.paging)
        json["paging"] = {{"contiguous_time_ps", kernel.paging->contiguous_time.value()},
                          {"contiguous_hbm_bytes", kernel.paging->contiguous_hbm_bytes.value()}};
    return json;
}

}  // namespace

Json kernel_to_json(const KernelResult& kernel) {
    Json json = {{"result", simulated_part(kernel, ComponentDetail::all)}, {"host", to_json(kernel.host)}};
    if (!kernel.pictures.is_null()) json["pictures"] = kernel.pictures;
    return json;
}

Json to_json(const RunResult& run, ComponentDetail detail) {
    Json panels = Json::array();
    Json entries = Json::array();
    for (const auto& panel : run.panels) {
        Json kernels = Json::array();
        for (const auto& kernel : panel.kernels) {
            kernels.push_back(simulated_part(kernel, detail));
            Json host = {{"panel", panel.name}, {"label", kernel.label}};
            host.update(to_json(kernel.host));
            entries.push_back(std::move(host));
        }
        panels.push_back({{"name", panel.name},
                          {"description", panel.description},
                          {"seed", panel.seed},
                          {"layers", panel.layers},
                          {"configuration", panel.configuration},
                          {"kernels", kernels}});
    }
    return {{"schema_version", schema_version},
            {"tool", {{"name", "tilemesh"}, {"version", run.tool_version}}},
            {"name", run.name},
            {"panels", panels},
            {"host", {{"wall_seconds", run.wall_seconds}, {"workers", run.workers}, {"entries", entries}}}};
}

namespace {

bool is_container(const Json& json) { return (json.is_object() || json.is_array()) && !json.empty(); }

/// Room for one line: a record of plain values (one component, say) gets more than a nest of them.
std::size_t line_width(const Json& json) {
    for (const Json& item : json) {
        if (is_container(item)) return 110;
    }
    return 260;
}

void append(const Json& json, std::size_t indent, std::string& out) {
    std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (!is_container(json) || line.size() <= line_width(json)) {
        out += line;
        return;
    }
    const std::string margin(indent + 1, ' ');
    out += json.is_object() ? "{\n" : "[\n";
    bool first = true;
    for (auto item = json.begin(); item != json.end(); ++item) {
        if (!first) out += ",\n";
        first = false;
        out += margin;
        if (json.is_object()) out += Json(item.key()).dump() + ": ";
        append(*item, indent + 1, out);
    }
    out += "\n" + std::string(indent, ' ') + (json.is_object() ? "}" : "]");
}

}  // namespace

std::string pretty(const Json& json) {
    std::string out;
    append(json, 0, out);
    out += "\n";
    return out;
}

}  // namespace tilemesh::report

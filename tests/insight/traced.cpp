// SPDX-License-Identifier: Apache-2.0
#include "tests/insight/traced.h"

#include "kernels/all.h"
#include "sim/run/entry_process.h"
#include "sim/workloads/attention/attention_run.h"
#include "sim/workloads/program/program_run.h"
#include "tests/base/scratch.h"

namespace tilemesh::test {

const report::ComponentResult& Traced::part(const std::string& path) const {
    for (const report::ComponentResult& part : result.components)
        if (part.path == path) return part;
    throw std::runtime_error("no component " + path);
}

Traced traced(const Json& json, TraceChoice choice, bool with_trace, Bytes pictures) {
    static const workloads::ProgramKind programs;
    static const workloads::AttentionKind attention(kernels::all());
    Traced traced;
    traced.panel =
        run::read_panel(run::resolve_panel_object(json, "test", TILEMESH_SOURCE_DIR), {&programs, &attention});
    const ScratchFolder folder;
    if (with_trace) choice.file = folder / "t";
    const run::PreparedPanel prepared(traced.panel, 1);
    const run::Entry& entry = traced.panel.kernels.front();
    traced.result = run::run_entry(traced.panel, entry, prepared.of(entry), {{}, choice, pictures});
    if (!with_trace) return traced;
    traced.bytes = read_file(choice.file);
    traced.trace = read_trace(traced.bytes);
    return traced;
}

Json shipped_panel(const std::string& name, const std::string& label) {
    const std::filesystem::path file =
        std::filesystem::path(TILEMESH_SOURCE_DIR) / "configs/panels" / (name + ".json");
    Json json = run::resolve_panel_file(file).json;
    json["values"] = {{"mode", "none"}};
    Json kept = Json::array();
    for (const Json& kernel : json["kernels"]) {
        const Json named = kernel.is_string() ? kernel : kernel.value("label", Json(kernel.value("kernel", "")));
        const std::string program =
            kernel.is_object() && kernel.contains("program") ? kernel["program"].value("kernel", "") : "";
        if (named == label || program == label) kept.push_back(kernel);
    }
    json["kernels"] = kept;
    return json;
}

Json attention_panel(const std::string& kernel, int pes, const std::string& machine) {
    return {{"name", "test"},
            {"machine",
             {{"base", "configs/machines/" + machine + ".json"}, {"cube", {{"topology", "line"}, {"cols", pes}}}}},
            {"problem",
             {{"heads_q", 4},
              {"heads_kv", 2},
              {"head_dim", 64},
              {"mask", {{"kind", "causal"}}},
              {"users", Json::array({{{"keys", 512}}})}}},
            {"kernels", Json::array({kernel})},
            {"values", {{"mode", "none"}}}};
}

}  // namespace tilemesh::test

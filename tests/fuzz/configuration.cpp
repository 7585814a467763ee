// SPDX-License-Identifier: Apache-2.0
// Any text as a panel, milestone, probe, machine or reference data: read as the commands read it, and planned where
// it is small. Whatever it says, the answer is a plan or an InputError.
#include "kernels/all.h"
#include "sim/base/error.h"
#include "sim/machine/chip.h"
#include "sim/probe/probe.h"
#include "sim/report/result_json.h"
#include "sim/run/milestone.h"
#include "sim/validation/validate.h"
#include "sim/workloads/attention/attention_run.h"
#include "tests/fuzz/json_mutator.h"

#include <string_view>

using namespace tilemesh;

namespace {

const run::Workloads& all_workloads() {
    static const workloads::AttentionKind attention(kernels::all());
    static const run::Workloads all{&attention};
    return all;
}

/// What it costs to compute every value, in multiply-accumulates.
double work_of(const attention::Problem& problem) {
    double pairs = 0.0, tokens = 0.0;
    for (const auto& user : problem.users) {
        pairs += static_cast<double>(user.keys) * static_cast<double>(user.queries);
        tokens += static_cast<double>(user.keys + user.queries);
    }
    return static_cast<double>(problem.heads_q) * static_cast<double>(problem.head_dim + problem.value_dim) *
           (pairs + tokens);
}

/// Plans of thousands of ranks take their time, which is no fault.
bool is_small(const workloads::AttentionPanel& panel) {
    std::int64_t tokens = 0;
    for (const auto& user : panel.problem.users) tokens += user.keys + user.queries;
    return tokens <= 1 << 12 && panel.problem.users.size() <= 8 && panel.machine.pes() <= 16 &&
           panel.kernels.size() <= 4 && panel.problem.heads_q <= 256;
}

/// As `run` does before it simulates: inputs and reference too where they take no time.
void plan(run::Panel panel) {
    panel.describe();
    const auto& workload = dynamic_cast<const workloads::AttentionWorkload&>(*panel.kernels.front().workload);
    if (!is_small(workload.panel())) return;
    run::mark_impossible(panel);
    if (work_of(workload.panel().problem) < 1e5) run::PreparedPanel(panel, 1);
}

void read(std::string_view text) {
    // Beside the panels that are shipped, so that their names and those of machines mean something.
    const std::filesystem::path file = TILEMESH_CONFIGS "/panels/fuzz.json";
    const Json json = parse_json_text(text, file.string());
    if (!json.is_object()) return;
    if (json.contains("schema_version")) {
        report::read_run_result(json, file.string());
    } else if (validation::check_reference_data(validation::all_families(), {TILEMESH_CONFIGS, all_workloads()}, json,
                                                file.string())) {
        return;
    } else if (json.contains("panels")) {
        for (run::Panel& panel : run::read_milestone(json, file, {}, all_workloads()).panels) plan(std::move(panel));
    } else if (json.contains("transfers")) {
        probe::check_transfer_list(json, file.string());
    } else {
        const run::Resolved whole = run::resolve_machine(json, file);
        if (whole.json.contains("probe")) {
            const run::Resolved probe = run::resolve_panel(json, file);
            probe::read_probe(probe.json, probe.origins);
        } else if (whole.json.contains("problem") || whole.json.contains("kernels")) {
            plan(run::read_panel(run::resolve_panel(json, file), all_workloads()));
        } else {
            machine::check_machine(JsonReader(whole.json, whole.origins));
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        read({reinterpret_cast<const char*>(data), size});
    } catch (const InputError&) {
    }
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned seed) {
    return fuzz::mutate_json(data, size, most, seed);
}

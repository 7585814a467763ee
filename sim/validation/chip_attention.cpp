// SPDX-License-Identifier: Apache-2.0
// Attention on chips of many cores: rows that the machine's costs of blocks and chunks were fitted to are a suite of
// their own, all others are predicted. A whole ring is one panel, a step the block product of one chip alone.
#include "sim/validation/chip_attention.h"

#include "sim/machine/config.h"
#include "sim/run/panel.h"
#include "sim/validation/families.h"

#include <algorithm>
#include <set>

namespace tilemesh::validation {
namespace {

Json machine_for(const ChipAttention& row, std::uint64_t chips, const Surroundings& surroundings) {
    const std::string file = std::string(attention_chip) + ".json";
    Json machine = run::resolve_machine_file(surroundings.configs / "machines" / file).json;
    machine["cube"]["cols"] = chips;
    if (chips == 1) machine["cube"]["topology"] = "line";
    Json& pe = machine["pe"];
    for (const char* dtype : {"bf16", "f16", "f8e4m3", "f8e5m2"})
        pe["matrix"]["speed"][dtype] = static_cast<double>(row.cores) * row.products_per_cycle;
    Json& cores = pe["launch"]["cores"];
    cores["count"] = row.cores;
    cores["keys"] = row.keys;
    cores["dealt"] = row.paired ? "paired" : "in_order";
    cores.erase("fitted_from");
    cores["memory_gbytes_per_s"] = cores["memory_gbytes_per_s"].get<double>() * row.memory_channels;
    if (row.without_read) cores["read_gbytes_per_s"] = 0;
    if (row.without_pass) cores["pass_gbytes_per_s"] = 0;
    if (row.without_blocks) cores["block_elements_per_ns"] = 0;
    return machine;
}

double run_ms(const ChipAttention& row, std::uint64_t chips, std::uint64_t queries, std::uint64_t keys, bool causal,
              const Surroundings& surroundings) {
    const bool latents = row.cached > 0 && row.kv_heads == 1 && row.d_v < row.d_qk;
    const Json panel = {{"name", "chip_attention"},
                        {"machine", machine_for(row, chips, surroundings)},
                        {"problem",
                         {{"heads_q", row.q_heads},
                          {"heads_kv", row.kv_heads},
                          {"head_dim", row.d_qk},
                          {"value_dim", row.d_v},
                          {"latents", latents},
                          {"dtype", row.eight_bit ? "f8e4m3" : "bf16"},
                          {"users", {{{"keys", keys}, {"queries", queries}}}},
                          {"mask", {{"kind", causal ? "causal" : "full"}}}}},
                        {"ranks", {{"count", chips}, {"sharding", row.balanced ? "zigzag" : "contiguous"}}},
                        {"kernels",
                         {{{"kernel", "ring_kv_bidirectional"},
                           {"launches", "continued"},
                           {"tile_queries", row.q_chunk},
                           {"tile_keys", row.k_chunk}}}},
                        {"values", {{"mode", "none"}}}};
    const run::Panel read = run::read_panel(run::resolve_panel_object(panel, "chip_attention", surroundings.configs),
                                            surroundings.workloads);
    const run::Entry& entry = read.kernels.front();
    const auto prepared = entry.workload->prepare({entry.number}, 1);
    return to_nanoseconds(entry.workload->run(entry.number, *prepared, {}).result.time) / 1e6;
}

double step_ms(const ChipAttention& row, StepWork work, const Surroundings& surroundings) {
    if (work == StepWork::none) return 0.0;
    ChipAttention local = row;
    local.balanced = false;
    const std::uint64_t half = std::max<std::uint64_t>(1, row.tokens / 2);
    return run_ms(local, 1, work == StepWork::down ? half : row.tokens, work == StepWork::up ? half : row.tokens,
                  work == StepWork::causal, surroundings);
}

/// Of one device or, without, the longest; of one step or, without, of all.
double steps_ms(const ChipAttention& row, const Surroundings& surroundings) {
    std::array<std::optional<double>, 5> known;  // by work
    const auto time = [&](StepWork work) {
        std::optional<double>& ms = known[static_cast<std::size_t>(work)];
        if (!ms) ms = step_ms(row, work, surroundings);
        return *ms;
    };
    double longest = 0.0;
    for (std::uint64_t device = row.device.value_or(0); device <= row.device.value_or(row.chips - 1); ++device) {
        double sum = 0.0;
        for (std::uint64_t step = row.step.value_or(0); step <= row.step.value_or(row.chips - 1); ++step)
            sum += time(row.work_of(step, device));
        longest = std::max(longest, sum);
    }
    return longest;
}

Case case_of_row(const ChipAttention& row, const std::set<std::string>& fitted, const Surroundings& surroundings) {
    const bool is_fitted = fitted.contains(row.name()) || fitted.contains(row.experiment);
    const std::string suite = row.removed ? "chip_attention_removed"
                              : is_fitted ? "chip_attention_fitted"
                                          : "chip_attention";
    if (!row.left_out.empty()) return not_compared(suite, row.left_out);
    return {row.name(), {suite}, [=, &surroundings] {
                return std::vector<Comparison>{
                    {suite, row.name(), row.ms, predicted_ms(row, surroundings), "ms", row.tolerance, row.group}};
            }};
}

}  // namespace

double predicted_ms(const ChipAttention& row, const Surroundings& surroundings) {
    if (row.work) return step_ms(row, *row.work, surroundings);
    if (row.step || row.device) return steps_ms(row, surroundings);
    const std::uint64_t queries = row.tokens * row.chips;
    return run_ms(row, row.chips, queries, row.cached + queries, row.causal, surroundings);
}

Family chip_attention_family() {
    Family family;
    family.name = "chip_attention";
    family.form =
        "experiments of {experiment, q_heads, d_qk, tokens_per_chip, cores, rows}: attention on chips of cores";
    family.suites = {
        {"chip_attention",
         "ring attention on Blackhole chips, whole, by steps and one chip's share, predicted",
         {median_at_most(0.06), maximum_at_most(0.15), same_order_where_separated_by(0.05)}},
        {"chip_attention_removed",
         "the same without single transfers on the chip, predicted by taking them from the machine",
         {median_at_most(0.06), maximum_at_most(0.15)}},
        {"chip_attention_fitted",
         "the same, rows that costs of blocks and chunks were fitted to",
         {median_at_most(0.06), maximum_at_most(0.15)},
         true},
    };
    family.recognises = [](const Json& file) { return has_row_with(file, "experiments", {"experiment", "rows"}); };
    family.read = [](JsonReader file, const Surroundings& surroundings) {
        const std::string name = std::string(attention_chip) + ".json";
        const run::Resolved machine = run::resolve_machine_file(surroundings.configs / "machines" / name);
        std::set<std::string> fitted;
        for (const FittedValue& one :
             machine::read_machine(JsonReader(machine.json, machine.origins)).pe.launch.cores.fitted)
            fitted.insert(one.rows.begin(), one.rows.end());
        std::vector<Case> cases;
        for (const ChipAttention& row : read_chip_attention(file))
            cases.push_back(case_of_row(row, fitted, surroundings));
        return cases;
    };
    return family;
}

}  // namespace tilemesh::validation

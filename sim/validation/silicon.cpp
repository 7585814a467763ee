// SPDX-License-Identifier: Apache-2.0
// GPUs. What one GPU and its exchanges take is what the machines were fitted to (adr/0019); rows of ring attention
// are predictions: each becomes a panel that runs the schedule launch by launch. Efficiencies of machines of eight
// are predicted from public data sheets.
#include "sim/base/names.h"
#include "sim/probe/launched.h"
#include "sim/validation/families.h"
#include "sim/validation/gpu_work.h"
#include "sim/validation/silicon_spread.h"

#include <fmt/core.h>

namespace tilemesh::validation {
namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;
constexpr std::int64_t long_shard = 4096;     // tokens per GPU from which launches no longer decide
constexpr std::int64_t shortest_block = 128;  // queries; fewer are split along the keys, which is another kernel

bool read_causal(JsonReader& row) { return row.integer("causal", 0, 1) == 1; }
double read_us(JsonReader& row) { return row.number("us", 1e-3, 1e12); }

Work read_ring(JsonReader& row, const std::string& algorithm) {
    Work work = read_heads(row);
    work.causal = read_causal(row);
    work.gpus = row.integer("gpus", 2, 16);
    work.algorithm = algorithm;
    work.queries = work.keys = row.integer("s_per_gpu", 1, most_tokens) * work.gpus;
    return work;
}

using Measure = std::function<double()>;

constexpr double quick_scores = 1L << 35;  // simulated in less than a second
bool is_quick(const Work& work) {
    const double scores =
        static_cast<double>(work.heads_q) * static_cast<double>(work.queries) * static_cast<double>(work.keys);
    return scores * (work.backward ? 8 : 1) <= quick_scores;  // smaller tiles, five products
}

Case compared(const std::string& suite, const std::string& name, double us, const Spread& spread,
              const Measure& measure, const std::string& group = {}) {
    return {name, {suite}, [=] {
                return std::vector<Comparison>{{suite, name, us, measure(), "us", 0.0, group, "", spread}};
            }};
}

SiliconSpread read_spread(const Surroundings& surroundings) {
    const auto path = surroundings.configs / "validation" / "silicon_spread.json";
    return SiliconSpread(JsonReader(parse_json_file(path), path.string()));
}

Case ring_case(JsonReader& row, const Work& work, const Surroundings& surroundings, const SiliconSpread& spread) {
    const auto tokens = static_cast<std::int64_t>(work.keys / work.gpus);
    const std::string group =
        fmt::format("{} GPUs, {} heads on {}, {} tokens each", work.gpus, work.heads_q, work.heads_kv, tokens);
    const std::string name = fmt::format("{}{}{}, {}", work.algorithm, work.backward ? " backward" : "",
                                         work.causal ? " causal" : "", group);
    Case found = compared(
        fmt::format("silicon{}_{}", work.backward ? "_backward" : "", tokens >= long_shard ? "4096_up" : "2048"),
        name, read_us(row), spread.of_rings(work.keys / work.gpus),
        [=, &surroundings] {
            return time_us(surroundings, machine_of(surroundings, h200_of(work.gpus), work.gpus), work);
        },
        group);
    found.quick = is_quick(work);
    return found;
}

Case block_case(JsonReader& row, const Work& work, const Surroundings& surroundings, const Spread& spread) {
    const std::string name = fmt::format("{} {} heads on {}, {} x {}{}", row.string("kind"), work.heads_q,
                                         work.heads_kv, work.queries, work.keys, work.causal ? " causal" : "");
    Case found =
        compared(work.backward ? "silicon_gradients" : "silicon_attention", name, read_us(row), spread,
                 [=, &surroundings] { return time_us(surroundings, machine_of(surroundings, h200_of(1), 1), work); });
    found.quick = is_quick(work);
    return found;
}

Case launched_case(const std::string& suite, const std::string& name, double us, const Spread& spread,
                   std::uint64_t gpus, const Surroundings& surroundings,
                   const std::function<Picoseconds(const machine::MachineConfig&)>& time) {
    return compared(suite, name, us, spread, [=, &surroundings] {
        const Json machine = machine_of(surroundings, h200_of(gpus), gpus);
        return to_nanoseconds(time(machine::read_machine(JsonReader(machine, h200_of(gpus))))) / 1000.0;
    });
}

Case case_of(JsonReader& row, const Surroundings& surroundings, const SiliconSpread& spreads) {
    const std::string kind = row.string("kind");
    const Spread spread = spreads.of(kind);
    const auto size = [&](const char* key) { return static_cast<std::int64_t>(row.integer(key, 1, most_tokens)); };
    if (kind == "ring_attn" || kind == "ring_attn_backward" || kind == open_line) {
        const std::string algorithm = kind == open_line ? kind : row.string("algo");
        const bool backward = kind == "ring_attn_backward";
        if (!is_known_algorithm(algorithm))
            return not_compared(backward ? "silicon_backward_4096_up" : "silicon_4096_up",
                                fmt::format("algo {} has no suite", printable(algorithm)));
        Work work = read_ring(row, algorithm);
        work.backward = backward;
        return ring_case(row, work, surroundings, spreads);
    }
    if (kind == "fa2_fwd" || kind == "local_fa2" || kind == "fa2_bwd") {
        const bool local = kind == "local_fa2";
        Work work = read_heads(row);
        work.backward = kind == "fa2_bwd";
        work.queries = static_cast<std::uint64_t>(size(local ? "s" : "sq"));
        work.keys = static_cast<std::uint64_t>(size(local ? "s" : "skv"));
        work.causal = read_causal(row);
        if (work.queries < shortest_block)
            return not_compared("silicon_attention",
                                fmt::format("fewer than {} queries are another kernel", shortest_block));
        return block_case(row, work, surroundings, spread);
    }
    if (kind == "gemm") {
        const std::int64_t m = size("M"), n = size("N"), k = size("K");
        return launched_case("silicon_kernels", fmt::format("gemm {} x {} x {}", m, n, k), read_us(row), spread, 1,
                             surroundings, [=](const machine::MachineConfig& machine) {
                                 return probe::time_of_product(machine, m, n, k, Dtype::bf16);
                             });
    }
    if (kind == "hbm_copy") {
        const std::uint64_t bytes = row.integer("bytes", 2048, most_bytes);
        return launched_case(
            "silicon_kernels", fmt::format("copy {} bytes", bytes), read_us(row), spread, 1, surroundings,
            [=](const machine::MachineConfig& machine) { return probe::time_of_copy(machine, bytes); });
    }
    if (kind == "merge_lse") {
        const std::int64_t heads = size("hq"), rows = size("s"), cols = size("d");
        return launched_case("silicon_kernels", fmt::format("merge {} heads x {} x {}", heads, rows, cols),
                             read_us(row), spread, 1, surroundings, [=](const machine::MachineConfig& machine) {
                                 return probe::time_of_merge(machine, heads, rows, cols);
                             });
    }
    if (kind == "ring_shift" || kind == "ring_shift_bidir") {
        const std::uint64_t bytes = row.integer("bytes", 2048, most_bytes), gpus = row.integer("gpus", 2, 16);
        const bool both_ways = kind == "ring_shift_bidir";
        return launched_case("silicon_exchange", fmt::format("{} {} bytes, {} GPUs", kind, bytes, gpus), read_us(row),
                             spread, gpus, surroundings, [=](const machine::MachineConfig& machine) {
                                 return probe::time_of_shift(machine, bytes, both_ways);
                             });
    }
    return not_compared("silicon_kernels", fmt::format("kind {} has no suite", printable(kind)));
}

Case efficiency_case(JsonReader& row, const Surroundings& surroundings, const SiliconSpread& spreads) {
    const Work work = read_ring(row, row.word("algo", names_of_algorithms()));
    const std::string machine = row.string("machine");
    const double efficiency = row.number("efficiency", 1e-6, 1.0);
    const std::string name = fmt::format("{} {}", machine, work.algorithm);
    // Nobody measured these twice; other rings are the best that is known.
    const Spread spread = spreads.of_rings(work.keys / work.gpus);
    return {name, {"silicon_efficiency"}, [=, &surroundings] {
                return std::vector<Comparison>{{"silicon_efficiency", name, efficiency,
                                                share_of_one_gpu(surroundings, machine, {work}), "", 0.0, machine, "",
                                                spread}};
            }};
}

}  // namespace

Family silicon_family() {
    Family family;
    family.name = "silicon";
    family.form = "rows of {kind, us, ...}: gemm, hbm_copy, merge_lse, fa2_fwd, fa2_bwd, ring_shift, ring_attn, ...";
    family.files = {"h200_ring_attention.json"};
    family.suites = {
        {"silicon_4096_up",
         "ring attention on H200s, 4,096 tokens per GPU and more, against silicon",
         {median_at_most(0.03), maximum_at_most(0.12), same_order_beyond_spread(0.05)}},
        {"silicon_2048",
         "the same with fewer tokens per GPU, where launches decide",
         {median_at_most_or_spread(0.12)}},
        {"silicon_backward_4096_up",
         "backward rings on H200s, 4,096 tokens per GPU and more, against silicon",
         {median_at_most(0.04), maximum_at_most(0.12)}},
        {"silicon_backward_2048",
         "the same with fewer tokens per GPU, where launches decide",
         {median_at_most_or_spread(0.12)}},
        {"silicon_attention",
         "fused attention on one H200: launch cost, exponential rate and units fitted",
         {},
         true},
        {"silicon_gradients",
         "fused backward attention on one H200: launch cost and rate of backward block products fitted",
         {},
         true},
        {"silicon_kernels",
         "products, copies and merges on one H200: matrix and HBM rate, launch cost fitted",
         {},
         true},
        {"silicon_exchange", "exchanges between H200s: link rate and launch cost fitted", {}, true},
    };
    family.recognises = [](const Json& file) { return has_row_with(file, "rows", {"kind", "us"}); };
    family.read = [](JsonReader file, const Surroundings& surroundings) {
        std::vector<Case> cases;
        const SiliconSpread spreads = read_spread(surroundings);
        for (JsonReader& row : file.member("rows").elements()) cases.push_back(case_of(row, surroundings, spreads));
        return cases;
    };
    return family;
}

Family efficiency_family() {
    Family family;
    family.name = "efficiency";
    family.form = "rows of {machine, algo, causal, hq, hkv, s_per_gpu, gpus, efficiency}";
    family.files = {"ring_efficiency.json"};
    family.suites = {{"silicon_efficiency",
                      "share of one GPU's speed that each of several reaches, against published figures",
                      {each_within_absolute(0.06, ""), same_order_beyond_spread(0.05)}}};
    family.recognises = [](const Json& file) { return has_row_with(file, "rows", {"machine", "efficiency"}); };
    family.read = [](JsonReader file, const Surroundings& surroundings) {
        std::vector<Case> cases;
        const SiliconSpread spreads = read_spread(surroundings);
        for (JsonReader& row : file.member("rows").elements())
            cases.push_back(efficiency_case(row, surroundings, spreads));
        return cases;
    };
    return family;
}

}  // namespace tilemesh::validation

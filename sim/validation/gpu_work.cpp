// SPDX-License-Identifier: Apache-2.0
#include "sim/validation/gpu_work.h"

#include "sim/run/panel.h"

#include <map>

namespace tilemesh::validation {
namespace {

constexpr std::uint64_t most_heads = 1024;
constexpr int tile_keys = 256;  // how finely the simulated forward kernel interleaves its engines

/// A public implementation's name for a schedule, in ours.
struct Algorithm {
    std::string kernel, backward, sharding, launches;
    /// Parts of every sequence that a GPU has, as many of each; 0: sequences follow each other whole, and are divided
    /// together.
    std::uint64_t parts = 0;
};
const std::map<std::string, Algorithm> algorithms = {
    {"ring", {"ring_kv", "ring_kv_backward", "contiguous", "overlapped", 1}},
    {"zigzag", {"ring_kv", "ring_kv_backward", "zigzag", "overlapped", 2}},
    {"stripe", {"ring_kv", "ring_kv_backward", "striped", "overlapped"}},
    // Its gradients go home through a reduce_scatter; ours hop by hop beside the block products.
    {"llama3_all_gather", {"all_gather_kv", "mesh_kv_backward", "contiguous", "overlapped"}},
    {open_line, {"mesh_kv", "mesh_kv_backward", "contiguous", "waited"}},
};
}  // namespace

bool is_known_algorithm(const std::string& name) { return algorithms.count(name) > 0; }

std::vector<std::string> names_of_algorithms() {
    std::vector<std::string> names;
    for (const auto& [name, algorithm] : algorithms) names.push_back(name);
    return names;
}

Json machine_of(const Surroundings& surroundings, const std::string& name, std::uint64_t gpus) {
    Json machine = run::resolve_machine_file(surroundings.configs / "machines" / (name + ".json")).json;
    machine["cube"]["cols"] = gpus;
    return machine;
}
std::string h200_of(std::uint64_t gpus) { return gpus == 2 ? "h200_x2" : "h200_x4"; }

Json mask_of(const Work& work) {
    const Algorithm& how = algorithms.at(work.algorithm);
    const Json order = {{"kind", work.causal ? "causal" : "full"}};
    if (work.sequences.empty()) return order;
    Json segments = {{"kind", "segments"}};
    const std::uint64_t parts = how.parts * work.gpus;
    if (parts == 0) {
        for (const std::uint64_t length : work.sequences) segments["lengths"].push_back(length * work.gpus);
    } else {
        // Every sequence is divided by itself. A part of the whole is then a part of each of them.
        Json& ids = segments["ids"] = Json::array();
        for (std::uint64_t part = 0; part < parts; ++part)
            for (std::size_t sequence = 0; sequence < work.sequences.size(); ++sequence)
                ids.insert(ids.end(), work.sequences[sequence] * work.gpus / parts, Json(sequence));
    }
    return {{"all_of", {order, segments}}};
}

double time_us(const Surroundings& surroundings, const Json& machine, const Work& work) {
    const Algorithm& how = algorithms.at(work.algorithm);
    Json kernel = {{"kernel", work.backward ? how.backward : how.kernel}, {"launches", how.launches}};
    if (!work.backward) kernel["tile_keys"] = tile_keys;  // a backward kernel launched has those of fused ones
    const Json panel = {{"name", "silicon"},
                        {"machine", machine},
                        {"problem",
                         {{"heads_q", work.heads_q},
                          {"heads_kv", work.heads_kv},
                          {"head_dim", work.head_dim},
                          {"dtype", "bf16"},
                          {"users", {{{"keys", work.keys}, {"queries", work.queries}}}},
                          {"mask", mask_of(work)}}},
                        {"ranks", {{"count", work.gpus}, {"sharding", how.sharding}}},
                        {"kernels", {kernel}},
                        {"values", {{"mode", "none"}}}};
    const run::Panel read =
        run::read_panel(run::resolve_panel_object(panel, "silicon", surroundings.configs), surroundings.workloads);
    const run::Entry& entry = read.kernels.front();
    const auto prepared = entry.workload->prepare({entry.number}, 1);
    const run::EntryOutcome outcome = entry.workload->run(entry.number, *prepared, {});
    return to_nanoseconds(outcome.result.time) / 1000.0;
}

Work read_heads(JsonReader& row) {
    Work work;
    work.heads_q = row.integer("hq", 1, most_heads);
    work.heads_kv = row.integer("hkv", 1, most_heads, work.heads_q);
    work.head_dim = row.integer("d", 1, most_heads, 128);
    return work;
}
double share_of_one_gpu(const Surroundings& surroundings, const std::string& machine,
                        const std::vector<Work>& passes) {
    double part = 0.0, whole = 0.0;
    for (const Work& work : passes) {
        // Causal work grows with the square of the tokens, so that every GPU's part of it is that of `gpus` local
        // blocks.
        Work local = work;
        local.queries = local.keys = work.keys / work.gpus;
        local.gpus = 1;
        local.algorithm = "ring";  // of one GPU: nothing is divided
        part += static_cast<double>(work.gpus) * time_us(surroundings, machine_of(surroundings, machine, 1), local);
        whole += time_us(surroundings, machine_of(surroundings, machine, work.gpus), work);
    }
    return part / whole;
}

}  // namespace tilemesh::validation

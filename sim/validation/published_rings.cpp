// SPDX-License-Identifier: Apache-2.0
// Ring attention on eight GPUs: how much of one GPU's speed each of them reaches. Rows with several lists of sequence
// bounds are the mean of calls with each of them in turn.
#include "sim/base/names.h"
#include "sim/validation/gpu_work.h"
#include "sim/validation/published.h"

#include <fmt/core.h>

namespace tilemesh::validation {
namespace {

/// Lengths of one list of bounds: [0, 256, 8192] is 256 and 7936 tokens.
std::vector<std::uint64_t> lengths_of(const JsonReader& bounds, std::uint64_t tokens) {
    std::vector<std::uint64_t> lengths;
    std::uint64_t before = 0;
    bool first = true;
    for (const JsonReader& bound : bounds.elements()) {
        const std::uint64_t at = bound.as_integer(first ? 0 : before + 2, first ? 0 : tokens);
        if (!first) lengths.push_back(at - before);
        // Zigzag halves every sequence.
        if (at % 2 != 0) bound.reject("an even number of tokens");
        before = at;
        first = false;
    }
    if (before != tokens || lengths.empty()) bounds.reject("bounds from 0 to the tokens of a GPU");
    return lengths;
}

/// One per call of the attention function: forward, or forward and backward, for each list of bounds.
std::vector<Work> read_calls(JsonReader& row) {
    Work work;
    work.gpus = row.integer("gpus", 2, 16);
    work.heads_q = row.integer("q_heads", 1, 1024);
    work.heads_kv = row.integer("kv_heads", 1, 1024, work.heads_q);
    work.head_dim = row.integer("head_dim", 1, 1024);
    work.causal = row.integer("causal", 0, 1) == 1;
    work.algorithm = row.string("algorithm");
    const std::uint64_t tokens = row.integer("tokens_per_gpu", 2, most_tokens);
    work.queries = work.keys = tokens * work.gpus;
    std::vector<Work> calls;
    if (auto lists = row.optional_member("sequence_bounds_cycled")) {
        for (const JsonReader& bounds : lists->elements()) {
            calls.push_back(work);
            calls.back().sequences = lengths_of(bounds, tokens);
        }
        if (calls.empty()) lists->reject("at least one list of bounds");
    } else {
        calls.push_back(work);
    }
    if (row.word("passes", {"forward", "forward_and_backward"}) == "forward") return calls;
    const std::size_t forward = calls.size();
    for (std::size_t i = 0; i < forward; ++i) {
        calls.push_back(calls[i]);
        calls.back().backward = true;
    }
    return calls;
}

}  // namespace

std::vector<Case> published_ring_cases(JsonReader& row, const Surroundings& surroundings) {
    const std::string gpu = row.string("gpu"), algorithm = row.string("algorithm");
    const std::string api = row.word("api", {"batch", "varlen", "qkvpacked"});
    const bool older = api == "qkvpacked";
    std::string suite = older ? "published_rings_older" : "published_rings";
    if (!is_known_algorithm(algorithm))
        return {not_compared(suite, fmt::format("algorithm {} has no suite", printable(algorithm)))};
    if (gpu != "H800" && gpu != "A100")
        return {not_compared(suite, fmt::format("there is no machine of eight {}", printable(gpu)))};
    const std::vector<Work> calls = read_calls(row);
    const std::string machine = fmt::format("{}_x8{}", gpu == "H800" ? "h800" : "a100", older ? "_qkvpacked" : "");
    if (older && gpu == "H800" && algorithm == "stripe" && !calls.back().backward) suite += "_fitted";
    const double one = row.number("one_gpu_flash_iterations_per_s", 1e-6, 1e9);
    const double ring = row.number("iterations_per_s", 1e-6, 1e9);
    const double share = ring * static_cast<double>(calls.front().gpus) / one;
    const std::string passes = calls.back().backward ? "forward and backward" : "forward";
    const std::string group = fmt::format("{} x {} {}, {}", calls.front().gpus, gpu, api, passes);
    const std::string name = fmt::format("{}, {}", algorithm, group);
    Case found{name, {suite}, [=, &surroundings] {
                   return std::vector<Comparison>{
                       {suite, name, share, share_of_one_gpu(surroundings, machine, calls), "", 0.0, group}};
               }};
    found.quick = false;
    return {found};
}

}  // namespace tilemesh::validation

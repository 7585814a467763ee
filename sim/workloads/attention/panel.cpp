// SPDX-License-Identifier: Apache-2.0
// Reading the attention part of a panel, strictly. configs/README.md documents every key.
#include "sim/workloads/attention/panel.h"

#include "sim/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace tilemesh::workloads {
namespace {

constexpr std::uint64_t most_tokens = std::uint64_t{1} << 27;
constexpr std::uint64_t most_units = std::uint64_t{1} << 20;

const std::vector<std::string> sharding_words = {"contiguous", "zigzag", "striped"};
const std::vector<std::string> state_words = {"mlo", "out_lse"};
const std::vector<std::string> state_dtype_words = {"f32", "bf16"};
const std::vector<std::string> launches_words = {"fused", "overlapped", "continued", "waited"};
const std::vector<std::string> unit_words = {"pe", "cube", "cube_pe0"};
const std::vector<std::string> placement_words = {"identity", "reversed",     "folded",
                                                  "snake",    "heavy_middle", "hilbert"};

std::int64_t read_tile(JsonReader& reader, std::string_view key) {
    const auto member = reader.optional_member(key);
    return member ? static_cast<std::int64_t>(member->as_integer(1, most_tokens)) : 0;
}

AttentionChoice read_kernel(JsonReader reader) {
    AttentionChoice choice;
    choice.where = reader.place();
    if (reader.is_string()) {
        choice.kernel = choice.label = reader.as_string();
        return choice;
    }
    if (!reader.is_object()) reader.reject("the name of a kernel, or an object with \"kernel\" and its tiles");
    choice.kernel = reader.string("kernel");
    choice.label = choice.kernel;
    if (const auto sharding = reader.optional_member("sharding")) {
        choice.sharding = sharding->as_choice<attention::Sharding>(sharding_words);
        choice.label += "+" + sharding->as_string();
    }
    if (const auto placement = reader.optional_member("placement")) {
        choice.placement = placement->as_choice<RanksChoice::Placement>(placement_words);
        choice.label += "+" + placement->as_string();
    }
    choice.tile_queries = read_tile(reader, "tile_queries");
    choice.tile_keys = read_tile(reader, "tile_keys");
    choice.tile_heads = read_tile(reader, "tile_heads");
    choice.piece_keys = read_tile(reader, "piece_keys");
    if (const auto state = reader.optional_member("state")) {
        choice.state = state->as_choice<attention::StateFormat::Sent>(state_words);
        choice.label += "+" + state->as_string();
    }
    if (const auto dtype = reader.optional_member("state_dtype")) {
        choice.state_dtype = dtype->as_word(state_dtype_words) == "bf16" ? Dtype::bf16 : Dtype::f32;
        choice.label += "+" + dtype->as_string();
    }
    if (const auto launches = reader.optional_member("launches")) {
        choice.launches = launches->as_choice<attention::Launches>(launches_words);
        if (choice.launches != attention::Launches::fused) choice.label += "+" + launches->as_string();
    }
    if (const auto label = reader.optional_member("label")) choice.label = run::read_name(*label);
    reader.finish();
    return choice;
}

void read_placement(JsonReader reader, RanksChoice& ranks) {
    using Placement = RanksChoice::Placement;
    if (reader.is_string()) {
        ranks.placement = reader.as_choice<Placement>(placement_words);
        return;
    }
    if (!reader.is_array() || reader.value().empty())
        reader.reject(fmt::format("{}, or a list of numbers", fmt::join(placement_words, ", ")));
    ranks.placement = Placement::list;
    std::set<std::int64_t> seen;
    for (JsonReader& element : reader.elements()) {
        ranks.list.push_back(static_cast<std::int64_t>(element.as_integer(0, most_units)));
        if (!seen.insert(ranks.list.back()).second) element.reject("a number that is not in the list before");
    }
    const auto listed = static_cast<std::int64_t>(ranks.list.size());
    if (ranks.count && *ranks.count > listed) {
        reader.complain(
            fmt::format("found {} numbers, expected at least as many as ranks/count, {}", listed, *ranks.count));
    }
    ranks.count = ranks.count.value_or(listed);
    ranks.list.resize(static_cast<std::size_t>(*ranks.count));
}

RanksChoice read_ranks(JsonReader reader) {
    RanksChoice ranks;
    ranks.unit = reader.choice("unit", unit_words, ranks.unit);
    if (const auto count = reader.optional_member("count"))
        ranks.count = static_cast<std::int64_t>(count->as_integer(1, most_units));
    if (const auto placement = reader.optional_member("placement")) read_placement(*placement, ranks);
    ranks.sharding = reader.choice("sharding", sharding_words, ranks.sharding);
    reader.finish();
    return ranks;
}

InputsChoice read_inputs(JsonReader reader) {
    InputsChoice inputs;
    inputs.tensors = reader.member("tensors").as_file();
    inputs.prefix = reader.string("prefix", "");
    reader.finish();
    return inputs;
}

}  // namespace

std::string name_of(RankUnit unit) { return unit_words[static_cast<std::size_t>(unit)]; }
std::string name_of(attention::Sharding sharding) { return sharding_words[static_cast<std::size_t>(sharding)]; }

RanksChoice ranks_of(const AttentionPanel& panel, const AttentionChoice& choice) {
    RanksChoice ranks = panel.ranks;
    ranks.sharding = choice.sharding.value_or(ranks.sharding);
    ranks.placement = choice.placement.value_or(ranks.placement);
    return ranks;
}

AttentionPanel read_attention_panel(JsonReader& panel, const run::Setup& setup, std::vector<JsonReader>& kernels) {
    AttentionPanel read{setup, {}, {}, {}, {}};
    if (const auto inputs = panel.optional_member("inputs")) read.inputs = read_inputs(*inputs);
    read.problem = attention::read_problem(panel.member("problem"), {read.inputs.tensors, read.inputs.prefix});
    for (JsonReader& kernel : kernels) read.kernels.push_back(read_kernel(kernel));
    if (const auto ranks = panel.optional_member("ranks")) read.ranks = read_ranks(*ranks);
    return read;
}

std::vector<run::Entry> entries_of(const AttentionPanel& panel, std::shared_ptr<const run::Workload> workload) {
    std::vector<run::Entry> entries;
    for (const AttentionChoice& choice : panel.kernels)
        entries.push_back({choice.kernel, choice.label, choice.where, {}, workload, entries.size()});
    return entries;
}

}  // namespace tilemesh::workloads

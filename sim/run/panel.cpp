// SPDX-License-Identifier: Apache-2.0
// Reading a panel from resolved JSON, strictly. configs/README.md documents every key; a test compares the two.
#include "sim/run/panel.h"

#include "sim/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace tilemesh::run {
namespace {

constexpr std::uint64_t most_tokens = std::uint64_t{1} << 27;
constexpr std::uint64_t most_units = std::uint64_t{1} << 20;
constexpr std::uint64_t largest_seed = (std::uint64_t{1} << 53) - 1;  // what every JSON reader keeps exactly

const std::vector<std::string> value_words = {"full", "sampled", "none"};
const std::vector<std::string> sharding_words = {"contiguous", "zigzag", "striped"};
const std::vector<std::string> state_words = {"mlo", "out_lse"};
const std::vector<std::string> state_dtype_words = {"f32", "bf16"};
const std::vector<std::string> launches_words = {"fused", "overlapped", "waited"};
const std::vector<std::string> unit_words = {"pe", "cube", "cube_pe0"};
const std::vector<std::string> placement_words = {"identity", "reversed",     "folded",
                                                  "snake",    "heavy_middle", "hilbert"};

template <class Enum>
Enum numbered(const std::vector<std::string>& words, const std::string& word) {
    return static_cast<Enum>(std::find(words.begin(), words.end(), word) - words.begin());
}

template <class Enum>
Enum read_word(JsonReader& reader, std::string_view key, const std::vector<std::string>& words, Enum otherwise) {
    return numbered<Enum>(words, reader.word(key, words, words[static_cast<std::size_t>(otherwise)]));
}

/// A name goes into tables, file names and the keys of compare.
std::string read_name(JsonReader reader) {
    const std::string name = reader.as_string();
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.' || c == '+';
    };
    if (name.empty() || name.size() > 80 || !std::all_of(name.begin(), name.end(), plain))
        reader.reject("a name of at most 80 letters, digits, '_', '-', '.', '+'");
    return name;
}

std::int64_t read_tile(JsonReader& reader, std::string_view key) {
    const auto member = reader.optional_member(key);
    return member ? static_cast<std::int64_t>(member->as_integer(1, most_tokens)) : 0;
}

KernelChoice read_kernel(JsonReader reader) {
    KernelChoice choice;
    choice.where = fmt::format("{}: {}", reader.file(), reader.path());
    if (reader.is_string()) {
        choice.kernel = choice.label = reader.as_string();
        return choice;
    }
    if (!reader.is_object()) reader.reject("the name of a kernel, or an object with \"kernel\" and its tiles");
    choice.kernel = reader.string("kernel");
    choice.label = choice.kernel;
    if (const auto sharding = reader.optional_member("sharding")) {
        choice.sharding = numbered<attention::Sharding>(sharding_words, sharding->as_word(sharding_words));
        choice.label += "+" + sharding->as_string();
    }
    if (const auto placement = reader.optional_member("placement")) {
        choice.placement = numbered<RanksChoice::Placement>(placement_words, placement->as_word(placement_words));
        choice.label += "+" + placement->as_string();
    }
    choice.tile_queries = read_tile(reader, "tile_queries");
    choice.tile_keys = read_tile(reader, "tile_keys");
    choice.tile_heads = read_tile(reader, "tile_heads");
    choice.piece_keys = read_tile(reader, "piece_keys");
    if (const auto state = reader.optional_member("state")) {
        choice.state = numbered<attention::StateFormat::Sent>(state_words, state->as_word(state_words));
        choice.label += "+" + state->as_string();
    }
    if (const auto dtype = reader.optional_member("state_dtype")) {
        choice.state_dtype = dtype->as_word(state_dtype_words) == "bf16" ? Dtype::bf16 : Dtype::f32;
        choice.label += "+" + dtype->as_string();
    }
    if (const auto launches = reader.optional_member("launches")) {
        choice.launches = numbered<attention::Launches>(launches_words, launches->as_word(launches_words));
        if (choice.launches != attention::Launches::fused) choice.label += "+" + launches->as_string();
    }
    if (const auto label = reader.optional_member("label")) choice.label = read_name(*label);
    reader.finish();
    return choice;
}

std::vector<KernelChoice> read_kernels(JsonReader reader) {
    if (!reader.is_array() || reader.value().empty()) reader.reject("a non-empty array of kernels");
    std::vector<KernelChoice> kernels;
    std::set<std::string> labels;
    for (JsonReader& element : reader.elements()) {
        kernels.push_back(read_kernel(element));
        if (!labels.insert(kernels.back().label).second) {
            element.complain(
                fmt::format("{} is here twice; give one of them a \"label\" of its own", kernels.back().label));
        }
    }
    return kernels;
}

void read_placement(JsonReader reader, RanksChoice& ranks) {
    using Placement = RanksChoice::Placement;
    if (reader.is_string()) {
        ranks.placement = numbered<Placement>(placement_words, reader.as_word(placement_words));
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
    ranks.unit = read_word(reader, "unit", unit_words, ranks.unit);
    if (const auto count = reader.optional_member("count"))
        ranks.count = static_cast<std::int64_t>(count->as_integer(1, most_units));
    if (const auto placement = reader.optional_member("placement")) read_placement(*placement, ranks);
    ranks.sharding = read_word(reader, "sharding", sharding_words, ranks.sharding);
    reader.finish();
    return ranks;
}

ValuesChoice read_values(JsonReader reader) {
    ValuesChoice values;
    values.mode = read_word(reader, "mode", value_words, values.mode);
    values.rows = static_cast<std::int64_t>(reader.integer("rows", 1, most_tokens, values.rows));
    values.seed = reader.integer("seed", 0, largest_seed, values.seed);
    reader.finish();
    return values;
}

InputsChoice read_inputs(JsonReader reader) {
    InputsChoice inputs;
    inputs.tensors = reader.string("tensors");
    if (inputs.tensors.empty()) reader.member("tensors").reject("the path of a safetensors file");
    inputs.prefix = reader.string("prefix", "");
    reader.finish();
    return inputs;
}

double read_tolerance(JsonReader reader) {
    const double tolerance = reader.number("relative_l2", 1e-12, 1.0);
    reader.finish();
    return tolerance;
}

machine::MachineConfig read_machine_of(JsonReader& panel, const std::string& machine_file) {
    JsonReader reader = panel.member("machine");
    if (!reader.is_object()) reader.reject("the path of a machine file, or a machine");
    return machine::read_machine(machine_file.empty() ? reader : JsonReader(reader.value(), machine_file));
}

}  // namespace

std::string name_of(ValueMode mode) { return value_words[static_cast<std::size_t>(mode)]; }
std::string name_of(RankUnit unit) { return unit_words[static_cast<std::size_t>(unit)]; }
std::string name_of(attention::Sharding sharding) { return sharding_words[static_cast<std::size_t>(sharding)]; }

RanksChoice ranks_of(const Panel& panel, const KernelChoice& choice) {
    RanksChoice ranks = panel.ranks;
    ranks.sharding = choice.sharding.value_or(ranks.sharding);
    ranks.placement = choice.placement.value_or(ranks.placement);
    return ranks;
}

Panel read_panel(const ResolvedPanel& resolved) {
    return read_panel(resolved.json, resolved.file, resolved.machine_file);
}

Panel read_panel(const Json& resolved, const std::string& file, const std::string& machine_file) {
    Panel panel;
    panel.file = file;
    panel.resolved = resolved;
    JsonReader reader(panel.resolved, file);
    if (!reader.is_object()) reader.reject("a panel");
    if (resolved.contains("panels") && !resolved.contains("problem"))
        reader.complain("this is a milestone, expected a panel; use tilemesh bench");
    panel.name = read_name(reader.member("name"));
    panel.description = reader.string("description", "");
    if (const auto inputs = reader.optional_member("inputs")) panel.inputs = read_inputs(*inputs);
    panel.problem = attention::read_problem(reader.member("problem"), {panel.inputs.tensors, panel.inputs.prefix});
    panel.kernels = read_kernels(reader.member("kernels"));
    if (const auto ranks = reader.optional_member("ranks")) panel.ranks = read_ranks(*ranks);
    if (const auto values = reader.optional_member("values")) panel.values = read_values(*values);
    if (const auto tolerance = reader.optional_member("tolerance")) panel.tolerance = read_tolerance(*tolerance);
    panel.layers = reader.integer("layers", 1, 1000000, 1);
    panel.machine = read_machine_of(reader, machine_file);
    reader.finish();
    return panel;
}

}  // namespace tilemesh::run

// SPDX-License-Identifier: Apache-2.0
// Rows of attention on chips: what an experiment says holds for its rows unless they say otherwise. States of the
// software are told in words; those that are known are what cores do with chunks of keys, the others are left out.
#include "sim/base/names.h"
#include "sim/validation/chip_attention.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace tilemesh::validation {
namespace {

constexpr std::uint64_t most = std::uint64_t{1} << 24;
constexpr double clock_ghz = 1.35, flop_per_cycle = 2048;  // as utilisations of such files are defined

/// A text that is not there, or is something else than text: empty.
std::string text_of(const Json& row, const char* key) {
    const auto found = row.find(key);
    return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool says(const std::string& text, const std::vector<std::string>& words) {
    std::string lower = text;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    return std::any_of(words.begin(), words.end(),
                       [&](const std::string& word) { return lower.find(word) != std::string::npos; });
}

/// A whole number of the row; a text in its place ("per row") is as good as nothing.
std::optional<std::uint64_t> whole(JsonReader& reader, const char* key) {
    const auto member = reader.optional_member(key);
    if (!member || !member->value().is_number()) return {};
    return member->as_integer(0, most);
}

std::optional<double> positive(JsonReader& reader, const char* key) {
    const auto member = reader.optional_member(key);
    if (!member || !member->value().is_number()) return {};
    return member->as_number(1e-9, 1e12);
}

/// True for 1 and true.
bool flag(const Json& row, const char* key) {
    const auto found = row.find(key);
    if (found == row.end()) return false;
    return found->is_boolean() ? found->get<bool>() : found->is_number() && found->get<double>() != 0.0;
}

const std::vector<const char*> step_keys{"step", "ring_step", "iteration"};
const std::vector<const char*> device_keys{"device", "chip", "ring_index", "rank"};

std::optional<std::uint64_t> first_of(JsonReader& reader, const std::vector<const char*>& keys) {
    for (const char* key : keys)
        if (const auto found = whole(reader, key)) return found;
    return {};
}

/// By the first word: "causal", "causal (step 0)".
std::optional<StepWork> work_in(const std::string& text) {
    const std::map<std::string, StepWork> works{{"full", StepWork::full},
                                                {"causal", StepWork::causal},
                                                {"diagonal", StepWork::causal},
                                                {"up", StepWork::up},
                                                {"down", StepWork::down}};
    const auto known = works.find(text.substr(0, text.find_first_of(" ,;(")));
    return known == works.end() ? std::nullopt : std::optional(known->second);
}

bool read_shape(JsonReader& reader, ChipAttention& row) {
    bool complete = true;
    const auto read = [&](std::uint64_t& value, const std::vector<const char*>& keys) {
        for (const char* key : keys) {
            const auto found = whole(reader, key);
            if (!found || *found == 0) continue;
            value = *found;
            return;
        }
        complete = false;
    };
    read(row.q_heads, {"q_heads", "heads_q", "heads"});
    row.kv_heads = row.q_heads;
    if (const auto heads = whole(reader, "kv_heads")) row.kv_heads = *heads;
    read(row.d_qk, {"d_qk"});
    read(row.d_v, {"d_v", "d_qk"});
    row.chips = whole(reader, "chips").value_or(1);
    read(row.cores, {"cores"});
    read(row.q_chunk, {"q_chunk"});
    read(row.k_chunk, {"k_chunk"});
    if (const auto total = whole(reader, "tokens_total"); total && row.chips > 0 && *total >= row.chips) {
        row.tokens = *total / row.chips;
    } else {
        read(row.tokens, {"new_tokens_per_chip", "tokens_per_chip", "tokens"});
    }
    row.cached = whole(reader, "cached_tokens_total").value_or(0);
    return complete && row.chips > 0 && row.kv_heads > 0 && row.q_heads % row.kv_heads == 0;
}

/// Why this precision or board has no rates; empty: it has.
std::string read_arithmetic(const Json& json, ChipAttention& row) {
    const std::map<std::string, double> fidelities{
        {"LoFi", 2.0}, {"HiFi2", 1.0}, {"HiFi3", 2.0 / 3.0}, {"HiFi4", 0.5}, {"", 1.0}};
    const auto fidelity = fidelities.find(text_of(json, "fidelity"));
    if (fidelity == fidelities.end()) return "a fidelity without a rate";
    row.products_per_cycle = fidelity->second;
    const std::string dtype = text_of(json, "kv_dtype");
    if (dtype != "" && dtype != "bfloat16" && dtype != "bfloat8_b") return "keys of a type without a size";
    row.eight_bit = dtype == "bfloat8_b";
    const std::string board = text_of(json, "what") + text_of(json, "chip") + text_of(json, "experiment");
    if (says(board, {"wormhole", "n150", "n300"})) return "a chip for whose cores nothing was measured";
    if (says(board, {"p100"})) row.memory_channels = 7.0 / 8.0;
    return "";
}

/// How keys come to cores, as the words of a state say it; empty: they do not.
std::string keys_in(const std::string& text) {
    if (says(text, {"every core reads", "each core reads", "cores each read"})) return "read_by_each";
    if (says(text, {"multicast"})) return "multicast";
    if (says(text, {"chain", "forward", "passed on"})) return "chained";
    return "";
}

/// A machine without one of its transfers. Why it cannot be expressed, or nothing.
std::string read_removal(const Json& json, ChipAttention& row) {
    const std::string variant = text_of(json, "variant");
    if (variant.empty()) return "";
    if (says(text_of(json, "group"), {"removed"})) {
        if (variant == "nothing removed") return "";
        row.without_read = variant == "K read from DRAM" || variant == "K read and multicast" || variant == "all";
        row.without_pass = variant == "K multicast" || variant == "K read and multicast" || variant == "all";
        row.without_blocks = variant == "all";
        row.removed = row.without_read || row.without_pass;
        if (row.removed) return "";
    }
    return "a change of the kernel for which no machine has a key";
}

std::string read_state(const Json& json, ChipAttention& row) {
    const std::string state = text_of(json, "state"), said = state + " " + text_of(json, "build");
    if (says(said, {"before", "first version", "not merged", "barrier", "earlier"}))
        return "an earlier state of the software";
    const bool alone = row.chips == 1 || row.step || row.device || row.work;
    row.keys = keys_in(said);
    if (row.keys.empty() && alone) row.keys = keys_in(text_of(json, "what"));
    // What was measured last: of single steps chains, of whole rings multicast.
    if (row.keys.empty()) row.keys = alone ? "chained" : "multicast";
    row.paired = row.causal && row.balanced && !alone && row.keys == "multicast";
    return "";
}

std::optional<double> read_ms(JsonReader& reader, const ChipAttention& row, bool has_shape) {
    if (const auto ms = positive(reader, "time_ms")) return ms;
    if (const auto us = positive(reader, "time_us")) return *us / 1000.0;
    if (const auto ms = positive(reader, "time_ms_from_utilisation")) return ms;
    const auto percent = positive(reader, "math_utilisation_percent");
    if (!percent || !has_shape || row.cached > 0 || reader.has("gflop_per_chunk")) return {};
    // Of later steps files count a half or a quarter of the block.
    if (row.causal && row.step.value_or(0) > 0) return {};
    const double keys = static_cast<double>(row.tokens * (row.work || row.step ? 1 : row.chips));
    const double flop =
        2.0 * static_cast<double>(row.tokens * (row.d_qk + row.d_v) * row.q_heads) * keys / (row.causal ? 2.0 : 1.0);
    return flop / (static_cast<double>(row.cores) * clock_ghz * flop_per_cycle * *percent / 100.0) / 1e6;
}

std::string label_of(const Json& given) {
    std::string label;
    const auto add = [&](const std::string& text) {
        if (!text.empty()) label += (label.empty() ? "" : ", ") + text;
    };
    for (const char* key : {"model", "group", "variant", "work", "state", "build"}) add(text_of(given, key));
    const std::vector<std::pair<const char*, const char*>> numbers{{"q_heads", "heads"},
                                                                   {"tokens", "tokens"},
                                                                   {"tokens_per_chip", "tokens a chip"},
                                                                   {"new_tokens_per_chip", "new tokens a chip"},
                                                                   {"cached_tokens_total", "cached"},
                                                                   {"q_chunk", "queries a chunk"},
                                                                   {"k_chunk", "keys a chunk"}};
    for (const auto& [key, unit] : numbers)
        if (const auto found = given.find(key); found != given.end() && found->is_number())
            add(fmt::format("{} {}", found->dump(), unit));
    std::vector<const char*> places = device_keys;
    places.insert(places.end(), step_keys.begin(), step_keys.end());
    for (const char* key : places)
        if (const auto found = given.find(key); found != given.end() && found->is_number())
            add(fmt::format("{} {}", key, found->dump()));
    return label;
}

ChipAttention read_row(const Json& merged, const Json& given, const std::string& place) {
    JsonReader reader(merged, place);
    ChipAttention row;
    row.experiment = text_of(merged, "experiment");
    row.label = label_of(given);
    const bool has_shape = read_shape(reader, row);
    row.causal = flag(merged, "causal");
    row.balanced = flag(merged, "balanced");
    row.step = first_of(reader, step_keys);
    row.device = first_of(reader, device_keys);
    const std::string work = text_of(merged, "work");
    row.work = work_in(work);
    if (const auto percent = positive(reader, "tolerance_percent")) row.tolerance = *percent / 100.0;
    const auto ms = read_ms(reader, row, has_shape);
    row.ms = ms.value_or(0.0);
    row.group = row.experiment + text_of(merged, "state") + (row.step ? fmt::format(" {}", *row.step) : "");

    const auto leave = [&](const std::string& why) {
        if (row.left_out.empty()) row.left_out = why;
    };
    if (!ms) leave("no time");
    if (!has_shape) leave("no shape of which heads, tokens, cores and chunks are known");
    if (!work.empty() && !row.work) leave("work that is none of full, causal, up, down");
    leave(read_arithmetic(merged, row));
    leave(read_removal(merged, row));
    leave(read_state(merged, row));
    if (row.device.value_or(0) >= row.chips || row.step.value_or(0) >= row.chips)
        leave("a device or step beyond the chips");
    if (row.left_out.empty() && row.step && row.device && row.work_of(*row.step, *row.device) == StepWork::none)
        leave("a step in which nothing is seen");
    return row;
}

/// Of rows that differ in their build alone, those before the last that has a time.
void leave_older_builds(const std::vector<std::string>& shapes, std::vector<ChipAttention>& rows) {
    std::set<std::string> later;
    for (std::size_t i = rows.size(); i-- > 0;) {
        if (shapes[i].empty() || !rows[i].left_out.empty()) continue;
        if (!later.insert(shapes[i]).second) rows[i].left_out = "an earlier state of the software";
    }
}

/// What a row with a build is apart from it and what was measured; empty without build.
std::string shape_apart_from_build(Json given) {
    if (!given.contains("build")) return "";
    for (const char* key : {"build", "time_ms", "time_us", "time_ms_from_utilisation", "math_utilisation_percent",
                            "tolerance_percent", "time_is_approximate", "low", "high", "note"})
        given.erase(key);
    return given.dump();
}

/// A row whose time is a list has one for each step.
std::vector<Json> by_steps(const Json& given) {
    const auto times = given.find("time_ms");
    if (times == given.end() || !times->is_array() || times->empty()) return {given};
    std::vector<Json> rows;
    for (std::size_t step = 0; step < times->size(); ++step) {
        rows.push_back(given);
        rows.back()["time_ms"] = times->at(step);
        rows.back()["step"] = step;
        rows.back().erase("math_utilisation_percent");
    }
    return rows;
}

}  // namespace

StepWork ChipAttention::work_of(std::uint64_t at_step, std::uint64_t at_device) const {
    if (work) return *work;
    if (!causal) return StepWork::full;
    if (at_step == 0) return StepWork::causal;
    const bool earlier = at_step <= at_device;  // the keys' chip comes before this one
    if (!balanced) return earlier ? StepWork::full : StepWork::none;
    return earlier ? StepWork::up : StepWork::down;
}

std::vector<ChipAttention> read_chip_attention(JsonReader& file) {
    std::vector<ChipAttention> all;
    for (JsonReader& experiment : file.member("experiments").elements()) {
        if (!experiment.is_object()) experiment.reject("an experiment with its rows");
        Json common = experiment.value();
        common.erase("rows");
        std::vector<ChipAttention> rows;
        std::vector<std::string> shapes;
        for (const JsonReader& reader : experiment.member("rows").elements()) {
            if (!reader.is_object()) reader.reject("a row of an experiment");
            for (const Json& given : by_steps(reader.value())) {
                Json merged = common;
                merged.update(given);
                rows.push_back(read_row(merged, given, reader.place()));
                shapes.push_back(shape_apart_from_build(given));
            }
        }
        leave_older_builds(shapes, rows);
        all.insert(all.end(), rows.begin(), rows.end());
    }
    return all;
}

}  // namespace tilemesh::validation

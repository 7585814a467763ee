// SPDX-License-Identifier: Apache-2.0
// Reading a panel from resolved JSON, strictly. configs/README.md documents every key; a test compares the two.
#include "sim/run/panel.h"

#include "sim/base/error.h"
#include "sim/run/not_possible.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

namespace tilemesh::run {
namespace {

constexpr std::uint64_t most_rows = std::uint64_t{1} << 27;
constexpr std::uint64_t largest_seed = (std::uint64_t{1} << 53) - 1;  // what every JSON reader keeps exactly

const std::vector<std::string> value_words = {"full", "sampled", "none"};

ValuesChoice read_values(JsonReader reader) {
    ValuesChoice values;
    values.mode = reader.choice("mode", value_words, values.mode);
    values.rows = static_cast<std::int64_t>(reader.integer("rows", 1, most_rows, values.rows));
    values.seed = reader.integer("seed", 0, largest_seed, values.seed);
    reader.finish();
    return values;
}

double read_tolerance(JsonReader reader) {
    const double tolerance = reader.number("relative_l2", 1e-12, 1.0);
    reader.finish();
    return tolerance;
}

machine::MachineConfig read_machine_of(JsonReader& panel) {
    JsonReader reader = panel.member("machine");
    if (!reader.is_object()) reader.reject("the path of a machine file, or a machine");
    return machine::read_machine(reader);
}

/// A limit of power is checked unasked, and not left out when asked: it would have no effect.
bool read_energy(JsonReader& panel, const machine::MachineConfig& machine) {
    const auto wanted = panel.optional_member("energy");
    if (!wanted) return machine.power_limit.has_value();
    if (wanted->as_bool() && !machine.energy)
        wanted->complain(
            fmt::format("the machine {} has no table of energies, expected the key machine.energy, for "
                        "example --set machine.energy=7nm",
                        machine.name));
    if (!wanted->as_bool() && machine.power_limit)
        wanted->complain(
            "found false beside machine.power_limit, which is checked by an account of energy, expected true, or "
            "no limit: --set machine.power_limit=null");
    return wanted->as_bool();
}

/// What is passed over has no values, no energy of its own, and no latency that could be random.
bool read_steady(JsonReader& panel, const Setup& setup) {
    const auto wanted = panel.optional_member("steady");
    if (!wanted || !wanted->as_bool()) return false;
    const auto refuse = [&](std::string_view found, std::string_view expected) {
        wanted->complain(
            fmt::format("found true beside {}, expected {}: what is passed over is not simulated", found, expected));
    };
    if (setup.values.mode != ValueMode::none)
        refuse(fmt::format("values of mode \"{}\"", name_of(setup.values.mode)), "\"values\": {\"mode\": \"none\"}");
    if (setup.jitter) refuse("a jitter", "one of them");
    if (setup.energy) refuse("an account of energy, or a limit of power", "one of them");
    return true;
}

/// In the order of the panel, whatever workload each belongs to.
std::vector<Entry> read_kernels(JsonReader& panel, const Setup& setup, const Workloads& workloads) {
    JsonReader list = panel.member("kernels");
    if (!list.is_array() || list.value().empty()) list.reject("a non-empty array of kernels");
    std::vector<JsonReader> elements = list.elements();
    std::vector<Entry> entries(elements.size());
    std::vector<bool> claimed(elements.size(), false);
    for (const WorkloadKind* kind : workloads) {
        std::vector<std::size_t> places;
        std::vector<JsonReader> own;
        for (std::size_t i = 0; i < elements.size(); ++i) {
            if (claimed[i] || !kind->claims(elements[i].value())) continue;
            claimed[i] = true;
            places.push_back(i);
            own.push_back(elements[i]);
        }
        if (own.empty()) continue;
        std::vector<Entry> read = kind->read(panel, setup, own);
        for (std::size_t i = 0; i < places.size(); ++i) entries[places[i]] = std::move(read[i]);
    }
    std::set<std::string> labels;
    for (std::size_t i = 0; i < elements.size(); ++i) {
        if (!claimed[i]) elements[i].reject("a kernel");
        if (!labels.insert(entries[i].label).second)
            elements[i].complain(
                fmt::format("{} is here twice; give one of them a \"label\" of its own", entries[i].label));
    }
    return entries;
}

/// Energy and random latencies are those of commands. Asked of what has none they would have no effect, which nobody
/// would notice.
void refuse_without_commands(JsonReader& reader, const Panel& panel) {
    for (const Entry& entry : panel.kernels) {
        if (entry.workload->can_be_followed()) continue;
        const auto refuse = [&](const JsonReader& place, std::string_view what) {
            place.complain(fmt::format("{} has no commands of PEs, of which {} would be, expected a panel without it",
                                       printable(entry.label), what));
        };
        if (panel.jitter) refuse(reader.member("jitter"), "random latencies");
        if (panel.energy)
            refuse(reader.has("energy") ? reader.member("energy") : reader.member("machine").member("power_limit"),
                   "an account of energy");
    }
}

/// A workload of a panel with those of its kernels that are not marked.
struct Share {
    const Workload* workload;
    std::vector<std::size_t> kernels;
};

std::vector<Share> shares_of(const Panel& panel) {
    std::vector<Share> shares;
    for (const Entry& entry : panel.kernels) {
        auto share = std::find_if(shares.begin(), shares.end(),
                                  [&](const Share& other) { return other.workload == entry.workload.get(); });
        if (share == shares.end()) share = shares.insert(shares.end(), {entry.workload.get(), {}});
        if (entry.not_possible.empty()) share->kernels.push_back(entry.number);
    }
    return shares;
}

}  // namespace

std::string name_of(ValueMode mode) { return value_words[static_cast<std::size_t>(mode)]; }

std::string read_name(JsonReader reader) {
    const std::string name = reader.as_string();
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.' || c == '+';
    };
    if (name.empty() || name.size() > longest_name || !std::all_of(name.begin(), name.end(), plain))
        reader.reject(fmt::format("a name of at most {} letters, digits, '_', '-', '.', '+'", longest_name));
    return name;
}

Panel read_panel(const Resolved& resolved, const Workloads& workloads) {
    Panel panel;
    panel.origins = resolved.origins;
    panel.resolved = resolved.json;
    JsonReader reader(panel.resolved, panel.origins);
    if (!reader.is_object()) reader.reject("a panel");
    if (resolved.json.contains("panels") && !resolved.json.contains("kernels"))
        reader.complain("this is a milestone, expected a panel; use tilemesh bench");
    panel.name = read_name(reader.member("name"));
    panel.description = reader.string("description", "");
    if (const auto values = reader.optional_member("values")) panel.values = read_values(*values);
    if (const auto tolerance = reader.optional_member("tolerance")) panel.tolerance = read_tolerance(*tolerance);
    if (const auto jitter = reader.optional_member("jitter")) panel.jitter = jitter->as_integer(0, largest_seed);
    panel.layers = reader.integer("layers", 1, 1000000, 1);
    panel.machine = read_machine_of(reader);
    panel.energy = read_energy(reader, panel.machine);
    panel.steady = read_steady(reader, panel);
    panel.kernels = read_kernels(reader, panel, workloads);
    refuse_without_commands(reader, panel);
    reader.finish();
    return panel;
}

std::string Panel::describe() const {
    std::string text;
    for (const Share& share : shares_of(*this)) text += (text.empty() ? "" : "; ") + share.workload->describe();
    return text;
}

void check_panel(const Panel& panel) {
    for (const Entry& entry : panel.kernels) entry.workload->check(entry.number);
}

void check_inputs(const Panel& panel) {
    for (const Share& share : shares_of(panel)) share.workload->check_inputs(share.kernels);
}

void mark_impossible(Panel& panel) {
    std::optional<NotPossible> first;
    bool possible = false;
    for (Entry& entry : panel.kernels) {
        entry.not_possible.clear();
        try {
            entry.workload->check(entry.number);
            possible = true;
        } catch (const NotPossible& error) {
            entry.not_possible = error.reason();
            if (!first) first = error;
        }
    }
    if (!possible && first) throw NotPossible(*first);
}

PreparedPanel::PreparedPanel(const Panel& panel, int threads) {
    for (const Share& share : shares_of(panel))
        prepared_.emplace_back(share.workload, share.workload->prepare(share.kernels, threads));
}

const Prepared& PreparedPanel::of(const Entry& entry) const {
    for (const auto& [workload, prepared] : prepared_)
        if (workload == entry.workload.get()) return *prepared;
    fail<InternalError>("{}: nothing is prepared for it", entry.where);
}

}  // namespace tilemesh::run

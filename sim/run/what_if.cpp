// SPDX-License-Identifier: Apache-2.0
// Which keys make up a resource, and which way is faster. A key that the machine does not give has its default, which
// the table knows where it is not neutral.
#include "sim/run/what_if.h"

#include "sim/base/dotted_path.h"
#include "sim/base/error.h"
#include "sim/base/names.h"
#include "sim/memory/timing.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

namespace tilemesh::run {
namespace {

enum class Better { more, less };

struct Key {
    std::string path;
    Better better = Better::more;
    double free = 0.0;                     // the value that takes no time
    std::optional<double> otherwise = {};  // of a key that is not given; none: then it is neutral
    bool whole = false;                    // an integer
};

/// Of the memory's timing, what a first byte waits for.
std::vector<Key> latency_of_memory(const Resolved& panel) {
    std::vector<Key> keys{{"machine.hbm.access_latency_ns", Better::less, 0.0}};
    const Json& hbm = panel.json.at("machine").at("hbm");
    const std::string standard = hbm.value("standard", "HBM3");
    if (standard == "ideal") return keys;
    for (const memory::TimingKey& key : memory::timing_keys())
        for (const char* name : {"tCL_ns", "tCWL_ns", "tRCDRD_ns", "tRCDWR_ns"})
            if (key.key == name)
                keys.push_back({"machine.hbm.timing." + std::string(name), Better::less, 0.0,
                                standard == "HBM2" ? key.hbm2 : key.hbm3});
    return keys;
}

constexpr double fastest_rate = 1e6, fastest_port = 1e12;

/// Of runs of collectives.
std::vector<Key> keys_of_collectives(const std::string& resource) {
    if (resource == "calls") {
        std::vector<Key> keys;
        for (const char* operation : {"all_gather", "reduce_scatter", "all_to_all"})
            for (const char* part : {"connect_ns", "exit_ns"})
                keys.push_back({fmt::format("machine.collectives.{}.{}", operation, part), Better::less, 0.0});
        return keys;
    }
    if (resource == "workers")
        return {{"machine.collectives.worker_gbytes_per_s", Better::more, fastest_rate},
                {"machine.collectives.finish_gbytes_per_s", Better::more, fastest_rate},
                {"machine.collectives.relay_ns", Better::less, 0.0},
                {"machine.collectives.multicast_ns", Better::less, 0.0},
                {"machine.collectives.destination_ns", Better::less, 0.0},
                {"machine.collectives.chunk_ns", Better::less, 0.0}};
    if (resource == "packets")
        return {{"machine.collectives.packet.router_ns", Better::less, 0.0},
                {"machine.collectives.packet.ring_ns", Better::less, 0.0},
                {"machine.collectives.reduction_ns", Better::less, 0.0}};
    if (resource == "slots") return {{"machine.collectives.packet.slots", Better::more, 1 << 20, {}, true}};
    return {};
}

/// Of products over the cores of a chip.
std::vector<Key> keys_of_products(const std::string& resource) {
    if (resource == "cores") {
        std::vector<Key> keys{{"machine.products.tile_overhead_cycles", Better::less, 0.0},
                              {"machine.products.unpack_bytes_per_cycle", Better::more, fastest_rate},
                              {"machine.products.pack_bytes_per_cycle", Better::more, fastest_rate}};
        for (const auto& [fidelity, cycles] : {std::pair("LoFi", 16.0), {"HiFi2", 32.0}, {"HiFi4", 64.0}})
            keys.push_back({fmt::format("machine.products.tile_cycles.{}", fidelity), Better::less, 1.0, cycles});
        return keys;
    }
    if (resource == "blocks")
        return {{"machine.products.multicast_bytes_per_cycle", Better::more, fastest_rate},
                {"machine.products.block_cycles", Better::less, 0.0}};
    if (resource == "DRAM")
        return {{"machine.hbm.gbytes_per_s_per_channel", Better::more, fastest_rate},
                {"machine.products.read_bytes_per_cycle", Better::more, fastest_rate},
                {"machine.products.write_gbytes_per_s", Better::more, fastest_rate}};
    return {};
}

/// A key of links in all networks.
std::vector<Key> keys_of_links(const std::string& key, Better better, double free, const Resolved& panel) {
    std::vector<std::string> networks{"machine.network"};
    if (const Json* const several = member(panel.json, "machine.network.networks"))
        for (std::size_t i = 0; i < several->size(); ++i)
            networks.push_back(fmt::format("machine.network.networks.{}", i));
    std::vector<Key> keys;
    for (const std::string& network : networks)
        for (const char* part : {"link", "die_to_die", "port"})
            keys.push_back({fmt::format("{}.{}.{}", network, part, key), better, free});
    return keys;
}

constexpr double least_cycles_per_element = 1e-9;
const std::string cycles_per_element_of = "machine.pe.vector.cycles_per_element";

/// Those of the operations that the machine has numbers for.
std::vector<std::string> cycles_per_element(const Resolved& panel) {
    std::vector<std::string> keys;
    const Json* const all = member(panel.json, cycles_per_element_of);
    if (all && all->is_object())
        for (const auto& [operation, cycles] : all->items()) keys.push_back(cycles_per_element_of + "." + operation);
    return keys;
}

std::vector<Key> keys_of(const std::string& resource, const Resolved& panel) {
    if (resource == "matrix") {
        std::vector<Key> keys{{"machine.pe.matrix.sram_bytes_per_cycle", Better::more, fastest_port}};
        for (const char* dtype : {"f32", "f16", "bf16", "f8e4m3", "f8e5m2"})
            keys.push_back({fmt::format("machine.pe.matrix.speed.{}", dtype), Better::more, fastest_rate, 1.0});
        return keys;
    }
    if (resource == "vector")
        return {{"machine.pe.vector.lanes", Better::more, 1 << 30, {}, true},
                {"machine.pe.vector.startup_cycles", Better::less, 0.0}};
    if (resource == "HBM") return {{"machine.hbm.channels_per_pe", Better::more, 1024, {}, true}};
    if (resource == "HBM latency") return latency_of_memory(panel);
    if (resource == "link") return keys_of_links("gbytes_per_s", Better::more, fastest_rate, panel);
    if (resource == "link latency") {
        std::vector<Key> keys = keys_of_links("latency_ns", Better::less, 0.0, panel);
        keys.push_back({"machine.network.router.cycle_ns", Better::less, 0.0, 0.5});
        return keys;
    }
    if (resource == "issue")
        return {{"machine.pe.issue_cycles", Better::less, 0.0}, {"machine.pe.integer_cycles", Better::less, 0.0}};
    if (resource == "descriptor") return {{"machine.pe.dma.descriptor_cycles", Better::less, 0.0}};
    if (resource == "SRAM port") return {{"machine.pe.dma.bytes_per_cycle", Better::more, fastest_port}};
    if (resource == "transfers") return {{"machine.pe.dma.outstanding", Better::more, 4096, {}, true}};
    if (resource == "queues") return {{"machine.pe.queue_depth", Better::more, 1 << 16, {}, true}};
    if (resource == "SRAM") return {{"machine.pe.sram_bytes", Better::more, 1ULL << 46, {}, true}};
    if (resource == "credits")
        return {{"machine.network.receive_buffer_bytes", Better::more, 1ULL << 40, 262144.0, true}};
    if (resource == "launch")
        return {{"machine.pe.launch.simple_ns", Better::less, 0.0},
                {"machine.pe.launch.attention_ns", Better::less, 0.0},
                {"machine.pe.launch.exchange_ns", Better::less, 0.0},
                {"machine.pe.launch.exchange_message_ns", Better::less, 0.0},
                {"machine.products.launch_ns", Better::less, 0.0}};
    if (member(panel.json, "problem.collective")) return keys_of_collectives(resource);
    if (member(panel.json, "machine.products") && member(panel.json, "problem.m")) return keys_of_products(resource);
    return {};
}

std::optional<double> value_of(const Key& key, const Resolved& panel) {
    const Json* const value = member(panel.json, key.path);
    if (value && value->is_number()) return value->get<double>();
    // A default is of a part that is there: no machine gets a port by being asked what a faster one would do.
    const std::string part = key.path.substr(0, key.path.rfind('.'));
    return member(panel.json, part) || part.ends_with("timing") || part.ends_with("speed") ||
                   part.ends_with("router") || part.ends_with("tile_cycles")
               ? key.otherwise
               : std::nullopt;
}

struct Amount {
    std::optional<double> factor;  // none: free, or `value`
    std::optional<Json> value;
};

Amount read_amount(const std::string& text, const WhatIf& change) {
    if (text == "free") return {};
    double factor = 0.0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, factor);
    if (rest != text.data() && rest + 1 == end && *rest == 'x') {
        if (error == std::errc() && factor > 0.0 && std::isfinite(factor)) return {factor, {}};
        fail<InputError>("{}: found the factor {}, expected one above 0 and finite, like 2x or 0.5x",
                         printable(change.where), printable(text));
    }
    return {{}, Json::accept(text) ? Json::parse(text) : Json(text)};
}

Json number(double value, bool whole) {
    constexpr double most_of_it = 1e18;  // what the strict reader refuses all the same
    return whole ? Json(static_cast<std::uint64_t>(std::clamp(std::round(value), 1.0, most_of_it))) : Json(value);
}

/// `better`: the factor says how many times as fast, whichever way the key goes.
void set(Resolved& panel, const Key& key, const Amount& amount, bool better, const WhatIf& change) {
    const std::optional<double> now = value_of(key, panel);
    if (!now) return;
    double value = key.free;
    if (amount.factor)
        value = better && key.better == Better::less ? *now / *amount.factor : *now * *amount.factor;
    else if (key.better == Better::more)
        value = std::max(value, *now);
    apply_setting(panel, {key.path, number(value, key.whole), change.where});
}

std::optional<Key> known_key(const std::string& path, const Resolved& panel) {
    for (const Resource& resource : resources())
        for (const Key& key : keys_of(resource.name, panel))
            if (key.path == path) return key;
    return {};
}

void change_key(Resolved& panel, const std::string& path, const Amount& amount, const WhatIf& change) {
    if (amount.value) return apply_setting(panel, {path, *amount.value, change.where});
    Key key = known_key(path, panel).value_or(Key{path, Better::more, 0.0});
    const bool known = known_key(path, panel).has_value();
    if (const Json* const value = member(panel.json, path)) key.whole = value->is_number_integer() && key.whole;
    if (!known && !amount.factor) {
        const bool of_element = path.starts_with(cycles_per_element_of);
        if (of_element) key.free = least_cycles_per_element;
        if (!of_element && !path.ends_with("_ns") && !path.ends_with("_cycles"))
            fail<InputError>("{}: what {}=free means is not known; give a factor (2x) or a value",
                             printable(change.where), printable(path));
        key.better = Better::less;
    }
    if (!value_of(key, panel))
        fail<InputError>("{}: the machine has no number {} that could be changed; give a value",
                         printable(change.where), printable(path));
    const Json* const value = member(panel.json, path);
    if (!known && value && value->is_number_integer()) key.whole = amount.factor && *amount.factor >= 1.0;
    set(panel, key, amount, false, change);
}

void change_one(Resolved& panel, const std::string& name, const Amount& amount, const WhatIf& change) {
    if (name.starts_with("machine.")) return change_key(panel, name, amount, change);
    std::vector<std::string> names;
    for (const Resource& resource : resources()) names.push_back(resource.name);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
        const auto near = nearest_name(name, names);
        fail<InputError>("{}: found {}, expected a key of the machine (machine.pe.clock_ghz) or one of {}{}",
                         printable(change.where), printable(name), list_of_names(names),
                         near ? fmt::format("; did you mean {}?", *near) : "");
    }
    if (amount.value)
        fail<InputError>("{}: {} is several keys; expected a factor (2x) or free", printable(change.where), name);
    // An array that takes no time has nothing to fill either, and operations narrower than the lanes take none.
    if (name == "matrix" && !amount.factor)
        apply_setting(panel, {"machine.pe.matrix.dataflow", "ideal", change.where});
    if (name == "vector" && !amount.factor)
        for (const std::string& key : cycles_per_element(panel))
            apply_setting(panel, {key, least_cycles_per_element, change.where});
    if (name == "HBM" && !amount.factor) {
        // No rate, no rows, no refresh; what is left is the latency outside the controllers.
        Json& hbm = panel.json["machine"]["hbm"];
        hbm["standard"] = "ideal";
        hbm["refresh"] = "none";
        hbm.erase("timing");
        return apply_setting(panel, {"machine.hbm.gbytes_per_s_per_channel", fastest_rate, change.where});
    }
    for (const Key& key : keys_of(name, panel)) set(panel, key, amount, true, change);
}

}  // namespace

const std::vector<Resource>& resources() {
    static const std::vector<Resource> all{
        {"matrix", "the matrix engine: its speed and its way to the SRAM"},
        {"vector", "the vector engine: its lanes and its pipeline"},
        {"HBM", "the channels of each slice"},
        {"HBM latency", "from a request to its first byte"},
        {"link", "the rate of all links"},
        {"link latency", "of wires and routers"},
        {"issue", "the command processor's work"},
        {"descriptor", "of each transfer"},
        {"SRAM port", "between transfers and the SRAM"},
        {"transfers", "how many may be under way"},
        {"queues", "how many commands wait in front of an engine"},
        {"SRAM", "its room"},
        {"credits", "the room for messages that nobody has received yet"},
        {"launch", "the start of a launch, on machines that have them"},
        {"calls", "what a collective takes before its first byte and after its last"},
        {"workers", "of a chip, which feed links, pass on and add in collectives"},
        {"packets", "a router's work for each packet of a collective"},
        {"slots", "for packets of collectives at routers"},
        {"cores", "the engines of a chip's cores in products spread over them"},
        {"blocks", "bringing blocks of such products to all cores"},
        {"DRAM", "reading and writing of such products"},
    };
    return all;
}

Resolved with_change(const Resolved& panel, const WhatIf& change) {
    Resolved changed = panel;
    std::set<std::string> seen;
    std::size_t begin = 0;
    while (begin <= change.text.size()) {
        const std::size_t end = std::min(change.text.find(',', begin), change.text.size());
        const std::string one = change.text.substr(begin, end - begin);
        const std::size_t equals = one.find('=');
        if (equals == std::string::npos || equals == 0 || equals + 1 == one.size())
            fail<InputError>("{}: found {}, expected KEY=2x, KEY=free or KEY=VALUE, several with commas between",
                             printable(change.where), printable(one));
        const std::string name = one.substr(0, equals);
        if (!seen.insert(name).second)
            fail<InputError>("{}: {} is there twice, expected each key or resource once", printable(change.where),
                             printable(name));
        change_one(changed, name, read_amount(one.substr(equals + 1), change), change);
        begin = end + 1;
    }
    return changed;
}

std::vector<WhatIf> every_resource(const Resolved& panel) {
    std::vector<WhatIf> all;
    for (const Resource& resource : resources())
        for (const char* amount : {"2x", "free"}) {
            const WhatIf change{fmt::format("{}={}", resource.name, amount), "what-if " + resource.name};
            if (with_change(panel, change).json != panel.json) all.push_back(change);
        }
    return all;
}

}  // namespace tilemesh::run

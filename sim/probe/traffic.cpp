// SPDX-License-Identifier: Apache-2.0
// The kind of probe "traffic": latency against load for synthetic patterns, saturation, and the load of every link.
#include "sim/base/longest_run.h"
#include "sim/probe/kinds.h"
#include "sim/probe/traffic_saturation.h"

#include <fmt/core.h>

#include <algorithm>

namespace tilemesh::probe {
namespace {

using report::Cell;
using report::TextTable;

struct Sweep {
    TrafficLoad load;  // what all points share
    std::vector<int> packet_flits;
    std::vector<double> offered;   // open loop
    std::vector<int> outstanding;  // closed loop; one of the two is empty
};

struct Measured {
    TrafficLoad load;
    TrafficPoint point;
};

std::vector<int> read_counts(JsonReader& probe, const char* key, std::uint64_t most, std::vector<int> otherwise) {
    const auto list = probe.optional_member(key);
    if (!list) return otherwise;
    if (!list->is_array()) return {static_cast<int>(list->as_integer(1, most))};
    std::vector<int> counts;
    for (const JsonReader& element : list->elements())
        counts.push_back(static_cast<int>(element.as_integer(1, most)));
    if (counts.empty()) list->reject("at least one number");
    return counts;
}

TrafficPattern read_pattern(JsonReader& probe, const machine::MachineConfig& machine) {
    TrafficPattern pattern;
    pattern.name = probe.word("pattern", traffic_patterns(), "uniform");
    pattern.include_self = probe.boolean("include_self", false);
    pattern.seed = probe.integer("seed", 0, (std::uint64_t{1} << 53) - 1, 1);
    if (auto hotspot = probe.optional_member("hotspot")) {
        if (pattern.name != "hotspot") hotspot->complain("only the pattern hotspot has one");
        pattern.hot = static_cast<int>(hotspot->integer("node", 0, static_cast<std::uint64_t>(machine.pes()) - 1, 0));
        pattern.share = hotspot->number("share", 0.0, 1.0, 0.5);
        hotspot->finish();
    }
    const std::string why_not = unsuitable(pattern, noc::Topology(machine.network));
    if (!why_not.empty()) probe.complain(why_not);
    return pattern;
}

Sweep read_sweep(JsonReader probe, const machine::MachineConfig& machine) {
    Sweep sweep;
    probe.word("kind", {"traffic"});
    sweep.load.pattern = read_pattern(probe, machine);
    sweep.packet_flits = read_counts(probe, "packet_flits", 1 << 20, {4});
    sweep.outstanding = read_counts(probe, "outstanding", 1 << 16, {});
    if (const auto list = probe.optional_member("offered")) {
        if (!sweep.outstanding.empty()) list->complain("a closed loop (outstanding) has no offered load");
        for (const JsonReader& element : list->elements()) sweep.offered.push_back(element.as_number(1e-6, 1.0));
        if (sweep.offered.empty()) list->reject("at least one load");
    } else if (sweep.outstanding.empty()) {
        sweep.offered = {0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0};
    }
    constexpr std::uint64_t most_cycles = std::uint64_t{1} << 32;
    sweep.load.warmup_cycles = probe.integer("warmup_cycles", 0, most_cycles, 5000);
    sweep.load.measured_cycles = probe.integer("measured_cycles", 1, most_cycles, 20000);
    sweep.load.drain_cycles = probe.integer("drain_cycles", 0, most_cycles, 20000);
    probe.finish();
    const std::uint64_t cycles = sweep.load.warmup_cycles + sweep.load.measured_cycles + sweep.load.drain_cycles;
    if (const std::uint64_t most = longest_run.value() / flit_cycle(machine.network).value(); cycles > most)
        probe.complain(
            fmt::format("warmup_cycles, measured_cycles and drain_cycles: found {} together, expected at most {}, "
                        "which take 53 days",
                        cycles, most));
    return sweep;
}

std::vector<Measured> measured(const Sweep& sweep, const noc::NetworkConfig& network, const OnProgress& on_progress) {
    std::vector<Measured> all;
    const std::size_t points = sweep.packet_flits.size() * (sweep.offered.size() + sweep.outstanding.size());
    const auto measure = [&](const TrafficLoad& load) {
        on_progress(all.size(), points);
        all.push_back({load, run_traffic(network, load)});
    };
    for (const int flits : sweep.packet_flits) {
        TrafficLoad load = sweep.load;
        load.packet_flits = flits;
        for (const double offered : sweep.offered) {
            load.offered = offered;
            measure(load);
        }
        for (const int outstanding : sweep.outstanding) {
            load.outstanding = outstanding;
            measure(load);
        }
    }
    return all;
}

struct Saturated {
    int packet_flits;
    Saturation at;
};

/// For each size of packets of which a load was too much.
std::vector<Saturated> saturations(const std::vector<Measured>& all, const Sweep& sweep,
                                   const noc::NetworkConfig& network) {
    std::vector<Saturated> found;
    for (const int flits : sweep.packet_flits) {
        const Measured *carried = nullptr, *too_much = nullptr;
        const auto of_this_size = [&](const Measured& one) { return one.load.packet_flits == flits; };
        for (const Measured& one : all) {
            if (!of_this_size(one) || !one.point.unstable) continue;
            if (!too_much || one.load.offered < too_much->load.offered) too_much = &one;
        }
        if (!too_much) continue;
        for (const Measured& one : all) {
            if (!of_this_size(one) || one.load.offered >= too_much->load.offered) continue;
            if (!carried || one.load.offered > carried->load.offered) carried = &one;
        }
        found.push_back(
            {flits, find_saturation(network, too_much->load, carried ? carried->load.offered : 0.0,
                                    carried ? carried->point.arrived_of_watched : 0.0, too_much->load.offered)});
    }
    return found;
}

TextTable table_of(const std::vector<Saturated>& found) {
    TextTable table({{"", "packet"}, {"", "saturates at"}, {"offered", "carried"}, {"offered", "too much"}});
    for (const Saturated& one : found) {
        table.add_row({{fmt::format("{}", one.packet_flits)},
                       {fmt::format("{:.4f}", one.at.load)},
                       {fmt::format("{:.4f}", one.at.carried)},
                       {fmt::format("{:.4f}", one.at.too_much)}});
    }
    return table;
}

TextTable table_of(const std::vector<Measured>& all) {
    TextTable table({{"", "packet"},
                     {"", all.front().load.outstanding > 0 ? "outstanding" : "offered"},
                     {"", "accepted"},
                     {"", "at worst node"},
                     {"latency, cycles", "mean"},
                     {"latency, cycles", "p99"},
                     {"latency, cycles", "in network"},
                     {"", "routers"},
                     {"", "", TextTable::Align::left}});
    for (const Measured& one : all) {
        const TrafficPoint& p = one.point;
        const auto of_packets = [&](double value, int places) -> Cell {
            return {p.packets == 0 ? "-" : fmt::format("{:.{}f}", value, places)};
        };
        table.add_row({{fmt::format("{}", one.load.packet_flits)},
                       {one.load.outstanding > 0 ? fmt::format("{}", one.load.outstanding)
                                                 : fmt::format("{:.3f}", one.load.offered)},
                       {fmt::format("{:.4f}", p.accepted)},
                       {fmt::format("{:.4f}", p.least_accepted)},
                       of_packets(p.mean_latency, 2),
                       of_packets(p.p99_latency, 0),
                       of_packets(p.network_latency, 2),
                       of_packets(p.mean_routers, 2),
                       {p.unstable ? "unstable" : ""}});
    }
    return table;
}

/// The links that carry most, at one point.
TextTable busiest_links(const TrafficPoint& point, const noc::Topology& topology, std::size_t most) {
    std::vector<std::size_t> order(point.link_loads.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return point.link_loads[a] > point.link_loads[b]; });
    TextTable table({{"", "link", TextTable::Align::left}, {"", "of its rate"}});
    for (std::size_t i = 0; i < std::min(most, order.size()); ++i) {
        table.add_row(
            {{topology.links()[order[i]].name}, {fmt::format("{:.1f} %", 100 * point.link_loads[order[i]])}});
    }
    return table;
}

std::string conclusion_of(const std::vector<Measured>& all, const std::vector<Saturated>& saturated,
                          const std::string& pattern) {
    const auto best = std::max_element(all.begin(), all.end(), [](const Measured& a, const Measured& b) {
        return a.point.accepted < b.point.accepted;
    });
    std::string text = fmt::format("{}: up to {:.3f} flits per node and cycle arrive", pattern, best->point.accepted);
    if (saturated.empty()) return text + "; no load was too much.";
    for (const Saturated& one : saturated) {
        text +=
            fmt::format("; packets of {} flits saturate at an offered load of {:.3g}", one.packet_flits, one.at.load);
    }
    return text + ".";
}

Json json_of(const Measured& one, const noc::Topology& topology) {
    const TrafficPoint& p = one.point;
    Json links = Json::object();
    for (std::size_t i = 0; i < p.link_loads.size(); ++i) links[topology.links()[i].name] = p.link_loads[i];
    Json json{{"packet_flits", one.load.packet_flits}};
    if (one.load.outstanding > 0) {
        json["outstanding"] = one.load.outstanding;
    } else {
        json["offered"] = one.load.offered;
    }
    json["created_flits_per_node_cycle"] = p.offered;
    json["accepted_flits_per_node_cycle"] = p.accepted;
    json["least_accepted_flits_per_node_cycle"] = p.least_accepted;
    const auto of_packets = [&](double value) { return p.packets == 0 ? Json(nullptr) : Json(value); };
    json["mean_latency_cycles"] = of_packets(p.mean_latency);
    json["p99_latency_cycles"] = of_packets(p.p99_latency);
    json["network_latency_cycles"] = of_packets(p.network_latency);
    json["routers_passed"] = of_packets(p.mean_routers);
    json["unstable"] = p.unstable;
    json["packets"] = p.packets;
    json["link_loads"] = links;
    return json;
}

PreparedProbe read_traffic(JsonReader probe, const machine::MachineConfig& machine) {
    const Sweep sweep = read_sweep(probe, machine);
    return [sweep, network = machine.network](const OnProgress& on_progress) {
        const noc::Topology topology(network);
        const std::vector<Measured> all = measured(sweep, network, on_progress);
        ProbeReport report;
        const double cycle_ns = to_nanoseconds(flit_cycle(network));
        report.sections.push_back(
            {fmt::format("loads in flits of {} bytes per node and cycle of {:g} ns", network.flit.value(), cycle_ns),
             table_of(all)});
        const std::vector<Saturated> saturated = saturations(all, sweep, network);
        if (!saturated.empty()) {
            report.sections.push_back(
                {"saturation, by halving the gap between loads that are carried and not", table_of(saturated)});
        }
        report.sections.push_back({"busiest links at the last point", busiest_links(all.back().point, topology, 8)});
        report.conclusion = conclusion_of(all, saturated, sweep.load.pattern.name);
        Json points = Json::array(), at = Json::array();
        for (const Measured& one : all) points.push_back(json_of(one, topology));
        for (const Saturated& one : saturated) {
            at.push_back({{"packet_flits", one.packet_flits},
                          {"flits_per_node_cycle", one.at.load},
                          {"carried_flits_per_node_cycle", one.at.carried},
                          {"too_much_flits_per_node_cycle", one.at.too_much}});
        }
        report.result = {{"pattern", sweep.load.pattern.name},
                         {"flit_bytes", network.flit.value()},
                         {"cycle_ns", cycle_ns},
                         {"saturation", at},
                         {"points", points}};
        return report;
    };
}

}  // namespace

Kind traffic_kind() {
    return {"traffic", "synthetic traffic through the network: latency against load, saturation, load of every link",
            read_traffic};
}

}  // namespace tilemesh::probe

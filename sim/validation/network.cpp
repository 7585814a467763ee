// SPDX-License-Identifier: Apache-2.0
// The network's routers and links against a flit-level simulator: latency under Bernoulli traffic and throughput at
// saturation of k-ary n-meshes and tori. Packets, channels and buffers are those of the rows; pipeline, links and
// ports are the reference's own (one cycle each, two for the links of a torus, which it lays out longer).
#include "sim/base/error.h"
#include "sim/base/names.h"
#include "sim/probe/traffic_run.h"
#include "sim/validation/families.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>

namespace tilemesh::validation {
namespace {

constexpr std::uint64_t flit_bytes = 8;
constexpr double low_load = 0.05, share_of_saturation = 0.7;
constexpr const char* accepted_key = "accepted_flits_per_node_cycle_at_offered_1.0";

/// What rows have in common: one network with one kind of traffic.
struct Setting {
    bool torus = false;
    int k = 0, n = 0;
    std::string traffic;
    int packet_flits = 0, channels = 0, buffer_flits = 0;
    auto operator<=>(const Setting&) const = default;
    int nodes() const { return n == 1 ? k : k * k; }
};

/// What of a row no suite is made of; empty: nothing.
std::string without_suite(JsonReader& row) {
    const auto unless_one_of = [](const char* key, const std::string& word, const std::vector<std::string>& known) {
        const bool is_known = std::find(known.begin(), known.end(), word) != known.end();
        return is_known ? "" : fmt::format("{} {} has no suite", key, printable(word));
    };
    std::string found = unless_one_of("topology", row.string("topology"), {"mesh", "torus"});
    if (found.empty()) found = unless_one_of("traffic", row.string("traffic"), {"uniform", "neighbor"});
    if (found.empty()) found = unless_one_of("routing", row.string("routing", "dor"), {"dor", "dim_order"});
    if (found.empty() && row.integer("speculative", 0, 1, 0) != 0) found = "speculative allocation has no suite";
    return found;
}

Setting setting_of(JsonReader& row) {
    Setting s;
    const auto size = [&](const char* key, std::uint64_t least, std::uint64_t most) {
        return static_cast<int>(row.integer(key, least, most));
    };
    s.torus = row.string("topology") == "torus";
    s.n = size("n", 1, 2);
    s.k = size("k", 2, s.n == 1 ? 1024 : 64);
    s.traffic = row.string("traffic");
    s.packet_flits = size("packet_flits", 1, 1 << 16);
    s.channels = size("num_vcs", s.torus ? 2 : 1, 64);
    s.buffer_flits = size("vc_buf", 1, 1 << 20);
    return s;
}

std::string text_of(const Setting& s) {
    return fmt::format("{} {} {} {} flit{}, {} VC{} x {}", s.torus ? "torus" : "mesh",
                       s.n == 1 ? fmt::format("{}", s.k) : fmt::format("{}x{}", s.k, s.k), s.traffic, s.packet_flits,
                       s.packet_flits == 1 ? "" : "s", s.channels, s.channels == 1 ? "" : "s", s.buffer_flits);
}

noc::NetworkConfig network_of(const Setting& s) {
    using noc::TopologyKind;
    const Picoseconds cycle(1000);
    noc::NetworkConfig network;
    if (s.n == 1) {
        network.pes_in_cube = {s.torus ? TopologyKind::ring : TopologyKind::line, 1, s.k};
    } else {
        network.pes_in_cube = {s.torus ? TopologyKind::torus : TopologyKind::mesh, s.k, s.k};
    }
    const Rate rate = Rate::gbytes_per_s(static_cast<double>(flit_bytes));  // a flit per ns, which is the cycle
    const Bytes buffer(flit_bytes * static_cast<std::uint64_t>(s.buffer_flits));
    network.link = {rate, cycle * (s.torus ? 2 : 1), buffer};
    network.die_to_die = network.link;
    network.port = noc::LinkConfig{rate, cycle, buffer};
    network.router.vc_allocation = network.router.switch_allocation = network.router.traversal = cycle;
    network.router.credit = cycle;
    network.router.virtual_channels = s.channels;
    network.flit = Bytes(flit_bytes);
    network.packet = Bytes(flit_bytes * static_cast<std::uint64_t>(s.packet_flits));
    return network;
}

probe::TrafficLoad load_of(const Setting& s, double offered) {
    probe::TrafficLoad load;
    load.pattern.name = s.traffic == "uniform" ? "uniform" : "neighbour";
    load.pattern.include_self = true;
    load.packet_flits = s.packet_flits;
    load.offered = offered;
    load.judged = false;  // the rows say how long to measure
    return load;
}

/// Throughput under an offered load of one flit per node and cycle, as long as the reference takes for it.
double throughput(const Setting& s) {
    probe::TrafficLoad load = load_of(s, 1.0);
    load.warmup_cycles = 3000;
    load.measured_cycles = 9000;
    load.drain_cycles = 0;
    return probe::run_traffic(network_of(s), load).accepted;
}

double latency(const Setting& s, double offered) {
    // The reference runs some 30,000 cycles; where that is few packets, the mean needs more of them.
    constexpr double packets = 20000;
    probe::TrafficLoad load = load_of(s, offered);
    const double cycles = packets * s.packet_flits / (s.nodes() * offered);
    load.measured_cycles = static_cast<std::uint64_t>(std::clamp(cycles, 20000.0, 2e6));
    const probe::TrafficPoint point = probe::run_traffic(network_of(s), load);
    if (point.packets == 0)
        fail<KernelError>("no packet was measured in {} cycles, expected a load of which there are some",
                          load.measured_cycles);
    return point.mean_latency;
}

double routers_passed(const Setting& s) { return 1.0 + s.n * s.k / (s.torus ? 4.0 : 3.0); }

struct LatencyRow {
    Setting setting;
    double offered = 0.0, cycles = 0.0;
    bool unstable = false;
};

/// `saturation`: of the same setting in the same file, if it says.
Case latency_case(const LatencyRow& row, std::optional<double> saturation) {
    const std::string suite = row.setting.traffic == "uniform" ? "network_uniform" : "network_neighbour";
    const std::string name = fmt::format("{}, offered {:g}", text_of(row.setting), row.offered);
    std::vector<std::string> suites;
    const bool low = row.offered <= low_load;
    if (low) suites.push_back("network_latency_low");
    const bool beyond = row.unstable || (saturation && row.offered > share_of_saturation * *saturation);
    if (!beyond) suites.push_back(suite);
    const std::string left_out = fmt::format("offered more than {:g} % of saturation", 100.0 * share_of_saturation);
    if (suites.empty()) return not_compared(suite, left_out);
    const double hops = 20000.0 * row.setting.nodes() * row.offered / row.setting.packet_flits;
    return {name, suites,
            [=] {
                const double measured = latency(row.setting, row.offered);
                std::vector<Comparison> comparisons;
                for (const std::string& to : suites) {
                    const bool unknown = to == suite && !saturation;
                    if (unknown && row.offered > share_of_saturation * throughput(row.setting)) continue;
                    comparisons.push_back({to, name, row.cycles, measured, "cycles"});
                }
                return comparisons;
            },
            hops * routers_passed(row.setting) < 3e5, left_out};
}

Case saturation_case(const Setting& setting, double accepted) {
    const std::string suite =
        setting.traffic == "uniform" ? "network_saturation_uniform" : "network_saturation_neighbour";
    const std::string name = text_of(setting) + ", saturated";
    return {name,
            {suite},
            [=] {
                return std::vector<Comparison>{{suite, name, accepted, throughput(setting), "flits/node/cycle"}};
            },
            setting.nodes() <= 16};
}

std::vector<Case> cases_of(JsonReader file, const Surroundings&) {
    std::map<Setting, double> saturations;
    std::vector<Case> saturated;
    if (auto rows = file.optional_member("saturation")) {
        for (JsonReader& row : rows->elements()) {
            if (const std::string why = without_suite(row); !why.empty()) {
                saturated.push_back(not_compared("network_saturation_uniform", why));
                continue;
            }
            const Setting setting = setting_of(row);
            const double accepted = row.number(accepted_key, 1e-6, 1.0);
            saturations[setting] = accepted;
            saturated.push_back(saturation_case(setting, accepted));
        }
    }
    std::vector<Case> cases;
    if (auto rows = file.optional_member("latency")) {
        for (JsonReader& reader : rows->elements()) {
            if (const std::string why = without_suite(reader); !why.empty()) {
                cases.push_back(not_compared("network_uniform", why));
                continue;
            }
            LatencyRow row;
            row.setting = setting_of(reader);
            row.offered = reader.number("offered_flits_per_node_cycle", 1e-6, 1.0);
            row.cycles = reader.number("avg_packet_latency", 1e-3, 1e12);
            row.unstable = reader.integer("unstable", 0, 1, 0) != 0;
            const auto known = saturations.find(row.setting);
            cases.push_back(
                latency_case(row, known == saturations.end() ? std::nullopt : std::optional(known->second)));
        }
    }
    cases.insert(cases.end(), saturated.begin(), saturated.end());
    return cases;
}

}  // namespace

Family network_family() {
    Family family;
    family.name = "network";
    family.form =
        "latency rows of {topology, k, n, traffic, packet_flits, num_vcs, vc_buf, "
        "offered_flits_per_node_cycle, avg_packet_latency} and saturation rows";
    family.files = {"noc_flit_level.json"};
    family.suites = {
        {"network_latency_low",
         "mean packet latency at an offered load of at most 0.05, against BookSim2",
         {each_within(0.05, 1.5, "cycles")}},
        {"network_neighbour",
         "mean packet latency of the neighbour shift up to 70 % of saturation, against BookSim2",
         {median_at_most(0.05), maximum_at_most(0.15)}},
        {"network_uniform",
         "mean packet latency of uniform traffic up to 70 % of saturation, against BookSim2",
         {median_at_most(0.07), maximum_at_most(0.20)}},
        {"network_saturation_neighbour",
         "throughput of the neighbour shift at saturation, against BookSim2",
         {median_at_most(0.05), maximum_at_most(0.10)}},
        {"network_saturation_uniform",
         "throughput of uniform traffic at saturation, against BookSim2",
         {median_at_most(0.10), maximum_at_most(0.20)}},
    };
    family.recognises = [](const Json& file) {
        return has_row_with(file, "latency", {"num_vcs", "vc_buf", "avg_packet_latency"}) ||
               has_row_with(file, "saturation", {"num_vcs", "vc_buf", accepted_key});
    };
    family.read = cases_of;
    return family;
}

}  // namespace tilemesh::validation

// SPDX-License-Identifier: Apache-2.0
#include "sim/run/arrangement.h"

#include "sim/attention/schedule_check.h"
#include "sim/attention/sharding.h"
#include "sim/attention/traffic.h"
#include "sim/base/error.h"
#include "sim/noc/topology.h"

#include <algorithm>

namespace tilemesh::run {
namespace {

using attention::Range;

/// The PEs of every rank, by member.
std::vector<std::vector<int>> pes_of_ranks(const Panel& panel, const attention::Kernel& kernel) {
    const machine::MachineConfig& machine = panel.machine;
    const int per_cube = machine.pes_per_cube();
    const bool cubes = panel.ranks.unit != RankUnit::pe;
    std::vector<std::vector<int>> pes;
    for (const std::int64_t unit : units_of_ranks(panel, cubes ? machine.cubes() : machine.pes())) {
        std::vector<int> members;
        if (!cubes) {
            members = {static_cast<int>(unit)};
        } else {
            const int used = panel.ranks.unit == RankUnit::cube ? per_cube : 1;
            for (int i = 0; i < used; ++i) members.push_back(static_cast<int>(unit) * per_cube + i);
        }
        pes.push_back(std::move(members));
    }
    if (!kernel.by_heads) return pes;
    std::vector<int> all;
    for (const auto& rank : pes) all.insert(all.end(), rank.begin(), rank.end());
    return {all};
}

attention::MachineRates rates_of(const Panel& panel) {
    const pe::PeConfig& pe = panel.machine.pe;
    attention::MachineRates rates;
    rates.pes = panel.machine.pes();
    rates.macs_per_ns = pe.macs_per_ns(panel.problem.dtype);
    rates.exp2_per_ns = std::max(pe.elements_per_ns(Opcode::exp2), pe.elements_per_ns(Opcode::exp));
    for (int op = 0; op < opcode_count; ++op) {
        if (engine_of(static_cast<Opcode>(op)) != EngineKind::vector) continue;
        rates.simple_per_ns = std::max(rates.simple_per_ns, pe.elements_per_ns(static_cast<Opcode>(op)));
    }
    rates.hbm_bytes_per_ns = panel.machine.hbm.peak().gbytes_per_s();
    return rates;
}

attention::Device device_of(const Panel& panel) {
    const machine::MachineConfig& machine = panel.machine;
    attention::Device device;
    device.sram_bytes = machine.pe.sram.value();
    device.matrix_rows = machine.pe.matrix.rows;
    device.matrix_cols = machine.pe.matrix.cols;
    device.macs_per_ns = machine.pe.macs_per_ns(panel.problem.dtype);
    device.exp2_per_ns = machine.pe.elements_per_ns(Opcode::exp2);
    device.simple_per_ns = machine.pe.elements_per_ns(Opcode::fms);
    const bool cubes = panel.ranks.unit != RankUnit::pe;
    const noc::LinkConfig& link = cubes ? machine.network.die_to_die : machine.network.link;
    device.link_bytes_per_ns = link.rate.gbytes_per_s();
    device.hop_ns = to_nanoseconds(link.latency + machine.network.router_latency);
    return device;
}

/// How long rows of the table would take, for the order in which kernels issue. Estimates: they decide order, not
/// time.
attention::Durations durations_of(const Panel& panel, const Arrangement& a, const attention::Device& device,
                                  std::int64_t heads) {
    const attention::Problem& problem = panel.problem;
    const attention::NeedSets& needs = a.needs;
    attention::Durations durations;
    durations.attend = [&problem, &needs, device, heads](int user, int rank, int origin) {
        const auto pairs = static_cast<double>(problem.mask->visible_pairs(
            attention::Viewer{user, 0}, needs.query_positions(user, rank), needs.keys_of(user, origin)));
        const double rows = static_cast<double>(heads * problem.group());
        const double matrix = static_cast<double>(problem.head_dim + problem.value_dim) / device.macs_per_ns;
        const double vector = 1.0 / device.exp2_per_ns + 4.0 / device.simple_per_ns;  // scale, maximum, sum, cast
        return pairs * rows * std::max(matrix, vector);
    };
    durations.transfer = [&problem, &needs, device, heads](int from, int, const attention::Item& item) {
        const auto bytes = static_cast<double>(attention::item_bytes(problem, needs, from, item, heads));
        return attention::TransferTime{bytes / device.link_bytes_per_ns, device.hop_ns};
    };
    return durations;
}

}  // namespace

Arrangement arrange(const Panel& panel, const KernelChoice& choice, const attention::Kernel& kernel) {
    const attention::Problem& problem = panel.problem;
    std::vector<std::vector<int>> pes = pes_of_ranks(panel, kernel);
    const auto ranks = static_cast<int>(pes.size());
    if (const auto why = kernel.refuses(problem, ranks))
        fail<InputError>("{}: {} cannot run this: {}", choice.where, kernel.name, *why);
    const auto members = static_cast<std::int64_t>(pes.front().size());
    attention::NeedSets needs = kernel.replicated_queries ? attention::NeedSets::replicated_queries(problem, ranks)
                                                          : attention::NeedSets(problem, ranks);
    attention::Schedule schedule = kernel.schedule(needs);
    attention::check_schedule(schedule, needs);
    Arrangement a{std::move(pes), {}, std::move(needs), std::move(schedule), {}, {}, {}, {}};
    for (std::int64_t m = 0; m < members; ++m)
        a.member_heads.push_back(attention::contiguous_part(problem.heads_kv, members, m));

    const attention::Device device = device_of(panel);
    const std::int64_t heads = a.member_heads.front().size();  // the first has most
    attention::Tiling request;
    request.tile_heads = choice.tile_heads;
    request.tile_queries = choice.tile_queries;
    request.tile_keys = choice.tile_keys;
    request.piece_keys = choice.piece_keys;
    std::string why_not;
    a.tiling = kernel.plan(problem, a.needs, heads, device, request, why_not);
    if (!why_not.empty()) fail<InputError>("{}: {}: {}", choice.where, kernel.name, why_not);
    a.timeline = attention::predict(a.schedule, durations_of(panel, a, device, heads));

    const noc::Topology topology(panel.machine.network);
    attention::Wiring wiring;
    wiring.members = static_cast<int>(members);
    wiring.route = [&](int member, int from, int to) {
        std::vector<attention::LinkId> links;
        const auto m = static_cast<std::size_t>(member);
        for (const noc::Hop& hop :
             topology.route(a.pes[static_cast<std::size_t>(from)][m], a.pes[static_cast<std::size_t>(to)][m])) {
            links.push_back(hop.link);
        }
        return links;
    };
    wiring.link_bytes_per_ns = [&](attention::LinkId link) {
        return topology.links()[link].config.rate.gbytes_per_s();
    };
    wiring.piece_keys = [&](const attention::Item&) { return a.tiling.piece_keys; };
    const attention::MachineRates rates = rates_of(panel);
    a.machine_bound = attention::machine_bound(problem, rates);
    a.schedule_bound = attention::schedule_bound(problem, a.needs, a.schedule, rates, wiring);
    return a;
}

}  // namespace tilemesh::run

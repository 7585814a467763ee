// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/attention/arrangement.h"

#include "sim/attention/schedule_check.h"
#include "sim/attention/sharding.h"
#include "sim/attention/traffic.h"
#include "sim/base/error.h"
#include "sim/noc/topology.h"
#include "sim/run/not_possible.h"
#include "sim/workloads/attention/fixed_costs.h"
#include "sim/workloads/attention/unit_grid.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>

namespace tilemesh::workloads {
namespace {

using attention::Range;

/// The PEs of every rank, by member.
std::vector<std::vector<int>> pes_of_ranks(const AttentionPanel& panel, const RanksChoice& ranks,
                                           const attention::Kernel& kernel) {
    const machine::MachineConfig& machine = panel.machine;
    const int per_cube = machine.pes_per_cube();
    const bool cubes = panel.ranks.unit != RankUnit::pe;
    std::vector<std::vector<int>> pes;
    for (const std::int64_t unit : units_of_ranks(panel, ranks, cubes ? machine.cubes() : machine.pes())) {
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

/// Multiply-accumulates per nanosecond of products with p, whose other operand is no wider. A backward pass has no
/// 8-bit p.
double p_macs_per_ns(const AttentionPanel& panel, attention::Schedule::Pass pass) {
    const bool forward = pass == attention::Schedule::Pass::forward;
    return panel.machine.pe.macs_per_ns(forward ? panel.problem.probability() : panel.problem.output_dtype());
}

/// Exponentials per nanosecond of a kernel that makes each of them by itself.
double exponentials_per_ns(const pe::PeConfig& pe) {
    return std::max(pe.elements_per_ns(Opcode::exp2), pe.elements_per_ns(Opcode::exp));
}

/// What no kernel exceeds, whichever commands it is made of.
attention::MachineRates rates_of(const AttentionPanel& panel, attention::Schedule::Pass pass) {
    const pe::PeConfig& pe = panel.machine.pe;
    attention::MachineRates rates;
    rates.pes = panel.machine.pes();
    rates.macs_per_ns = pe.macs_per_ns(panel.problem.dtype);
    rates.p_macs_per_ns = p_macs_per_ns(panel, pass);
    // Softmax of whole rows makes exponentials, too.
    rates.exp2_per_ns = std::max(exponentials_per_ns(pe), pe.elements_per_ns(Opcode::softmax));
    rates.tanh_per_ns = std::max(pe.elements_per_ns(Opcode::tanh), exponentials_per_ns(pe));
    for (int op = 0; op < opcode_count; ++op) {
        if (engine_of(static_cast<Opcode>(op)) != EngineKind::vector) continue;
        rates.simple_per_ns = std::max(rates.simple_per_ns, pe.elements_per_ns(static_cast<Opcode>(op)));
    }
    rates.hbm_bytes_per_ns = panel.machine.hbm.peak().gbytes_per_s();
    return rates;
}

attention::Device device_of(const AttentionPanel& panel, attention::Schedule::Pass pass) {
    const machine::MachineConfig& machine = panel.machine;
    attention::Device device;
    device.sram_bytes = machine.pe.sram.value();
    device.matrix_rows = machine.pe.matrix.rows;
    device.matrix_cols = machine.pe.matrix.cols;
    device.macs_per_ns = machine.pe.macs_per_ns(panel.problem.dtype);
    device.p_macs_per_ns = p_macs_per_ns(panel, pass);
    device.exp2_per_ns = machine.pe.elements_per_ns(Opcode::exp2);
    device.simple_per_ns = machine.pe.elements_per_ns(Opcode::fms);
    const auto cycles = [&machine](double n) { return to_nanoseconds(machine.pe.clock.time_for(n)); };
    device.array_depth_ns = cycles(machine.pe.matrix.rows + machine.pe.matrix.cols);
    device.vector_startup_ns = cycles(machine.pe.vector.startup_cycles);
    device.hbm_bytes_per_ns = machine.hbm.peak().gbytes_per_s();
    const bool cubes = panel.ranks.unit != RankUnit::pe;
    const noc::LinkConfig& link = cubes ? machine.network.die_to_die : machine.network.link;
    device.link_bytes_per_ns = link.best_rate().gbytes_per_s();
    device.hop_ns = to_nanoseconds(link.latency + machine.network.router.latency());
    return device;
}

/// The smallest rectangle of units (PEs or cubes) that holds all ranks.
attention::RankGrid grid_of(const AttentionPanel& panel, const RanksChoice& ranks) {
    const UnitGrid units(panel.machine.network, panel.ranks.unit);
    const bool cubes = panel.ranks.unit != RankUnit::pe;
    std::vector<Cell> cells;
    for (const std::int64_t unit : units_of_ranks(panel, ranks, cubes ? panel.machine.cubes() : panel.machine.pes()))
        cells.push_back(units.cell_of(unit));
    Cell low = cells.front(), high = cells.front();
    for (const Cell& cell : cells) {
        low = {std::min(low.row, cell.row), std::min(low.col, cell.col)};
        high = {std::max(high.row, cell.row), std::max(high.col, cell.col)};
    }
    attention::RankGrid grid;
    grid.rows = high.row - low.row + 1;
    grid.cols = high.col - low.col + 1;
    grid.rows_wrap = units.row_wraps() && grid.cols == units.cols();
    grid.cols_wrap = units.column_wraps() && grid.rows == units.rows();
    grid.copies = panel.machine.network.router.multicast;
    for (const Cell& cell : cells) grid.cells.push_back((cell.row - low.row) * grid.cols + cell.col - low.col);
    return grid;
}

/// How the members' ranks are joined on this machine.
attention::Wiring wiring_of(const noc::Topology& topology, const Arrangement& a) {
    attention::Wiring wiring;
    wiring.members = a.members();
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
        return topology.links()[link].config.best_rate().gbytes_per_s();
    };
    wiring.piece_keys = a.tiling.piece_keys;
    return wiring;
}

/// Nanoseconds per pair of query and key of a head, of the products of blocks as they are cut: an array is at work
/// for all of its rows, however few a block has.
double products_per_pair(const attention::Problem& problem, const attention::Tiling& tiling,
                         const attention::Device& device) {
    const std::int64_t rows = std::max<std::int64_t>(1, tiling.tile_queries * problem.group());
    const std::int64_t folds = (rows + device.matrix_rows - 1) / device.matrix_rows;
    const double padding = static_cast<double>(folds * device.matrix_rows) / static_cast<double>(rows);
    return padding * (static_cast<double>(problem.head_dim) / device.macs_per_ns +
                      static_cast<double>(problem.value_dim) / device.p_macs_per_ns);
}

/// How long rows of the table would take, for the order in which kernels issue. Estimates: they decide order, not
/// time.
attention::Durations durations_of(const AttentionPanel& panel, const Arrangement& a, const attention::Device& device,
                                  const attention::Wiring& wiring, std::int64_t heads) {
    using attention::Action;
    const attention::Problem& problem = panel.problem;
    const bool forward = a.schedule.pass() == attention::Schedule::Pass::forward;
    const double products = products_per_pair(problem, a.tiling, device);
    const auto heads_of = [&a, heads](const Action& attend) {
        return attention::contiguous_part(heads, a.schedule.head_parts(), attend.item.head_part);
    };
    attention::Durations durations;
    durations.attend = [&problem, &a, device, forward, products, heads_of](int, const Action& attend) {
        const Range kv = heads_of(attend);
        const double triples =
            a.needs.triples(attend.item.user, attend.owner, attend.item.id, attend.keys, problem.query_heads(kv));
        double vector = 1.0 / device.exp2_per_ns + 4.0 / device.simple_per_ns;  // scale, maximum, sum, cast
        if (problem.soft_cap > 0.0) vector += 1.0 / device.exp2_per_ns + 1.0 / device.simple_per_ns;
        const double bytes = static_cast<double>(attention::total(attend.keys) * problem.key_columns() * kv.size()) *
                             bytes_per_element(problem.dtype);
        return std::max(triples * std::max((forward ? 1.0 : 2.5) * products, vector),
                        bytes / device.hbm_bytes_per_ns);
    };
    // Two products fill and drain the array, about ten vector commands lie between them.
    const double softmax_ns = 10 * device.vector_startup_ns;
    const auto block_ns = [&problem, &a, products, heads_of](const Action& attend) {
        const std::int64_t most = std::min(a.tiling.tile_heads, heads_of(attend).size());
        return static_cast<double>(most * a.tiling.tile_queries * problem.group() * a.tiling.tile_keys) * products;
    };
    durations.settling = [device, forward, softmax_ns, block_ns](int, const Action& attend) {
        // One block more is issued before the last values are, and its stages cannot overlap with each other.
        return forward ? block_ns(attend) + 2 * device.array_depth_ns + softmax_ns : 0.0;
    };
    durations.weighing = [device, forward, softmax_ns, block_ns](int, const Action& attend) {
        return forward ? device.array_depth_ns + softmax_ns - block_ns(attend) / 2 : 0.0;
    };
    if (forward)
        durations.merge = [&problem, &a, device, heads](int, const Action& merge) {
            // About five vector commands that follow each other; or two registers come out of memory, one goes back.
            if (a.tiling.short_blocks()) return 5 * device.vector_startup_ns;
            if (a.tiling.queries_stay) return 0.0;
            const std::uint64_t bytes = attention::transfer_bytes(problem, a.needs, a.schedule, merge, heads);
            return 3 * static_cast<double>(bytes) / device.hbm_bytes_per_ns;
        };
    // Many transfers go the same way.
    auto latency_of = [&wiring, device, known = std::unordered_map<std::uint64_t, double>()](int from,
                                                                                             int to) mutable {
        const std::uint64_t ends =
            std::uint64_t{static_cast<std::uint32_t>(from)} << 32 | static_cast<std::uint32_t>(to);
        const auto [latency, is_new] = known.try_emplace(ends, 0.0);
        if (is_new) latency->second = static_cast<double>(wiring.route(0, from, to).size()) * device.hop_ns;
        return latency->second;
    };
    durations.transfer = [&problem, &a, device, heads, latency_of](int from, int to, const Action& send) mutable {
        const auto bytes = static_cast<double>(attention::transfer_bytes(problem, a.needs, a.schedule, send, heads));
        return attention::TransferTime{bytes / device.link_bytes_per_ns, latency_of(from, to)};
    };
    return durations;
}

/// How the choice wants partial results; InputError when this kernel has none.
attention::StateFormat state_format_of(const AttentionChoice& choice, const attention::Kernel& kernel,
                                       attention::Schedule::Pass pass) {
    const bool forward = pass == attention::Schedule::Pass::forward;
    if (choice.state && !(kernel.moves_states && forward))
        fail<InputError>("{}/state: {} moves no partial results (m, l, o), so state has no effect; leave it out",
                         choice.where, kernel.name);
    if (choice.state_dtype && !(kernel.keeps_state && forward))
        fail<InputError>("{}/state_dtype: {} keeps no running (m, l, o), so state_dtype has no effect; leave it out",
                         choice.where, kernel.name);
    attention::StateFormat format;
    format.sent = choice.state.value_or(format.sent);
    format.o = choice.state_dtype.value_or(format.o);
    return format;
}

/// Visible (query head, query, key) triples of the rank that has most, over those of the mean rank.
double imbalance(const attention::Problem& problem, const Arrangement& a) {
    double most = 0, all = 0;
    for (int rank = 0; rank < a.ranks(); ++rank) {
        double work = 0;
        for (const attention::Action& action : a.schedule.program(rank)) {
            if (action.kind != attention::Action::Kind::attend) continue;
            const Range kv =
                attention::contiguous_part(problem.heads_kv, a.schedule.head_parts(), action.item.head_part);
            work +=
                a.needs.triples(action.item.user, action.owner, action.item.id, action.keys, problem.query_heads(kv));
        }
        most = std::max(most, work);
        all += work;
    }
    // Members of a rank share its work by heads; the first has most.
    const auto heads = static_cast<double>(a.member_heads.front().size());
    const double by_heads = heads * a.members() / static_cast<double>(problem.heads_kv);
    return all > 0 ? by_heads * most * a.ranks() / all : 1.0;
}

}  // namespace

Arrangement arrange(const AttentionPanel& panel, const AttentionChoice& choice, const attention::Kernel& kernel) {
    const attention::Problem& problem = panel.problem;
    const RanksChoice ranks = ranks_of(panel, choice);
    std::vector<std::vector<int>> pes = pes_of_ranks(panel, ranks, kernel);
    const attention::RankGrid grid = kernel.by_heads ? attention::line_of_ranks(1) : grid_of(panel, ranks);
    const auto members = static_cast<std::int64_t>(pes.front().size());
    std::vector<Range> member_heads;
    for (std::int64_t m = 0; m < members; ++m)
        member_heads.push_back(attention::contiguous_part(problem.heads_kv, members, m));
    if (const auto why = kernel.refuses ? kernel.refuses(problem, grid, member_heads.front().size()) : std::nullopt)
        throw run::NotPossible(fmt::format("{}: {} cannot run this: ", choice.where, kernel.name), *why);
    const attention::Sharding sharding = ranks.sharding;
    attention::NeedSets needs = kernel.replicated_queries
                                    ? attention::NeedSets::replicated_queries(problem, grid.ranks(), sharding)
                                    : attention::NeedSets(problem, grid.ranks(), sharding);
    if (choice.launches != attention::Launches::fused && !kernel.launches)
        fail<InputError>("{}/launches: {} is one program and has no other form, expected fused", choice.where,
                         kernel.name);
    attention::Schedule schedule = kernel.schedule(needs, grid);
    if (choice.launches == attention::Launches::continued && schedule.pass() == attention::Schedule::Pass::backward)
        fail<InputError>("{}/launches: {} has no running results to continue, expected fused, overlapped or waited",
                         choice.where, kernel.name);
    schedule.set_state_format(state_format_of(choice, kernel, schedule.pass()));
    attention::check_schedule(schedule, needs);
    Arrangement a{problem.as_stored(),
                  std::move(pes),
                  std::move(member_heads),
                  std::move(needs),
                  std::move(schedule),
                  {},
                  {},
                  {},
                  {},
                  1.0};

    const attention::Device device = device_of(panel, a.schedule.pass());
    const std::int64_t heads = a.member_heads.front().size();  // the first has most
    attention::Tiling request;
    request.tile_heads = choice.tile_heads;
    request.tile_queries = choice.tile_queries;
    request.tile_keys = choice.tile_keys;
    request.piece_keys = choice.piece_keys;
    request.launches = choice.launches;
    std::string why_not;
    a.tiling = kernel.plan(problem, a.needs, a.schedule, heads, device, request, why_not);
    if (!why_not.empty()) throw run::NotPossible(fmt::format("{}: {}: ", choice.where, kernel.name), why_not);

    const noc::Topology topology(panel.machine.network);
    const attention::Wiring wiring = wiring_of(topology, a);
    const bool states_move = !a.tiling.queries_stay && a.schedule.pass() == attention::Schedule::Pass::forward;
    a.timeline = attention::predict(a.schedule, durations_of(panel, a, device, wiring, heads),
                                    states_move ? attention::ComputeOrder::visits : attention::ComputeOrder::arrival);
    attention::MachineRates rates = rates_of(panel, a.schedule.pass());
    a.machine_bound = attention::machine_bound(problem, rates, a.schedule.pass());
    // A running state sees parts of rows, of which softmax is not the exponentials.
    if (kernel.keeps_state) rates.exp2_per_ns = exponentials_per_ns(panel.machine.pe);
    const std::optional<attention::FixedCosts> fixed = fixed_costs_of(panel, kernel, topology, a);
    a.schedule_bound =
        attention::schedule_bound(problem, a.needs, a.schedule, rates, wiring, fixed ? &*fixed : nullptr);
    // What holds for every schedule holds for this one; here and there its own terms say less.
    a.schedule_bound.terms.push_back({"machine", a.machine_bound.ns()});
    a.work_imbalance = imbalance(problem, a);
    return a;
}

LeastBytes least_bytes(const AttentionPanel& panel, const Arrangement& a) {
    const noc::Topology topology(panel.machine.network);
    attention::Wiring wiring = wiring_of(topology, a);
    // The busiest link of a run is that with the largest share of its rate, whatever sizes of transfers reach of it.
    wiring.link_bytes_per_ns = [&](attention::LinkId link) {
        return topology.links()[link].config.rate.gbytes_per_s();
    };
    const attention::LinkTraffic traffic = attention::wired_traffic(panel.problem, a.needs, a.schedule, wiring);
    // A run's busiest link has at least the largest share that the table gives any; on a slower one that is less.
    double share = 0, slowest = std::numeric_limits<double>::infinity();
    for (const auto& [link, bytes] : traffic.bytes)
        share = std::max(share, static_cast<double>(bytes) / wiring.link_bytes_per_ns(link));
    for (const noc::LinkSpec& link : topology.links()) slowest = std::min(slowest, link.config.rate.gbytes_per_s());
    double hbm = 0;
    for (const attention::BoundTerm& term : a.machine_bound.terms)
        if (term.name == "HBM") hbm = term.ns * panel.machine.pes() * panel.machine.hbm.peak().gbytes_per_s();
    // Rounded down, past what sums are rounded by.
    const auto whole = [](double bytes) { return Bytes(static_cast<std::uint64_t>(bytes * (1.0 - 1e-9))); };
    return {whole(hbm), Bytes(traffic.hop_bytes), share > 0 ? whole(share * slowest) : Bytes()};
}

}  // namespace tilemesh::workloads

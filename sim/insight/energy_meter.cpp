// SPDX-License-Identifier: Apache-2.0
#include "sim/insight/energy_meter.h"

#include "sim/pe/cost.h"
#include "sim/pe/segments.h"
#include "sim/tile/tensor.h"

#include <algorithm>
#include <cstdlib>

namespace tilemesh::insight {
namespace {

using energy::Moved;

/// As the slice books it: every burst that a run touches is moved as a whole.
std::uint64_t whole_bursts(std::uint64_t burst, const memory::Runs& asked) {
    const memory::Runs runs = memory::joined(asked, burst);
    std::uint64_t bursts = 0;
    for (std::uint64_t i = 0; i < runs.count; ++i) {
        const std::uint64_t address = runs.first.address + i * runs.stride;
        bursts += (address + runs.first.bytes - 1) / burst + 1 - address / burst;
    }
    return bursts * burst;
}

}  // namespace

EnergyMeter::EnergyMeter(const machine::MachineConfig& machine)
    : machine_(machine),
      topology_(machine.network),
      pes_(static_cast<std::size_t>(topology_.pes())),
      by_pe_(pes_.size()),
      by_phase_(1),
      windows_(topology_.pes()) {
    for (const noc::LinkSpec& link : topology_.links()) {
        const int rows = std::abs(topology_.row_of(link.from) - topology_.row_of(link.to));
        const int cols = std::abs(topology_.col_of(link.from) - topology_.col_of(link.to));
        lengths_.push_back(static_cast<std::uint64_t>(rows + cols));
    }
    by_link_.resize(lengths_.size());
}

std::vector<std::uint32_t>& EnergyMeter::phases_of(At at) {
    auto& processors = pes_[static_cast<std::size_t>(at.pe)].phases;
    while (static_cast<std::size_t>(at.processor) >= processors.size()) processors.push_back({Phases::none});
    return processors[static_cast<std::size_t>(at.processor)];
}

void EnergyMeter::phase_begins(At at, std::span<const Phase> path) {
    std::uint32_t phase = Phases::none;
    for (const Phase& level : path) phase = phases_.enter(phase, level);
    by_phase_.resize(phases_.size());
    phases_of(at).push_back(phase);
}

void EnergyMeter::phase_ends(At at) { phases_of(at).pop_back(); }

void EnergyMeter::issued(At at, const Command&, Place place, Picoseconds) {
    auto& queues = pes_[static_cast<std::size_t>(at.pe)].queues;
    const auto queue = static_cast<std::size_t>(place.queue);
    if (queue >= queues.size()) queues.resize(queue + 1);
    queues[queue].push_back(phases_of(at).back());
}

std::uint32_t EnergyMeter::next_phase(int pe, Place place) {
    auto& queue = pes_[static_cast<std::size_t>(pe)].queues[static_cast<std::size_t>(place.queue)];
    const std::uint32_t phase = queue.front();
    queue.pop_front();
    return phase;
}

void EnergyMeter::computed(int pe, const Command& command, Place place, Picoseconds begin, Picoseconds end,
                           Picoseconds) {
    const Spent spent{next_phase(pe, place), begin, end};
    if (command.op != Opcode::dot) return add_vector(pe, command, spent);
    const auto size = [](std::int32_t n) { return static_cast<std::uint64_t>(n); };
    add(pe, energy::mac_of(command.dtype), size(command.batch) * size(command.m) * size(command.n) * size(command.k),
        spent);
    const pe::PortBytes bytes = pe::matrix_bytes(command);
    add(pe, Moved::sram_read, bytes.read, spent);
    add(pe, Moved::sram_write, bytes.written, spent);
}

void EnergyMeter::add_vector(int pe, const Command& command, const Spent& spent) {
    const auto elements = static_cast<std::uint64_t>(command.elements);
    add(pe, energy::element_of(command.op), elements, spent);
    std::uint64_t read = 0;
    for (int i = 0; i < command.operand_count; ++i) {
        // A view of a part of a tile has no more of it than there are elements.
        const TileRecord& tile = *command.operands[static_cast<std::size_t>(i)];
        read += std::min(tile.bytes.value(), elements * bytes_per_element(tile.dtype));
    }
    add(pe, Moved::sram_read, read, spent);
    add(pe, Moved::sram_write, command.output->bytes.value(), spent);
}

void EnergyMeter::began(int pe, const Command& command, Place place, Picoseconds when) {
    pes_[static_cast<std::size_t>(pe)].under_way[{command.processor, command.index}] = {next_phase(pe, place), when};
}

void EnergyMeter::ended(int pe, const Command& command, Place, Picoseconds when) {
    auto& under_way = pes_[static_cast<std::size_t>(pe)].under_way;
    const auto found = under_way.find({command.processor, command.index});
    const Spent spent{found->second.first, found->second.second, when};
    under_way.erase(found);
    if (command.op == Opcode::load || command.op == Opcode::store) return add_transfer(pe, command, spent);
    const std::uint64_t bytes =
        static_cast<std::uint64_t>(command.moved->message.elements()) * bytes_per_element(command.dtype);
    if (command.op == Opcode::receive) return add(pe, Moved::sram_write, bytes, spent);
    add(pe, Moved::sram_read, bytes, spent);
    const std::span<const std::int32_t> receivers = receivers_of(command);
    if (receivers.size() == 1) return add_route(pe, command.peer, command.network, bytes, spent);
    std::vector<noc::Route> routes;
    for (const int to : receivers) routes.push_back(topology_.route(pe, to, command.network));
    add(pe, Moved::router, bytes, spent);
    for (const noc::RouteTree::Branch& branch : noc::tree_of(routes).branches) add_links(branch.route, bytes, spent);
}

void EnergyMeter::add_transfer(int pe, const Command& command, const Spent& spent) {
    const std::uint64_t burst = machine_.hbm.geometry.burst;
    if (!command.moved->access) {
        const TensorBox& box = command.moved->box;
        const Tensor& tensor = *box.tensor;
        std::uint64_t whole = 0;
        if (tensor.paging()) {
            for (const memory::Runs& page : pe::pages_of(box)) whole += whole_bursts(burst, page);
        } else {
            whole = whole_bursts(burst, pe::segments_of(box));
        }
        const auto elements = static_cast<std::uint64_t>(box.shape.elements());
        return add_share(pe, tensor.home(), command, elements * bytes_per_element(tensor.dtype()), whole, spent);
    }
    const std::span<const AccessPart> parts = command.moved->access->parts();
    for (std::size_t first = 0; first < parts.size();) {
        std::uint64_t bytes = 0, whole = 0;
        std::size_t i = first;
        for (; i < parts.size() && parts[i].home == parts[first].home; ++i) {
            bytes += parts[i].bytes * parts[i].segments;
            whole += whole_bursts(burst, {{parts[i].address, parts[i].bytes}, parts[i].segments, parts[i].stride});
        }
        add_share(pe, parts[first].home, command, bytes, whole, spent);
        first = i;
    }
}

void EnergyMeter::add_share(int pe, int home, const Command& command, std::uint64_t bytes, std::uint64_t whole,
                            const Spent& spent) {
    const bool write = command.op == Opcode::store;
    add(pe, write ? Moved::sram_read : Moved::sram_write, bytes, spent);
    add(home, write ? Moved::hbm_write : Moved::hbm_read, whole, spent);
    if (home == pe) return;
    int network = command.network;
    if (network == any_network) network = write ? topology_.choice(pe, home) : topology_.choice(home, pe);
    if (write) return add_route(pe, home, network, bytes, spent);
    add_route(pe, home, network, machine_.network.request.value(), spent);
    add_route(home, pe, network, bytes, spent);
}

void EnergyMeter::add_route(int from, int to, int network, std::uint64_t bytes, const Spent& spent) {
    const auto [found, is_new] = routes_.try_emplace({from, to, network});
    if (is_new) found->second = topology_.route(from, to, network);
    add(from, Moved::router, bytes, spent);
    add_links(found->second, bytes, spent);
}

void EnergyMeter::add_links(const noc::Route& route, std::uint64_t bytes, const Spent& spent) {
    for (const noc::Hop& hop : route) {
        const noc::LinkSpec& link = topology_.links()[hop.link];
        by_link_[hop.link] += bytes;
        if (link.role != noc::LinkRole::routers) {
            add(link.from, Moved::port, bytes, spent);
            continue;
        }
        if (link.die_to_die) {
            add(link.from, Moved::die_to_die, bytes, spent);
        } else {
            add(link.from, Moved::link, bytes * lengths_[hop.link], spent);
        }
        add(link.to, Moved::router, bytes, spent);
    }
}

void EnergyMeter::add(int pe, energy::Use use, std::uint64_t count, const Spent& spent) {
    if (count == 0) return;
    by_pe_[static_cast<std::size_t>(pe)].of[use] += count;
    by_phase_[spent.phase].of[use] += count;
    windows_.add(pe, use, count, spent.begin, spent.end);
}

}  // namespace tilemesh::insight

// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/placement.h"

#include "sim/base/error.h"

#include <algorithm>
#include <set>

namespace tilemesh::workloads {
namespace {

std::vector<int> homes_of(const TensorChoice& tensor, const machine::MachineConfig& machine) {
    const PlaceChoice& place = tensor.place;
    std::vector<int> pes = place.list;
    if (place.how == PlaceChoice::How::owner) pes = {place.owner};
    if (pes.empty()) {
        const bool cubes = place.over == PlaceChoice::Over::cube;
        const int step = cubes ? machine.pes_per_cube() : 1;
        for (int pe = 0; pe < machine.pes(); pe += step) pes.push_back(pe);
    }
    std::set<int> seen;
    for (const int pe : pes) {
        if (pe >= machine.pes())
            fail<InputError>("{}: {} cannot live on PE {}, the machine has {}", tensor.where, tensor.name, pe,
                             machine.pes());
        if (!seen.insert(pe).second) fail<InputError>("{}: PE {} is listed twice", tensor.where, pe);
    }
    return pes;
}

/// The dimension that is divided when nobody says which: the first that has an index for everybody, or else the
/// longest.
int divided_axis(const TensorChoice& tensor, std::size_t homes) {
    auto axis = std::find_if(tensor.shape.begin(), tensor.shape.end(),
                             [&](std::int64_t size) { return size >= static_cast<std::int64_t>(homes); });
    if (axis == tensor.shape.end()) axis = std::max_element(tensor.shape.begin(), tensor.shape.end());
    return static_cast<int>(axis - tensor.shape.begin());
}

/// By PE, which of these it uses: its own, else the first in its cube, else the first.
std::vector<std::size_t> nearest(const std::vector<int>& homes, const machine::MachineConfig& machine) {
    const auto pes = static_cast<std::size_t>(machine.pes()),
               per_cube = static_cast<std::size_t>(machine.pes_per_cube());
    std::vector<std::size_t> by_pe(pes), by_cube(pes / per_cube);
    for (std::size_t i = homes.size(); i-- > 0;) by_cube[static_cast<std::size_t>(homes[i]) / per_cube] = i;
    for (std::size_t pe = 0; pe < pes; ++pe) by_pe[pe] = by_cube[pe / per_cube];
    for (std::size_t i = 0; i < homes.size(); ++i) by_pe[static_cast<std::size_t>(homes[i])] = i;
    return by_pe;
}

}  // namespace

program::ArrayLayout lay_out(const TensorChoice& tensor, const machine::MachineConfig& machine,
                             const Reserve& reserve) {
    const std::vector<int> pes = homes_of(tensor, machine);
    program::ArrayLayout layout;
    const auto axis = static_cast<std::size_t>(tensor.place.axis.value_or(divided_axis(tensor, pes.size())));
    for (std::size_t i = 0; i < axis; ++i) layout.outer *= tensor.shape[i];
    layout.length = tensor.shape[axis];
    for (std::size_t i = axis + 1; i < tensor.shape.size(); ++i) layout.inner *= tensor.shape[i];
    layout.copies = tensor.place.how == PlaceChoice::How::replicate && pes.size() > 1;
    const std::uint64_t width = program::bytes_of(tensor.type);
    const auto add = [&](int pe, std::int64_t first, std::int64_t count) {
        const auto elements = static_cast<std::uint64_t>(layout.outer * count * layout.inner);
        layout.homes.push_back({pe, reserve(pe, elements * width, tensor.name), first, count, elements * width});
    };
    if (layout.copies) layout.copy_of = nearest(pes, machine);
    if (tensor.place.how != PlaceChoice::How::shard) {
        for (const int pe : pes) add(pe, 0, layout.length);
        return layout;
    }
    const auto parts = static_cast<std::int64_t>(pes.size());
    std::int64_t first = 0;
    for (std::int64_t i = 0; i < parts; ++i) {
        const std::int64_t count = layout.length / parts + (i < layout.length % parts ? 1 : 0);
        if (count > 0) add(pes[static_cast<std::size_t>(i)], first, count);
        first += count;
    }
    return layout;
}

std::int64_t local_element(const program::Array& array, int pe, int pes_per_cube, const std::string& where) {
    const program::ArrayLayout& layout = array.layout();
    const program::Home* found = nullptr;
    for (const program::Home& home : layout.homes)
        if (home.pe == pe || (!found && home.pe / pes_per_cube == pe / pes_per_cube)) found = &home;
    if (!found) fail<InputError>("{}: neither PE {} nor its cube has a part of {}", where, pe, array.name());
    if (found->count != layout.length && layout.outer != 1)
        fail<InputError>("{}: the share of PE {} of {} is not in one piece, shard its first dimension", where,
                         found->pe, array.name());
    return layout.copies ? 0 : found->first * layout.inner;
}

std::array<int, 4> neighbours_in_cubes(const machine::MachineConfig& machine, int pe) {
    const int rows = machine.network.cubes.rows, cols = machine.network.cubes.cols;
    const int cube = pe / machine.pes_per_cube();
    const noc::TopologyKind kind = machine.network.cubes.kind;
    const bool wraps = kind == noc::TopologyKind::ring || kind == noc::TopologyKind::torus;
    std::array<int, 4> pes{};
    for (std::size_t direction = 0; direction < 4; ++direction) {
        const int sign = direction == 0 || direction == 3 ? 1 : -1;  // east and south count up
        int row = cube / cols, col = cube % cols;
        (direction < 2 ? col : row) += sign;
        if (wraps) {
            row = (row + rows) % rows;
            col = (col + cols) % cols;
        }
        const int other = row * cols + col;
        const bool exists = row >= 0 && row < rows && col >= 0 && col < cols && other != cube;
        pes[direction] = exists ? pe + (other - cube) * machine.pes_per_cube() : -1;
    }
    return pes;
}

std::vector<std::vector<std::int64_t>> dispatch(const DispatchChoice& choice, const LaunchChoice& launch, int pes,
                                                const std::string& where) {
    std::vector<std::vector<std::int64_t>> by_pe(static_cast<std::size_t>(pes));
    const std::int64_t count = launch.instances();
    std::int64_t before = 1, extent = 1;  // of the axis
    if (choice.how == DispatchChoice::How::axis) {
        const auto axis = static_cast<std::size_t>(choice.axis);
        if (axis >= launch.grid.size())
            fail<InputError>("{}: dispatch by axis {} of a grid of {} dimensions", where, axis, launch.grid.size());
        for (std::size_t i = 0; i < axis; ++i) before *= launch.grid[i];
        extent = launch.grid[axis];
    }
    if (choice.how == DispatchChoice::How::list && static_cast<std::int64_t>(choice.list.size()) != count)
        fail<InputError>("{}: dispatch lists {} PEs for {} instances", where, choice.list.size(), count);
    for (std::int64_t i = 0; i < count; ++i) {
        std::int64_t pe = 0;
        switch (choice.how) {
            case DispatchChoice::How::round_robin:
                pe = i % pes;
                break;
            case DispatchChoice::How::blocked:
                pe = i * pes / count;
                break;
            case DispatchChoice::How::axis: {
                const std::int64_t index = i / before % extent;
                pe = extent <= pes ? index : index * pes / extent;
                break;
            }
            case DispatchChoice::How::list:
                pe = choice.list[static_cast<std::size_t>(i)];
                break;
        }
        if (pe >= pes) fail<InputError>("{}: instance {} on PE {}, the machine has {}", where, i, pe, pes);
        by_pe[static_cast<std::size_t>(pe)].push_back(i);
    }
    return by_pe;
}

}  // namespace tilemesh::workloads

// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/node_memory.h"

namespace tilemesh::noc {

NodeMemories::NodeMemories(const ChipNetworks& chip)
    : chip_(chip), cores_(static_cast<std::size_t>(chip.nodes())), memories_(cores_ + chip.devices.size()) {
    for (std::size_t i = 0; i < cores_; ++i) {
        of_node_.push_back(i);
        memories_[i].paces[0] = Pace(chip.memory_flits);
    }
    for (std::size_t i = 0; i < chip.devices.size(); ++i) {
        for (Pace& pace : memories_[cores_ + i].paces) pace = Pace(chip.devices[i].bytes_per_cycle);
        for (const int node : chip.devices[i].at) of_node_[at(node)] = cores_ + i;
    }
}

void NodeMemories::move(int node, Direction way, Bytes flit, Cycle now) {
    Memory& memory = memories_[of_node_[at(node)]];
    const std::size_t pace = pace_of(node, way);
    if (is_core(node)) return memory.paces[pace].take(1.0, now);
    const auto bytes = static_cast<double>(flit.value());
    memory.paces[pace].take(bytes, now);
    ++(way == in ? memory.moved.flits_in : memory.moved.flits_out);
    if (config(node).bytes_per_cycle > 0.0) memory.busy[pace] += bytes / config(node).bytes_per_cycle;
    memory.moved.busy = std::max(memory.busy[0], memory.busy[1]);
}

std::uint32_t NodeMemories::come(int node, Cycle when) {
    if (free_requests_.empty()) {
        free_requests_.push_back(static_cast<std::uint32_t>(begins_.size()));
        begins_.push_back(never);
    }
    const std::uint32_t request = free_requests_.back();
    free_requests_.pop_back();
    Memory& memory = memories_[of_node_[at(node)]];
    ++memory.moved.requests;
    const std::uint64_t limit = config(node).outstanding;
    if (limit > 0 && memory.open >= limit) {
        begins_[request] = never;
        memory.waiting.push({request, when});
    } else {
        begins_[request] = when;
        ++memory.open;
    }
    return request;
}

Cycle NodeMemories::answer_is_there(int node, std::uint32_t request) const {
    const Cycle begun = begins_[request];
    return begun == never ? never : begun + config(node).answer_after();
}

void NodeMemories::answered(int node, std::uint32_t request, Cycle now) {
    free_requests_.push_back(request);
    Memory& memory = memories_[of_node_[at(node)]];
    if (memory.waiting.empty()) {
        --memory.open;
        return;
    }
    const Waiting next = memory.waiting.pop();
    begins_[next.request] = std::max(now, next.since);
    memory.moved.waited += begins_[next.request] - next.since;
}

}  // namespace tilemesh::noc

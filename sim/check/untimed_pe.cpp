// SPDX-License-Identifier: Apache-2.0
// What waits for ever is explained in diagnosis.cpp.
#include "sim/check/untimed_pe.h"

#include "sim/base/error.h"
#include "sim/check/box_bytes.h"
#include "sim/check/untimed_machine.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace tilemesh::check {

UntimedPe::UntimedPe(int number, std::string path, const pe::PeConfig& config, UntimedMachine& machine)
    : number_(number),
      path_(std::move(path)),
      machine_(machine),
      depth_(static_cast<std::size_t>(config.queue_depth)),
      capacity_(config.sram) {}

Lane& UntimedPe::new_lane(Lane& lane, EngineKind kind, std::string name) {
    lane.kind = kind;
    lane.bit = static_cast<int>(lanes_.size());
    lane.name = path_ + "." + std::move(name);
    lanes_.push_back(&lane);
    return lane;
}

UntimedProcessor& UntimedPe::processor(int number) {
    while (static_cast<int>(processors_.size()) <= number) {
        const int next = static_cast<int>(processors_.size());
        const std::string suffix = next == 0 ? "" : fmt::format("_{}", next);
        Queues& queues = queues_.emplace_back();
        new_lane(queues.matrix, EngineKind::matrix, "matrix" + suffix);
        new_lane(queues.vector, EngineKind::vector, "vector" + suffix);
        new_lane(queues.load, EngineKind::dma_load, "dma_load" + suffix);
        new_lane(queues.store, EngineKind::dma_store, "dma_store" + suffix);
        processors_.emplace_back(*this, next, machine_);
    }
    return processors_[static_cast<std::size_t>(number)];
}

Lane& UntimedPe::message_lane(bool sends, int peer, int network) {
    const noc::Topology& topology = machine_.topology();
    const int from = sends ? number_ : peer, to = sends ? peer : number_;
    if (network == any_network) network = topology.choice(from, to);
    auto& by_peer = sends ? send_to_ : receive_from_;
    if (by_peer.empty()) by_peer.resize(static_cast<std::size_t>(machine_.pes() * topology.networks()), nullptr);
    Lane*& lane = by_peer[static_cast<std::size_t>(peer * topology.networks() + network)];
    if (lane) return *lane;
    // Messages share the engine of the link on which they leave, or come.
    const noc::Route route = topology.route(from, to, network);
    const int link = static_cast<int>(sends ? route.front().link : route.back().link);
    const auto found = std::find_if(lane_by_link_.begin(), lane_by_link_.end(),
                                    [=](const auto& known) { return known.first == link; });
    if (found != lane_by_link_.end()) return *(lane = found->second);
    const noc::LinkSpec& spec = topology.links()[static_cast<std::size_t>(link)];
    std::string name = sends ? "send" : "receive";
    if (spec.role == noc::LinkRole::routers) {
        std::string other = topology.pe_name(sends ? spec.to : spec.from);
        if (!spec.die_to_die) other = other.substr(other.find('.') + 1);
        std::replace(other.begin(), other.end(), '.', '_');
        name += (sends ? "_to_" : "_from_") + other;
    }
    name += topology.suffix(network);
    lane = &new_lane(message_lanes_.emplace_back(), sends ? EngineKind::send : EngineKind::receive, std::move(name));
    lane_by_link_.emplace_back(link, lane);
    return *lane;
}

Lane& UntimedPe::lane_for(const Command& command) {
    Queues& queues = queues_[command.processor];
    switch (engine_of(command.op)) {
        case EngineKind::matrix:
            return queues.matrix;
        case EngineKind::vector:
            return queues.vector;
        case EngineKind::dma_load:
            return queues.load;
        case EngineKind::dma_store:
            return queues.store;
        default:
            return message_lane(is_send(command.op), command.peer, command.network);
    }
}

bool UntimedPe::takes_room(Bytes bytes) {
    if (used_ + bytes > capacity_) return false;
    used_ += bytes;
    return true;
}

bool UntimedPe::others_run(const UntimedProcessor& processor) const {
    return std::any_of(processors_.begin(), processors_.end(), [&](const UntimedProcessor& other) {
        return &other != &processor && other.launched() && !other.finished();
    });
}

bool UntimedPe::arithmetic_idle() const {
    return std::all_of(queues_.begin(), queues_.end(), [](const Queues& queues) {
        return queues.matrix.queue.empty() && queues.vector.queue.empty();
    });
}

void UntimedPe::learn_all(int processor, Knowledge& known) const {
    const Queues& own = queues_[static_cast<std::size_t>(processor)];
    for (const Lane* lane : {&own.matrix, &own.vector, &own.load, &own.store}) known.learn(lane->known);
    for (const Lane& lane : message_lanes_) known.learn(lane.known);
}

UntimedTile* UntimedPe::make_tile(const Command& command, const Shape& shape, Dtype dtype, Executor& owner) {
    if (free_tiles_.empty()) free_tiles_.push_back(&tiles_.emplace_back());
    UntimedTile& tile = *free_tiles_.back();
    free_tiles_.pop_back();
    tile.handles = 1;
    tile.readers = 0;
    tile.waiting_engines = 0;
    tile.dtype = dtype;
    tile.made_by = command.op;
    tile.live = true;
    tile.command = command.index;
    tile.bytes = Bytes(static_cast<std::uint64_t>(shape.elements()) * bytes_per_element(dtype));
    tile.ready = TileRecord::unknown;
    tile.shape = shape;
    tile.owner = &owner;
    tile.used = false;
    tile.place = command.place;
    tile.known = {};
    return &tile;
}

void UntimedPe::accept(Lane& lane, Command& command, const Knowledge& known) {
    for (int i = 0; i < command.operand_count; ++i) {
        auto& tile = static_cast<UntimedTile&>(*command.operands[static_cast<std::size_t>(i)]);
        ++tile.readers;
        tile.used = true;
    }
    const auto announce = [&](int from, int to) {
        machine_.channel(from, to).announce(command, processors_[command.processor].kernel_name(),
                                            machine_.pe(from).path(), machine_.pe(to).path());
    };
    if (command.op == Opcode::receive) announce(command.peer, number_);
    if (is_send(command.op))
        for (const int to : receivers_of(command)) announce(number_, to);
    lane.queue.push_back({std::move(command), known});
    machine_.look_at(*this, lane);
    machine_.settle();
}

bool UntimedPe::operands_ready(const Command& command, int bit) {
    for (int i = 0; i < command.operand_count; ++i) {
        TileRecord& tile = *command.operands[static_cast<std::size_t>(i)];
        if (tile.is_ready_known()) continue;
        tile.waiting_engines |= std::uint64_t{1} << bit;
        return false;
    }
    return true;
}

/// Loads wait for earlier stores of their program to the same elements, stores for earlier loads too.
bool UntimedPe::in_order(const Command& command) const {
    const Queues& queues = queues_[command.processor];
    const std::deque<Lane::Waiting>& others = (command.op == Opcode::load ? queues.store : queues.load).queue;
    return std::none_of(others.begin(), others.end(), [&](const Lane::Waiting& other) {
        if (other.command.index > command.index) return false;
        const Movement &before = *other.command.moved, &its = *command.moved;
        if (before.access || its.access) return before.access && its.access && before.access->meets(*its.access);
        return before.box.tensor == its.box.tensor && overlap(before.box, its.box);
    });
}

void UntimedPe::advance(Lane& lane) {
    while (!lane.queue.empty() && !lane.busy) {
        const Command& command = lane.queue.front().command;
        if (!operands_ready(command, lane.bit)) return;
        const bool transfers = command.op == Opcode::load || command.op == Opcode::store;
        if (transfers && !in_order(command)) return;
        Lane::Waiting waiting = std::move(lane.queue.front());
        lane.queue.pop_front();
        begin(lane, waiting);
        if (transfers) {
            Queues& queues = queues_[waiting.command.processor];
            machine_.look_at(*this, lane.kind == EngineKind::dma_load ? queues.store : queues.load);
        }
        machine_.wake(*this);
    }
}

void UntimedPe::begin(Lane& lane, Lane::Waiting& waiting) {
    Command& command = waiting.command;
    lane.known.learn(waiting.known);
    for (int i = 0; i < command.operand_count; ++i)
        lane.known.learn(static_cast<UntimedTile&>(*command.operands[static_cast<std::size_t>(i)]).known);
    Knowledge known = lane.known;
    if (command.op == Opcode::load || command.op == Opcode::store) transfer(command, known);
    PayloadPtr values;
    if (command.values) {
        values = evaluate(*command.values);
        command.values.reset();
    }
    if (is_send(command.op)) {
        lane.busy = true;
        lane.current = std::move(command);
        machine_.start_send(*this, lane, {std::move(values), std::move(known)});
    } else if (command.op == Opcode::receive) {
        lane.busy = true;
        lane.current = std::move(command);
        machine_.start_receive(*this, lane);
    } else {
        if (command.output) command.output->values = std::move(values);
        finish(command, known);
    }
}

void UntimedPe::transfer(const Command& command, Knowledge& known) {
    UntimedProcessor& processor = processors_[command.processor];
    processor.note_transfer();
    Touch touch{processor.id(), processor.epoch(), command.op, false, command.index, command.place};
    const bool stores = command.op == Opcode::store;
    const auto touches = [&](int home, std::uint64_t address, std::uint64_t bytes) {
        HbmBook& book = machine_.hbm(home);
        const OnClash clash = [&](Clash what, const Touch* earlier, std::uint64_t where) {
            machine_.found(what, earlier, touch, book.what_lies_at(where));
        };
        if (stores) {
            book.store(address, bytes, touch, known, clash);
        } else if (touch.atomic) {
            book.change(address, bytes, touch, known, clash);
        } else {
            book.load(address, bytes, touch, known, clash);
        }
    };
    if (command.moved->access) {
        touch.atomic = command.moved->access->is_atomic();
        for (const AccessPart& part : command.moved->access->parts())
            for (std::uint64_t i = 0; i < part.segments; ++i)
                touches(part.home, part.address + i * part.stride, part.bytes);
        return;
    }
    const Tensor& tensor = *command.moved->box.tensor;
    if (!tensor.is_given()) {
        visit_bytes(command.moved->box,
                    [&](std::uint64_t address, std::uint64_t bytes) { touches(tensor.home(), address, bytes); });
    } else if (stores) {
        machine_.found_store_to_input(touch, tensor.name());
    }
}

void UntimedPe::message_done(Lane& lane) {
    Command command = std::move(lane.current);
    lane.busy = false;
    finish(command, lane.known);
    machine_.look_at(*this, lane);
    machine_.wake(*this);
}

void UntimedPe::finish(Command& command, const Knowledge& known) {
    processors_[command.processor].command_done();
    if (command.output) {
        auto& tile = static_cast<UntimedTile&>(*command.output);
        tile.ready = Picoseconds();
        tile.known = known;
        for (std::uint64_t waiting = std::exchange(tile.waiting_engines, std::uint64_t{0}); waiting != 0;
             waiting &= waiting - 1)
            machine_.look_at(*this, *lanes_[static_cast<std::size_t>(std::countr_zero(waiting))]);
        if (tile.handles == 0 && tile.readers == 0) {
            --zombies_;
            free(tile);
        }
    }
    for (int i = 0; i < command.operand_count; ++i) {
        auto& tile = static_cast<UntimedTile&>(*command.operands[static_cast<std::size_t>(i)]);
        if (--tile.readers == 0 && tile.handles == 0) {
            --zombies_;
            free(tile);
        }
    }
}

void UntimedPe::unreferenced(UntimedTile& tile) {
    if (!tile.used) machine_.found_unused(*this, tile);
    if (tile.readers != 0 || !tile.is_ready_known()) {
        ++zombies_;
    } else {
        free(tile);
    }
}

void UntimedPe::free(UntimedTile& tile) {
    used_ -= tile.bytes;
    tile.values.reset();
    tile.known = {};
    tile.live = false;
    free_tiles_.push_back(&tile);
    machine_.wake(*this);
}

}  // namespace tilemesh::check

// SPDX-License-Identifier: Apache-2.0
// What command processors and the engines that compute do, the room of tiles, and the end. Transfers are in
// graph_transfers.cpp, messages and links in graph_messages.cpp, barriers and launches in graph_launches.cpp.
#include "sim/insight/graph.h"

#include "sim/base/error.h"

#include <algorithm>

namespace tilemesh::insight {

Graph::Graph(const machine::MachineConfig& measured, const std::vector<OtherMachine>& others, PhaseListener* listener)
    : clocks_(others.size() + 1), listener_(listener), end_(clocks_) {
    if (clocks_ > most_clocks) fail<InternalError>("{} machines are too many to estimate at once", others.size());
    paces_.push_back(std::make_unique<Pace>(measured));
    same_pe_[0] = true;
    for (std::size_t i = 0; i < others.size(); ++i) {
        paces_.push_back(std::make_unique<Pace>(others[i].machine));
        changes_.push_back(others[i].change);
        const pe::PeConfig &a = measured.pe, &b = others[i].machine.pe;
        same_pe_[i + 1] = a.clock.ghz() == b.clock.ghz() && a.matrix == b.matrix && a.vector == b.vector;
    }
}

void Graph::set_paths(std::vector<std::string> paths) {
    paths_ = std::move(paths);
    std::map<std::string, ComponentId> ids;
    for (std::size_t i = 0; i < paths_.size(); ++i) ids[paths_[i]] = static_cast<ComponentId>(i);
    const noc::Topology& topology = paces_[0]->topology();
    for (int pe = 0; pe < topology.pes(); ++pe)
        slices_.push_back(
            ids.at(fmt::format("machine.cube{}.hbm{}", pe / topology.pes_per_cube(), pe % topology.pes_per_cube())));
    for (const noc::LinkSpec& link : topology.links()) links_.push_back(ids.at("machine." + link.name));
}

Graph::Pe& Graph::pe_of(int pe) {
    while (static_cast<std::size_t>(pe) >= pes_.size()) {
        Pe& made = pes_.emplace_back();
        made.computed = made.room.floor = none();
        made.units_at_work.fill(1.0);
        made.copied.fill(0);
    }
    return pes_[static_cast<std::size_t>(pe)];
}

Graph::Processor& Graph::processor(At at) {
    std::vector<Processor>& processors = pe_of(at.pe).processors;
    while (static_cast<std::size_t>(at.processor) >= processors.size()) {
        Processor& made = processors.emplace_back();
        made.now = made.last_end = none();
        made.component = static_cast<ComponentId>(paths_.size());
        const std::string pe = paces_[0]->topology().pe_name(at.pe);
        paths_.push_back(processors.size() == 1 ? fmt::format("machine.{}.processor", pe)
                                                : fmt::format("machine.{}.processor_{}", pe, processors.size() - 1));
        step(made.now, Picoseconds(), Spent::issue, issue_about(made));
    }
    return processors[static_cast<std::size_t>(at.processor)];
}

Graph::Queue& Graph::queue_of(int pe, Place place) {
    std::vector<Queue>& queues = pe_of(pe).queues;
    const auto bit = static_cast<std::size_t>(place.queue);
    if (bit >= queues.size()) queues.resize(bit + 1);
    return queues[bit];
}

Graph::TileMoments& Graph::tile(int pe, const TileRecord& record) {
    std::vector<TileMoments>& tiles = pe_of(pe).tiles;
    while (record.number >= tiles.size()) tiles.push_back({none(), none(), none()});
    return tiles[record.number];
}

Moment& Graph::free_of(ComponentId component) {
    while (component >= free_.size()) free_.push_back(none());
    return free_[component];
}

Server& Graph::server(ComponentId component) {
    while (component >= servers_.size()) servers_.emplace_back().last = none();
    return servers_[component];
}

void Graph::step(Moment& moment, Picoseconds start, std::uint8_t spent, const About& about) {
    Step* made = steps_.make();
    made->start = start;
    made->component = about.component;
    made->phase = about.phase;
    made->line = about.line;
    made->file = about.file;
    made->spent = spent;
    moment.enter(steps_, made);
}

void Graph::pin(Moment& moment, Picoseconds when, const About& about) {
    if (moment.when() < when) {
        const Picoseconds gap = when - moment.when();
        step(moment, moment.when(), Spent::unexplained, about);
        moment.later_by(clocks_of([&](Pace&, std::size_t) { return gap; }));
    }
    moment.set(0, when.value());
}

void Graph::phase_begins(At at, std::span<const Phase> path) {
    std::uint32_t phase = Phases::none;
    for (const Phase& level : path) phase = phases_.enter(phase, level);
    processor(at).phases.push_back(phase);
    tell_phase(at);
}

void Graph::phase_ends(At at) {
    processor(at).phases.pop_back();
    tell_phase(at);
}

void Graph::tell_phase(At at) {
    if (!listener_) return;
    const Processor& p = processor(at);
    listener_->entered(phases_, at.pe, at.processor, p.phases.back(), p.now.when());
}

void Graph::processor_goes_on(Processor& p, bool waited, Picoseconds when, std::size_t slack) {
    // Processors that share a PE act at picoseconds of their own.
    if (when > p.now.when() && (when - p.now.when()).value() < slack) {
        const std::uint64_t gap = (when - p.now.when()).value();
        p.now.later_by(clocks_of([&](Pace&, std::size_t) { return Picoseconds(gap); }));
    }
    const bool gap = p.now.when() < when;
    pin(p.now, when, issue_about(p));
    if (waited || gap || p.now.step()->phase != p.phases.back()) step(p.now, when, Spent::issue, issue_about(p));
}

void Graph::spent(At at, std::uint64_t instructions, Picoseconds when) {
    Processor& p = processor(at);
    p.now.later_by(clocks_of([&](Pace& pace, std::size_t) { return pace.instructions(instructions); }));
    processor_goes_on(p, false, when, 0);
}

void Graph::consume(Room& room, std::size_t clock) {
    const Room::Free& free = room.frees[room.used[clock] - room.first];
    ++room.used[clock];
    room.bytes[clock] += free.bytes;
    room.floor.after_on(clock, free.when);
}

bool Graph::take_room(Pe& pe, std::uint64_t bytes, Moment& now) {
    Room& room = pe.room;
    room.taken += bytes;
    for (std::size_t clock = 0; clock < clocks_; ++clock) {
        const std::uint64_t capacity = paces_[clock]->config().pe.sram.value();
        while (room.taken > capacity + room.bytes[clock] && room.used[clock] - room.first < room.frees.size())
            consume(room, clock);
    }
    const std::uint64_t least = *std::min_element(room.used.begin(), room.used.begin() + clocks_);
    while (room.first < least) {
        room.frees.pop_front();
        ++room.first;
    }
    return now.after(room.floor);
}

void Graph::freed(int number, const TileRecord& record, Picoseconds when) {
    Pe& pe = pe_of(number);
    TileMoments& moments = tile(number, record);
    Moment free = std::move(moments.released);
    free.after(moments.last_use);
    free.after(moments.ready);
    pin(free, when, {});
    moments = {none(), none(), none()};
    // In the order of time; what some machine has used up before it counts for that one too.
    Room& room = pe.room;
    std::size_t place = room.frees.size();
    while (place > 0 && room.frees[place - 1].when.when() > when) --place;
    const std::uint64_t number_of_free = room.first + place;
    room.frees.insert(room.frees.begin() + static_cast<std::ptrdiff_t>(place), {record.bytes.value(), free});
    for (std::size_t clock = 0; clock < clocks_; ++clock) {
        if (room.used[clock] <= number_of_free) continue;
        ++room.used[clock];
        room.bytes[clock] += record.bytes.value();
        room.floor.after_on(clock, free);
    }
}

void Graph::issued(At at, const Command& command, Place place, Picoseconds when) {
    Processor& p = processor(at);
    Pe& pe = pe_of(at.pe);
    p.now.later_by(clocks_of([](Pace& pace, std::size_t) { return pace.issue(); }));
    Queue& queue = queue_of(at.pe, place);
    bool waited = false;
    std::size_t deepest = 0;
    const std::uint64_t oldest = queue.started - queue.starts.size();
    for (std::size_t clock = 0; clock < clocks_; ++clock) {
        const auto depth = static_cast<std::uint64_t>(paces_[clock]->config().pe.queue_depth);
        deepest = std::max<std::size_t>(deepest, depth);
        if (queue.issued < depth || queue.started == 0) continue;
        const std::uint64_t leaves = std::min(queue.issued - depth, queue.started - 1);
        if (leaves < oldest) continue;
        waited = p.now.after_on(clock, queue.starts[leaves - oldest]) || waited;
    }
    while (queue.starts.size() > deepest) queue.starts.pop_front();
    ++queue.issued;
    if (command.output) {
        waited = take_room(pe, command.output->bytes.value(), p.now) || waited;
        tile(at.pe, *command.output) = {none(), none(), none()};
    }
    processor_goes_on(p, waited, when, pe.processors.size());
    if (is_send(command.op)) issue_send(at.pe, command);
    queue.pending.push_back({p.now, {place.engine, p.phases.back(), command.place.line, command.place.file}});
}

void Graph::released(At at, const TileRecord& record, Picoseconds) {
    tile(at.pe, record).released = processor(at).now;
}

void Graph::waited(At at, const TileRecord& record, Picoseconds when) {
    Processor& p = processor(at);
    const bool decided = p.now.after(tile(at.pe, record).ready);
    processor_goes_on(p, decided, when, pe_of(at.pe).processors.size());
}

void Graph::drained(At at, Picoseconds when) {
    Processor& p = processor(at);
    const bool decided = p.now.after(p.last_end);
    processor_goes_on(p, decided, when, pe_of(at.pe).processors.size());
}

void Graph::finished(At at, Picoseconds) { end_.after(processor(at).now); }

Moment Graph::begin_of(int number, Queue& queue, const Command& command, Place place, Pending& pending) {
    pending = std::move(queue.pending.front());
    queue.pending.pop_front();
    Moment begin = pending.issued;
    begin.after(free_of(place.engine));
    for (int i = 0; i < command.operand_count; ++i)
        begin.after(tile(number, *command.operands[static_cast<std::size_t>(i)]).ready);
    return begin;
}

void Graph::use_up(int number, const Command& command, const Moment& ready, const Moment& end, Picoseconds since,
                   Picoseconds begin, Picoseconds until, const About& about) {
    for (int i = 0; i < command.operand_count; ++i)
        tile(number, *command.operands[static_cast<std::size_t>(i)]).last_use.after(end);
    if (command.output) tile(number, *command.output).ready = ready;
    Moment& last = processor({number, command.processor}).last_end;
    last.after(end);
    last.after(ready);
    path_.add_command(about.file, about.line, about.phase, begin - since, until - begin);
}

void Graph::computed(int number, const Command& command, Place place, Picoseconds begin, Picoseconds end,
                     Picoseconds ready) {
    Queue& queue = queue_of(number, place);
    Pe& pe = pe_of(number);
    Pending pending;
    Moment start = begin_of(number, queue, command, place, pending);
    pin(start, begin, pending.about);
    step(start, begin, static_cast<std::uint8_t>(command.op), pending.about);
    queue.starts.push_back(start);
    ++queue.started;
    Moment over = start, result = start;
    Clocks occupancy, latency;
    for (std::size_t clock = 0; clock < clocks_; ++clock) {
        if (same_pe_[clock] && clock > 0 && pe.units_at_work[clock] == pe.units_at_work[0]) {
            occupancy[clock] = occupancy[0];
            latency[clock] = latency[0];
            continue;
        }
        const Pace::Work work = paces_[clock]->work(command, pe.units_at_work[clock]);
        occupancy[clock] = work.occupancy.value();
        latency[clock] = work.latency.value();
    }
    over.later_by(occupancy);
    result.later_by(latency);
    pin(over, end, pending.about);
    pin(result, ready, pending.about);
    pe.computed.after(over);
    pe.computed.after(result);
    free_of(place.engine) = over;
    use_up(number, command, result, over, pending.issued.when(), begin, end, pending.about);
    if (steps_.made() >= next_trunk_) add_up_trunk(result.step());
}

void Graph::add_up_trunk(Step* from) {
    // What all moments that are still known come from is no more than a sum from now on.
    std::vector<Step*> chain;
    for (Step* at = from; at != nullptr; at = at->before) chain.push_back(at);
    while (chain.size() > 1 && chain.back()->users == 1) {
        Step* root = chain.back();
        chain.pop_back();
        path_.add(*root, chain.back()->start);
        chain.back()->before = nullptr;
        steps_.drop(root);
    }
    next_trunk_ = steps_.made() + (std::uint64_t{1} << 20);
}

report::CriticalPath Graph::close(Picoseconds time) {
    std::vector<const Step*> chain;
    for (const Step* at = end_.step(); at != nullptr; at = at->before) chain.push_back(at);
    for (std::size_t i = chain.size(); i > 0; --i)
        path_.add(*chain[i - 1], i > 1 ? std::min(chain[i - 2]->start, time) : time);
    return path_.close(phases_, paths_);
}

std::vector<report::WhatIf> Graph::estimates() const {
    std::vector<report::WhatIf> times;
    for (std::size_t clock = 1; clock < clocks_; ++clock)
        times.push_back({changes_[clock - 1], Picoseconds(end_.at(clock)), std::nullopt, {}});
    return times;
}

}  // namespace tilemesh::insight

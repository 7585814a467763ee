// SPDX-License-Identifier: Apache-2.0
// How commands come to run: an engine looks at its head, a head whose operands are known gets its times, what it
// makes becomes known, and so on until nothing more follows. Every time derived here depends only on other times, so
// the order in which this happens never shows.
#include "sim/base/error.h"
#include "sim/base/longest_run.h"
#include "sim/base/sanitized_stacks.h"
#include "sim/noc/sim_time.h"
#include "sim/pe/cost.h"
#include "sim/pe/multicast.h"
#include "sim/pe/processing_element.h"

#include <algorithm>
#include <bit>

namespace tilemesh::pe {
namespace {

Bytes message_bytes(const Command& command) {
    return Bytes(static_cast<std::uint64_t>(command.moved->message.elements()) * bytes_per_element(command.dtype));
}

}  // namespace

void ProcessingElement::settle() {
    while (runnable_ != 0) {
        const int bit = std::countr_zero(runnable_);
        runnable_ &= runnable_ - 1;
        advance(*engines_[static_cast<std::size_t>(bit)]);
    }
}

void ProcessingElement::accept(Engine& engine, Command& command, Picoseconds now) {
    command.issued = now;
    for (int i = 0; i < command.operand_count; ++i) ++command.operands[static_cast<std::size_t>(i)]->readers;
    if (!engine.shared()) {
        const Picoseconds operands =
            engine.idle() && !engine.unit ? operands_ready(command, engine.bit()) : TileRecord::unknown;
        if (operands != TileRecord::unknown) {
            engine.note_direct();
            run_local(engine, command, std::max(operands, now));
            return;
        }
    } else if (is_send(command.op)) {
        for (const int to : receivers_of(command)) surroundings_.channel(number_, to).announce_send(command);
    } else if (command.op == Opcode::receive) {
        surroundings_.channel(command.peer, number_).announce_receive(command);
    } else {
        std::vector<Hazard>& open = command.op == Opcode::load ? open_loads_ : open_stores_;
        forget_ended(open, simulated_now());  // the processor's own time is ahead of those that wait
        open.push_back({command.moved->box, command.moved->access, command.index, command.processor});
    }
    if (surroundings_.asker) surroundings_.asker->queued(engine.id(), matrix_, command.processor, now);
    engine.push(std::move(command));
    runnable_ |= std::uint64_t{1} << engine.bit();
    settle();
}

Picoseconds ProcessingElement::operands_ready(const Command& command, int engine_bit) {
    Picoseconds ready;
    for (int i = 0; i < command.operand_count; ++i) {
        TileRecord& tile = *command.operands[static_cast<std::size_t>(i)];
        if (!tile.is_ready_known()) {
            tile.waiting_engines |= std::uint64_t{1} << engine_bit;
            return TileRecord::unknown;
        }
        ready = std::max(ready, tile.ready);
    }
    return ready;
}

void ProcessingElement::forget_ended(std::vector<Hazard>& open, Picoseconds now) {
    std::erase_if(open, [now](const Hazard& h) { return h.end != TileRecord::unknown && h.end <= now; });
}

Picoseconds ProcessingElement::hazards_over(Command& command, int engine_bit) {
    // Loads wait for earlier stores to the same elements, stores for earlier loads and stores.
    Picoseconds ready;
    const Picoseconds now = simulated_now();
    const auto look = [&](std::vector<Hazard>& open) {
        forget_ended(open, now);
        for (const Hazard& hazard : open) {
            if (!hazard.precedes(command)) continue;
            if (hazard.end == TileRecord::unknown) {
                hazard_waiters_ |= std::uint64_t{1} << engine_bit;
                ready = TileRecord::unknown;
                return;
            }
            if (hazard.end <= ready) continue;
            ready = hazard.end;
            command.moved->behind = hazard.command + 1;
        }
    };
    look(open_stores_);
    if (ready != TileRecord::unknown && command.op == Opcode::store) look(open_loads_);
    return ready;
}

void ProcessingElement::advance(Engine& engine) {
    if (engine.unit) return consider(*engine.unit);
    while (!engine.idle() && engine.free_known && !engine.scheduled) {
        Command& command = engine.head();
        const Picoseconds operands = operands_ready(command, engine.bit());
        if (operands == TileRecord::unknown) return;
        Picoseconds earliest = std::max(operands, command.issued);
        if (!engine.shared()) {
            Command local = std::move(command);
            run_local(engine, local, earliest);
            continue;
        }
        if (engine.engine_kind() == EngineKind::dma_load || engine.engine_kind() == EngineKind::dma_store) {
            Dma& dma = engine.engine_kind() == EngineKind::dma_load ? loads_ : stores_;
            const Picoseconds hazards = hazards_over(command, engine.bit());
            if (hazards == TileRecord::unknown || !dma.slot_known()) return;
            earliest = std::max({earliest, hazards, dma.slot_free_at()});
        }
        engine.schedule(std::max(earliest, engine.free_at));
    }
}

void ProcessingElement::run_local(Engine& engine, Command& command, Picoseconds earliest) {
    const Picoseconds begin = std::max(earliest, engine.free_at);
    const bool is_matrix = engine.engine_kind() == EngineKind::matrix;
    const Cost cost =
        is_matrix ? matrix_cost(config_.matrix, command) : vector_cost(config_.vector, command.op, command.elements);
    const Picoseconds extra = surroundings_.jitter.of(is_matrix ? Jitter::Part::matrix : Jitter::Part::vector,
                                                      static_cast<std::uint64_t>(number_), event_of(command));
    const auto time_for = [&](double cycles) {
        return config_.clock.time_for(std::min(cycles / units_at_work_, most_cycles_));
    };
    const Picoseconds end = begin + time_for(cost.occupancy_cycles) + extra;
    const Picoseconds ready = begin + time_for(cost.latency_cycles) + extra;
    computed_ = std::max({computed_, end, ready});
    engine.free_at = end;
    engine.note_start(begin);
    if (surroundings_.engine_recorder) {
        const std::uint64_t work =
            is_matrix ? static_cast<std::uint64_t>(command.batch) * static_cast<std::uint64_t>(command.m) *
                            static_cast<std::uint64_t>(command.n) * static_cast<std::uint64_t>(command.k)
                      : static_cast<std::uint64_t>(command.elements);
        record(engine, command, begin, end, earliest, Bytes(), work);
    }
    if (command.values) {
        command.output->values = values_of(command);
        command.values.reset();
    }
    if (surroundings_.follower) surroundings_.follower->computed(number_, command, engine.place(), begin, end, ready);
    finish(command, ready, end);
}

void ProcessingElement::finish(Command& command, Picoseconds ready, Picoseconds end) {
    const Picoseconds last = std::max(ready, end);
    // Times of later commands follow from these, so that sums beyond what 64 bits hold are never made.
    if (last > longest_run) too_long(command);
    processor(command.processor).command_done(last);
    if (TileRecord* output = command.output) {
        output->ready = ready;
        runnable_ |= std::exchange(output->waiting_engines, std::uint64_t{0});
        if (output->handles == 0 && output->readers == 0) {
            --zombies_;
            free_if_unused(*output);
        }
    }
    for (int i = 0; i < command.operand_count; ++i) {
        TileRecord& tile = *command.operands[static_cast<std::size_t>(i)];
        tile.last_use = std::max(tile.last_use, end);
        if (--tile.readers == 0 && tile.handles == 0) {
            --zombies_;
            free_if_unused(tile);
        }
    }
}

template <class News>
void ProcessingElement::react(News what) {
    back_on_own_stack();  // news comes from SystemC's methods, which run there
    try {
        what();
        settle();
        for (CommandProcessor& processor : processors_) processor.resume_if_ready();
    } catch (const std::exception&) {
        forget_frames_below(std::size_t{64} * 1024);
        surroundings_.stop(std::current_exception());
    }
}

void ProcessingElement::start_next(Unit& unit) {
    react([&] { take_next(unit); });
}

void ProcessingElement::start_head(Engine& engine) {
    react([&] {
        const Picoseconds now = simulated_now();
        Command command = std::move(engine.head());
        engine.note_start(now);
        runnable_ |= std::uint64_t{1} << engine.bit();
        if (surroundings_.follower) surroundings_.follower->began(number_, command, engine.place(), now);
        switch (engine.engine_kind()) {
            case EngineKind::dma_load:
            case EngineKind::dma_store:
                start_transfer(engine, std::move(command), now);
                break;
            case EngineKind::send:
                start_send(engine, std::move(command), now);
                break;
            default:
                start_receive(engine, std::move(command), now);
                break;
        }
    });
}

PayloadPtr ProcessingElement::values_of(const Command& command) const {
    try {
        return evaluate(*command.values);
    } catch (const KernelError& error) {
        std::string_view what = error.what();
        const std::string place = command.place.text();
        if (what.starts_with(place)) what.remove_prefix(place.size());
        fail<KernelError>("{}{}, command {} ({}): {}", place, path(), command.index, name_of(command.op), what);
    }
}

void ProcessingElement::start_transfer(Engine& engine, Command&& command, Picoseconds now) {
    const bool loads = engine.engine_kind() == EngineKind::dma_load;
    if (command.values) {
        PayloadPtr values = values_of(command);
        if (loads) command.output->values = std::move(values);
        command.values.reset();
    }
    engine.free_at = (loads ? loads_ : stores_).start(std::move(command), now);
}

void ProcessingElement::start_send(Engine& engine, Command&& command, Picoseconds now) {
    PayloadPtr values;
    if (command.values) values = values_of(command);
    engine.free_known = false;
    engine.current = std::move(command);
    engine.current_since = now;
    const std::span<const std::int32_t> to = receivers_of(engine.current);
    if (to.size() > 1) {
        Multicast::start(*this, engine.current, message_bytes(engine.current), values);
    } else {
        surroundings_.channel(number_, to.front())
            .start_send(engine.current.network, message_bytes(engine.current), std::move(values),
                        engine.current.index);
    }
}

void ProcessingElement::start_receive(Engine& engine, Command&& command, Picoseconds now) {
    engine.free_known = false;
    engine.current = std::move(command);
    engine.current_since = now;
    surroundings_.channel(engine.current.peer, number_).post_receive(now);
}

void ProcessingElement::transfer_done(Command& command, Picoseconds begin, Picoseconds end, Bytes bytes) {
    react([&] {
        const bool loads = command.op == Opcode::load;
        Queues& queues = queues_[command.processor];
        Engine& engine = loads ? queues.load : queues.store;
        for (Hazard& hazard : loads ? open_loads_ : open_stores_) {
            if (hazard.is_of(command)) hazard.end = end;
        }
        record(engine, command, begin, end, begin, bytes, 0);
        if (surroundings_.follower) surroundings_.follower->ended(number_, command, engine.place(), end);
        finish(command, end, end);
        runnable_ |= (std::uint64_t{1} << engine.bit()) | std::exchange(hazard_waiters_, std::uint64_t{0});
    });
}

void ProcessingElement::send_left(int link, Picoseconds when) {
    react([&] {
        Engine& engine = engine_at(link);
        message_done(engine, engine.current_since, when);
    });
}

void ProcessingElement::receive_done(int link, Picoseconds first, Picoseconds when, PayloadPtr values) {
    react([&] {
        Engine& engine = engine_at(link);
        engine.current.output->values = std::move(values);
        message_done(engine, first, when);
    });
}

void ProcessingElement::message_done(Engine& engine, Picoseconds begin, Picoseconds end) {
    Command command = std::move(engine.current);
    engine.free_known = true;
    engine.free_at = end;
    record(engine, command, begin, end, engine.current_since, message_bytes(command), 0);
    if (surroundings_.follower) surroundings_.follower->ended(number_, command, engine.place(), end);
    finish(command, end, end);
    runnable_ |= std::uint64_t{1} << engine.bit();
}

}  // namespace tilemesh::pe

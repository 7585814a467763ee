// SPDX-License-Identifier: Apache-2.0
// Issue and waiting. What is said of a processor that waits for ever is in diagnosis.cpp.
#include "sim/pe/command_processor.h"

#include "sim/base/error.h"
#include "sim/noc/sim_time.h"
#include "sim/pe/processing_element.h"

#include <algorithm>
#include <utility>

namespace tilemesh::pe {
namespace {

Stall queue_stall(const Engine& engine) {
    return static_cast<Stall>(static_cast<int>(Stall::queue_matrix) + static_cast<int>(engine.engine_kind()));
}

constexpr std::size_t kStackBytes = std::size_t{256} * 1024;  // of the kernel's text
/// Stacks lie a power of two apart, so that what they use most would all have to be in the same few sets of a cache:
/// they begin up to so much lower, in steps of an odd number of its lines.
constexpr std::size_t kStaggerBytes = std::size_t{64} * 1024, kStaggerStep = std::size_t{65} * 64;

}  // namespace

CommandProcessor::CommandProcessor(sc_core::sc_module_name module_name, ProcessingElement& pe, int number,
                                   const PeConfig& config, Surroundings& surroundings)
    : sc_module(module_name),
      pe_(pe),
      number_(number),
      in_step_(pe.shared()),
      surroundings_(surroundings),
      issue_time_(config.clock.time_for(config.issue_cycles)),
      integer_time_(config.clock.time_for(config.integer_cycles)) {
    if (surroundings.steady && config.has_long_queues())
        meter_.emplace(*this, config, surroundings.slice(pe.number()));
    SC_THREAD(run);
    set_stack_size(kStackBytes + kStaggerBytes);
}

void CommandProcessor::launch(KernelText text, tl::ProgramInfo info) {
    text_ = std::move(text);
    info_ = std::move(info);
}

void CommandProcessor::run() {
    if (!text_) return;
    if (surroundings_.asker) surroundings_.asker->begins(pe_.id(), static_cast<std::uint8_t>(number_));
    stack_.begin(kStackBytes + kStaggerBytes);
    const auto number = static_cast<std::size_t>(participant());
    *static_cast<volatile char*>(__builtin_alloca(1 + number * kStaggerStep % kStaggerBytes)) = 0;
    try {
        {
            tl::Context context(*this, info_);
            context_ = &context;
            text_(context);
            context_ = nullptr;
        }
        drain();
        if (surroundings_.follower) surroundings_.follower->finished(at(), local_);
        if (surroundings_.asker) surroundings_.asker->ended(pe_.id(), static_cast<std::uint8_t>(number_), local_);
        finished_ = true;
        pe_.check_nothing_held();
    } catch (const ShapeError& error) {
        stack_.unwound();
        surroundings_.stop(std::make_exception_ptr(KernelError(
            fmt::format("kernel {}, {}, before command {}: {}", info_.kernel, pe_.path(), commands_, error.what()))));
    } catch (const std::exception&) {
        stack_.unwound();
        surroundings_.stop(std::current_exception());
    }
}

template <class Ready>
void CommandProcessor::block(Wait reason, Ready ready) {
    while (!ready()) {
        wait_ = reason;
        frames_ = static_cast<const char*>(__builtin_frame_address(0));
        if (waited_until_ != Picoseconds::max()) {
            const Picoseconds now = simulated_now();
            const Picoseconds until = std::exchange(waited_until_, Picoseconds::max());
            sc_core::wait(until > now ? to_sc_time(until - now) : sc_core::SC_ZERO_TIME, resume_);
        } else {
            sc_core::wait(resume_);
        }
        stack_.resume();
        pass(stall(), simulated_now());
    }
    wait_ = Wait::nothing;
}

void CommandProcessor::tell(Stall why, Picoseconds until) const {
    surroundings_.asker->stalled(pe_.id(), static_cast<std::uint8_t>(number_), why, local_, until);
}

Stall CommandProcessor::stall() const {
    switch (wait_) {
        case Wait::queue:
            return queue_stall(*waited_engine_);
        case Wait::sram:
            return Stall::sram;
        case Wait::tile:
            return stall_of(waited_tile_->made_by);
        case Wait::drain:
            return Stall::drain;
        case Wait::barrier:
            return Stall::barrier;
        case Wait::engines:
            return Stall::launch;
        case Wait::nothing:
            break;
    }
    return Stall::issue;
}

void CommandProcessor::keep_in_step() {
    const auto count = static_cast<std::uint64_t>(pe_.processors()), own = static_cast<std::uint64_t>(number_);
    const auto now = [&] {
        const std::uint64_t behind = (local_.value() + count - own) % count;
        if (behind != 0) pass(Stall::issue, local_ + Picoseconds(count - behind));
        return simulated_now();
    };
    while (now() < local_) {
        sc_core::wait(to_sc_time(local_ - simulated_now()));
        stack_.resume();
        pass(Stall::issue, simulated_now());
    }
}

Follower::At CommandProcessor::at() const { return {pe_.number(), number_}; }

int CommandProcessor::participant() const { return pe_.number() * pe_.processors() + number_; }

void CommandProcessor::resume_if_ready() {
    bool ready = false;
    switch (wait_) {
        case Wait::nothing:
        case Wait::barrier:
            break;
        case Wait::queue:
            ready = waited_engine_->slot_known();
            break;
        case Wait::sram:
            ready = true;
            break;  // the thread looks itself: taking room has effects
        case Wait::tile:
            ready = waited_tile_->is_ready_known();
            break;
        case Wait::drain:
            ready = open_commands_ == 0;
            break;
        case Wait::engines:
            ready = pe_.arithmetic_idle();
            break;
    }
    if (!ready) return;
    fetch();
    resume_.notify(sc_core::SC_ZERO_TIME);
}

void CommandProcessor::fetch() const {
    constexpr std::ptrdiff_t below = 512, above = 3072, line = 64;  // SystemC's frames, the kernel's
    for (std::ptrdiff_t at = -below; at < above; at += line) __builtin_prefetch(frames_ + at, 1);
    for (std::size_t at = 0; at < sizeof(*this); at += line)
        __builtin_prefetch(reinterpret_cast<const char*>(this) + at, 1);
}

void CommandProcessor::check_peer(const Command& command) const {
    if (!is_send(command.op) && command.op != Opcode::receive) return;
    if (command.peer >= 0 && command.peer < surroundings_.pes()) return;
    fail<KernelError>("kernel {}, {}, command {} ({}): PE {} does not exist, the machine has {}", info_.kernel,
                      pe_.path(), command.index, name_of(command.op), command.peer, surroundings_.pes());
}

std::vector<std::vector<std::int32_t>> CommandProcessor::injections(std::span<const std::int32_t> pes,
                                                                    int network) const {
    const noc::Network& all = surroundings_.network;
    return noc::injections(all.config(), all.topology(), pe_.number(), pes, network);
}

void CommandProcessor::choose_network(Command& command) const {
    if (!is_send(command.op)) return;
    command.network =
        static_cast<std::int8_t>(surroundings_.network.choice(pe_.number(), command.peer, command.network));
}

TileRecord* CommandProcessor::issue(Command& command, const Shape& shape, Dtype dtype) {
    check_peer(command);
    choose_network(command);
    command.processor = static_cast<std::uint8_t>(number_);
    Engine& engine = pe_.engine_for(command);
    ++commands_;
    pass(Stall::issue, local_ + issue_time_);
    keep_step();
    take_queue_slot(engine);
    if (makes_tile(command.op)) {
        take_room(Bytes(static_cast<std::uint64_t>(shape.elements()) * bytes_per_element(dtype)));
        command.output = pe_.make_tile(command, shape, dtype, *this);
        pe_.record_sram(local_);
    }
    TileRecord* output = command.output;
    ++open_commands_;
    if (meter_) meter_->count(command);
    if (surroundings_.follower) surroundings_.follower->issued(at(), command, engine.place(), local_);
    pe_.accept(engine, command, local_);
    return output;
}

void CommandProcessor::command_done(Picoseconds end) {
    last_end_ = std::max(last_end_, end);
    --open_commands_;
}

void CommandProcessor::end_arithmetic() {
    // Only what has begun has its times.
    block(Wait::engines, [this] { return pe_.arithmetic_idle(); });
}

void CommandProcessor::begin_passing() {
    end_arithmetic();
    pe_.begin_passing();
}

void CommandProcessor::end_passing() {
    end_arithmetic();
    pe_.end_passing();
}

void CommandProcessor::pass_over(Picoseconds length, Picoseconds until) {
    end_arithmetic();
    pe_.pass_over(length);
    pass(Stall::issue, until);
}

Picoseconds CommandProcessor::hold_up(Picoseconds ready) {
    end_arithmetic();
    const Picoseconds free = pe_.multiplies_from();
    const Picoseconds held = ready > free ? ready - free : Picoseconds();
    pe_.pass_over(held);
    return held;
}

void CommandProcessor::take_queue_slot(Engine& engine) {
    if (!engine.slot_known()) {
        waited_engine_ = &engine;
        block(Wait::queue, [&engine] { return engine.slot_known(); });
    }
    pass(queue_stall(engine), engine.slot_free_at(local_));
    keep_step();
}

void CommandProcessor::take_room(Bytes bytes) {
    if (bytes > pe_.sram().capacity()) sram_exhausted(bytes);
    waited_bytes_ = bytes;
    block(Wait::sram, [this, bytes] {
        keep_step();
        const Sram::Answer answer = pe_.ask_for_room(bytes, local_);
        if (answer.granted) {
            pass(Stall::sram, answer.when);
            return true;
        }
        if (answer.when == Picoseconds::max() && !pe_.may_free_tiles() && !pe_.others_run(*this))
            sram_exhausted(bytes);
        waited_until_ = answer.when;
        return false;
    });
    waited_until_ = Picoseconds::max();
}

void CommandProcessor::unreferenced(TileRecord& record) {
    if (surroundings_.follower) surroundings_.follower->released(at(), record, local_);
    pe_.unreferenced(record, local_);
}

void CommandProcessor::wait_until_ready(TileRecord& record) {
    waited_tile_ = &record;
    block(Wait::tile, [&record] { return record.is_ready_known(); });
    pass(stall_of(record.made_by), record.ready);
    if (surroundings_.follower) surroundings_.follower->waited(at(), record, local_);
}

void CommandProcessor::begin_launch(const LaunchedWork& work) {
    if (!pe_.launches_cost()) return;
    block(Wait::engines, [this] { return pe_.arithmetic_idle(); });
    pass(Stall::launch, pe_.begin_launch(work, local_, commands_));
    if (surroundings_.follower) surroundings_.follower->launched(at(), work, local_);
}

void CommandProcessor::drain() {
    block(Wait::drain, [this] { return open_commands_ == 0; });
    pass(Stall::drain, last_end_);
    if (surroundings_.follower) surroundings_.follower->drained(at(), local_);
}

void CommandProcessor::barrier() {
    drain();
    if (surroundings_.follower) surroundings_.follower->arrived_at_barrier(at(), local_);
    surroundings_.arrive_at_barrier(participant(), local_);
    wait_ = Wait::barrier;
    while (surroundings_.barrier_opens(participant()) == Picoseconds::max()) {
        sc_core::wait(surroundings_.barrier_event());
        stack_.resume();
    }
    wait_ = Wait::nothing;
    pass(Stall::barrier, surroundings_.barrier_opens(participant()));
    if (surroundings_.follower) surroundings_.follower->passed_barrier(at(), local_);
}

}  // namespace tilemesh::pe

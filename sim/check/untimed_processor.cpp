// SPDX-License-Identifier: Apache-2.0
#include "sim/check/untimed_processor.h"

#include "sim/base/error.h"
#include "sim/check/untimed_machine.h"
#include "sim/check/untimed_pe.h"

#include <algorithm>
#include <utility>

namespace tilemesh::check {
namespace {

constexpr std::size_t kStackBytes = std::size_t{256} * 1024;  // of the kernel's text, as in a simulation

}  // namespace

void UntimedProcessor::launch(std::function<void(tl::Context&)> text, tl::ProgramInfo info, int id) {
    info_ = std::move(info);
    id_ = id;
    fiber_ = std::make_unique<Fiber>(kStackBytes, [this, text = std::move(text)] { run(text); });
}

void UntimedProcessor::run(const std::function<void(tl::Context&)>& text) {
    try {
        {
            tl::Context context(*this, info_);
            context_ = &context;
            text(context);
            context_ = nullptr;
        }
        block(Wait::drain);
        finished_ = true;
    } catch (const ShapeError& error) {
        machine_.fails(
            fmt::format("kernel {}, {}, before command {}: {}", info_.kernel, pe_.path(), commands_, error.what()));
    } catch (const KernelError& error) {
        machine_.fails(error.what());
    } catch (const std::exception&) {
        machine_.stop(std::current_exception());
    }
    context_ = nullptr;
}

bool UntimedProcessor::can_go_on() const {
    switch (wait_) {
        case Wait::queue:
            return pe_.has_slot(*waited_lane_);
        case Wait::sram:
            return pe_.sram_used() + waited_bytes_ <= pe_.sram();
        case Wait::tile:
            return waited_tile_->is_ready_known();
        case Wait::drain:
            return open_commands_ == 0;
        case Wait::engines:
            return pe_.arithmetic_idle();
        case Wait::barrier:  // the machine says when
        case Wait::nothing:
            break;
    }
    return false;
}

void UntimedProcessor::block(Wait reason) {
    wait_ = reason;
    while (!can_go_on()) fiber_->pause();
    wait_ = Wait::nothing;
}

void UntimedProcessor::check_peer(const Command& command) const {
    if (!is_send(command.op) && command.op != Opcode::receive) return;
    if (command.peer >= 0 && command.peer < machine_.pes()) return;
    fail<KernelError>("{}kernel {}, {}, command {} ({}): PE {} does not exist, the machine has {}",
                      command.place.text(), info_.kernel, pe_.path(), command.index, name_of(command.op),
                      command.peer, machine_.pes());
}

std::vector<std::vector<std::int32_t>> UntimedProcessor::injections(std::span<const std::int32_t> pes,
                                                                    int network) const {
    return noc::injections(machine_.config().network, machine_.topology(), pe_.number(), pes, network);
}

TileRecord* UntimedProcessor::issue(Command& command, const Shape& shape, Dtype dtype) {
    check_peer(command);
    if (is_send(command.op) && command.network == any_network)
        command.network = static_cast<std::int8_t>(machine_.topology().choice(pe_.number(), command.peer));
    command.processor = static_cast<std::uint8_t>(number_);
    Lane& lane = pe_.lane_for(command);
    ++commands_;
    if (!pe_.has_slot(lane)) {
        waited_lane_ = &lane;
        block(Wait::queue);
    }
    if (makes_tile(command.op)) {
        const Bytes bytes(static_cast<std::uint64_t>(shape.elements()) * bytes_per_element(dtype));
        take_room(bytes);
        held_ += bytes;
        most_held_ = std::max(most_held_, held_);
        command.output = pe_.make_tile(command, shape, dtype, *this);
    }
    TileRecord* output = command.output;
    ++open_commands_;
    pe_.accept(lane, command, known_);
    return output;
}

void UntimedProcessor::take_room(Bytes bytes) {
    if (bytes > pe_.sram()) sram_exhausted(bytes);
    while (!pe_.takes_room(bytes)) {
        if (!pe_.may_free() && !pe_.others_run(*this)) sram_exhausted(bytes);
        waited_bytes_ = bytes;
        block(Wait::sram);
    }
}

void UntimedProcessor::sram_exhausted(Bytes wanted) const {
    const std::string where = fmt::format(
        "{}kernel {}, {}, command {}: no room for {} bytes:", context_ ? context_->place().text() : std::string(),
        info_.kernel, pe_.path(), commands_ - 1, wanted.value());
    if (wanted > pe_.sram())
        fail<KernelError>("{} this tile alone is larger than the whole SRAM, which has {} bytes; use smaller tiles",
                          where, pe_.sram().value());
    fail<KernelError>("{} {} of {} bytes of SRAM are taken by tiles the kernel holds, so none will come free{}",
                      where, pe_.sram_used().value(), pe_.sram().value(), pe_.live_tiles());
}

void UntimedProcessor::unreferenced(TileRecord& record) {
    held_ -= record.bytes;
    pe_.unreferenced(static_cast<UntimedTile&>(record));
}

void UntimedProcessor::wait_until_ready(TileRecord& record) {
    auto& tile = static_cast<UntimedTile&>(record);
    tile.used = true;
    waited_tile_ = &tile;
    block(Wait::tile);
    known_.learn(tile.known);
}

bool UntimedProcessor::end_epoch() {
    block(Wait::drain);
    pe_.learn_all(number_, known_);
    if (!std::exchange(transfers_, false)) return false;
    ++epoch_;
    return true;
}

void UntimedProcessor::drain() {
    if (end_epoch()) known_.learn(machine_.processors(), id_, epoch_);
    // Who looks again and again whether others have done something must let them.
    machine_.to_the_end_of_the_line(*this);
    fiber_->pause();
}

void UntimedProcessor::barrier() {
    end_epoch();
    wait_ = Wait::barrier;
    machine_.arrive_at_barrier(*this);
    while (wait_ == Wait::barrier) fiber_->pause();
}

void UntimedProcessor::barrier_opens(const Knowledge& known) {
    known_ = known;
    wait_ = Wait::nothing;
}

void UntimedProcessor::begin_launch(const LaunchedWork&) {
    if (machine_.config().pe.launch.costs()) block(Wait::engines);
}

std::string UntimedProcessor::explain_wait() const {
    const std::string pe = (context_ ? context_->place().text() : std::string()) + pe_.path();
    switch (wait_) {
        case Wait::queue:
            return fmt::format("{}: the kernel waits for a place in the queue of {} for command {}", pe,
                               waited_lane_->name, commands_ - 1);
        case Wait::sram:
            return fmt::format("{}: the kernel waits for {} bytes of SRAM for command {} ({} of {} taken)", pe,
                               waited_bytes_.value(), commands_ - 1, pe_.sram_used().value(), pe_.sram().value());
        case Wait::tile:
            return fmt::format("{}: the kernel waits for the tile of command {} ({})", pe, waited_tile_->command,
                               name_of(waited_tile_->made_by));
        case Wait::drain:
            return fmt::format("{}: the kernel {}, {} are not done", pe,
                               context_ ? "waits for all its commands" : "has issued all its commands",
                               open_commands_);
        case Wait::barrier:
            return fmt::format("{}: the kernel waits at a barrier for {}", pe, machine_.missing_at_barrier_text());
        case Wait::engines:
            return fmt::format("{}: the kernel waits for the engines to be done before a launch", pe);
        case Wait::nothing:
            break;
    }
    return {};
}

}  // namespace tilemesh::check

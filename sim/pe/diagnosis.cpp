// SPDX-License-Identifier: Apache-2.0
// What can be said of a PE that waits for ever, that asks for SRAM that can never come, or that takes too long.
#include "sim/base/error.h"
#include "sim/pe/processing_element.h"
#include "sim/tile/waiting.h"

#include <algorithm>

namespace tilemesh::pe {

void ProcessingElement::explain_command(const Engine& engine, const Command& command,
                                        std::vector<std::string>& out) const {
    const std::string head = command_at(engine.name(), command);
    if (auto operand = waits_for_operand(engine.name(), command)) {
        out.push_back(std::move(*operand));
        return;
    }
    if (engine.free_known || engine.current.index != command.index) {
        out.push_back(fmt::format("{} waits for the commands before it", head));
    } else if (command.op == Opcode::receive) {
        const MessageChannel& channel = surroundings_.channel(command.peer, number_);
        out.push_back(fmt::format("{} waits for message {} from {}, which has started {} sends to it", head,
                                  channel.receives_posted() - 1, channel.sender().path(), channel.sends_started()));
    } else {
        MessageChannel& channel = surroundings_.channel(number_, waits_for_room_at(command));
        out.push_back(
            fmt::format("{} waits for credits: {} bytes fill the receive buffer at {}, which has posted {} "
                        "receives for {} sends",
                        head, channel.waiting_for_receive(command.network).value(), channel.receiver().path(),
                        channel.receives_posted(), channel.sends_started()));
    }
}

void ProcessingElement::too_long(const Command& command) const {
    fail<KernelError>(
        "{}kernel {}, {}, command {} ({}): ends more than 53 days after the start, longer than a run may "
        "take",
        command.place.text(), processor(command.processor).kernel_name(), path(), command.index, name_of(command.op));
}

void CommandProcessor::too_long() const {
    fail<KernelError>(
        "{}kernel {}, {}, before command {}: comes more than 53 days after the start, longer than a run "
        "may take",
        context_ ? context_->place().text() : std::string(), info_.kernel, pe_.path(), commands_);
}

std::string CommandProcessor::explain_wait() const {
    const std::string pe = (context_ ? context_->place().text() : std::string()) + pe_.path();
    switch (wait_) {
        case Wait::queue:
            return fmt::format("{}: the kernel waits for a place in the queue of {}", pe, waited_engine_->name());
        case Wait::sram:
            return fmt::format("{}: the kernel waits for {} bytes of SRAM ({} of {} taken)", pe,
                               waited_bytes_.value(), pe_.sram().used().value(), pe_.sram().capacity().value());
        case Wait::tile:
            return fmt::format("{}: the kernel waits for the tile of command {} ({})", pe, waited_tile_->command,
                               name_of(waited_tile_->made_by));
        case Wait::drain:
            return fmt::format("{}: the kernel has issued all its commands, {} are not done", pe, open_commands_);
        case Wait::barrier:
            return fmt::format("{}: the kernel waits at a barrier for {}", pe, missing_at_barrier());
        case Wait::engines:
            return fmt::format("{}: the kernel waits for the engines to be done before a launch", pe);
        case Wait::nothing:
            break;
    }
    return {};
}

std::vector<std::string> ProcessingElement::explain_wait() const {
    std::vector<std::string> out;
    for (const CommandProcessor& processor : processors_)
        if (std::string wait = processor.explain_wait(); !wait.empty()) out.push_back(std::move(wait));
    const bool any_left = std::any_of(processors_.begin(), processors_.end(), [](const CommandProcessor& processor) {
        return processor.launched() && !processor.finished();
    });
    if (!any_left) return {};
    for (Engine* engine : engines_) {
        if (!engine->free_known) explain_command(*engine, engine->current, out);
        if (!engine->idle()) explain_command(*engine, engine->head(), out);
    }
    return out;
}

int ProcessingElement::waits_for_room_at(const Command& command) const {
    const std::span<const std::int32_t> to = receivers_of(command);
    const auto unready = std::find_if(to.begin(), to.end(), [&](std::int32_t pe) {
        const MessageChannel& channel = surroundings_.channel(number_, pe);
        return channel.receives_posted() < channel.sends_started();
    });
    return unready == to.end() ? to.front() : *unready;
}

int ProcessingElement::waits_for_pe() const {
    for (const Engine* engine : engines_) {
        if (engine->free_known) continue;
        return is_send(engine->current.op) ? waits_for_room_at(engine->current) : engine->current.peer;
    }
    const bool at_barrier =
        std::any_of(processors_.begin(), processors_.end(),
                    [](const CommandProcessor& processor) { return processor.waits_at_barrier(); });
    if (!at_barrier) return -1;
    const std::vector<int> missing = surroundings_.missing_at_barrier();
    return missing.empty() ? -1 : missing.front();
}

std::vector<const TileRecord*> ProcessingElement::live_tiles() const {
    std::vector<const TileRecord*> live;
    for (const TileRecord& tile : records_) {
        if (tile.live) live.push_back(&tile);
    }
    std::sort(live.begin(), live.end(),
              [](const TileRecord* a, const TileRecord* b) { return a->command < b->command; });
    return live;
}

std::string CommandProcessor::missing_at_barrier() const {
    constexpr std::size_t named = 8;
    const std::vector<int> missing = surroundings_.missing_at_barrier();
    std::string out;
    for (std::size_t i = 0; i < std::min(named, missing.size()); ++i) {
        out += (i == 0 ? "" : ", ") + surroundings_.path_of(missing[i]);
    }
    return missing.size() <= named ? out : fmt::format("{} and {} more", out, missing.size() - named);
}

void CommandProcessor::sram_exhausted(Bytes wanted) const {
    if (wanted > pe_.sram().capacity()) {
        fail<KernelError>(
            "kernel {}, {}, command {}: no room for {} bytes: this tile alone is larger than the whole SRAM, which "
            "has "
            "{} bytes; use smaller tiles",
            info_.kernel, pe_.path(), commands_ - 1, wanted.value(), pe_.sram().capacity().value());
    }
    std::string list;
    for (const TileRecord* tile : pe_.live_tiles()) {
        list += fmt::format("\n  {} {} of command {} ({}), {} bytes, {} handle{}", name_of(tile->dtype),
                            tile->shape.text(), tile->command, name_of(tile->made_by), tile->bytes.value(),
                            tile->handles, tile->handles == 1 ? "" : "s");
    }
    fail<KernelError>(
        "kernel {}, {}, command {}: no room for {} bytes: {} of {} bytes of SRAM are taken by tiles the kernel "
        "holds, so none will come free{}",
        info_.kernel, pe_.path(), commands_ - 1, wanted.value(), pe_.sram().used().value(),
        pe_.sram().capacity().value(), list);
}

}  // namespace tilemesh::pe

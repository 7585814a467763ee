// SPDX-License-Identifier: Apache-2.0
// What can be said of a PE that waits for ever, or that asks for SRAM that can never come.
#include "sim/base/error.h"
#include "sim/pe/processing_element.h"

#include <algorithm>

namespace tilemesh::pe {

void ProcessingElement::explain_command(const Engine& engine, const Command& command,
                                        std::vector<std::string>& out) const {
    const std::string head = fmt::format("{}: command {} ({})", engine.name(), command.index, name_of(command.op));
    for (int i = 0; i < command.operand_count; ++i) {
        const TileRecord& tile = *command.operands[static_cast<std::size_t>(i)];
        if (tile.is_ready_known()) continue;
        out.push_back(fmt::format("{} waits for the tile that command {} ({}) makes", head, tile.command,
                                  name_of(tile.made_by)));
        return;
    }
    if (engine.free_known || engine.current.index != command.index) {
        out.push_back(fmt::format("{} waits for the commands before it", head));
    } else if (command.op == Opcode::receive) {
        const MessageChannel& channel = surroundings_.channel(command.peer, number_);
        out.push_back(fmt::format("{} waits for message {} from {}, which has started {} sends to it", head,
                                  channel.receives_posted() - 1, channel.sender().path(), channel.sends_started()));
    } else {
        const MessageChannel& channel = surroundings_.channel(number_, command.peer);
        out.push_back(
            fmt::format("{} waits for credits: {} bytes fill the receive buffer at {}, which has posted {} "
                        "receives for {} sends",
                        head, channel.waiting_for_receive().value(), channel.receiver().path(),
                        channel.receives_posted(), channel.sends_started()));
    }
}

std::vector<std::string> ProcessingElement::explain_wait() const {
    std::vector<std::string> out;
    if (!launched() || finished_) return out;
    switch (wait_) {
        case Wait::queue:
            out.push_back(
                fmt::format("{}: the kernel waits for a place in the queue of {}", name(), waited_engine_->name()));
            break;
        case Wait::sram:
            out.push_back(fmt::format("{}: the kernel waits for {} bytes of SRAM ({} of {} taken)", name(),
                                      waited_bytes_.value(), sram_.used().value(), sram_.capacity().value()));
            break;
        case Wait::tile:
            out.push_back(fmt::format("{}: the kernel waits for the tile of command {} ({})", name(),
                                      waited_tile_->command, name_of(waited_tile_->made_by)));
            break;
        case Wait::drain:
            out.push_back(
                fmt::format("{}: the kernel has issued all its commands, {} are not done", name(), open_commands_));
            break;
        case Wait::barrier:
            out.push_back(fmt::format("{}: the kernel waits at a barrier for {}", name(), missing_at_barrier()));
            break;
        case Wait::engines:
            out.push_back(fmt::format("{}: the kernel waits for the engines to be done before a launch", name()));
            break;
        case Wait::nothing:
            break;
    }
    for (Engine* engine : engines_) {
        if (!engine->free_known) explain_command(*engine, engine->current, out);
        if (!engine->idle()) explain_command(*engine, engine->head().command, out);
    }
    return out;
}

int ProcessingElement::waits_for_pe() const {
    for (const Engine* engine : engines_) {
        if (!engine->free_known) return engine->current.peer;
    }
    if (wait_ != Wait::barrier) return -1;
    const std::vector<int> missing = surroundings_.missing_at_barrier();
    return missing.empty() ? -1 : missing.front();
}

std::string ProcessingElement::missing_at_barrier() const {
    constexpr std::size_t named = 8;
    const std::vector<int> missing = surroundings_.missing_at_barrier();
    std::string out;
    for (std::size_t i = 0; i < std::min(named, missing.size()); ++i) {
        out += (i == 0 ? "" : ", ") + surroundings_.path_of(missing[i]);
    }
    return missing.size() <= named ? out : fmt::format("{} and {} more", out, missing.size() - named);
}

void ProcessingElement::sram_exhausted(Bytes wanted) const {
    if (wanted > sram_.capacity()) {
        fail<KernelError>(
            "kernel {}, {}, command {}: no room for {} bytes: this tile alone is larger than the whole SRAM, which "
            "has "
            "{} bytes; use smaller tiles",
            info_.kernel, name(), commands_ - 1, wanted.value(), sram_.capacity().value());
    }
    std::vector<const TileRecord*> live;
    for (const TileRecord& tile : records_) {
        if (tile.live) live.push_back(&tile);
    }
    std::sort(live.begin(), live.end(),
              [](const TileRecord* a, const TileRecord* b) { return a->command < b->command; });
    std::string list;
    for (const TileRecord* tile : live) {
        list += fmt::format("\n  {} {} of command {} ({}), {} bytes, {} handle{}", name_of(tile->dtype),
                            tile->shape.text(), tile->command, name_of(tile->made_by), tile->bytes.value(),
                            tile->handles, tile->handles == 1 ? "" : "s");
    }
    fail<KernelError>(
        "kernel {}, {}, command {}: no room for {} bytes: {} of {} bytes of SRAM are taken by tiles the kernel "
        "holds, so none will come free{}",
        info_.kernel, name(), commands_ - 1, wanted.value(), sram_.used().value(), sram_.capacity().value(), list);
}

}  // namespace tilemesh::pe

// SPDX-License-Identifier: Apache-2.0
// What is said of what has been found: of accesses and tiles, of messages without a counterpart, of who waits for
// ever and for whom.
#include "sim/base/error.h"
#include "sim/check/untimed_machine.h"
#include "sim/tile/waiting.h"

#include <algorithm>
#include <set>

namespace tilemesh::check {
namespace {

/// What findings of one command and its repetitions have in common.
std::string alike(const SourcePlace& place, Opcode op) {
    return place.file ? place.text() : std::string(name_of(op));
}

}  // namespace

void UntimedPe::explain(const Lane& lane, const Command& command, std::vector<std::string>& out) const {
    const std::string head = command_at(lane.name, command);
    if (auto operand = waits_for_operand(lane.name, command)) {
        out.push_back(std::move(*operand));
        return;
    }
    if (!lane.busy || lane.current.index != command.index) {
        out.push_back(fmt::format("{} waits for the commands before it", head));
    } else if (command.op == Opcode::receive) {
        const Channel& channel = machine_.channel(command.peer, number_);
        out.push_back(fmt::format("{} waits for message {} from {}, which has started {} sends to it", head,
                                  channel.receives_posted() - 1, machine_.pe(command.peer).path(),
                                  channel.sends_started()));
    } else {
        const int unready = machine_.waits_for_room_at(*this, command);
        const Channel& channel = machine_.channel(number_, unready);
        out.push_back(
            fmt::format("{} waits for credits: its {} bytes and {} before them do not fit the receive "
                        "buffer at {}, which has posted {} receives for {} sends",
                        head, message_bytes(command), channel.buffered(command.network), machine_.pe(unready).path(),
                        channel.receives_posted(), channel.sends_started()));
    }
}

int UntimedMachine::waits_for_room_at(const UntimedPe& pe, const Command& command) {
    const std::span<const std::int32_t> to = receivers_of(command);
    const auto unready = std::find_if(to.begin(), to.end(), [&](std::int32_t receiver) {
        return !channel(pe.number(), receiver).takes(command.network, message_bytes(command), window_);
    });
    return unready == to.end() ? to.front() : *unready;
}

std::vector<std::string> UntimedPe::explain_wait() const {
    std::vector<std::string> out;
    for (const UntimedProcessor& processor : processors_)
        if (std::string wait = processor.explain_wait(); !wait.empty()) out.push_back(std::move(wait));
    for (const Lane* lane : lanes_) {
        if (lane->busy) explain(*lane, lane->current, out);
        if (!lane->queue.empty()) explain(*lane, lane->queue.front().command, out);
    }
    return out;
}

int UntimedPe::waits_for_pe() const {
    for (const Lane* lane : lanes_)
        if (lane->busy)
            return is_send(lane->current.op) ? machine_.waits_for_room_at(*this, lane->current) : lane->current.peer;
    const bool at_barrier =
        std::any_of(processors_.begin(), processors_.end(),
                    [](const UntimedProcessor& processor) { return processor.waits_at_barrier(); });
    return at_barrier ? machine_.first_missing_at_barrier() : -1;
}

std::string UntimedPe::live_tiles() const {
    std::vector<const UntimedTile*> live;
    for (const UntimedTile& tile : tiles_)
        if (tile.live) live.push_back(&tile);
    std::sort(live.begin(), live.end(),
              [](const UntimedTile* a, const UntimedTile* b) { return a->command < b->command; });
    std::string list;
    for (const UntimedTile* tile : live)
        list += fmt::format("\n  {}{} {} of command {} ({}), {} bytes, {} handle{}", tile->place.text(),
                            name_of(tile->dtype), tile->shape.text(), tile->command, name_of(tile->made_by),
                            tile->bytes.value(), tile->handles, tile->handles == 1 ? "" : "s");
    return list;
}

std::string UntimedMachine::text_of(const Touch& touch) const {
    return fmt::format("{}{}, command {} ({})", touch.place.text(),
                       pe_of_[static_cast<std::size_t>(touch.processor)]->path(), touch.command, name_of(touch.op));
}

void UntimedMachine::found(Clash what, const Touch* earlier, const Touch& later, const std::string& where) {
    std::string same = alike(later.place, later.op);
    switch (what) {
        case Clash::race:
            same += alike(earlier->place, earlier->op) + std::string(name_of(earlier->op));
            findings_.add("race", same,
                          fmt::format("{} and {} are in no order: {}", text_of(*earlier), text_of(later), where));
            return;
        case Clash::unwritten:
            findings_.add("unwritten", same,
                          fmt::format("{} reads what nobody has written: {}", text_of(later), where));
            return;
        case Clash::outside:
            findings_.add("outside", same, fmt::format("{} leaves what is allocated: {}", text_of(later), where));
            return;
    }
}

void UntimedMachine::found_store_to_input(const Touch& touch, const std::string& tensor) {
    findings_.add("failure", tensor, fmt::format("{} writes {}, which is an input", text_of(touch), tensor));
}

void UntimedMachine::found_unused(const UntimedPe& pe, const UntimedTile& tile) {
    if (failed_ || deadlocked_) return;  // texts that are given up leave tiles behind
    findings_.add("unused", alike(tile.place, tile.made_by),
                  fmt::format("{}{}, command {} ({}): nobody uses the tile {} {} that it makes", tile.place.text(),
                              pe.path(), tile.command, name_of(tile.made_by), name_of(tile.dtype), tile.shape.text()),
                  false);
}

void UntimedMachine::fails(const std::string& text) {
    failed_ = true;
    findings_.add("failure", text, text);
}

void UntimedMachine::check_messages() {
    for (const auto& [ends, channel] : channels_) {
        const Channel::Announced* const alone = channel.unmatched();
        if (!alone) continue;
        const bool sent = channel.sends_announced() > channel.receives_announced();
        const UntimedPe &from = pe(channel.from()), &to = pe(channel.to());
        findings_.add(
            "unmatched message", fmt::format("{} {}", channel.from(), channel.to()),
            fmt::format("{}{}, command {} ({}) has no counterpart: {} sends {} messages to {}, which "
                        "receives {}",
                        alone->place.text(), (sent ? from : to).path(), alone->command, sent ? "send" : "receive",
                        from.path(), channel.sends_announced(), to.path(), channel.receives_announced()));
    }
}

/// What several programs of a PE hold together may be more than there is, in an order in which none gives up any.
void UntimedMachine::add_sram(const UntimedPe& pe, Report& report) {
    Bytes held;
    int programs = 0;
    for (const UntimedProcessor& processor : pe.processors()) {
        held += processor.most_held();
        programs += processor.launched() ? 1 : 0;
    }
    if (held > report.sram_held || report.fullest.empty()) {
        report.sram_held = held;
        report.fullest = pe.path();
    }
    if (programs < 2 || held <= report.sram || deadlocked_ || failed_) return;
    findings_.add("SRAM in no order", "",
                  fmt::format("{}: its {} programs hold up to {} bytes together, of {} bytes of SRAM: whether they "
                              "wait for each other for ever depends on who asks first",
                              pe.path(), programs, held.value(), report.sram.value()),
                  false);
}

int UntimedMachine::first_missing_at_barrier() {
    for (std::size_t i = 0; i < launched_.size(); ++i)
        if (!launched_[i]->waits_at_barrier()) return pe_of_[i]->number();
    return -1;
}

std::string UntimedMachine::missing_at_barrier_text() {
    constexpr std::size_t named = 8;
    std::vector<std::string> missing;
    for (std::size_t i = 0; i < launched_.size(); ++i)
        if (!launched_[i]->waits_at_barrier() && (missing.empty() || missing.back() != pe_of_[i]->path()))
            missing.push_back(pe_of_[i]->path());
    std::string out;
    for (std::size_t i = 0; i < std::min(named, missing.size()); ++i) out += (i == 0 ? "" : ", ") + missing[i];
    return missing.size() <= named ? out : fmt::format("{} and {} more", out, missing.size() - named);
}

/// Follows who waits for whom from the first PE that is not done, until somebody repeats or waits for nobody.
std::string UntimedMachine::deadlock_text() {
    std::set<int> waiting, at_work, seen;
    int at = -1;
    for (std::size_t i = 0; i < launched_.size(); ++i) {
        const int number = pe_of_[i]->number();
        at_work.insert(number);
        if (launched_[i]->finished()) continue;
        waiting.insert(number);
        if (at < 0) at = number;
    }
    std::string text = fmt::format("kernel {}: {} of {} PEs wait for ever", launched_.front()->kernel_name(),
                                   waiting.size(), at_work.size());
    while (at >= 0 && seen.insert(at).second) {
        for (const std::string& line : pe(at).explain_wait()) text += "\n  " + line;
        const int next = pe(at).waits_for_pe();
        if (next >= 0 && seen.contains(next)) {
            text += fmt::format("\n  ... and so back to {}", pe(next).path());
        } else if (next >= 0 && !at_work.contains(next)) {
            text += fmt::format("\n  {} runs no kernel", pe(next).path());
        } else if (next >= 0 && !waiting.contains(next)) {
            text += fmt::format("\n  {} has finished its kernel", pe(next).path());
        }
        at = next;
    }
    return text;
}

}  // namespace tilemesh::check

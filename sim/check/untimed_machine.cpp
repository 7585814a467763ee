// SPDX-License-Identifier: Apache-2.0
// Laying out, launching, and who goes on when. What is said of kernels that do not end is in diagnosis.cpp.
#include "sim/check/untimed_machine.h"

#include "sim/base/error.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace tilemesh::check {

UntimedMachine::UntimedMachine(const machine::MachineConfig& config) : config_(config), topology_(config.network) {
    for (int pe = 0; pe < topology_.pes(); ++pe) {
        const std::string name = "machine." + topology_.pe_name(pe);
        pes_.emplace_back(pe, name, config_.pe, *this);
        std::string slice = name;
        slice.replace(slice.rfind("pe"), 2, "hbm");
        hbm_.emplace_back(config_.hbm, std::move(slice));
    }
}

/// Texts hold tiles and tensors, and go before these.
UntimedMachine::~UntimedMachine() {
    for (UntimedProcessor* processor : launched_) processor->abandon();
}

Tensor& UntimedMachine::allocate(int pe, SharedText name, Shape shape, Dtype dtype) {
    const std::uint64_t bytes = static_cast<std::uint64_t>(shape.elements()) * bytes_per_element(dtype);
    const std::uint64_t address = hbm(pe).reserve(bytes, name.text());
    return tensors_.emplace_back(std::move(name), pe, address, shape, dtype);
}

std::uint64_t UntimedMachine::reserve(int pe, std::uint64_t bytes, const std::string& what) {
    return hbm(pe).reserve(bytes, what);
}

void UntimedMachine::is_given(int pe, std::uint64_t address, std::uint64_t bytes) { hbm(pe).give(address, bytes); }

void UntimedMachine::launch(int number, std::string kernel, std::function<void(tl::Context&)> text, ValueMode,
                            int processor) {
    tl::ProgramInfo info;
    info.kernel = std::move(kernel);
    info.pe = pe(number).path();
    info.pe_id = number;
    info.program_id = {number % topology_.pes_per_cube(), number / topology_.pes_per_cube()};
    info.num_programs = {topology_.pes_per_cube(), topology_.cubes()};
    for (int direction = 0; direction < 4; ++direction)
        info.neighbours[static_cast<std::size_t>(direction)] = topology_.neighbour(number, direction);
    info.integers_cost = config_.pe.integer_cycles > 0;
    info.networks = config_.network.names();
    UntimedProcessor& at = pe(number).processor(processor);
    if (at.launched()) fail<InternalError>("{} has a kernel already", pe(number).path());
    at.launch(std::move(text), std::move(info), static_cast<int>(launched_.size()));
    launched_.push_back(&at);
    pe_of_.push_back(&pe(number));
}

Channel& UntimedMachine::channel(int from, int to) {
    return channels_.try_emplace({from, to}, from, to, topology_.networks()).first->second;
}

void UntimedMachine::settle() {
    while (!news_.empty()) {
        const auto [pe, lane] = news_.front();
        news_.pop_front();
        pe->advance(*lane);
    }
}

void UntimedMachine::progress(const Channel& channel, Channel::Progress progress) {
    UntimedPe &from = pe(channel.from()), &to = pe(channel.to());
    if (progress.sent) from.message_done(from.message_lane(true, channel.to(), *progress.sent));
    if (!progress.received) return;
    Lane& lane = to.message_lane(false, channel.from(), any_network);
    lane.known.learn(progress.received->known);
    lane.current.output->values = std::move(progress.received->values);
    to.message_done(lane);
}

void UntimedMachine::start_send(UntimedPe& pe, Lane& lane, Content content) {
    if (receivers_of(lane.current).size() > 1) {
        multicasts_.push_back({&pe, &lane, std::move(content)});
        return start_multicasts();
    }
    Channel& way = channel(pe.number(), lane.current.peer);
    progress(way, way.start_send(lane.current.network, std::move(content), message_bytes(lane.current), window_));
}

void UntimedMachine::start_receive(UntimedPe& pe, Lane& lane) {
    Channel& way = channel(lane.current.peer, pe.number());
    progress(way, way.post_receive(window_));
    start_multicasts();
}

std::uint64_t UntimedMachine::wanted_buffer(const Multicast& multicast) {
    const std::uint64_t bytes = message_bytes(multicast.lane->current);
    const int network = multicast.lane->current.network;
    std::uint64_t wanted = 0;
    for (const int to : receivers_of(multicast.lane->current)) {
        const Channel& way = channel(multicast.pe->number(), to);
        if (!way.takes(network, bytes, 0)) wanted = std::max(wanted, way.buffered(network) + bytes);
    }
    return wanted;
}

void UntimedMachine::start_multicasts() {
    for (auto next = multicasts_.begin(); next != multicasts_.end();) {
        if (wanted_buffer(*next) > window_) {
            ++next;
            continue;
        }
        const Multicast going = std::move(*next);
        next = multicasts_.erase(next);
        const std::uint64_t bytes = message_bytes(going.lane->current);
        for (const int to : receivers_of(going.lane->current)) {
            Channel& way = channel(going.pe->number(), to);
            Channel::Progress done = way.start_send(going.lane->current.network, going.content, bytes, window_);
            done.sent.reset();  // not to each alone
            progress(way, std::move(done));
        }
        going.pe->message_done(*going.lane);
    }
}

void UntimedMachine::to_the_end_of_the_line(UntimedProcessor& processor) {
    if (std::exchange(processor.in_line, true)) return;
    line_.push_back(&processor);
}

void UntimedMachine::wake(UntimedPe& pe) {
    for (UntimedProcessor& processor : pe.processors())
        if (processor.can_go_on()) to_the_end_of_the_line(processor);
}

void UntimedMachine::arrive_at_barrier(const UntimedProcessor& last) {
    if (++arrived_ < launched_.size()) return;
    arrived_ = 0;
    Knowledge all;
    std::vector<std::uint32_t> drains;
    for (const UntimedProcessor* processor : launched_) {
        all.learn(processor->known());
        drains.push_back(processor->epoch());
    }
    all.learn(Knowledge(std::move(drains)));
    for (UntimedProcessor* processor : launched_) {
        processor->barrier_opens(all);
        if (processor != &last) to_the_end_of_the_line(*processor);
    }
}

bool UntimedMachine::all_finished() const {
    return std::all_of(launched_.begin(), launched_.end(),
                       [](const UntimedProcessor* processor) { return processor->finished(); });
}

bool UntimedMachine::grow_buffer() {
    std::uint64_t wanted = std::numeric_limits<std::uint64_t>::max();
    bool any = false;
    for (const auto& [ends, channel] : channels_) {
        const auto buffer = channel.wanted_buffer();
        any = any || buffer;
        wanted = std::min(wanted, buffer.value_or(wanted));
    }
    for (const Multicast& multicast : multicasts_) {
        any = true;
        wanted = std::min(wanted, wanted_buffer(multicast));
    }
    const bool fits = any && wanted <= config_.network.receive_buffer.value();
    if (!fits && !std::exchange(deadlocked_, true)) deadlock_ = deadlock_text();
    if (!any) return false;
    window_ = wanted;
    for (auto& [ends, channel] : channels_)
        for (int network = 0; network < topology_.networks(); ++network)
            progress(channel, channel.look_again(network, window_));
    start_multicasts();
    settle();
    return true;
}

Report UntimedMachine::run() {
    for (UntimedProcessor* processor : launched_) to_the_end_of_the_line(*processor);
    do {
        while (!line_.empty() && !failed_ && !failure_) {
            UntimedProcessor* const next = line_.front();
            line_.pop_front();
            next->in_line = false;
            if (!next->finished()) next->resume();
        }
    } while (!failed_ && !failure_ && !all_finished() && grow_buffer());
    if (failure_) std::rethrow_exception(failure_);
    Report report;
    report.buffer = config_.network.receive_buffer;
    report.sram = config_.pe.sram;
    const bool ended = all_finished();
    if (ended) report.least_buffer = Bytes(window_);
    if (deadlocked_)
        findings_.add(
            "deadlock", "",
            deadlock_ + (ended ? fmt::format("\n  a receive buffer of {} bytes would do, the machine's has {}",
                                             window_, report.buffer.value())
                               : std::string()));
    if (ended) check_messages();
    for (std::size_t pe = 0; pe < pes_.size(); ++pe) add_sram(pes_[pe], report);
    for (const UntimedProcessor* processor : launched_) report.commands += processor->commands();
    for (const auto& [ends, channel] : channels_) report.messages += channel.sends_announced();
    report.findings = findings_.take();
    // A text that fails drops what it would have used.
    if (failed_) std::erase_if(report.findings, [](const Finding& finding) { return finding.kind == "unused"; });
    return report;
}

}  // namespace tilemesh::check

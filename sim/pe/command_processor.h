// SPDX-License-Identifier: Apache-2.0
// The command processor of a PE: a thread that runs the kernel text and issues commands into the PE's engines. It
// runs ahead of the simulation's clock on its own local time as long as everything it needs to know is known, and
// waits for the simulation only when it is not; see adr/0002. What it decides depends on times, never on the order in
// which they became known.
#pragma once

#include "sim/base/longest_run.h"
#include "sim/base/sanitized_stacks.h"
#include "sim/pe/config.h"
#include "sim/pe/meter.h"
#include "sim/pe/surroundings.h"
#include "sim/tile/context.h"

#include <functional>
#include <optional>
#include <string>
#include <systemc>
#include <vector>

namespace tilemesh::pe {

class Engine;
class ProcessingElement;

using KernelText = std::function<void(tl::Context&)>;

class CommandProcessor final : public sc_core::sc_module, public Executor {
public:
    SC_HAS_PROCESS(CommandProcessor);
    /// Number `number` of its PE.
    CommandProcessor(sc_core::sc_module_name name, ProcessingElement& pe, int number, const PeConfig& config,
                     Surroundings& surroundings);

    /// Runs `text` when the simulation starts.
    void launch(KernelText text, tl::ProgramInfo info);

    // Executor
    TileRecord* issue(Command& command, const Shape& shape, Dtype dtype) override;
    std::vector<std::vector<std::int32_t>> injections(std::span<const std::int32_t> pes, int network) const override;
    void unreferenced(TileRecord& record) override;
    void wait_until_ready(TileRecord& record) override;
    void barrier() override;
    void drain() override;
    void begin_launch(const LaunchedWork& work) override;
    void spend(std::uint64_t instructions) override {
        pass(Stall::issue, local_ + integer_time_ * instructions);
        if (surroundings_.follower) surroundings_.follower->spent(at(), instructions, local_);
    }
    void begin_phase(std::span<const Phase> path) override {
        if (surroundings_.follower) surroundings_.follower->phase_begins(at(), path);
    }
    bool follows_phases() const override { return surroundings_.follower != nullptr; }
    void end_phase() override {
        if (surroundings_.follower) surroundings_.follower->phase_ends(at());
    }
    Repetition* repetition() override { return meter_ ? &*meter_ : nullptr; }

    // What the PE calls: one of this processor's commands has its times; something has become known, so that the
    // thread may be able to go on.
    void command_done(Picoseconds end);
    // See Repetition.
    void begin_passing();
    void end_passing();
    void pass_over(Picoseconds length, Picoseconds until);
    Picoseconds hold_up(Picoseconds ready);
    Picoseconds own_time() const { return local_; }
    const Meter* meter() const { return meter_ ? &*meter_ : nullptr; }
    void resume_if_ready();

    const std::string& kernel_name() const { return info_.kernel; }
    bool launched() const { return static_cast<bool>(text_); }
    bool finished() const { return finished_; }
    Picoseconds finished_at() const { return local_; }
    std::uint64_t commands() const { return commands_; }

    /// What the thread waits for, as a sentence; empty when it waits for nothing.
    std::string explain_wait() const;
    bool waits_at_barrier() const { return wait_ == Wait::barrier; }

private:
    enum class Wait : std::uint8_t { nothing, queue, sram, tile, drain, barrier, engines };

    void run();
    Follower::At at() const;
    /// Its own time goes on to `until`, if that lies ahead, because of `why`.
    void pass(Stall why, Picoseconds until) {
        if (until <= local_) return;
        if (until > longest_run) too_long();
        if (why != Stall::issue && surroundings_.asker) tell(why, until);
        local_ = until;
    }
    [[noreturn]] void too_long() const;
    void tell(Stall why, Picoseconds until) const;
    /// Why it is blocked.
    Stall stall() const;
    /// On a PE that others share it does not run ahead: it acts at its own time when the clock has come there, and
    /// the processors of a PE at picoseconds of their own, so that no two act at once.
    void keep_step() {
        if (in_step_) keep_in_step();
    }
    void keep_in_step();
    /// Among all participants of a barrier.
    int participant() const;
    void check_peer(const Command& command) const;
    /// A message that leaves it to the machine goes over this network.
    void choose_network(Command& command) const;
    void take_queue_slot(Engine& engine);
    /// Asks for what the thread will use first when it goes on: on large machines it is in no cache.
    void fetch() const;
    /// Waits until all commands of the matrix and vector engine have begun.
    void end_arithmetic();
    void take_room(Bytes bytes);
    template <class Ready>
    void block(Wait reason, Ready ready);
    /// "machine.cube0.pe1, machine.cube0.pe2"
    std::string missing_at_barrier() const;
    [[noreturn]] void sram_exhausted(Bytes wanted) const;

    ProcessingElement& pe_;
    int number_;
    bool in_step_;
    Surroundings& surroundings_;
    Picoseconds issue_time_, integer_time_;

    Picoseconds local_;     // its own time; never behind the clock when it runs
    Picoseconds last_end_;  // end of the latest finished command
    std::uint64_t open_commands_ = 0;

    Wait wait_ = Wait::nothing;
    Engine* waited_engine_ = nullptr;
    TileRecord* waited_tile_ = nullptr;
    Bytes waited_bytes_;
    Picoseconds waited_until_ = Picoseconds::max();
    sc_core::sc_event resume_;
    const char* frames_ = nullptr;  // of the thread, where it waits

    const tl::Context* context_ = nullptr;  // while the kernel's text runs
    CoroutineStack stack_;
    KernelText text_;
    tl::ProgramInfo info_;
    bool finished_ = false;
    std::uint64_t commands_ = 0;
    std::optional<Meter> meter_;  // where work that repeats may be passed over
};

}  // namespace tilemesh::pe

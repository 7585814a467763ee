// SPDX-License-Identifier: Apache-2.0
// One PE: a thread that runs the kernel text (the command processor), engines, SRAM. The command processor runs ahead
// of the simulation's clock on its own local time as long as everything it needs to know is known, and waits for the
// simulation only when it is not; see adr/0002. What it decides depends on times, never on the order in which they
// became known.
#pragma once

#include "sim/base/sanitized_stacks.h"
#include "sim/pe/config.h"
#include "sim/pe/dma.h"
#include "sim/pe/engine.h"
#include "sim/pe/message_channel.h"
#include "sim/pe/sram.h"
#include "sim/pe/surroundings.h"
#include "sim/tile/context.h"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <systemc>
#include <vector>

namespace tilemesh::pe {

using KernelText = std::function<void(tl::Context&)>;

class ProcessingElement final : public sc_core::sc_module, public Executor {
public:
    SC_HAS_PROCESS(ProcessingElement);
    ProcessingElement(sc_core::sc_module_name name, int number, const PeConfig& config, Surroundings& surroundings);

    /// Runs `text` when the simulation starts.
    void launch(KernelText text, tl::ProgramInfo info);

    // Executor
    TileRecord* issue(Command& command, const Shape& shape, Dtype dtype) override;
    void unreferenced(TileRecord& record) override;
    void wait_until_ready(TileRecord& record) override;
    void barrier() override;
    void begin_launch(const LaunchedWork& work) override;

    // What the parts of this PE call when something shared has happened.
    void start_head(Engine& engine);
    void transfer_done(Command& command, Picoseconds begin, Picoseconds end, Bytes bytes);
    void send_left(int link, Picoseconds when);
    void receive_done(int link, Picoseconds first, Picoseconds when, PayloadPtr values);

    int number() const { return number_; }
    std::string path() const { return name(); }
    const std::string& kernel_name() const { return info_.kernel; }
    Surroundings& surroundings() { return surroundings_; }
    Picoseconds descriptor_time() const { return descriptor_time_; }
    Picoseconds sram_port_time(Bytes bytes) const { return sram_port_.time_for(bytes); }

    bool launched() const { return static_cast<bool>(text_); }
    bool finished() const { return finished_; }
    Picoseconds finished_at() const { return local_; }
    std::uint64_t commands() const { return commands_; }
    const Sram& sram() const { return sram_; }

    /// What this PE waits for, as sentences; for the report of a deadlock.
    std::vector<std::string> explain_wait() const;
    /// The PE that this one waits for, if it waits for one (-1: none).
    int waits_for_pe() const;

private:
    enum class Wait : std::uint8_t { nothing, queue, sram, tile, drain, barrier, engines };
    struct Hazard {
        TensorBox box;
        std::uint64_t command;
        Picoseconds end = TileRecord::unknown;
    };

    void run();
    /// Towards one neighbour, or with the PE itself as `peer` through its port to all.
    Engine& add_message_engine(EngineKind kind, int peer);
    Engine& engine_at(int link);
    Engine& engine_for(const Command& command);
    TileRecord* take_tile(const Command& command, const Shape& shape, Dtype dtype);
    void take_room(Bytes bytes);
    void take_queue_slot(Engine& engine);
    template <class Ready>
    void block(Wait reason, Ready ready);
    /// Lets everything happen that follows from what has become known, then wakes the thread if it can go on. `what`
    /// is the news; a failure in it ends the simulation.
    template <class News>
    void react(News what);
    void settle();
    void resume_if_ready();

    void start_transfer(Engine& engine, Command&& command, Picoseconds now);
    void start_send(Engine& engine, Command&& command, Picoseconds now);
    void start_receive(Engine& engine, Command&& command, Picoseconds now);
    void message_done(Engine& engine, Picoseconds begin, Picoseconds end);
    void advance(Engine& engine);
    /// The earliest start of a command as far as its operands are concerned; unknown if one is not known yet.
    Picoseconds operands_ready(const Command& command, int engine_bit);
    Picoseconds hazards_over(const Command& command, int engine_bit);
    void run_local(Engine& engine, Command& command, Picoseconds earliest);
    void finish(Command& command, Picoseconds ready, Picoseconds end);
    void free_if_unused(TileRecord& record);
    void record(Engine& engine, const Command& command, Picoseconds begin, Picoseconds end, Picoseconds wanted,
                Bytes bytes, std::uint64_t work);
    void explain_command(const Engine& engine, const Command& command, std::vector<std::string>& out) const;
    /// "machine.cube0.pe1, machine.cube0.pe2"
    std::string missing_at_barrier() const;
    [[noreturn]] void sram_exhausted(Bytes wanted) const;

    int number_;
    const PeConfig& config_;
    Surroundings& surroundings_;
    Picoseconds issue_time_, descriptor_time_;
    Rate sram_port_;

    Engine matrix_, vector_, load_, store_;
    std::vector<std::unique_ptr<Engine>> message_engines_;  // send and receive, one per link
    std::vector<Engine*> engines_;                          // by bit
    std::vector<std::pair<int, Engine*>> engine_by_link_;   // of those
    std::vector<Engine*> send_to_, receive_from_;           // by peer, filled when first used
    Dma loads_, stores_;
    Sram sram_;

    std::deque<TileRecord> records_;
    std::vector<TileRecord*> free_records_;
    std::uint32_t zombies_ = 0;  // tiles without handles whose last use is not known yet
    std::vector<Hazard> open_loads_, open_stores_;
    std::uint64_t hazard_waiters_ = 0;  // engines, by bit

    Picoseconds local_;           // the command processor's own time; never behind the clock when it runs
    std::uint64_t runnable_ = 0;  // engines to look at again, by bit
    Picoseconds last_end_;        // end of the latest finished command
    std::uint64_t open_commands_ = 0;

    ComponentId launches_ = 0;    // where launches are recorded, on a machine that has them
    double units_at_work_ = 1.0;  // share of the PE's units that the launch under way keeps busy
    Picoseconds computed_;        // end of all that matrix and vector engine have begun, drained
    Picoseconds copied_;  // when the bytes of the last exchange will have left their link, if nothing delays them

    Wait wait_ = Wait::nothing;
    Engine* waited_engine_ = nullptr;
    TileRecord* waited_tile_ = nullptr;
    Bytes waited_bytes_;
    Picoseconds waited_until_ = Picoseconds::max();
    sc_core::sc_event resume_;

    CoroutineStack stack_;
    KernelText text_;
    tl::ProgramInfo info_;
    bool finished_ = false;
    std::uint64_t commands_ = 0;
};

}  // namespace tilemesh::pe

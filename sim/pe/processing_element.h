// SPDX-License-Identifier: Apache-2.0
// One PE: its command processor, its engines, its SRAM, and how queued commands come to run on them.
#pragma once

#include "sim/pe/command_processor.h"
#include "sim/pe/config.h"
#include "sim/pe/dma.h"
#include "sim/pe/engine.h"
#include "sim/pe/message_channel.h"
#include "sim/pe/sram.h"
#include "sim/pe/surroundings.h"
#include "sim/pe/unit.h"

#include <deque>
#include <memory>
#include <string>
#include <systemc>
#include <vector>

namespace tilemesh::pe {

class ProcessingElement final : public sc_core::sc_module {
public:
    /// With so many command processors, which share the engines and the SRAM.
    ProcessingElement(sc_core::sc_module_name name, int number, const PeConfig& config, Surroundings& surroundings,
                      int processors = 1);

    int processors() const { return static_cast<int>(processors_.size()); }
    CommandProcessor& processor(int number = 0) { return processors_[static_cast<std::size_t>(number)]; }
    const CommandProcessor& processor(int number = 0) const { return processors_[static_cast<std::size_t>(number)]; }
    bool shared() const { return shared_; }

    // What the command processor calls, at its own time `now`.
    Engine& engine_for(const Command& command);
    /// Room for a tile, or when there will be some (max: nobody knows yet).
    Sram::Answer ask_for_room(Bytes bytes, Picoseconds now);
    /// Have tiles without handles readers whose ends are not known?
    bool may_free_tiles() const { return zombies_ != 0; }
    /// Is somebody else's kernel still running here, which may free some of its own?
    bool others_run(const CommandProcessor& processor) const;
    /// A tile in room that was granted; unknown until the command that makes it has its times.
    TileRecord* make_tile(const Command& command, const Shape& shape, Dtype dtype, Executor& owner);
    void record_sram(Picoseconds now);
    /// Puts a command with room in its engine's queue there; arithmetic whose operands are known runs at once.
    void accept(Engine& engine, Command& command, Picoseconds now);
    void unreferenced(TileRecord& record, Picoseconds now);
    /// InternalError when tiles are left after the last kernel.
    void check_nothing_held() const;
    bool launches_cost() const { return config_.launch.costs(); }
    /// Have all commands of the matrix and vector engine begun?
    bool arithmetic_idle() const;
    // What is passed over instead of simulated, of a PE with one command processor whose matrix and vector engine are
    // idle: they are busy for so much longer, from when they are free at the beginning; whatever they begin
    // meanwhile.
    void begin_passing() { free_passing_ = {queues_[0].matrix.free_at, queues_[0].vector.free_at}; }
    void pass_over(Picoseconds length);
    void end_passing();
    /// When the matrix engine is free for the next of that.
    Picoseconds multiplies_from() const { return free_passing_.front(); }
    /// Begins a launch when they have drained; returns when its commands may follow. `command`: the next one's
    /// number.
    Picoseconds begin_launch(const LaunchedWork& work, Picoseconds now, std::uint64_t command);
    /// Tiles that hold room, in the order of the commands that made them.
    std::vector<const TileRecord*> live_tiles() const;

    // What the parts of this PE call when something shared has happened.
    void start_head(Engine& engine);
    void start_next(Unit& unit);
    void transfer_done(Command& command, Picoseconds begin, Picoseconds end, Bytes bytes);
    void send_left(int link, Picoseconds when);
    void receive_done(int link, Picoseconds first, Picoseconds when, PayloadPtr values);

    int number() const { return number_; }
    /// What names this PE for recorders.
    ComponentId id() const { return matrix_; }
    /// What names the engines of a command processor that need no other PE, for recorders.
    std::array<ComponentId, Effort::engines> own_engines(int processor) const {
        const Queues& queues = queues_[static_cast<std::size_t>(processor)];
        return {queues.matrix.id(), queues.vector.id(), queues.load.id(), queues.store.id()};
    }
    std::string path() const { return name(); }
    Surroundings& surroundings() { return surroundings_; }
    Picoseconds descriptor_time() const { return descriptor_time_; }
    Picoseconds sram_port_time(Bytes bytes) const { return sram_port_.time_for(bytes); }

    const Sram& sram() const { return sram_; }

    /// What this PE waits for, as sentences; for the report of a deadlock.
    std::vector<std::string> explain_wait() const;
    /// The PE that this one waits for, if it waits for one (-1: none).
    int waits_for_pe() const;

private:
    /// A transfer whose end is not known, or lies ahead.
    struct Hazard {
        TensorBox box;
        Ref<Access> access;
        std::uint64_t command;
        std::uint8_t processor;
        Picoseconds end = TileRecord::unknown;
        bool is_of(const Command& other) const { return command == other.index && processor == other.processor; }
        /// Was it issued before the other, to the same elements?
        bool precedes(const Command& other) const {
            if (processor != other.processor || command >= other.index) return false;
            const Movement& its = *other.moved;
            if (access || its.access) return access && its.access && access->meets(*its.access);
            return box.tensor == its.box.tensor && overlap(box, its.box);
        }
    };

    /// The queues of one command processor.
    struct Queues {
        Queues(ProcessingElement& pe, const std::string& suffix, int first_bit);
        Engine matrix, vector, load, store;
    };

    void add_processors(int count);
    /// Towards one neighbour, or with the PE itself as peer through its port to all of a network.
    Engine& add_message_engine(EngineKind kind, const noc::Topology::LinkEnd& end);
    Engine& engine_at(int link);
    /// Lets everything happen that follows from what has become known, then wakes the command processor if it can go
    /// on. `what` is the news; a failure in it ends the simulation.
    template <class News>
    void react(News what);
    void settle();

    /// What a command computes, loads or sends. A KernelError says whose it is.
    PayloadPtr values_of(const Command& command) const;
    void start_transfer(Engine& engine, Command&& command, Picoseconds now);
    void start_send(Engine& engine, Command&& command, Picoseconds now);
    void start_receive(Engine& engine, Command&& command, Picoseconds now);
    void message_done(Engine& engine, Picoseconds begin, Picoseconds end);
    void advance(Engine& engine);
    /// Sees to it that a shared engine starts its next command in time.
    void consider(Unit& unit);
    void take_next(Unit& unit);
    /// When the unit can start the head of a queue, if that is known.
    Picoseconds start_of_head(Unit& unit, Engine& queue);
    /// The earliest start of a command as far as its operands are concerned; unknown if one is not known yet.
    Picoseconds operands_ready(const Command& command, int engine_bit);
    static void forget_ended(std::vector<Hazard>& open, Picoseconds now);
    Picoseconds hazards_over(Command& command, int engine_bit);
    void run_local(Engine& engine, Command& command, Picoseconds earliest);
    void finish(Command& command, Picoseconds ready, Picoseconds end);
    [[noreturn]] void too_long(const Command& command) const;
    void free_if_unused(TileRecord& record);
    void record(Engine& engine, const Command& command, Picoseconds begin, Picoseconds end, Picoseconds wanted,
                Bytes bytes, std::uint64_t work);
    /// Tells who wants to know why the activity was when it was; its command is done but not finished.
    void explain(const Engine& engine, const Activity& activity, const Command& command) const;
    /// Of the receivers of a send or multicast, the first that has not posted its receive; if all have, the first.
    int waits_for_room_at(const Command& command) const;
    void explain_command(const Engine& engine, const Command& command, std::vector<std::string>& out) const;

    int number_;
    bool shared_;  // by several processors
    const PeConfig& config_;
    Surroundings& surroundings_;
    double most_cycles_;  // of a command: more than a run may take, and still a number of picoseconds
    Picoseconds descriptor_time_;
    Rate sram_port_;

    ComponentId matrix_, vector_, load_, store_;
    std::deque<Queues> queues_;                                    // by processor
    std::vector<std::unique_ptr<Unit>> units_;                     // of a shared PE
    std::vector<std::unique_ptr<Engine>> message_engines_;         // send and receive, one per link of every network
    std::vector<Engine*> engines_;                                 // by bit
    std::vector<std::pair<int, Engine*>> engine_by_link_;          // of those
    std::vector<std::pair<int, Engine*>> send_to_, receive_from_;  // in order of peer and network, when first used
    Dma loads_, stores_;
    Sram sram_;

    std::deque<TileRecord> records_;
    std::vector<TileRecord*> free_records_;
    std::uint32_t zombies_ = 0;  // tiles without handles whose last use is not known yet
    std::vector<Hazard> open_loads_, open_stores_;
    std::uint64_t hazard_waiters_ = 0;  // engines, by bit

    std::array<Picoseconds, 2> free_passing_{};  // matrix and vector engine, while work is passed over

    std::uint64_t runnable_ = 0;  // engines to look at again, by bit

    ComponentId launches_ = 0;    // where launches are recorded, on a machine that has them
    double units_at_work_ = 1.0;  // share of the engines' rates at which the launch under way goes
    Picoseconds computed_;        // end of all that matrix and vector engine have begun, drained
    Picoseconds copied_;  // when the bytes of the last exchange will have left their link, if nothing delays them

    std::deque<CommandProcessor> processors_;
};

}  // namespace tilemesh::pe

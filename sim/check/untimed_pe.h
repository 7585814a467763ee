// SPDX-License-Identifier: Apache-2.0
// A PE without time: the queues of its engines and its SRAM. A command runs when it heads its queue and what it needs
// is there, and is over at once; only messages wait for others. Queues and SRAM are as large as the machine's.
#pragma once

#include "sim/check/channel.h"
#include "sim/check/hbm_book.h"
#include "sim/check/untimed_processor.h"
#include "sim/pe/config.h"
#include "sim/tile/evaluate.h"
#include "sim/tile/tile.h"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace tilemesh::check {

class UntimedMachine;

struct UntimedTile : TileRecord {
    bool used = false;
    SourcePlace place;
    Knowledge known;  // before it is ready
};

/// An engine and the commands that wait for it, in order.
struct Lane {
    struct Waiting {
        Command command;
        Knowledge known;  // to its processor, when it was issued
    };
    EngineKind kind = EngineKind::matrix;
    int bit = 0;  // in TileRecord::waiting_engines
    std::string name;
    std::deque<Waiting> queue;
    bool busy = false;  // with a message
    Command current;    // that message's
    Knowledge known;    // before the last command that has begun
};

class UntimedPe {
public:
    UntimedPe(int number, std::string path, const pe::PeConfig& config, UntimedMachine& machine);

    UntimedProcessor& processor(int number);
    std::deque<UntimedProcessor>& processors() { return processors_; }
    const std::deque<UntimedProcessor>& processors() const { return processors_; }
    int number() const { return number_; }
    const std::string& path() const { return path_; }

    // What processors call.
    Lane& lane_for(const Command& command);
    bool has_slot(const Lane& lane) const { return lane.queue.size() < depth_; }
    bool takes_room(Bytes bytes);
    /// Can room come free that no kernel gives back?
    bool may_free() const { return zombies_ != 0; }
    bool others_run(const UntimedProcessor& processor) const;
    UntimedTile* make_tile(const Command& command, const Shape& shape, Dtype dtype, Executor& owner);
    void accept(Lane& lane, Command& command, const Knowledge& known);
    void unreferenced(UntimedTile& tile);
    bool arithmetic_idle() const;
    /// What is known once all that a processor has issued is done.
    void learn_all(int processor, Knowledge& known) const;

    /// Runs what can run of a lane.
    void advance(Lane& lane);
    void message_done(Lane& lane);
    /// `network`: any_network where receives wait.
    Lane& message_lane(bool sends, int peer, int network);

    Bytes sram_used() const { return used_; }
    Bytes sram() const { return capacity_; }
    /// "f16 [64, 128] of command 3 (load), 16384 bytes, 1 handle", a line for each tile that takes room.
    std::string live_tiles() const;
    /// What its processors and engines wait for, as sentences.
    std::vector<std::string> explain_wait() const;
    /// The PE it waits for, if it waits for one (-1: none).
    int waits_for_pe() const;

private:
    struct Queues {
        Lane matrix, vector, load, store;
    };
    Lane& new_lane(Lane& lane, EngineKind kind, std::string name);
    bool operands_ready(const Command& command, int bit);
    bool in_order(const Command& command) const;
    void begin(Lane& lane, Lane::Waiting& waiting);
    /// Writes a load or store into the books of the slices; `known` learns what an atomic one brings.
    void transfer(const Command& command, Knowledge& known);
    void finish(Command& command, const Knowledge& known);
    void free(UntimedTile& tile);
    void explain(const Lane& lane, const Command& command, std::vector<std::string>& out) const;

    int number_;
    std::string path_;
    UntimedMachine& machine_;
    std::size_t depth_;
    Bytes capacity_, used_;
    std::uint32_t zombies_ = 0;  // tiles without handles that still take room
    std::deque<UntimedProcessor> processors_;
    std::deque<Queues> queues_;                          // by processor
    std::deque<Lane> message_lanes_;                     // by link
    std::vector<std::pair<int, Lane*>> lane_by_link_;    // of those
    std::vector<Lane*> send_to_, receive_from_, lanes_;  // by peer and network, when first used; by bit
    std::deque<UntimedTile> tiles_;
    std::vector<UntimedTile*> free_tiles_;
};

}  // namespace tilemesh::check

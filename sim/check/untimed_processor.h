// SPDX-License-Identifier: Apache-2.0
// A command processor without time: runs a kernel's text on a stack of its own and issues its commands, waiting where
// the simulated one would wait: for a place in a queue, for room in the SRAM, for a tile, for others at a barrier.
#pragma once

#include "sim/base/fiber.h"
#include "sim/check/knowledge.h"
#include "sim/tile/context.h"

#include <functional>
#include <memory>
#include <string>

namespace tilemesh::check {

struct Lane;
struct UntimedTile;
class UntimedMachine;
class UntimedPe;

class UntimedProcessor final : public Executor {
public:
    /// Number `number` of its PE.
    UntimedProcessor(UntimedPe& pe, int number, UntimedMachine& machine)
        : pe_(pe), number_(number), machine_(machine) {}

    /// `id`: of all processors at work.
    void launch(std::function<void(tl::Context&)> text, tl::ProgramInfo info, int id);
    /// Goes on with the text until it waits or ends.
    void resume() { fiber_->resume(); }
    /// Unwinds a text that will never end.
    void abandon() { fiber_.reset(); }

    // Executor
    TileRecord* issue(Command& command, const Shape& shape, Dtype dtype) override;
    std::vector<std::vector<std::int32_t>> injections(std::span<const std::int32_t> pes, int network) const override;
    void unreferenced(TileRecord& record) override;
    void wait_until_ready(TileRecord& record) override;
    void barrier() override;
    void drain() override;
    void begin_launch(const LaunchedWork& work) override;

    // What its PE and the machine call.
    void command_done() { --open_commands_; }
    bool can_go_on() const;
    void barrier_opens(const Knowledge& known);

    bool launched() const { return fiber_ != nullptr; }
    bool finished() const { return finished_; }
    bool waits() const { return wait_ != Wait::nothing; }
    bool waits_at_barrier() const { return wait_ == Wait::barrier; }
    const std::string& kernel_name() const { return info_.kernel; }
    int id() const { return id_; }
    std::uint32_t epoch() const { return epoch_; }
    const Knowledge& known() const { return known_; }
    /// It has begun a load or store: what has ended before the next drain is more than what had before the last.
    void note_transfer() { transfers_ = true; }
    std::uint64_t commands() const { return commands_; }
    Bytes most_held() const { return most_held_; }

    /// What the text waits for, as a sentence; empty when it waits for nothing.
    std::string explain_wait() const;

    bool in_line = false;  // to be resumed

private:
    enum class Wait : std::uint8_t { nothing, queue, sram, tile, drain, barrier, engines };

    void run(const std::function<void(tl::Context&)>& text);
    void block(Wait reason);
    void check_peer(const Command& command) const;
    void take_room(Bytes bytes);
    /// Waits for all that it has issued. Was there a load or store since the last time?
    bool end_epoch();
    [[noreturn]] void sram_exhausted(Bytes wanted) const;

    UntimedPe& pe_;
    int number_;
    UntimedMachine& machine_;
    int id_ = -1;
    tl::ProgramInfo info_;
    std::unique_ptr<Fiber> fiber_;
    const tl::Context* context_ = nullptr;  // while the text runs
    bool finished_ = false;

    Wait wait_ = Wait::nothing;
    const Lane* waited_lane_ = nullptr;
    const UntimedTile* waited_tile_ = nullptr;
    Bytes waited_bytes_;

    std::uint64_t commands_ = 0, open_commands_ = 0;
    std::uint32_t epoch_ = 0;
    bool transfers_ = false;
    Knowledge known_;
    Bytes held_, most_held_;  // by handles
};

}  // namespace tilemesh::check

// SPDX-License-Identifier: Apache-2.0
// A tile as the kernel holds it: a counted handle on a record in one PE's SRAM plus a view (shape, strides). Handles
// are cheap; transposes and reshapes make new views of the same record. The SRAM is given back when no handle is left
// *and* the last command that reads the tile has finished.
#pragma once

#include "sim/base/units.h"
#include "sim/tile/command.h"
#include "sim/tile/launch.h"
#include "sim/tile/values.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace tilemesh {

namespace tl {
class Context;
}
class Executor;
class Repetition;

/// The scoreboard entry of one tile. The executor owns it; kernels see it only through handles. What commands look at
/// is one line of a cache.
struct alignas(64) TileRecord {
    static constexpr Picoseconds unknown = Picoseconds::max();

    std::uint32_t number = 0;   // among its PE's records, which are used again and again
    std::uint32_t handles = 0;  // handles the kernel holds
    std::uint32_t readers = 0;  // issued commands that read it and whose end is not known yet
    Dtype dtype = Dtype::f32;
    Opcode made_by = Opcode::fill;
    bool live = false;                  // in use (not on the free list)
    bool computed = true;               // false: a sampled run computes none of its rows
    std::uint64_t waiting_engines = 0;  // bit per engine whose head command waits for this tile
    Picoseconds ready = unknown;        // when its values are complete
    Picoseconds last_use;               // end of the latest known reader
    Picoseconds released;               // when the kernel dropped its last handle
    Bytes bytes;
    Executor* owner = nullptr;

    std::uint64_t command = 0;  // the command that makes it
    Shape shape;
    PayloadPtr values;

    bool is_ready_known() const { return ready != unknown; }
};

/// A part of a kernel's work: "ring step 3", "keys 512-1023".
struct Phase {
    std::string_view name;
    std::int64_t first = -1, last = -1;  // what tells those of one name apart: nothing, a number, a range
};

/// What executes commands: the command processor of a simulated PE, or another interpreter of the same kernel text.
class Executor {
public:
    virtual ~Executor() = default;
    /// Takes the command; `shape` and `dtype` describe its output. Returns the record of the output (its first handle
    /// counted), or null for commands that make none (store, send).
    virtual TileRecord* issue(Command& command, const Shape& shape, Dtype dtype) = 0;
    /// How a message to those PEs enters a network: who is reached by one command, and who by the next.
    virtual std::vector<std::vector<std::int32_t>> injections(std::span<const std::int32_t> pes, int) const {
        return {{pes.begin(), pes.end()}};
    }
    /// The kernel dropped its last handle.
    virtual void unreferenced(TileRecord& record) = 0;
    /// The kernel stands still until the tile is ready.
    virtual void wait_until_ready(TileRecord& record) = 0;
    /// The kernel stands still until every participant is here and all commands issued before are done.
    virtual void barrier() = 0;
    /// The kernel stands still until all commands it has issued are done.
    virtual void drain() {}
    /// What follows, until the next launch, is this piece of work.
    virtual void begin_launch(const LaunchedWork&) {}
    /// Integer work: so many instructions.
    virtual void spend(std::uint64_t) {}
    /// What follows belongs to the last of these phases, which lie within each other, whatever it belonged to before;
    /// and to that again when it ends.
    virtual void begin_phase(std::span<const Phase>) {}
    virtual void end_phase() {}
    /// Is it worth saying?
    virtual bool follows_phases() const { return false; }
    /// For kernels that pass over what repeats; null: everything is to be issued.
    virtual Repetition* repetition() { return nullptr; }
};

class Tile {
public:
    Tile() = default;
    /// A handle on a record whose first handle the executor has already counted.
    static Tile adopt(tl::Context& context, TileRecord& record, const View& view) {
        Tile tile;
        tile.context_ = &context;
        tile.record_ = &record;
        tile.view_ = view;
        return tile;
    }
    /// The same tile seen differently.
    Tile with_view(const View& view) const {
        Tile tile(*this);
        tile.view_ = view;
        return tile;
    }
    Tile(const Tile& other) : context_(other.context_), record_(other.record_), view_(other.view_) {
        if (record_) ++record_->handles;
    }
    Tile(Tile&& other) noexcept
        : context_(other.context_), record_(std::exchange(other.record_, nullptr)), view_(other.view_) {}
    Tile& operator=(Tile other) noexcept {
        std::swap(context_, other.context_);
        std::swap(record_, other.record_);
        std::swap(view_, other.view_);
        return *this;
    }
    ~Tile() {
        if (record_ && --record_->handles == 0) record_->owner->unreferenced(*record_);
    }

    explicit operator bool() const { return record_ != nullptr; }
    const Shape& shape() const { return view_.shape; }
    Dtype dtype() const { return record_->dtype; }
    const View& view() const { return view_; }
    TileRecord& record() const { return *record_; }
    tl::Context& context() const { return *context_; }

private:
    tl::Context* context_ = nullptr;
    TileRecord* record_ = nullptr;
    View view_;
};

}  // namespace tilemesh

// SPDX-License-Identifier: Apache-2.0
// How a kernel that does the same again and again passes over some of it (adr/0048): it reads what a stretch took and
// did, as on a meter, and later lets the PE's own time and engines go on by as much without issuing those commands.
// The machine says whether it may (`steady` of a panel); values are never computed then.
#pragma once

#include "sim/base/units.h"
#include "sim/tile/command.h"

#include <array>
#include <cstdint>

namespace tilemesh {

/// What commands ask of the engines that need no other PE. Differences of meters: numbers may be negative.
struct Effort {
    struct Part {
        std::int64_t commands = 0;
        std::int64_t work = 0;   // multiply-accumulates, or elements
        std::int64_t bytes = 0;  // loaded or stored
        std::int64_t busy = 0;   // picoseconds; of movers at the peak rate of the HBM slice
    };
    static constexpr std::size_t engines = 4;  // matrix, vector, load, store: as in EngineKind
    std::array<Part, engines> parts;

    Part& of(EngineKind engine) { return parts[static_cast<std::size_t>(engine)]; }
    const Part& of(EngineKind engine) const { return parts[static_cast<std::size_t>(engine)]; }
    std::int64_t commands() const;
    Effort& operator+=(const Effort& other) { return add(other, 1); }
    Effort& operator-=(const Effort& other) { return add(other, -1); }
    /// So many times the other.
    Effort& add(const Effort& other, std::int64_t times);
};
inline Effort operator-(Effort a, const Effort& b) { return a -= b; }

class Repetition {
public:
    struct Reading {
        Picoseconds time;  // the processor's own
        Effort effort;     // of all commands issued so far that are nobody's
    };
    virtual Reading read() const = 0;
    /// For how long HBM may do nothing for anybody: its refresh.
    virtual Picoseconds longest_pause() const = 0;
    /// What is issued from now on is added to this effort: work of one stretch may be issued within another. Null:
    /// it is nobody's. Returns whose it was.
    virtual Effort* charge(Effort* whose) = 0;
    /// What has been issued ends. What is issued from now until end() takes no time of the engines that compute: it
    /// is part of what is passed over.
    virtual void begin() = 0;
    virtual void end() = 0;
    /// What has been issued ends; then the engines are as busy for `length` more as they would have been. The
    /// processor's own time is `until` at least.
    virtual void pass(Picoseconds length, Picoseconds until) = 0;
    /// What has been issued ends; then the engines that multiply stand still until `ready`, when there is what they
    /// need. Returns for how long.
    virtual Picoseconds hold_up(Picoseconds ready) = 0;
    /// That is what would have been done meanwhile.
    virtual void passed(const Effort& effort) = 0;
    /// Its lengths were wrong by so much, as far as they were measured again.
    virtual void doubt(Picoseconds error) = 0;

protected:
    ~Repetition() = default;
};

/// What is issued in its life is charged to `whose`, if that is somebody.
class ChargeScope {
public:
    ChargeScope(Repetition* repetition, Effort* whose) : repetition_(whose ? repetition : nullptr) {
        if (repetition_) before_ = repetition_->charge(whose);
    }
    ~ChargeScope() {
        if (repetition_) repetition_->charge(before_);
    }
    ChargeScope(const ChargeScope&) = delete;
    ChargeScope& operator=(const ChargeScope&) = delete;

private:
    Repetition* repetition_;
    Effort* before_ = nullptr;
};

}  // namespace tilemesh

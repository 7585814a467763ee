// SPDX-License-Identifier: Apache-2.0
// What the parts of a machine will do at times of their own: start a command, serve a request. All in one list, so
// that SystemC has one event to keep for a machine instead of one for each of its engines and slices.
#pragma once

#include "sim/base/units.h"

#include <cstdint>
#include <systemc>
#include <vector>

namespace tilemesh::noc {

class Agenda final : public sc_core::sc_module {
public:
    /// Whoever does something.
    class Entry {
    public:
        virtual void due() = 0;

    protected:
        ~Entry() = default;
    };

    SC_HAS_PROCESS(Agenda);
    explicit Agenda(sc_core::sc_module_name name);

    /// Calls entry.due() at `when`, or, if that is not later than now, in the next delta cycle. As often as it is
    /// entered. What is due in one delta cycle must not depend on its order, which is that of entering.
    void enter(Entry& entry, Picoseconds when);

private:
    void run();
    void wake_for_next(Picoseconds now);

    struct Later {
        Picoseconds when;
        std::uint64_t number;  // of all that were entered
        Entry* entry;
        bool operator>(const Later& other) const {
            return when != other.when ? when > other.when : number > other.number;
        }
    };
    struct Next {
        Entry* entry;
        std::uint64_t delta;  // cycle in which it was entered
    };
    std::vector<Later> later_;  // a heap
    std::vector<Next> next_;
    std::uint64_t entered_ = 0;
    bool running_ = false;  // and will look itself for what comes next
    sc_core::sc_event wake_;
};

}  // namespace tilemesh::noc

// SPDX-License-Identifier: Apache-2.0
// Where partial results are: registers of states (m, l, o), by query block. They stay in SRAM when all of them fit;
// else a register lives in HBM and its blocks come in one by one for as long as they are worked on.
#pragma once

#include "kernels/attention/attend.h"
#include "kernels/attention/issue_order.h"
#include "sim/attention/kernel.h"

#include <deque>
#include <map>

namespace tilemesh::kernels {

/// Rows of one query block: in tensors of its own rank's queries, and in those made for a head part.
struct BlockRows {
    attention::Range heads;       // kv heads, counted from the PE's first
    attention::Range tokens;      // local indices of the queries
    std::int64_t first_head = 0;  // kv head of the register tensors' first
};

class States {
public:
    States(tl::Context& tl, const attention::Launch& launch)
        : tl_(tl), launch_(launch), format_(launch.schedule->state_format()) {}

    /// Was anything written to this block of the register?
    bool written(const attention::Item& reg, std::size_t block) const;
    /// The block, brought into SRAM if it is not there; empty when nobody wrote. Stays valid and in SRAM until put
    /// back.
    State& take(const attention::Item& reg, std::size_t block, const BlockRows& rows);
    /// The block may leave the SRAM again.
    void put_back(const attention::Item& reg, std::size_t block, const BlockRows& rows);
    /// The block leaves the SRAM as it came: what is in HBM is still current.
    void release(const attention::Item& reg, std::size_t block);
    /// What stands for a state that saw nothing, in SRAM.
    State neutral(const BlockRows& rows);
    /// Forgets the block.
    void drop(const attention::Item& reg, std::size_t block);

    /// As the state format says: (m, l, o), or (lse, out). In parts where states stay in SRAM.
    void send(int pe, const attention::Item& reg, std::size_t block, const BlockRows& rows, StatePart part);
    void receive(int pe, const attention::Item& reg, std::size_t block, const BlockRows& rows, StatePart part);

private:
    struct Place {
        State state;          // in SRAM
        bool in_hbm = false;  // a current copy is in HBM
    };
    Place& place(const attention::Item& reg, std::size_t block);
    Shape shape(const BlockRows& rows, std::int64_t cols) const;

    tl::Context& tl_;
    const attention::Launch& launch_;
    attention::StateFormat format_;
    // Pointers to states are held while blocks are in the pipeline, so they stay where they are when more come.
    std::map<attention::Item, std::deque<Place>> registers_;
};

}  // namespace tilemesh::kernels

// SPDX-License-Identifier: Apache-2.0
// One PE's run of a backward table. Order of issue and blocks are in backward.cpp, the same as launches of their own
// in launches.cpp, queries in query_rows.h, gradients of chunks in registers.h.
#pragma once

#include "kernels/attention/chunks.h"
#include "kernels/attention/issue_order.h"
#include "kernels/backward/query_rows.h"
#include "kernels/backward/registers.h"

#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace tilemesh::kernels {

using attention::Visible;

/// One block of queries against one tile of keys.
struct Step {
    RowBlock* rows = nullptr;
    Range keys;
    Visible visible = Visible::all;
    bool first = true, last = true;  // of its tile
};

/// One attend: steps in order, and what no block sees.
struct Plan {
    std::vector<Step> steps;
    std::vector<std::pair<Range, Range>> unseen;  // heads, keys
};

class BackwardRun {
public:
    BackwardRun(tl::Context& tl, const Launch& launch);
    void all();

private:
    static bool is_gradient(const Action& action) { return action.item.kind == Item::Kind::gradient; }
    static bool is_sinks(const Action& action) { return action.item.kind == Item::Kind::sinks; }
    static Item chunk_of(const Action& action) { return {.user = action.item.user, .id = action.item.id}; }

    void all_at_once();
    void prepare(const Action& action);
    /// What arrives only to be merged into register 0 is merged as it arrives, if register 0 has not left by then.
    void find_merges(const std::vector<attention::TimedAction>& program);
    Plan plan(const Action& attend);
    void row(const Issue& issue);
    /// A transfer, or the merge of two gradients.
    void move(const Issue& issue);
    /// One block of heads of a share of the gradient of the sinks; all of them when merged.
    void move_sinks(const Action& action, std::size_t number);
    /// Issues what moves by `time`. A rank attends one chunk at a time, so nothing that depends on the next attend is
    /// due before it begins.
    void moves_until(double time);
    void attend(const Issue& issue);
    void add(const Item& chunk, const Where& where, const Step& step, const KeyTile& tile, const Tile& bias,
             const std::shared_ptr<KeySums>& sums);

    // launches.cpp
    /// The rows of the table step by step, each as launches of its own.
    void all_by_launches();
    /// Transfers of chunks, or of gradients (and of sums of the sinks), of one step.
    void exchange(const std::vector<const Action*>& rows, bool of_chunks);
    void launch_product(const Action& attend, bool alone);
    LaunchedWork blocks_of(const Plan& plan) const;
    bool launched() const { return launch_.tiling.launches != attention::Launches::fused; }

    tl::Context& tl_;
    const Launch& launch_;
    Chunks chunks_;
    TermSource terms_;
    Gradients gradients_;
    QueryRows rows_;
    GradientRegisters registers_;
    std::map<const Action*, Plan> plans_;                         // of attends
    std::map<const Action*, Ranges> messages_;                    // of transfers of chunks
    std::map<const Action*, std::vector<GradientPiece>> pieces_;  // of rows of gradients
    std::set<const Action*> merged_on_arrival_;                   // receives and their merges
    std::map<Item, std::vector<Tile>> sink_shares_;               // received, by register
    std::map<Item, int> at_work_;  // chunks with steps that the pipeline of stages holds back
    std::vector<Issue> order_;
    std::vector<bool> issued_;
    std::size_t next_ = 0;
    double last_step_ = 0.0;  // when the last step of the attend before would begin
};

}  // namespace tilemesh::kernels

// SPDX-License-Identifier: Apache-2.0
// When a tile can leave SRAM: what a variable holds is given up after the last instruction that may ask for it. The
// usual backward analysis (Aho, Lam, Sethi, Ullman, "Compilers", 9.2.5) on basic blocks, with bit sets.
#include "sim/program/program.h"

#include "sim/base/error.h"

#include <algorithm>

namespace tilemesh::program {
namespace {

class Bits {
public:
    explicit Bits(std::size_t count) : words_((count + 63) / 64, 0) {}
    bool has(std::int32_t i) const { return (words_[word(i)] >> (i & 63) & 1) != 0; }
    void set(std::int32_t i) { words_[word(i)] |= std::uint64_t{1} << (i & 63); }
    void clear(std::int32_t i) { words_[word(i)] &= ~(std::uint64_t{1} << (i & 63)); }
    /// Adds the other's; true when that changed anything.
    bool add(const Bits& other) {
        bool changed = false;
        for (std::size_t i = 0; i < words_.size(); ++i) {
            const std::uint64_t sum = words_[i] | other.words_[i];
            changed = changed || sum != words_[i];
            words_[i] = sum;
        }
        return changed;
    }
    template <class Visit>
    void visit_without(const Bits& other, Visit visit) const {
        for (std::size_t i = 0; i < words_.size(); ++i)
            for (std::uint64_t left = words_[i] & ~other.words_[i]; left != 0; left &= left - 1)
                visit(static_cast<std::int32_t>(i * 64 + static_cast<std::size_t>(__builtin_ctzll(left))));
    }

private:
    static std::size_t word(std::int32_t i) { return static_cast<std::size_t>(i) / 64; }
    std::vector<std::uint64_t> words_;
};

bool is_loop(Op op) { return op == Op::begin_for || op == Op::next_for; }
bool falls_through(Op op) { return op != Op::jump && op != Op::return_; }

struct BasicBlock {
    std::size_t begin = 0, end = 0;
    std::vector<std::size_t> next;  // blocks
};

class Analysis {
public:
    explicit Analysis(Function& function) : function_(function), count_(function.variables.size()) {
        find_blocks();
        if (function.code.size() * count_ > std::size_t{1} << 33)
            fail<InputError>("function {}: {} instructions and {} variables are too many to follow", function.name,
                             function.code.size(), count_);
        solve();
        for (std::size_t i = 0; i < blocks_.size(); ++i) release(i);
    }

private:
    void find_blocks() {
        std::vector<bool> leads(function_.code.size() + 1, false);
        leads[0] = true;
        for (std::size_t i = 0; i < function_.code.size(); ++i) {
            const Instruction& instruction = function_.code[i];
            if (instruction.target >= 0) leads[static_cast<std::size_t>(instruction.target)] = true;
            if (instruction.target >= 0 || instruction.op == Op::return_) leads[i + 1] = true;
        }
        std::vector<std::size_t> block_at(function_.code.size() + 1, 0);
        for (std::size_t i = 0; i < function_.code.size(); ++i) {
            if (leads[i]) {
                if (!blocks_.empty()) blocks_.back().end = i;
                blocks_.push_back({i, function_.code.size(), {}});
            }
            block_at[i] = blocks_.size() - 1;
        }
        for (BasicBlock& block : blocks_) {
            const Instruction& last = function_.code[block.end - 1];
            if (falls_through(last.op) && block.end < function_.code.size())
                block.next.push_back(block_at[block.end]);
            if (last.target >= 0) block.next.push_back(block_at[static_cast<std::size_t>(last.target)]);
        }
    }

    template <class Visit>
    void results(const Instruction& instruction, Visit visit) const {
        if (instruction.op != Op::unpack && instruction.op != Op::call) {
            if (instruction.result_count > 0) visit(instruction.result);
            return;
        }
        for (std::size_t i = 0; i < instruction.result_count; ++i)
            visit(function_.results[static_cast<std::size_t>(instruction.result) + i]);
    }
    template <class Visit>
    void uses(const Instruction& instruction, Visit visit) const {
        for (std::size_t i = 0; i < instruction.operand_count; ++i) {
            const OperandId operand = function_.operands[instruction.first_operand + i];
            if (operand >= 0) visit(operand);
        }
    }
    /// What must be kept before the instruction, given what must be kept behind it. A loop that does not run again
    /// leaves its variable as it was.
    void step_back(const Instruction& instruction, Bits& live) const {
        if (!is_loop(instruction.op)) results(instruction, [&](std::int32_t v) { live.clear(v); });
        uses(instruction, [&](std::int32_t v) { live.set(v); });
    }

    Bits live_behind(const BasicBlock& block) const {
        Bits live(count_);
        for (const std::size_t next : block.next) live.add(live_in_[next]);
        return live;
    }

    void solve() {
        live_in_.assign(blocks_.size(), Bits(count_));
        bool changed = true;
        while (changed) {
            changed = false;
            for (std::size_t i = blocks_.size(); i-- > 0;) {
                Bits live = live_behind(blocks_[i]);
                for (std::size_t at = blocks_[i].end; at-- > blocks_[i].begin;) step_back(function_.code[at], live);
                changed = live_in_[i].add(live) || changed;
            }
        }
    }

    void release(std::size_t number) {
        const BasicBlock& block = blocks_[number];
        Bits live = live_behind(block);
        for (std::size_t at = block.end; at-- > block.begin;) {
            Instruction& instruction = function_.code[at];
            Bits before = live;
            step_back(instruction, before);
            instruction.first_release = static_cast<std::uint32_t>(function_.releases.size());
            // Held before or made here, and not asked for on the way that follows.
            Bits held = before;
            results(instruction, [&](std::int32_t v) { held.set(v); });
            const auto list = [&](const Bits& kept) {
                std::size_t found = 0;
                held.visit_without(kept, [&](std::int32_t v) {
                    function_.releases.push_back(v);
                    ++found;
                });
                return static_cast<std::uint16_t>(found);
            };
            const bool last = at + 1 == block.end;
            if (last && instruction.target >= 0 && instruction.op != Op::jump) {
                const bool has_next = block.end < function_.code.size();
                instruction.releases = list(has_next ? live_in_[block_of(block.end)] : Bits(count_));
                instruction.releases_at_target =
                    list(live_in_[block_of(static_cast<std::size_t>(instruction.target))]);
            } else if (instruction.op != Op::return_) {
                instruction.releases = list(live);
            }
            live = std::move(before);
        }
    }
    std::size_t block_of(std::size_t instruction) const {
        const auto behind = std::upper_bound(blocks_.begin(), blocks_.end(), instruction,
                                             [](std::size_t i, const BasicBlock& block) { return i < block.begin; });
        return static_cast<std::size_t>(behind - blocks_.begin()) - 1;
    }

    Function& function_;
    std::size_t count_;
    std::vector<BasicBlock> blocks_;
    std::vector<Bits> live_in_;
};

}  // namespace

void find_releases(Function& function) { Analysis{function}; }

}  // namespace tilemesh::program

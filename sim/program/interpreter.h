// SPDX-License-Identifier: Apache-2.0
// Runs one instance of a kernel on a PE: what it knows it computes at once, the rest it issues as commands. Calls and
// loops live on stacks of the interpreter's own.
#pragma once

#include "sim/program/host.h"
#include "sim/program/program.h"
#include "sim/program/program_phases.h"

#include <string>
#include <vector>

namespace tilemesh::program {

class Interpreter {
public:
    /// All must outlive the interpreter.
    Interpreter(const Program& program, tl::Context& tl, const Instance& instance);
    Interpreter(const Interpreter&) = delete;
    Interpreter& operator=(const Interpreter&) = delete;
    ~Interpreter();

    /// KernelError, with file and line, when something fails. `arguments` in the order of the kernel's parameters.
    void run(const Function& kernel, std::vector<Value> arguments);

private:
    struct Frame {
        const Function* function = nullptr;
        std::size_t at = 0;     // the next instruction
        std::size_t first = 0;  // of its variables
        std::size_t first_loop = 0;
        const Instruction* caller = nullptr;
        const std::string* file = nullptr;
        SourcePlace called_at;
    };
    struct Loop {
        std::int64_t next = 0, end = 0, step = 1;
        Type type = Type::constant;
        std::int64_t iteration = 0;
        std::int32_t line = 0;
    };
    using Operands = std::span<const Value* const>;

    void execute();
    void enter(const Function& function, std::vector<Value> arguments, const Instruction* caller);
    void call(const Instruction& instruction, Operands operands);
    void leave(Operands operands);
    Value evaluate(Op op, Operands operands);
    void unpack(const Instruction& instruction, const Value& value, std::size_t first_variable,
                const Function& function);
    bool begin_loop(const Instruction& instruction, Operands operands);
    bool next_loop(const Instruction& instruction);
    Value looped(const Loop& loop) const { return Value::integer(loop.next, loop.type); }
    /// Does anybody use what the current instruction gives?
    bool result_is_used() const;

    const Program& program_;
    Host host_;
    ProgramPhases phases_;
    std::vector<Value> variables_;  // of all frames
    std::vector<Loop> loops_;
    std::vector<Frame> frames_;
    const Instruction* current_ = nullptr;
    SourcePlace place_;  // of the current instruction
    std::uint64_t instructions_ = 0;
};

}  // namespace tilemesh::program

// SPDX-License-Identifier: Apache-2.0
// A tile program as the interpreter runs it: functions as lists of instructions, with jumps, and with what each
// instruction uses for the last time. README.md describes the text it is read from.
#pragma once

#include "sim/program/operations.h"
#include "sim/program/value.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tilemesh::program {

/// A variable's number, or ~number of a constant of the program; -1 is therefore constant 0, which is none.
using OperandId = std::int32_t;

struct Instruction {
    Op op = Op::copy;
    bool constant_loop = false;  // begin_for
    std::uint16_t operand_count = 0;
    std::uint32_t first_operand = 0;  // in Function::operands
    std::int32_t result = -1;         // variable; -1: none. unpack, call: the first of Function::results
    std::uint16_t result_count = 0;   // 0 or 1, or the parts of a tuple
    std::int32_t target = -1;  // jump, branch (when false), next_for (to the body), begin_for (behind the loop)
    std::uint32_t extra = 0;   // call: so many of the last operands are named; for: number of the loop's state
    std::int32_t line = 0, column = 0;  // in the source; 0: unknown
    // Variables that hold nothing anybody will ask for: after this instruction, and where it jumps or branches.
    std::uint32_t first_release = 0;  // in Function::releases
    std::uint16_t releases = 0, releases_at_target = 0;
};

struct FunctionParameter {
    std::string name;
    std::int32_t variable = 0;
    bool constant = false;
    bool has_standard = false;
    OperandId standard = -1;
};

struct Function {
    std::string name;
    std::string file;  // of the source; empty: the program's own
    bool kernel = false;
    std::vector<FunctionParameter> parameters;
    std::vector<Instruction> code;
    std::vector<OperandId> operands;
    std::vector<std::int32_t> results;  // of instructions with several
    std::vector<std::int32_t> releases;
    std::vector<std::string> keywords;   // of calls: names of operands, by operand number; empty: by position
    std::vector<std::string> variables;  // names, for messages
    int loops = 0;                       // the deepest nesting of for
};

struct Program {
    std::string file;  // what errors show where the source is unknown
    std::vector<Function> functions;
    std::vector<Value> constants;

    /// InputError that lists the kernels when there is none of that name.
    const Function& kernel(std::string_view name) const;
};

/// Reads a program, strictly. InputError with line and column, also for functions that are called and missing.
Program read_program(std::string_view text, std::string file);

/// Finds the last use of everything a function's variables hold.
void find_releases(Function& function);

}  // namespace tilemesh::program

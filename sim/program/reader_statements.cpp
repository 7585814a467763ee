// SPDX-License-Identifier: Apache-2.0
#include "sim/program/reader.h"

#include "sim/base/error.h"
#include "sim/base/names.h"

#include <algorithm>
#include <limits>

namespace tilemesh::program {
void Reader::read_statement() {
    if (token_.kind == TokenKind::variable) {
        std::vector<std::int32_t> results;
        std::vector<Token> names;
        do {
            if (token_.kind != TokenKind::variable) complain(fmt::format("expected a variable, found {}", found()));
            names.push_back(token_);
            advance();
        } while (take(","));
        expect("=");
        // What is read on the right is what was before.
        const std::size_t first = function_->code.size();
        if (token_.kind == TokenKind::name && !is_literal(token_.spelling)) {
            for (const Token& name : names) results.push_back(variable(name, true));
            return read_operation(std::move(results));
        }
        const OperandId operand = read_operand();
        for (const Token& name : names) results.push_back(variable(name, true));
        Instruction& instruction = emit(results.size() == 1 ? Op::copy : Op::unpack, {operand});
        instruction.result = results_of(results, instruction);
        read_place(instruction);
        for (std::size_t i = first; i < function_->code.size(); ++i) {
            function_->code[i].line = instruction.line;
            function_->code[i].column = instruction.column;
        }
        return end_line();
    }
    if (token_.kind != TokenKind::name) complain(fmt::format("expected a statement, found {}", found()));
    if (at("if")) return read_if();
    if (at("for")) return read_for();
    if (at("return")) return read_return();
    if (at("break") || at("continue")) return jump_out(at("break"));
    if (take("loop")) {
        open(Block::What::loop);
        if (at("@")) {
            Instruction ignored;
            read_place(ignored);
        }
        expect("{");
        return skip_lines();
    }
    read_operation({});
}

std::int32_t Reader::results_of(const std::vector<std::int32_t>& results, Instruction& instruction) {
    instruction.result_count = static_cast<std::uint16_t>(results.size());
    if (instruction.op != Op::unpack && instruction.op != Op::call) {
        return results.empty() ? -1 : results.front();
    }
    const auto first = static_cast<std::int32_t>(function_->results.size());
    function_->results.insert(function_->results.end(), results.begin(), results.end());
    return first;
}

void Reader::read_operation(std::vector<std::int32_t> results) {
    const Token name = token_;
    const Operation* const operation = find_operation(token_.spelling);
    if (!operation) {
        std::vector<std::string> names;
        for (const Operation& one : operations()) names.emplace_back(one.name);
        const auto near = nearest_name(token_.spelling, names);
        complain(fmt::format("there is no operation {}{}", printable(token_.spelling),
                             near ? fmt::format(", did you mean {}?", *near) : ""));
    }
    advance();
    const std::size_t first = function_->code.size();
    std::vector<OperandId> operands(operation->parameters.size(), 0);
    std::vector<bool> given(operands.size(), false);
    std::vector<std::string> keywords;
    std::size_t position = 0;
    bool more = token_.kind != TokenKind::line_end && token_.kind != TokenKind::end && !at("@") && !at("}");
    while (more) {
        std::string keyword;
        if (token_.kind == TokenKind::name) {
            const Token word = token_;
            if (const auto literal = read_literal(); literal) {
                if (operation->variadic) {
                    operands.push_back(*literal);
                    keywords.emplace_back();
                    given.push_back(true);
                } else if (position < operands.size()) {
                    operands[position] = *literal;
                    given[position++] = true;
                } else {
                    lexer_.complain(word, fmt::format("{} has {} parameters: {}", name.spelling,
                                                      operation->parameters.size(), operation->signature));
                }
                more = take(",");
                continue;
            }
            keyword = std::string(word.spelling);
            advance();
            expect("=");
        }
        const Token where = token_;
        const OperandId operand = read_operand();
        more = take(",");
        if (operation->variadic) {
            operands.push_back(operand);
            given.push_back(true);
            keywords.push_back(std::move(keyword));
            continue;
        }
        std::size_t slot = position;
        if (keyword.empty()) {
            ++position;
        } else {
            for (slot = 0; slot < operands.size() && operation->parameters[slot].name != keyword;) ++slot;
        }
        if (slot >= operands.size())
            lexer_.complain(where, keyword.empty() ? fmt::format("{} has {} parameters: {}", name.spelling,
                                                                 operation->parameters.size(), operation->signature)
                                                   : fmt::format("{} has no parameter {}: {}", name.spelling,
                                                                 printable(keyword), operation->signature));
        if (given[slot]) lexer_.complain(where, fmt::format("{} is given twice", operation->parameters[slot].name));
        operands[slot] = operand;
        given[slot] = true;
    }
    for (std::size_t i = 0; i < operation->parameters.size(); ++i) {
        if (given[i]) continue;
        const Parameter& parameter = operation->parameters[i];
        if (parameter.standard.empty())
            lexer_.complain(
                name, fmt::format("{} is not given: {} {}", parameter.name, name.spelling, operation->signature));
        operands[i] = standard(parameter);
    }
    const std::size_t count = operands.size();
    if (count > std::numeric_limits<std::uint16_t>::max()) lexer_.complain(name, "too many operands");
    if (operation->op == Op::call && count == 0) lexer_.complain(name, "call needs a function");
    Instruction& instruction = emit(operation->op, std::move(operands));
    if (operation->op == Op::call) {
        function_->keywords.resize(function_->operands.size());
        for (std::size_t i = 0; i < count; ++i) {
            if (!keywords[i].empty()) ++instruction.extra;
            if (keywords[i].empty() && instruction.extra > 0)
                lexer_.complain(name, "an operand by position after one by name");
            function_->keywords[instruction.first_operand + i] = std::move(keywords[i]);
        }
    }
    if (results.size() > 1 && operation->op != Op::call) {
        // The tuple that the operation makes is taken apart by an instruction of its own.
        const std::int32_t whole = variable("%parts", true, name);
        instruction.result = whole;
        instruction.result_count = 1;
        read_place(instruction);
        const Instruction before = instruction;
        Instruction& unpack = emit(Op::unpack, {whole});
        unpack.result = results_of(results, unpack);
        unpack.line = before.line;
        unpack.column = before.column;
    } else {
        instruction.result = results_of(results, instruction);
        read_place(instruction);
    }
    const Instruction last = function_->code.back();
    for (std::size_t i = first; i < function_->code.size(); ++i) {
        function_->code[i].line = last.line;
        function_->code[i].column = last.column;
    }
    end_line();
}

void Reader::read_if() {
    advance();
    const OperandId condition = read_operand();
    open(Block::What::then);
    blocks_.back().begin = function_->code.size();
    read_place(emit(Op::branch, {condition}));
    expect("{");
    skip_lines();
}

void Reader::read_for() {
    advance();
    if (token_.kind != TokenKind::variable) complain(fmt::format("expected a variable, found {}", found()));
    const Token name = token_;
    advance();
    expect("=");
    std::vector<OperandId> operands;
    operands.push_back(read_operand());
    expect(",");
    operands.push_back(read_operand());
    expect(",");
    operands.push_back(read_operand());
    const bool constant_loop = take("const");
    open(Block::What::for_loop);
    blocks_.back().begin_for = function_->code.size();
    std::uint32_t depth = 0;
    for (const Block& block : blocks_) depth += block.what == Block::What::for_loop ? 1 : 0;
    const std::int32_t loop_variable = variable(name, true);
    Instruction& instruction = emit(Op::begin_for, std::move(operands));
    instruction.result = loop_variable;
    instruction.result_count = 1;
    instruction.constant_loop = constant_loop;
    instruction.extra = depth - 1;
    function_->loops = std::max(function_->loops, static_cast<int>(depth));
    read_place(instruction);
    expect("{");
    skip_lines();
}

void Reader::read_return() {
    advance();
    std::vector<OperandId> operands;
    if (token_.kind != TokenKind::line_end && token_.kind != TokenKind::end && !at("}") && !at("@")) {
        do operands.push_back(read_operand());
        while (take(","));
    }
    read_place(emit(Op::return_, std::move(operands)));
    end_line();
}

void Reader::jump_out(bool breaks) {
    std::size_t block = blocks_.size();
    while (block > 0 && blocks_[block - 1].what != Block::What::for_loop &&
           blocks_[block - 1].what != Block::What::loop)
        --block;
    if (block == 0) complain(fmt::format("{} outside of a loop", found()));
    advance();
    Block& loop = blocks_[block - 1];
    if (!breaks && loop.what == Block::What::for_loop) {
        // As the end of the body does.
        const Instruction begin = function_->code[loop.begin_for];
        Instruction& next = emit(Op::next_for);
        next.result = begin.result;
        next.result_count = 1;
        next.extra = begin.extra;
        next.target = static_cast<std::int32_t>(loop.begin_for) + 1;
        read_place(next);
        loop.to_end.push_back(function_->code.size());
        emit(Op::jump);
    } else {
        if (breaks) loop.to_end.push_back(function_->code.size());
        Instruction& jump = emit(Op::jump);
        if (!breaks) jump.target = static_cast<std::int32_t>(loop.begin);
        read_place(jump);
    }
    end_line();
}

void Reader::read_place(Instruction& instruction) {
    if (!take("@")) {
        if (instruction.line == 0 && function_->file.empty()) {
            instruction.line = token_.line;
            instruction.column = 1;
        }
        return;
    }
    const auto number = [&] {
        if (token_.kind != TokenKind::integer || token_.integer < 0 || token_.integer > 100'000'000)
            complain(fmt::format("expected a line or column, found {}", found()));
        const auto value = static_cast<std::int32_t>(token_.integer);
        advance();
        return value;
    };
    instruction.line = number();
    if (take(":")) instruction.column = number();
}

}  // namespace tilemesh::program

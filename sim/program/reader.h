// SPDX-License-Identifier: Apache-2.0
// Reading a program: one token ahead, blocks on a stack of its own, so that no input can nest deeper than the limit.
// Functions and blocks are in reader.cpp, statements in reader_statements.cpp, operands in reader_operands.cpp.
#pragma once

#include "sim/base/names.h"
#include "sim/program/lexer.h"
#include "sim/program/program.h"

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tilemesh::program {

class Reader {
public:
    Reader(std::string_view text, std::string file) : lexer_(text, file) {
        program_.file = std::move(file);
        advance();
    }
    Program read();

private:
    struct Block {
        enum class What { function, then, otherwise, for_loop, loop } what;
        std::size_t begin = 0;  // loops: the first instruction of the body; if: its branch
        std::size_t begin_for = 0;
        std::vector<std::size_t> to_end{};  // jumps that go behind it
    };

    void advance() { token_ = lexer_.next(); }
    [[noreturn]] void complain(std::string_view problem) const { lexer_.complain(token_, problem); }
    bool at(std::string_view sign) const { return token_.is(sign); }
    bool take(std::string_view sign) {
        if (!at(sign)) return false;
        advance();
        return true;
    }
    void expect(std::string_view sign) {
        if (!take(sign)) complain(fmt::format("expected {}, found {}", sign, found()));
    }
    std::string found() const {
        if (token_.kind == TokenKind::end) return "the end of the program";
        if (token_.kind == TokenKind::line_end) return "the end of the line";
        return printable(token_.spelling, 40);
    }
    void skip_lines() {
        while (token_.kind == TokenKind::line_end) advance();
    }
    void end_line() {
        if (token_.kind != TokenKind::line_end && token_.kind != TokenKind::end && !at("}"))
            complain(fmt::format("expected the end of the line, found {}", found()));
        skip_lines();
    }

    void read_function();
    void read_parameters();
    void read_block();
    void read_statement();
    void read_operation(std::vector<std::int32_t> results);
    void read_if();
    void read_for();
    void read_return();
    void jump_out(bool breaks);
    void close_block();
    void read_place(Instruction& instruction);
    OperandId read_operand(int depth = 0);
    /// Is the name one of a value: a dtype, true, none, ...?
    static bool is_literal(std::string_view name);
    std::optional<OperandId> read_literal();
    OperandId read_tuple(int depth);

    /// `at`: for complaints.
    std::int32_t variable(std::string_view name, bool assigns, const Token& at);
    std::int32_t variable(const Token& name, bool assigns) { return variable(name.spelling, assigns, name); }
    OperandId constant(Value value) {
        program_.constants.push_back(std::move(value));
        return ~static_cast<OperandId>(program_.constants.size() - 1);
    }
    OperandId standard(const Parameter& parameter);
    Instruction& emit(Op op, std::vector<OperandId> operands = {});
    std::int32_t results_of(const std::vector<std::int32_t>& results, Instruction& instruction);
    void open(Block::What what) {
        constexpr std::size_t most_depth = 64;
        if (blocks_.size() >= most_depth) complain(fmt::format("blocks nest deeper than {}", most_depth));
        blocks_.push_back({what, function_->code.size()});
    }
    void resolve_functions();

    Lexer lexer_;
    Token token_;
    Program program_;
    Function* function_ = nullptr;
    std::vector<Block> blocks_;
    std::unordered_map<std::string_view, std::int32_t> variables_;
    std::vector<std::pair<std::int32_t, Token>> read_before_assignment_;
    std::vector<bool> assigned_;
    std::unordered_map<std::string_view, OperandId> standards_;
    std::vector<std::pair<std::size_t, Token>> functions_named_;  // constants to be resolved
    std::vector<std::unique_ptr<std::string>> names_;             // of variables, which the map's keys view
    std::size_t statements_ = 0;
    std::size_t tuples_ = 0;
};

}  // namespace tilemesh::program

// SPDX-License-Identifier: Apache-2.0
#include "sim/program/reader.h"

#include "sim/base/error.h"
#include "sim/base/names.h"

#include <algorithm>
#include <limits>

namespace tilemesh::program {
namespace {

constexpr std::size_t most_text = std::size_t{64} << 20;
constexpr std::size_t most_statements = 1'000'000;

}  // namespace

Program Reader::read() {
    constant(Value::none());  // operand -1
    skip_lines();
    if (!take("tile_program")) complain(fmt::format("expected tile_program and its version, found {}", found()));
    if (token_.kind != TokenKind::integer || token_.integer != 1)
        complain(fmt::format("version {} cannot be read, expected 1", found()));
    advance();
    end_line();
    while (token_.kind != TokenKind::end) {
        read_function();
        skip_lines();
    }
    resolve_functions();
    for (Function& function : program_.functions) find_releases(function);
    return std::move(program_);
}

void Reader::read_function() {
    Function function;
    if (!at("kernel") && !at("function")) complain(fmt::format("expected kernel or function, found {}", found()));
    function.kernel = at("kernel");
    advance();
    if (token_.kind != TokenKind::name) complain(fmt::format("expected a name, found {}", found()));
    function.name = std::string(token_.spelling);
    for (const Function& other : program_.functions)
        if (other.name == function.name)
            complain(fmt::format("there are two functions {}", printable(function.name)));
    advance();
    program_.functions.push_back(std::move(function));
    function_ = &program_.functions.back();
    variables_.clear();
    assigned_.clear();
    read_before_assignment_.clear();
    read_parameters();
    if (take("in")) {
        if (token_.kind != TokenKind::text)
            complain(fmt::format("expected a file's name in quotes, found {}", found()));
        function_->file = lexer_.content(token_);
        advance();
    }
    open(Block::What::function);
    expect("{");
    skip_lines();
    while (!blocks_.empty()) read_block();
    for (const auto& [slot, token] : read_before_assignment_)
        if (!assigned_[static_cast<std::size_t>(slot)])
            lexer_.complain(token, fmt::format("%{} is never assigned", printable(token.spelling)));
}

void Reader::read_parameters() {
    expect("(");
    while (!at(")")) {
        skip_lines();
        if (token_.kind != TokenKind::variable) complain(fmt::format("expected a parameter, found {}", found()));
        FunctionParameter parameter;
        parameter.name = std::string(token_.spelling);
        if (variables_.count(token_.spelling) != 0)
            complain(fmt::format("there are two parameters %{}", printable(parameter.name)));
        parameter.variable = variable(token_, true);
        advance();
        if (take(":")) {
            expect("const");
            parameter.constant = true;
        }
        if (take("=")) {
            const auto literal = read_literal();
            if (!literal) complain(fmt::format("expected a literal, found {}", found()));
            parameter.has_standard = true;
            parameter.standard = *literal;
        }
        function_->parameters.push_back(std::move(parameter));
        skip_lines();
        if (!at(")")) expect(",");
    }
    expect(")");
}

void Reader::read_block() {
    if (token_.kind == TokenKind::end) complain("a block is not closed");
    if (take("}")) return close_block();
    if (++statements_ > most_statements) complain(fmt::format("more than {} statements", most_statements));
    read_statement();
}

void Reader::close_block() {
    Block block = std::move(blocks_.back());
    const auto here = [&] { return static_cast<std::int32_t>(function_->code.size()); };
    switch (block.what) {
        case Block::What::function:
            emit(Op::return_);
            blocks_.pop_back();
            end_line();
            return;
        case Block::What::then:
            if (take("else")) {
                expect("{");
                block.to_end.push_back(function_->code.size());
                emit(Op::jump);
                function_->code[block.begin].target = here();
                block.what = Block::What::otherwise;
                blocks_.back() = std::move(block);
                skip_lines();
                return;
            }
            function_->code[block.begin].target = here();
            break;
        case Block::What::otherwise:
            break;
        case Block::What::for_loop: {
            const Instruction begin = function_->code[block.begin_for];
            Instruction& next = emit(Op::next_for);
            next.result = begin.result;
            next.result_count = 1;
            next.extra = begin.extra;
            next.line = begin.line;
            next.column = begin.column;
            next.target = static_cast<std::int32_t>(block.begin_for) + 1;
            function_->code[block.begin_for].target = here();
            break;
        }
        case Block::What::loop:
            emit(Op::jump).target = static_cast<std::int32_t>(block.begin);
            break;
    }
    for (const std::size_t jump : block.to_end) function_->code[jump].target = here();
    blocks_.pop_back();
    end_line();
}

void Reader::resolve_functions() {
    for (const auto& named : functions_named_) {
        const Token& token = named.second;
        const auto found_at = std::find_if(program_.functions.begin(), program_.functions.end(),
                                           [&](const Function& f) { return f.name == token.spelling; });
        if (found_at == program_.functions.end())
            lexer_.complain(token, fmt::format("there is no function {}", printable(token.spelling)));
        program_.constants[named.first] = Value::function(found_at - program_.functions.begin());
    }
}

Program read_program(std::string_view text, std::string file) {
    if (text.size() > most_text) fail<InputError>("{}: {} bytes, expected at most {}", file, text.size(), most_text);
    return Reader(text, std::move(file)).read();
}

const Function& Program::kernel(std::string_view name) const {
    std::vector<std::string> kernels;
    for (const Function& function : functions) {
        if (function.kernel && function.name == name) return function;
        if (function.kernel) kernels.push_back(function.name);
    }
    fail<InputError>("{}: there is no kernel {}, those there are: {}", file, printable(name), list_of_names(kernels));
}

}  // namespace tilemesh::program

// SPDX-License-Identifier: Apache-2.0
#include "sim/program/reader.h"

#include "sim/base/error.h"
#include "sim/base/names.h"

#include <algorithm>
#include <limits>

namespace tilemesh::program {
namespace {

constexpr std::size_t most_variables = 65'535;

}  // namespace

OperandId Reader::read_operand(int depth) {
    if (token_.kind == TokenKind::variable) {
        const std::int32_t slot = variable(token_, false);
        advance();
        return slot;
    }
    if (at("(")) return read_tuple(depth);
    if (const auto literal = read_literal()) return *literal;
    complain(fmt::format("expected an operand, found {}", found()));
}

std::optional<OperandId> Reader::read_literal() {
    const Token token = token_;
    switch (token.kind) {
        case TokenKind::integer:
            advance();
            return constant(Value::integer(token.integer, token.is_u64 ? Type::u64 : Type::constant));
        case TokenKind::number:
            advance();
            return constant(Value::floating(token.number));
        case TokenKind::text: {
            std::string text = lexer_.content(token);
            advance();
            return constant(text_value(std::move(text)));
        }
        case TokenKind::name:
            break;
        default:
            if (!take("&")) return {};
            if (token_.kind != TokenKind::name)
                complain(fmt::format("expected a function's name, found {}", found()));
            functions_named_.emplace_back(program_.constants.size(), token_);
            advance();
            return constant(Value::function(-1));
    }
    Value value;
    if (const auto type = type_from_name(token.spelling)) {
        value = Value::dtype(*type);
    } else if (token.spelling == "true" || token.spelling == "false") {
        value = Value::boolean(token.spelling == "true");
    } else if (token.spelling == "none") {
        value = Value::none();
    } else if (token.spelling == "inf") {
        value = Value::floating(std::numeric_limits<double>::infinity());
    } else if (token.spelling == "nan") {
        value = Value::floating(std::numeric_limits<double>::quiet_NaN());
    } else {
        return {};
    }
    advance();
    return constant(std::move(value));
}

bool Reader::is_literal(std::string_view name) {
    return type_from_name(name) || name == "true" || name == "false" || name == "none" || name == "inf" ||
           name == "nan";
}

OperandId Reader::read_tuple(int depth) {
    if (depth > 15) complain("tuples nest deeper than 16");
    expect("(");
    std::vector<OperandId> items;
    while (!at(")")) {
        skip_lines();
        items.push_back(read_operand(depth + 1));
        skip_lines();
        if (!at(")") && !take(",")) complain(fmt::format("expected , or ), found {}", found()));
    }
    expect(")");
    if (std::all_of(items.begin(), items.end(), [](OperandId item) { return item < 0; })) {
        std::vector<Value> values;
        bool functions = false;
        for (const OperandId item : items) {
            values.push_back(program_.constants[static_cast<std::size_t>(~item)]);
            functions = functions || values.back().kind() == Kind::function;
        }
        if (!functions) return constant(tuple_value(std::move(values)));
    }
    const std::int32_t whole = variable(fmt::format("%tuple{}", ++tuples_), true, token_);
    Instruction& instruction = emit(Op::tuple, std::move(items));
    instruction.result = whole;
    instruction.result_count = 1;
    return whole;
}

std::int32_t Reader::variable(std::string_view name, bool assigns, const Token& at) {
    auto found_at = variables_.find(name);
    if (found_at == variables_.end()) {
        if (function_->variables.size() >= most_variables)
            lexer_.complain(at, fmt::format("more than {} variables", most_variables));
        const auto number = static_cast<std::int32_t>(function_->variables.size());
        function_->variables.emplace_back(name);
        names_.push_back(std::make_unique<std::string>(name));
        found_at = variables_.emplace(*names_.back(), number).first;
        assigned_.push_back(false);
    }
    const std::int32_t slot = found_at->second;
    if (assigns) {
        assigned_[static_cast<std::size_t>(slot)] = true;
    } else if (!assigned_[static_cast<std::size_t>(slot)]) {
        read_before_assignment_.emplace_back(slot, at);
    }
    return slot;
}

OperandId Reader::standard(const Parameter& parameter) {
    const auto found_at = standards_.find(parameter.standard);
    if (found_at != standards_.end()) return found_at->second;
    Value value;
    if (parameter.standard == "none") {
        value = Value::none();
    } else if (parameter.standard == "true" || parameter.standard == "false") {
        value = Value::boolean(parameter.standard == "true");
    } else if (parameter.standard == "()") {
        value = tuple_value({});
    } else if (parameter.standard == "0") {
        value = Value::integer(0);
    } else if (parameter.standard == "f32") {
        value = Value::dtype(Type::f32);
    } else {
        value = text_value(std::string(parameter.standard.substr(1, parameter.standard.size() - 2)));
    }
    return standards_.emplace(parameter.standard, constant(std::move(value))).first->second;
}

Instruction& Reader::emit(Op op, std::vector<OperandId> operands) {
    Instruction instruction;
    instruction.op = op;
    instruction.operand_count = static_cast<std::uint16_t>(operands.size());
    instruction.first_operand = static_cast<std::uint32_t>(function_->operands.size());
    function_->operands.insert(function_->operands.end(), operands.begin(), operands.end());
    function_->code.push_back(instruction);
    return function_->code.back();
}

}  // namespace tilemesh::program

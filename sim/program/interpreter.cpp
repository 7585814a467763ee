// SPDX-License-Identifier: Apache-2.0
#include "sim/program/interpreter.h"

#include <algorithm>

namespace tilemesh::program {
namespace {

constexpr std::size_t most_frames = 64;
constexpr std::string_view keyword_of_items = "items.of";  // no parameter's name

}  // namespace

Interpreter::Interpreter(const Program& program, tl::Context& tl, const Instance& instance)
    : program_(program), host_(tl, instance), phases_(tl), place_{&program.file} {
    tl.set_place(&place_);
}

Interpreter::~Interpreter() { host_.tl.set_place(nullptr); }

void Interpreter::run(const Function& kernel, std::vector<Value> arguments) {
    try {
        enter(kernel, std::move(arguments), nullptr);
        execute();
    } catch (const KernelError& error) {
        const std::string where = place_.text(), text = error.what();
        if (text.compare(0, where.size(), where) == 0) throw;
        const tl::ProgramInfo& info = host_.tl.info();
        const auto& id = host_.instance.id;
        fail<KernelError>("{}kernel {}, {}, program ({}, {}, {}): {}", where, info.kernel, info.pe, id[0], id[1],
                          id[2], text);
    }
}

void Interpreter::enter(const Function& function, std::vector<Value> arguments, const Instruction* caller) {
    if (frames_.size() >= most_frames) Host::complain("calls nest deeper than {}", most_frames);
    const std::size_t first = variables_.size(), first_loop = loops_.size();
    variables_.resize(first + function.variables.size());
    loops_.resize(first_loop + static_cast<std::size_t>(function.loops));
    for (std::size_t i = 0; i < arguments.size(); ++i)
        variables_[first + static_cast<std::size_t>(function.parameters[i].variable)] = std::move(arguments[i]);
    const std::string* file = function.file.empty() ? &program_.file : &function.file;
    frames_.push_back({&function, 0, first, first_loop, caller, file, caller ? place_ : SourcePlace{file}});
    const auto &id = host_.instance.id, &count = host_.instance.count;
    phases_.call(frames_.size(), function.name, id[0] + count[0] * (id[1] + count[1] * id[2]));
}

void Interpreter::execute() {
    std::vector<const Value*> found;
    const bool costs = host_.tl.info().integers_cost;
    const std::uint64_t most = host_.instance.most_instructions;
    while (!frames_.empty()) {
        Frame& frame = frames_.back();
        const Function& function = *frame.function;
        const Instruction& instruction = function.code[frame.at];
        current_ = &instruction;
        // A statement without a place of its own, as front ends' own functions have them, is where its function is
        // called.
        place_ =
            instruction.line != 0 ? SourcePlace{frame.file, instruction.line, instruction.column} : frame.called_at;
        if (++instructions_ > most)
            Host::complain("more than {} instructions: an endless loop? (max_instructions sets the limit)", most);
        if (costs) host_.tl.spend(1);
        const std::size_t count = instruction.operand_count;
        if (count > found.size()) found.resize(count);
        const OperandId* const ids = function.operands.data() + instruction.first_operand;
        Value* const variables = variables_.data() + frame.first;
        for (std::size_t i = 0; i < count; ++i)
            found[i] = ids[i] >= 0 ? &variables[ids[i]] : &program_.constants[static_cast<std::size_t>(~ids[i])];
        const Operands operands(found.data(), count);
        bool jumps = false;
        switch (instruction.op) {
            case Op::jump:
                frame.at = static_cast<std::size_t>(instruction.target);
                continue;
            case Op::branch:
                jumps = !host_.truth(*operands[0], "a condition");
                break;
            case Op::begin_for:
            case Op::next_for: {
                const bool begins = instruction.op == Op::begin_for;
                const bool goes_on = begins ? begin_loop(instruction, operands) : next_loop(instruction);
                jumps = goes_on != begins;
                Loop& loop = loops_[frame.first_loop + instruction.extra];
                loop.iteration = begins ? 0 : loop.iteration + 1;
                if (begins) loop.line = instruction.line;
                const auto number = static_cast<std::int32_t>(instruction.extra);
                if (goes_on)
                    phases_.iteration(frames_.size(), number, loop.line, loop.iteration);
                else
                    phases_.end_loop(frames_.size(), number);
                break;
            }
            case Op::phase:
                phases_.named(
                    frames_.size(), host_.text(*operands[0], "the name of a phase"),
                    operands[1]->kind() == Kind::none ? -1 : host_.integer(*operands[1], "a phase's number"));
                break;
            case Op::call:
                call(instruction, operands);
                continue;
            case Op::return_:
                leave(operands);
                continue;
            case Op::unpack:
                unpack(instruction, *operands[0], frame.first, function);
                break;
            default: {
                Value value = evaluate(instruction.op, operands);
                if (instruction.result_count > 0) variables[instruction.result] = std::move(value);
                break;
            }
        }
        const std::int32_t* released =
            function.releases.data() + instruction.first_release + (jumps ? instruction.releases : 0U);
        const std::int32_t* const last = released + (jumps ? instruction.releases_at_target : instruction.releases);
        for (; released != last; ++released) variables[*released] = Value();
        frame.at = jumps ? static_cast<std::size_t>(instruction.target) : frame.at + 1;
    }
}

bool Interpreter::begin_loop(const Instruction& instruction, Operands operands) {
    const Frame& frame = frames_.back();
    Loop& loop = loops_[frame.first_loop + instruction.extra];
    loop.type = Type::constant;
    bool wide = false;
    for (const Value* operand : operands) {
        const Value bound = host_.known(*operand);
        wide = wide || (bound.kind() == Kind::integer && (bound.type() == Type::i64 || bound.type() == Type::u64));
    }
    loop.next = host_.integer(*operands[0], "the begin of a loop");
    loop.end = host_.integer(*operands[1], "the end of a loop");
    loop.step = host_.integer(*operands[2], "the step of a loop");
    if (loop.step == 0) Host::complain("the step of a loop is 0");
    if (!instruction.constant_loop)
        loop.type = wide || !holds(Type::i32, loop.next, loop.next) || !holds(Type::i32, loop.end, loop.end)
                        ? Type::i64
                        : Type::i32;
    if (loop.step > 0 ? loop.next >= loop.end : loop.next <= loop.end) return false;
    variables_[frame.first + static_cast<std::size_t>(instruction.result)] = looped(loop);
    return true;
}

bool Interpreter::next_loop(const Instruction& instruction) {
    const Frame& frame = frames_.back();
    Loop& loop = loops_[frame.first_loop + instruction.extra];
    if (__builtin_add_overflow(loop.next, loop.step, &loop.next)) return false;
    if (loop.step > 0 ? loop.next >= loop.end : loop.next <= loop.end) return false;
    variables_[frame.first + static_cast<std::size_t>(instruction.result)] = looped(loop);
    return true;
}

void Interpreter::call(const Instruction& instruction, Operands operands) {
    const Value& callee = *operands[0];
    if (callee.kind() != Kind::function) Host::complain("a call of {}", describe(callee));
    const Function& function = program_.functions[static_cast<std::size_t>(callee.as_integer())];
    const Function& caller = *frames_.back().function;
    std::vector<Value> arguments(function.parameters.size());
    std::vector<bool> given(arguments.size(), false);
    const auto give = [&](std::size_t slot, const Value& value, const std::string& keyword) {
        if (slot >= arguments.size())
            Host::complain("{} takes {} arguments{}", function.name, arguments.size(),
                           keyword.empty() ? "" : fmt::format(", none is called {}", keyword));
        if (given[slot]) Host::complain("{} of {} is given twice", function.parameters[slot].name, function.name);
        arguments[slot] = value;
        given[slot] = true;
    };
    std::size_t by_position = 0;
    for (std::size_t i = 1; i < operands.size(); ++i) {
        const std::string& keyword = caller.keywords[instruction.first_operand + i];
        if (keyword.empty()) {
            give(by_position++, *operands[i], keyword);
        } else if (keyword == keyword_of_items) {
            if (operands[i]->kind() != Kind::tuple) Host::complain("the items of {}", describe(*operands[i]));
            for (const Value& item : operands[i]->as<Tuple>().items) give(by_position++, item, "");
        } else {
            std::size_t slot = 0;
            while (slot < arguments.size() && function.parameters[slot].name != keyword) ++slot;
            give(slot, *operands[i], keyword);
        }
    }
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (given[i]) continue;
        const FunctionParameter& parameter = function.parameters[i];
        if (!parameter.has_standard) Host::complain("{} of {} is not given", parameter.name, function.name);
        arguments[i] = program_.constants[static_cast<std::size_t>(~parameter.standard)];
    }
    // What nobody asks for after the call is given up now: the callee decides how long it lives.
    Frame& frame = frames_.back();
    for (std::uint32_t i = 0; i < instruction.releases; ++i) {
        const std::int32_t variable = caller.releases[instruction.first_release + i];
        variables_[frame.first + static_cast<std::size_t>(variable)] = Value();
    }
    ++frame.at;
    enter(function, std::move(arguments), &instruction);
}

void Interpreter::leave(Operands operands) {
    Value result = Value::none();
    if (operands.size() == 1) {
        result = *operands[0];
    } else if (operands.size() > 1) {
        std::vector<Value> items;
        items.reserve(operands.size());
        for (const Value* operand : operands) items.push_back(*operand);
        result = tuple_value(std::move(items));
    }
    const Frame frame = frames_.back();
    phases_.leave(frames_.size());
    frames_.pop_back();
    variables_.resize(frame.first);
    loops_.resize(frame.first_loop);
    place_ = frame.called_at;
    if (frames_.empty() || frame.caller->result_count == 0) return;
    current_ = frame.caller;
    const Frame& back = frames_.back();
    unpack(*frame.caller, result, back.first, *back.function);
    const Instruction& caller = *frame.caller;
    for (std::uint32_t i = 0; i < caller.releases; ++i) {
        // Results that nobody asks for.
        const std::int32_t variable = back.function->releases[caller.first_release + i];
        for (std::size_t j = 0; j < caller.result_count; ++j)
            if (back.function->results[static_cast<std::size_t>(caller.result) + j] == variable)
                variables_[back.first + static_cast<std::size_t>(variable)] = Value();
    }
}

void Interpreter::unpack(const Instruction& instruction, const Value& value, std::size_t first_variable,
                         const Function& function) {
    const auto place_of = [&](std::size_t i) -> Value& {
        const std::int32_t variable = function.results[static_cast<std::size_t>(instruction.result) + i];
        return variables_[first_variable + static_cast<std::size_t>(variable)];
    };
    if (instruction.result_count == 1) {
        place_of(0) = value;
        return;
    }
    if (value.kind() != Kind::tuple)
        Host::complain("{} where {} values are expected", describe(value), instruction.result_count);
    const Ref<Tuple> tuple = value.ref<Tuple>();
    if (tuple->items.size() != instruction.result_count)
        Host::complain("{} values where {} are expected", tuple->items.size(), instruction.result_count);
    for (std::size_t i = 0; i < tuple->items.size(); ++i) place_of(i) = tuple->items[i];
}

}  // namespace tilemesh::program

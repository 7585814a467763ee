// SPDX-License-Identifier: Apache-2.0
#include "sim/program/commands_of.h"

namespace tilemesh::program {

std::optional<Opcode> command_of(Op op) {
    switch (op) {
        case Op::add:
            return Opcode::add;
        case Op::sub:
            return Opcode::subtract;
        case Op::mul:
            return Opcode::multiply;
        case Op::truediv:
        case Op::fdiv:
            return Opcode::divide;
        case Op::mod:
            return Opcode::remainder;
        case Op::pow:
            return Opcode::power;
        case Op::minimum:
            return Opcode::minimum;
        case Op::maximum:
            return Opcode::maximum;
        case Op::lt:
        case Op::gt:
            return Opcode::less;
        case Op::le:
        case Op::ge:
            return Opcode::less_equal;
        case Op::eq:
            return Opcode::equal;
        case Op::ne:
            return Opcode::not_equal;
        case Op::and_:
        case Op::logical_and:
            return Opcode::both;
        case Op::or_:
        case Op::logical_or:
            return Opcode::either;
        case Op::xor_:
            return Opcode::exclusive;
        case Op::shl:
            return Opcode::shift_left;
        case Op::shr:
            return Opcode::shift_right;
        case Op::exp:
            return Opcode::exp;
        case Op::exp2:
            return Opcode::exp2;
        case Op::log:
            return Opcode::log;
        case Op::log2:
            return Opcode::log2;
        case Op::sqrt:
            return Opcode::sqrt;
        case Op::rsqrt:
            return Opcode::rsqrt;
        case Op::sin:
            return Opcode::sin;
        case Op::cos:
            return Opcode::cos;
        case Op::erf:
            return Opcode::erf;
        case Op::abs:
            return Opcode::abs;
        case Op::floor:
            return Opcode::floor;
        case Op::ceil:
            return Opcode::ceil;
        case Op::tanh:
            return Opcode::tanh;
        case Op::fma:
            return Opcode::fma;
        case Op::where:
            return Opcode::where;
        case Op::cast:
            return Opcode::cast;
        case Op::zeros:
        case Op::full:
        case Op::zeros_like:
            return Opcode::fill;
        case Op::sum:
            return Opcode::reduce_sum;
        case Op::max:
            return Opcode::reduce_max;
        case Op::min:
            return Opcode::reduce_min;
        case Op::argmax:
            return Opcode::argmax;
        case Op::argmin:
            return Opcode::argmin;
        case Op::cumsum:
            return Opcode::cumsum;
        case Op::softmax:
            return Opcode::softmax;
        case Op::dot:
            return Opcode::dot;
        case Op::load:
        case Op::descriptor_load:
            return Opcode::load;
        case Op::store:
        case Op::descriptor_store:
        case Op::atomic_add:
            return Opcode::store;
        case Op::send:
            return Opcode::send;
        case Op::multicast:
            return Opcode::multicast;
        case Op::recv:
            return Opcode::receive;
        default:
            return {};
    }
}

std::vector<std::string_view> operations_of(Opcode command) {
    std::vector<std::string_view> names;
    for (const Operation& operation : operations()) {
        // What atomic operations make of memory is stored, though most do more than that one command.
        const bool stores = command == Opcode::store && operation.name.starts_with("atomic_");
        if (command_of(operation.op) == command || stores) names.push_back(operation.name);
    }
    return names;
}

}  // namespace tilemesh::program

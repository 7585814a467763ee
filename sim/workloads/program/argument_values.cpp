// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/argument_values.h"

#include "sim/base/error.h"
#include "sim/workloads/program/placement.h"

namespace tilemesh::workloads {
namespace {

using program::Array;
using program::Value;

/// Contiguous, row by row.
std::int64_t stride_of(const TensorChoice& tensor, int axis) {
    std::int64_t stride = 1;
    for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < tensor.shape.size(); ++i) stride *= tensor.shape[i];
    return stride;
}

Value integer(std::int64_t number, const ArgumentChoice& argument, bool constant) {
    if (argument.type && program::is_float(*argument.type))
        return Value::floating(round_to(program::dtype_of(*argument.type), static_cast<float>(number)),
                               *argument.type);
    if (argument.type && !program::holds(*argument.type, number, number))
        fail<InputError>("{}: found {}, expected {}", argument.where, number, program::range_of(*argument.type));
    if (argument.type) return Value::integer(number, *argument.type);
    using program::Type;
    // Unlike constants in a kernel's text, arguments are never u32 by their size.
    const Type by_size = program::holds(Type::i32, number, number) ? Type::i32 : Type::i64;
    return Value::integer(number, constant ? Type::constant : by_size);
}

}  // namespace

std::vector<Value> Arguments::of(const LaunchChoice& launch, const program::Function& kernel) const {
    std::vector<Value> values;
    for (const program::FunctionParameter& parameter : kernel.parameters) {
        const auto given = launch.arguments.find(parameter.name);
        if (given == launch.arguments.end()) {
            values.push_back(launch.program->constants[static_cast<std::size_t>(~parameter.standard)]);
        } else {
            values.push_back(value(given->second, parameter.constant || given->second.constant));
        }
    }
    return values;
}

Value Arguments::value(const ArgumentChoice& argument, bool constant) const {
    using What = ArgumentChoice::What;
    switch (argument.what) {
        case What::none:
            return Value::none();
        case What::truth:
            return Value::integer(argument.integer, constant ? program::Type::constant : program::Type::i1);
        case What::integer:
            return integer(argument.integer, argument, constant);
        case What::number: {
            if (constant && !argument.type) return Value::floating(argument.number);
            const program::Type type = argument.type.value_or(program::Type::f32);
            return Value::floating(round_to(program::dtype_of(type), static_cast<float>(argument.number)), type);
        }
        case What::text:
            // Dtypes are named like this too.
            if (const auto type = program::type_from_name(argument.text)) return Value::dtype(*type);
            return program::text_value(argument.text);
        case What::dtype:
            return Value::dtype(*argument.type);
        case What::list: {
            std::vector<Value> items;
            for (const ArgumentChoice& item : argument.items) items.push_back(value(item, constant));
            return program::tuple_value(std::move(items));
        }
        case What::tensor:
        case What::local: {
            const Ref<Array>& array = arrays_.at(argument.text);
            const std::int64_t first = argument.what == What::local
                                           ? local_element(*array, pe_, panel_.machine.pes_per_cube(), argument.where)
                                           : argument.integer;
            const Ref<Array> seen = array->as(argument.type.value_or(array->type()));
            return Value::object(program::Kind::pointer, seen->type(), seen, first);
        }
        case What::descriptor: {
            const Ref<Array>& array = arrays_.at(argument.text);
            return program::descriptor_value(array->as(argument.type.value_or(array->type())), argument.integer,
                                             argument.box);
        }
        case What::stride:
            return integer(stride_of(*panel_.find(argument.text), argument.axis), argument, constant);
        case What::dimension:
            return integer(panel_.find(argument.text)->shape[static_cast<std::size_t>(argument.axis)], argument,
                           constant);
    }
    return Value::none();
}

}  // namespace tilemesh::workloads

// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/arguments.h"

#include "sim/base/names.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace tilemesh::workloads {

program::Type read_type(const JsonReader& reader) {
    const auto type = program::type_from_name(reader.as_string());
    if (!type) reader.reject("a dtype: f16, bf16, f32, f8e4m3, f8e5m2, i1, i8, i16, i32, i64, u8, u16, u32, u64");
    return *type;
}

std::int64_t read_integer(const JsonReader& reader, program::Type type) {
    const Json& value = reader.value();
    if (value.is_number_float()) {
        if (const auto whole = program::integer_of(type, value.get<double>())) return *whole;
    } else if (value.is_number()) {
        // JSON's own are negative or unsigned.
        const bool negative = !value.is_number_unsigned();
        const auto whole =
            negative ? value.get<std::int64_t>() : static_cast<std::int64_t>(value.get<std::uint64_t>());
        const bool in_range = whole >= 0 || negative != (type == program::Type::u64);
        if (in_range && program::holds(type, whole, whole)) return whole;
    }
    reader.reject(program::range_of(type));
}

namespace {

/// JSON has no numbers for these.
bool is_float_word(const std::string& text) { return text == "inf" || text == "-inf" || text == "nan"; }
double float_of_word(const std::string& text) {
    using Limits = std::numeric_limits<double>;
    return text == "nan" ? Limits::quiet_NaN() : text == "inf" ? Limits::infinity() : -Limits::infinity();
}

/// "q", "q.stride(0)", "q.shape[1]", "inf".
ArgumentChoice read_tensor_expression(const JsonReader& reader, const ProgramPanel& panel) {
    using What = ArgumentChoice::What;
    ArgumentChoice argument;
    argument.where = reader.place();
    const std::string text = reader.as_string();
    const std::size_t dot = text.find('.');
    argument.text = text.substr(0, dot);
    const TensorChoice* const tensor = panel.find(argument.text);
    if (!tensor && is_float_word(text)) {
        argument.what = What::number;
        argument.number = float_of_word(text);
        return argument;
    }
    if (!tensor) {
        std::vector<std::string> names;
        for (const TensorChoice& one : panel.tensors) names.push_back(one.name);
        reader.complain(fmt::format("there is no tensor {}, those there are: {} (a text goes into \"constants\")",
                                    printable(argument.text), list_of_names(names)));
    }
    argument.what = What::tensor;
    if (dot == std::string::npos) return argument;
    const std::string rest = text.substr(dot + 1);
    std::string_view digits = rest;
    if (rest.starts_with("stride(") && rest.ends_with(")")) {
        argument.what = What::stride;
        digits = digits.substr(7, rest.size() - 8);
    } else if (rest.starts_with("shape[") && rest.ends_with("]")) {
        argument.what = What::dimension;
        digits = digits.substr(6, rest.size() - 7);
    } else if (rest == "numel()") {
        argument.what = What::integer;
        argument.integer = tensor->elements();
        return argument;
    } else {
        reader.reject("a tensor's name, name.stride(i), name.shape[i] or name.numel()");
    }
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), argument.axis);
    const int rank = static_cast<int>(tensor->shape.size());
    if (argument.axis < 0) argument.axis += rank;
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || argument.axis < 0 ||
        argument.axis >= rank)
        reader.reject(fmt::format("an axis of {}, which has {}", argument.text, rank));
    return argument;
}

std::vector<std::int64_t> read_integers(const JsonReader& reader) {
    if (!reader.is_array()) reader.reject("a list of integers");
    constexpr std::int64_t most = std::int64_t{1} << 40;
    std::vector<std::int64_t> integers;
    for (JsonReader& element : reader.elements()) integers.push_back(element.as_signed(-most, most));
    return integers;
}

enum class Padding { zero, nan };

void read_box(JsonReader& reader, ArgumentChoice& argument) {
    argument.what = ArgumentChoice::What::descriptor;
    argument.box.shape = read_integers(reader.member("shape"));
    argument.box.strides = read_integers(reader.member("strides"));
    argument.box.block_shape = read_integers(reader.member("block_shape"));
    argument.box.pads_with_nan = reader.choice("padding", {"zero", "nan"}, Padding::zero) == Padding::nan;
    const std::size_t rank = argument.box.shape.size();
    if (rank == 0 || rank > 5 || argument.box.strides.size() != rank || argument.box.block_shape.size() != rank)
        reader.complain("shape, strides and block_shape must have the same number of elements, 1 to 5");
    for (const std::int64_t size : argument.box.block_shape)
        if (size < 1 || size > (std::int64_t{1} << 20)) reader.member("block_shape").reject("sizes from 1 to 2^20");
}

/// A number of a stated type.
ArgumentChoice read_typed(const JsonReader& reader, program::Type type, const ProgramPanel& panel, bool constant) {
    using What = ArgumentChoice::What;
    const bool is_integer = !program::is_float(type);
    ArgumentChoice argument;
    if (is_integer && reader.value().is_number()) {
        argument.what = What::integer;
        argument.integer = read_integer(reader, type);
    } else {
        argument = read_argument(reader, panel, constant);
        const bool is_size = argument.what == What::integer;  // of a tensor
        if (is_integer &&
            (argument.what == What::number || (is_size && !program::holds(type, argument.integer, argument.integer))))
            reader.reject(program::range_of(type));
    }
    argument.where = reader.place();
    argument.type = type;
    return argument;
}

}  // namespace

ArgumentChoice read_argument(const JsonReader& given, const ProgramPanel& panel, bool constant) {
    using What = ArgumentChoice::What;
    ArgumentChoice argument;
    argument.where = given.place();
    JsonReader reader = given;
    const Json& value = reader.value();
    if (value.is_string() && value == "None") return argument;
    if (value.is_boolean()) {
        argument.what = What::truth;
        argument.integer = reader.as_bool() ? 1 : 0;
    } else if (value.is_number_integer() || value.is_number_unsigned()) {
        argument.what = What::integer;
        argument.integer =
            reader.as_signed(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
    } else if (value.is_number()) {
        argument.what = What::number;
        argument.number = reader.as_number(-1e300, 1e300);
    } else if (value.is_string() && constant) {
        argument.text = reader.as_string();
        argument.what = What::text;
        if (is_float_word(argument.text)) {
            argument.what = What::number;
            argument.number = float_of_word(argument.text);
        }
    } else if (value.is_string()) {
        argument = read_tensor_expression(reader, panel);
    } else if (value.is_array()) {
        argument.what = What::list;
        for (const JsonReader& element : reader.elements())
            argument.items.push_back(read_argument(element, panel, constant));
    } else if (reader.has("local")) {
        argument = read_tensor_expression(reader.member("local"), panel);
        if (argument.what != What::tensor) reader.member("local").reject("the name of a tensor");
        argument.what = What::local;
        reader.finish();
    } else if (reader.has("tensor") || reader.has("descriptor")) {
        const bool is_box = reader.has("descriptor");
        const JsonReader name = reader.member(is_box ? "descriptor" : "tensor");
        argument = read_tensor_expression(name, panel);
        if (argument.what != What::tensor) name.reject("the name of a tensor");
        argument.integer = static_cast<std::int64_t>(reader.integer("offset", 0, std::uint64_t{1} << 40, 0));
        if (reader.has("dtype")) argument.type = read_type(reader.member("dtype"));
        if (is_box) read_box(reader, argument);
        reader.finish();
    } else if (reader.has("value")) {
        argument = read_typed(reader.member("value"), read_type(reader.member("dtype")), panel, constant);
        reader.finish();
    } else if (reader.has("dtype")) {
        argument.what = What::dtype;
        argument.type = read_type(reader.member("dtype"));
        reader.finish();
    } else {
        reader.reject(
            "a number, the name of a tensor, a list, {\"local\": tensor}, {\"tensor\": ..., \"offset\": ...}, "
            "{\"descriptor\": ...}, {\"dtype\": ...} or {\"value\": ..., \"dtype\": ...}");
    }
    argument.constant = constant;
    return argument;
}

}  // namespace tilemesh::workloads

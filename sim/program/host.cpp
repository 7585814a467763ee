// SPDX-License-Identifier: Apache-2.0
#include "sim/program/host.h"

#include "sim/base/names.h"

#include <algorithm>
#include <cmath>

namespace tilemesh::program {

bool is_integral(const Value& value) {
    return value.kind() == Kind::integer || value.kind() == Kind::index || value.kind() == Kind::mask ||
           value.kind() == Kind::loaded;
}

bool is_number(const Value& value) { return value.is_scalar() || is_integral(value) || is_tile(value); }

Type element_type(const Value& value) { return value.kind() == Kind::mask ? Type::i1 : value.type(); }

Type own_type(const Value& value) {
    if (!value.is_constant()) return element_type(value);
    return type_of_constant(value.kind() == Kind::floating, value.as_integer());
}

Value Host::known(const Value& value) {
    if (value.kind() != Kind::loaded) return value;
    const Tile& tile = tile_of(value);
    tl.wait(tile);
    ValueOperand operand{&tile.record(), tile.record().values, tile.view(), 0.0F};
    const Payload& whole = *operand.payload;
    const View& view = tile.view();
    const Shape& dims = view.shape;
    std::vector<std::int64_t> numbers;
    numbers.reserve(static_cast<std::size_t>(dims.elements()));
    for (std::int64_t b = 0; b < dims.batch(); ++b)
        for (std::int64_t r = 0; r < dims.rows(); ++r)
            for (std::int64_t c = 0; c < dims.cols(); ++c)
                numbers.push_back(whole.integers[static_cast<std::size_t>(
                    view.offset + b * view.strides[0] + r * view.strides[1] + c * view.strides[2])]);
    const Ref<IndexTile> index = tabled(dims, std::move(numbers), value.type());
    if (value.type() == Type::i1 && dims.rank() > 0) return of(mask_of(index));
    return of(index);
}

std::int64_t Host::integer(const Value& value, std::string_view what) {
    if (value.kind() == Kind::integer) return value.as_integer();
    if (is_tile(value))
        complain(
            "{} depends on {}, which is computed by commands: control flow and addresses depend on integers that "
            "are known or loaded",
            what, describe(value));
    const Value now = known(value);
    if (now.kind() == Kind::integer) return now.as_integer();
    if (is_integral(now) && shape_of(now).elements() == 1) return index(now)->at(0, 0, 0);
    complain("{} is {}, expected an integer", what, describe(value));
}

bool Host::truth(const Value& value, std::string_view what) {
    if (value.is_scalar()) return value.is_true();
    switch (value.kind()) {
        case Kind::none:
            return false;
        case Kind::text:
            return !value.as<Text>().text.empty();
        case Kind::tuple:
            return !value.as<Tuple>().items.empty();
        case Kind::unset:
            complain("{} is a variable without a value", what);
        case Kind::pointer:
        case Kind::function:
        case Kind::dtype:
        case Kind::block:
        case Kind::descriptor:
            return true;
        default:
            return integer(value, what) != 0;
    }
}

std::vector<std::int64_t> Host::integers(const Value& tuple, std::string_view what) {
    if (tuple.kind() != Kind::tuple) return {integer(tuple, what)};
    std::vector<std::int64_t> out;
    out.reserve(tuple.as<Tuple>().items.size());
    for (const Value& item : tuple.as<Tuple>().items) out.push_back(integer(item, what));
    return out;
}

Shape Host::shape(const Value& tuple) {
    const bool several = tuple.kind() == Kind::tuple;
    const std::span<const Value> dims(several ? tuple.as<Tuple>().items.data() : &tuple,
                                      several ? tuple.as<Tuple>().items.size() : 1);
    if (dims.size() > 3) complain("a shape of {} dimensions, expected at most 3", dims.size());
    std::array<std::int32_t, 3> slots{1, 1, 1};
    for (std::size_t i = 0; i < dims.size(); ++i)
        slots[3 - dims.size() + i] = to_index(integer(dims[i], "a shape"), "dimension");
    const Shape shape(static_cast<int>(dims.size()), slots);
    if (!shape.positive()) complain("shape {} has no elements", shape.text());
    return shape;
}

Type Host::type(const Value& dtype) {
    if (dtype.kind() == Kind::dtype) return dtype.type();
    if (dtype.kind() == Kind::text) {
        const std::string& name = dtype.as<Text>().text;
        if (const auto type = type_from_name(name)) return *type;
        complain("there is no dtype \"{}\"", printable(name, 40));
    }
    complain("found {}, expected a dtype", describe(dtype));
}

std::string Host::text(const Value& value, std::string_view what) {
    if (value.kind() == Kind::none) return {};
    if (value.kind() == Kind::floating && std::isnan(value.as_floating())) return "nan";  // as a panel's constant
    if (value.kind() != Kind::text) complain("{} is {}, expected a text", what, describe(value));
    return value.as<Text>().text;
}

std::string Host::word(const Value& value, std::string_view what, std::initializer_list<std::string_view> words) {
    std::string given = text(value, what);
    if (given.empty() || std::find(words.begin(), words.end(), given) != words.end()) return given;
    complain("{} is {}, expected one of {}", what, printable(given, 40), fmt::join(words.begin(), words.end(), ", "));
}

int Host::network(const Value& value) {
    if (value.is_none()) return any_network;
    const std::vector<std::string>& names = tl.info().networks;
    if (value.kind() != Kind::text) {
        const std::int64_t number = integer(value, "a network");
        const auto count = static_cast<std::int64_t>(names.size());
        if (number >= 0 && number < count) return static_cast<int>(number);
        if (count == 1) complain("there is no network {}: the machine has one, leave network out", number);
        complain("there is no network {}, expected 0 to {} ({})", number, count - 1, list_of_names(names));
    }
    const std::string name = text(value, "a network");
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end() && !name.empty()) return static_cast<int>(found - names.begin());
    if (names.size() == 1)
        complain("there is no network {}: the machine has one, leave network out", printable(name));
    const auto near = nearest_name(name, names);
    complain("there is no network {}, expected {}{}", printable(name), list_of_names(names),
             near ? fmt::format("; did you mean {}?", *near) : "");
}

Ref<IndexTile> Host::index(const Value& value) {
    const Value now = known(value);
    switch (now.kind()) {
        case Kind::integer:
            return filled(Shape(), now.as_integer(), now.type() == Type::constant ? Type::i64 : now.type());
        case Kind::index:
            return now.ref<IndexTile>();
        case Kind::mask:
            return numbers_of(now.ref<Mask>());
        default:
            complain("found {}, expected integers", describe(value));
    }
}

Ref<Mask> Host::mask(const Value& value, std::string_view what) {
    if (is_tile(value))
        complain("{} is {}, which is computed by commands: memory is read and written under masks that are known",
                 what, describe(value));
    const Value now = known(value);
    if (now.kind() == Kind::mask) return now.ref<Mask>();
    if (!is_integral(now)) complain("{} is {}, expected booleans", what, describe(value));
    return mask_of(index(now));
}

Value Host::of(Ref<IndexTile> index) {
    const Type type = index->type;
    if (index->shape.rank() == 0) return Value::integer(index->at(0, 0, 0), type);
    return Value::object(Kind::index, type, std::move(index));
}

Value Host::of(Ref<Mask> mask) {
    if (mask->shape.rank() == 0) return Value::integer(mask->at(0, 0, 0) ? 1 : 0, Type::i1);
    return Value::object(Kind::mask, Type::i1, std::move(mask));
}

Tile Host::tile(const Value& value, Type type) {
    const Dtype dtype = dtype_of(type);
    switch (value.kind()) {
        case Kind::loaded:
        case Kind::tile:
            if (element_type(value) == type) return tile_of(value);
            return vector(Opcode::cast, {argument(value, type)}, type);
        case Kind::integer:
        case Kind::floating:
            return tl.full(Shape(), value.as_float(), dtype);
        case Kind::mask: {
            const Ref<Mask> mask = value.ref<Mask>();
            if (type == Type::i1)
                return tl.compare(mask->shape, MaskRow([mask](std::int32_t b, std::int32_t r, std::span<float> out) {
                                      mask->decide(b, r, out);
                                  }),
                                  mask->operations);
            return tile(of(numbers_of(mask)), type);
        }
        case Kind::index: {
            const Ref<IndexTile> numbers = value.ref<IndexTile>();
            const Shape dims = numbers->shape;
            if (is_integer(type) && type != Type::i1)
                return tl.fill_integers(dims, dtype, [numbers, dims, type](std::int32_t i) {
                    const std::int32_t col = i % dims.cols(), row = i / dims.cols() % dims.rows();
                    return wrapped(type, numbers->at(i / dims.cols() / dims.rows(), row, col));
                });
            return tl.fill(dims, dtype, [numbers, dims, dtype](std::int32_t i) {
                const std::int32_t col = i % dims.cols(), row = i / dims.cols() % dims.rows();
                const std::int64_t number = numbers->at(i / dims.cols() / dims.rows(), row, col);
                return round_to(dtype, float_of(numbers->type, number));
            });
        }
        default:
            complain("found {}, expected a tile or a number", describe(value));
    }
}

Host::Argument Host::argument(const Value& value, Type type) {
    if (value.is_scalar()) {
        const auto number = value.as_float();
        if (is_float(type)) return {.scalar = round_to(dtype_of(type), number)};
        if (value.kind() == Kind::floating) return {.scalar = number};
        return {.scalar = number, .whole = wrapped(type, value.as_integer())};
    }
    if (value.kind() == Kind::tile || value.kind() == Kind::loaded) return {.given = &tile_of(value)};
    return {.made = tile(value, type)};
}

const Tile& Host::tile(const Value& value, Type type, Tile& made) {
    if ((value.kind() == Kind::tile || value.kind() == Kind::loaded) && element_type(value) == type)
        return tile_of(value);
    made = tile(value, type);
    return made;
}

}  // namespace tilemesh::program

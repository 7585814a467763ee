// SPDX-License-Identifier: Apache-2.0
// What kernels ask of values as Python objects: items, attributes, kinds.
#include "sim/base/names.h"
#include "sim/program/block.h"

namespace tilemesh::program {
namespace {

Value dims_value(const std::vector<std::int64_t>& dims, Type type = Type::constant) {
    std::vector<Value> items;
    for (const std::int64_t dim : dims) items.push_back(Value::integer(dim, type));
    return tuple_value(std::move(items));
}

Value shape_value(const Value& x) {
    const Shape shape = shape_of(x);
    std::vector<std::int64_t> dims;
    for (int i = 0; i < shape.rank(); ++i) dims.push_back(shape.dim(i));
    return dims_value(dims);
}

bool has_type(const Value& x) {
    return is_number(x) || x.kind() == Kind::pointer || x.kind() == Kind::pointers || x.kind() == Kind::block ||
           x.kind() == Kind::descriptor || x.kind() == Kind::dtype;
}

}  // namespace

bool equal(Host& host, const Value& a, const Value& b) {
    if (a.kind() == Kind::tuple && b.kind() == Kind::tuple)
        return std::equal(a.as<Tuple>().items.begin(), a.as<Tuple>().items.end(), b.as<Tuple>().items.begin(),
                          b.as<Tuple>().items.end(),
                          [&](const Value& x, const Value& y) { return equal(host, x, y); });
    if (!is_number(a) || !is_number(b)) return same(a, b);
    return host.truth(binary(host, Op::eq, a, b), "a comparison");
}

bool same(const Value& a, const Value& b) {
    if (a.kind() != b.kind()) return false;
    if (a.is_scalar()) return a.as_floating() == b.as_floating();
    switch (a.kind()) {
        case Kind::text:
            return a.as<Text>().text == b.as<Text>().text;
        case Kind::dtype:
            return a.type() == b.type();
        case Kind::function:
            return a.as_integer() == b.as_integer();
        case Kind::tuple: {
            const auto &x = a.as<Tuple>().items, &y = b.as<Tuple>().items;
            if (x.size() != y.size()) return false;
            for (std::size_t i = 0; i < x.size(); ++i)
                if (!same(x[i], y[i])) return false;
            return true;
        }
        case Kind::none:
            return true;
        default:
            return a.ref<Object>().get() == b.ref<Object>().get() && a.as_integer() == b.as_integer();
    }
}

Value item(Host& host, const Value& tuple, const Value& i) {
    if (tuple.kind() != Kind::tuple) Host::complain("an item of {}", describe(tuple));
    const auto& items = tuple.as<Tuple>().items;
    const std::int64_t given = host.integer(i, "an index");
    const auto size = static_cast<std::int64_t>(items.size());
    const std::int64_t at = given < 0 ? given + size : given;
    if (at < 0 || at >= size) Host::complain("item {} of a tuple of {}", given, size);
    return items[static_cast<std::size_t>(at)];
}

Value attribute(Host& host, const Value& x, const Value& given) {
    const std::string name = host.text(given, "an attribute");
    if (name == "value" && (x.is_constant() || x.kind() == Kind::text || x.kind() == Kind::dtype ||
                            x.kind() == Kind::tuple || x.is_none()))
        return x;
    if (name == "shape" && has_shape(x)) return shape_value(x);
    if (name == "T") return permute(host, x, Value::none());
    if (name == "numel" && has_shape(x)) return Value::integer(shape_of(x).elements());
    if ((name == "dtype" || name == "type") && has_type(x)) return Value::dtype(own_type(x));
    if (x.kind() == Kind::descriptor) {
        const auto& block = x.as<Block>();
        if (name == "base") return Value::object(Kind::pointer, x.type(), block.array, block.base);
        if (name == "shape") return dims_value(block.shape, Type::i32);
        if (name == "strides") return dims_value(block.strides, Type::i64);
        if (name == "block_shape") return dims_value(block.block_shape);
    }
    if (x.kind() == Kind::dtype) {
        // A pointer's dtype is that of what it points to: there are no others.
        if (name == "element_ty" || name == "scalar" || name == "dtype") return x;
        if (name == "primitive_bitwidth") return Value::integer(bits_of(x.type()));
        if (name == "name") return text_value(std::string(name_of(x.type())));
    }
    Host::complain("{} has no attribute {}", describe(x), printable(name, 40));
}

Value method(Host& host, const Value& x, const Value& given) {
    const std::string name = host.text(given, "a method");
    if (x.kind() != Kind::dtype) Host::complain("{} has no method {}", describe(x), printable(name, 40));
    const Type type = x.type();
    const auto answer = [](bool yes) { return Value::boolean(yes); };
    if (name == "is_fp8") return answer(is_float(type) && bits_of(type) == 8);
    if (name == "is_fp8e4nv") return answer(type == Type::f8e4m3);
    if (name == "is_fp8e5") return answer(type == Type::f8e5m2);
    if (name == "is_fp16") return answer(type == Type::f16);
    if (name == "is_bf16") return answer(type == Type::bf16);
    if (name == "is_fp32") return answer(type == Type::f32);
    if (name == "is_fp64") return answer(false);
    if (name == "is_int") return answer(is_integer(type));
    if (name == "is_int1" || name == "is_bool") return answer(type == Type::i1);
    if (name == "is_int8") return answer(type == Type::i8);
    if (name == "is_int32") return answer(type == Type::i32);
    if (name == "is_int64") return answer(type == Type::i64);
    if (name == "is_int_signed") return answer(is_integer(type) && !is_unsigned(type));
    if (name == "is_int_unsigned") return answer(is_unsigned(type));
    if (name == "is_floating") return answer(is_float(type));
    if (name == "is_ptr" || name == "is_block") return answer(false);
    Host::complain("dtypes have no method {}", printable(name, 40));
}

bool is_a(Host& host, const Value& x, const Value& what) {
    const std::string kind = host.text(what, "a kind");
    if (kind == "tensor")
        return (is_number(x) && !x.is_constant()) || x.kind() == Kind::pointer || x.kind() == Kind::pointers;
    if (kind == "pointer") return x.kind() == Kind::pointer || x.kind() == Kind::pointers;
    if (kind == "tensor_descriptor") return x.kind() == Kind::descriptor;
    if (kind == "constexpr")
        return x.is_constant() || x.kind() == Kind::text || x.kind() == Kind::dtype || x.is_none();
    if (kind == "tuple") return x.kind() == Kind::tuple;
    Host::complain("is_a knows no kind {}", printable(kind, 40));
}

}  // namespace tilemesh::program

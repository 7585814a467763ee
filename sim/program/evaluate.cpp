// SPDX-License-Identifier: Apache-2.0
// What each operation calls.
#include "sim/program/interpreter.h"

#include <algorithm>

namespace tilemesh::program {
namespace {

/// false where a scalar decides `and` at once.
bool is_known(Host& host, const Value& x, bool truth) {
    if (is_tile(x)) return false;
    const Value now = host.known(x);
    if (has_shape(now) && shape_of(now).rank() > 0) return false;
    return host.truth(now, "a condition") == truth;
}

bool has_dimensions(const Value& x) { return has_shape(x) && (is_tile(x) || shape_of(x).rank() > 0); }

/// " at [3, 0]": the first element that is false; empty where all are true.
std::string first_false(const Mask& mask) {
    const Shape& shape = mask.shape;
    std::vector<float> row(static_cast<std::size_t>(shape.cols()));
    for (std::int32_t b = 0; b < shape.batch(); ++b)
        for (std::int32_t r = 0; r < shape.rows(); ++r) {
            mask.decide(b, r, row);
            const auto found = std::find(row.begin(), row.end(), 0.0F);
            if (found == row.end()) continue;
            const std::array<std::int64_t, 3> at{b, r, found - row.begin()};
            return fmt::format(" at [{}]", fmt::join(at.end() - shape.rank(), at.end(), ", "));
        }
    return "";
}

/// What an assertion says: a text, or texts and values one after the other, as Python writes these.
std::string text_of(const Value& message) {
    switch (message.kind()) {
        case Kind::text:
            return message.as<Text>().text;
        case Kind::integer:
            if (message.type() == Type::u64)
                return fmt::format("{}", static_cast<std::uint64_t>(message.as_integer()));
            return fmt::format("{}", message.as_integer());
        case Kind::floating: {
            const std::string digits = fmt::format("{}", message.as_floating());
            return digits.find_first_not_of("-0123456789") == std::string::npos ? digits + ".0" : digits;
        }
        case Kind::dtype:
            return std::string(name_of(message.type()));
        case Kind::tuple: {
            std::string text;
            for (const Value& part : message.as<Tuple>().items) text += text_of(part);
            return text;
        }
        default:
            return describe(message);
    }
}

void check(Host& host, const Value& condition, const Value& message, bool known_only) {
    std::string where;
    if (known_only && !is_tile(condition) && is_integral(condition) && has_dimensions(condition)) {
        where = first_false(*host.mask(condition, "an assertion"));
        if (where.empty()) return;
    } else if ((known_only && (is_tile(condition) || has_dimensions(condition))) ||
               host.truth(condition, "an assertion")) {
        return;
    }
    const std::string text = message.is_none() ? "" : text_of(message);
    Host::complain("an assertion does not hold{}{}{}", where, text.empty() ? "" : ": ", text);
}

Value constant_of(const Value& x) {
    if (x.kind() == Kind::integer) return Value::integer(x.as_integer());
    if (x.kind() == Kind::floating) return Value::floating(x.as_floating());
    return x;
}

Value contains(Host& host, const Value& tuple, const Value& x) {
    if (tuple.kind() != Kind::tuple) Host::complain("in of {}", describe(tuple));
    for (const Value& item : tuple.as<Tuple>().items)
        if (equal(host, item, x)) return Value::boolean(true);
    return Value::boolean(false);
}

Value length(const Value& x) {
    if (x.kind() == Kind::tuple) return Value::integer(static_cast<std::int64_t>(x.as<Tuple>().items.size()));
    if (has_shape(x) && shape_of(x).rank() > 0) return Value::integer(shape_of(x).dim(0));
    Host::complain("len of {}", describe(x));
}

std::size_t axis_of(Host& host, const Value& axis) {
    const std::int64_t i = host.integer(axis, "an axis");
    if (i < 0 || i > 2) Host::complain("axis {} of the grid, expected 0, 1 or 2", i);
    return static_cast<std::size_t>(i);
}

Value numbered(Host& host, const Value& start, const Value& end) {
    const std::int64_t first = host.integer(start, "the start of arange"),
                       last = host.integer(end, "the end of arange");
    if (last <= first) Host::complain("arange from {} to {}", first, last);
    return Host::of(iota(first, last));
}

}  // namespace

bool Interpreter::result_is_used() const {
    if (current_->result_count == 0) return false;
    const Function& function = *frames_.back().function;
    const auto first = function.releases.begin() + current_->first_release;
    return std::find(first, first + current_->releases, current_->result) == first + current_->releases;
}

Value Interpreter::evaluate(Op op, Operands a) {
    Host& host = host_;
    if (has_many_dimensions(op, a))
        return of_many_dimensions(host, op, a, [this](Op inner, Operands flat) { return evaluate(inner, flat); });
    switch (op) {
        case Op::copy:
            return *a[0];
        case Op::tuple: {
            std::vector<Value> items;
            items.reserve(a.size());
            for (const Value* operand : a) items.push_back(*operand);
            return tuple_value(std::move(items));
        }
        case Op::neg:
        case Op::abs:
        case Op::invert:
        case Op::logical_not:
        case Op::exp:
        case Op::exp2:
        case Op::log:
        case Op::log2:
        case Op::sqrt:
        case Op::rsqrt:
        case Op::sin:
        case Op::cos:
        case Op::erf:
        case Op::floor:
        case Op::ceil:
        case Op::tanh:
        case Op::sigmoid:
            return unary(host, op, *a[0]);
        case Op::fma:
            return fma(host, *a[0], *a[1], *a[2]);
        case Op::clamp:
            return clamp(host, *a[0], *a[1], *a[2]);
        case Op::where:
            return program::where(host, *a[0], *a[1], *a[2]);
        case Op::cast:
            if (host.truth(*a[2], "bitcast")) return bitcast(host, *a[0], host.type(*a[1]));
            return cast(host, *a[0], host.type(*a[1]));
        case Op::as_pointer:
            return as_pointer(host, *a[0], host.type(*a[1]));
        case Op::decides_and:
            return Value::boolean(is_known(host, *a[0], false));
        case Op::decides_or:
            return Value::boolean(is_known(host, *a[0], true));
        case Op::and_then:
            return has_dimensions(*a[0]) ? binary(host, Op::logical_and, *a[0], *a[1]) : *a[1];
        case Op::or_else:
            return has_dimensions(*a[0]) ? binary(host, Op::logical_or, *a[0], *a[1]) : *a[1];
        case Op::not_: {
            const Value x = host.known(*a[0]);
            if (has_dimensions(x) || x.is_scalar()) return unary(host, Op::logical_not, x);
            return Value::boolean(!host.truth(x, "not"));
        }
        case Op::is:
            return Value::boolean(same(*a[0], *a[1]));
        case Op::contains:
            return contains(host, *a[0], *a[1]);
        case Op::const_:
            return constant_of(host.known(*a[0]));
        case Op::int_:
            return a[0]->is_constant() ? constant_of(cast(host, *a[0], Type::i64)) : cast(host, *a[0], Type::i32);
        case Op::float_:
            if (a[0]->is_constant()) return Value::floating(a[0]->as_floating());
            return is_float(element_type(*a[0])) ? *a[0] : cast(host, *a[0], Type::f32);
        case Op::is_known:
            return Value::boolean(!is_tile(*a[0]) || shape_of(*a[0]).elements() > 1);
        case Op::bool_:
            return a[0]->is_constant() ? Value::boolean(a[0]->is_true()) : cast(host, *a[0], Type::i1);
        case Op::item:
            return item(host, *a[0], *a[1]);
        case Op::length:
            return length(*a[0]);
        case Op::attribute:
            return attribute(host, *a[0], *a[1]);
        case Op::method:
            return method(host, *a[0], *a[1]);
        case Op::is_a:
            return Value::boolean(is_a(host, *a[0], *a[1]));
        case Op::program_id:
            return Value::integer(host.instance.id[axis_of(host, *a[0])], Type::i32);
        case Op::num_programs:
            return Value::integer(host.instance.count[axis_of(host, *a[0])], Type::i32);
        case Op::arange:
            return numbered(host, *a[0], *a[1]);
        case Op::zeros:
            return fill(host, *a[0], Value::integer(0), *a[1]);
        case Op::full:
            return fill(host, *a[0], *a[1], *a[2]);
        case Op::zeros_like:
            return zeros_like(host, *a[0]);
        case Op::expand_dims:
            return expand_dims(host, *a[0], *a[1]);
        case Op::broadcast_to:
            return broadcast_to(host, *a[0], *a[1]);
        case Op::broadcast:
            return broadcast_both(host, *a[0], *a[1]);
        case Op::trans:
            return permute(host, *a[0], *a[1]);
        case Op::permute:
            return permute(host, *a[0], *a[1]);
        case Op::reshape:
            return reshape(host, *a[0], *a[1]);
        case Op::ravel:
            return reshape(host, *a[0], tuple_value({Value::integer(-1)}));
        case Op::join:
            return join(host, *a[0], *a[1]);
        case Op::split:
            return split(host, *a[0]);
        case Op::cat:
            return cat(host, *a[0], *a[1]);
        case Op::sum:
        case Op::max:
        case Op::min:
        case Op::argmax:
        case Op::argmin:
        case Op::cumsum:
            return reduction(host, op, a);
        case Op::softmax:
            return softmax(host, *a[0], *a[1]);
        case Op::dot:
            return dot(host, a);
        case Op::load:
            return load(host, a);
        case Op::store:
            store(host, a);
            return Value::none();
        case Op::atomic_add:
        case Op::atomic_max:
        case Op::atomic_min:
        case Op::atomic_and:
        case Op::atomic_or:
        case Op::atomic_xor:
            check_order(host, *a[3], *a[4]);
            if (result_is_used()) return atomic(host, op, *a[0], nullptr, *a[1], *a[2]);
            store(host, *a[0], *a[1], *a[2], tuple_value({}), merge_of(op));
            return Value();
        case Op::atomic_xchg:
            check_order(host, *a[3], *a[4]);
            if (is_integer(element_type(*a[0])) || result_is_used())
                return atomic(host, op, *a[0], nullptr, *a[1], *a[2]);
            store(host, *a[0], *a[1], *a[2], tuple_value({}), Merge::replace);
            return Value();
        case Op::atomic_cas:
            check_order(host, *a[3], *a[4]);
            return atomic(host, op, *a[0], a[1], *a[2], Value::none());
        case Op::descriptor_load:
            return descriptor_load(host, *a[0], *a[1], *a[2]);
        case Op::descriptor_store:
            descriptor_store(host, *a[0], *a[1], *a[2], *a[3]);
            return Value::none();
        case Op::make_block_ptr:
            return make_block(host, a, Kind::block);
        case Op::make_tensor_descriptor:
            return make_block(host, a, Kind::descriptor);
        case Op::advance:
            return advance(host, *a[0], *a[1]);
        case Op::send:
            send(host, *a[0], *a[1], *a[2], *a[3]);
            return Value::none();
        case Op::multicast:
            multicast(host, *a[0], *a[1], *a[2]);
            return Value::none();
        case Op::recv:
            return receive(host, *a[0], *a[1], *a[2], *a[3]);
        case Op::wait:
            if (a[0]->kind() == Kind::tile || a[0]->kind() == Kind::loaded) host.tl.wait(tile_of(*a[0]));
            return Value::none();
        case Op::barrier:
            host.instance.barrier ? host.instance.barrier() : host.tl.barrier();
            return Value::none();
        case Op::static_assert_:
            check(host, *a[0], *a[1], false);
            return Value::none();
        case Op::device_assert:
            check(host, *a[0], *a[1], true);
            return Value::none();
        case Op::multiple_of:
        case Op::max_contiguous:
        case Op::max_constancy:
            return *a[0];
        case Op::static_print:
        case Op::device_print:
        case Op::assume:
            return Value::none();
        case Op::debug_barrier:
            host.tl.drain();  // what comes before it is done before anything behind it begins
            return Value::none();
        default:
            return binary(host, op, *a[0], *a[1]);
    }
}

}  // namespace tilemesh::program

// SPDX-License-Identifier: Apache-2.0
// Memory of one type as elements of another, as pointers of that type see it: bytes follow each other from the least
// significant one. A view holds no values of its own.
#include "sim/program/host.h"
#include "sim/tile/integers.h"

#include <array>

namespace tilemesh::program {
namespace {

std::int64_t width_of(Type type) { return static_cast<std::int64_t>(bytes_of(type)); }

std::uint64_t low_bytes(std::uint64_t bits, std::int64_t bytes) {
    return bytes == 8 ? bits : bits & ((std::uint64_t{1} << (8 * bytes)) - 1);
}

/// Towards more significant bytes; of a negative number towards less.
std::uint64_t moved_up(std::uint64_t bits, std::int64_t bytes) {
    return bytes >= 0 ? bits << (8 * bytes) : bits >> (-8 * bytes);
}

}  // namespace

Ref<Array> Array::as(Type type) {
    if (base_) return base_->as(type);
    if (type == type_) return Ref<Array>(this);
    for (const Ref<Array>& view : views_)
        if (view->type() == type) return view;
    const std::int64_t elements = elements_ * width_of(type_) / width_of(type);
    auto view = make<Array>(name_, type, std::vector<std::int64_t>{elements}, layout_);
    view->base_ = this;
    views_.push_back(view);
    return view;
}

std::optional<std::uint64_t> Array::bits_in_base(std::size_t copy, std::int64_t element) const {
    const std::int64_t width = width_of(type_), other = width_of(base_->type_), first = element * width;
    std::uint64_t all = 0;
    for (std::int64_t i = first / other; i * other < first + width; ++i) {
        const auto bits = base_->bits_at(copy, i);
        if (!bits) return {};
        all |= moved_up(*bits, i * other - first);
    }
    return low_bytes(all, width);
}

/// What was never stored beside it counts as 0.
void Array::store_in_base(std::size_t copy, std::int64_t element, std::uint64_t bits) {
    const std::int64_t width = width_of(type_), other = width_of(base_->type_), first = element * width;
    bits = low_bytes(bits, width);
    for (std::int64_t i = first / other; i * other < first + width; ++i) {
        const std::int64_t before = first - i * other;
        std::uint64_t now = moved_up(bits, before);
        if (width < other)
            now |= base_->bits_at(copy, i).value_or(0) & ~moved_up(low_bytes(~std::uint64_t{0}, width), before);
        base_->store_bits(copy, i, low_bytes(now, other));
    }
}

std::optional<std::uint64_t> Array::bits_at(std::size_t copy, std::int64_t element) const {
    const std::int64_t width = width_of(type_);
    if (is_float(type_)) {
        const auto value = float_at(copy, element);
        if (!value) return {};
        return low_bytes(static_cast<std::uint64_t>(tilemesh::bits_of(dtype_of(type_), *value)), width);
    }
    const auto value = integer_at(copy, element);
    if (!value) return {};
    return low_bytes(static_cast<std::uint64_t>(*value), width);
}

void Array::store_bits(std::size_t copy, std::int64_t element, std::uint64_t bits) {
    const auto number = static_cast<std::int64_t>(bits);
    if (is_float(type_)) return store_float(copy, element, float_of_bits(dtype_of(type_), number));
    store_integer(copy, element, wrapped(type_, number));
}

/// Whole elements only.
void Array::touch_base(std::int64_t first, std::int64_t count) {
    const std::int64_t width = width_of(type_), other = width_of(base_->type_);
    const std::int64_t begin = (first * width + other - 1) / other, end = (first + count) * width / other;
    if (begin < end) base_->touch(begin, end - begin);
}

Value as_pointer(Host&, const Value& x, Type type) {
    const bool is_tile_of_pointers = x.kind() == Kind::pointers;
    if (!is_tile_of_pointers && x.kind() != Kind::pointer)
        Host::complain("{} cannot become a pointer: pass the tensor, or a tuple of tensors, as an argument",
                       describe(x));
    Array& array = is_tile_of_pointers ? static_cast<Array&>(*x.as<IndexTile>().array) : x.as<Array>();
    if (array.type() == type) return x;
    const Ref<Array> view = array.as(type);
    const std::int64_t from = width_of(array.type()), to = width_of(type);
    const auto check = [&](std::int64_t beyond) {
        if (beyond != 0)
            Host::complain("a pointer to {} that is no whole number of them from the beginning of {}", name_of(type),
                           array.name());
    };
    if (!is_tile_of_pointers) {
        check(x.as_integer() * from % to);
        return Value::object(Kind::pointer, type, view, x.as_integer() * from / to);
    }
    const Ref<IndexTile> bytes = multiply(x.ref<IndexTile>(), filled(Shape(), from, Type::i64), Type::i64);
    const std::array<Ref<IndexTile>, 2> operands{bytes, filled(Shape(), to, Type::i64)};
    Ref<IndexTile> places;
    if (from % to == 0) {
        places = multiply(x.ref<IndexTile>(), filled(Shape(), from / to, Type::i64), Type::i64);
    } else {
        const auto beyond =
            combine([](std::int64_t a, std::int64_t b, std::int64_t) { return a % b; }, operands, Type::i64);
        check(beyond->least() | beyond->most());
        places = combine([](std::int64_t a, std::int64_t b, std::int64_t) { return a / b; }, operands, Type::i64);
    }
    places->array = view;
    return Value::object(Kind::pointers, type, std::move(places));
}

}  // namespace tilemesh::program

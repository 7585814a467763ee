// SPDX-License-Identifier: Apache-2.0
// Loads, stores and atomic operations, through pointers, block pointers and descriptors.
#include "sim/program/array_access.h"
#include "sim/program/block.h"

#include <algorithm>
#include <limits>

namespace tilemesh::program {
namespace {

// Nothing of a cache is modelled; of its words those are taken that Triton takes, so that a slip is found.
void check_eviction_policy(Host& host, const Value& policy) {
    host.word(policy, "eviction_policy", {"evict_first", "evict_last"});
}

Target target_of(Host& host, const Value& to, const Value& mask, const Value& boundary, const Value& shape) {
    Target target;
    switch (to.kind()) {
        case Kind::pointer: {
            target.array = to.ref<Array>();
            Shape box;
            if (!shape.is_none()) box = host.shape(shape);
            auto places = make<IndexTile>();
            places->shape = box;
            places->type = Type::i64;
            places->base = to.as_integer();
            const std::array<std::int64_t, 3> steps{std::int64_t{box.rows()} * box.cols(), box.cols(), 1};
            for (std::size_t i = 0; i < 3; ++i)
                if (box.slots()[i] > 1) places->terms[i].step = steps[i];
            target.places = std::move(places);
            break;
        }
        case Kind::pointers:
            target.places = to.ref<IndexTile>();
            target.array = Ref<Array>(static_cast<Array*>(target.places->array.get()));
            break;
        case Kind::block: {
            const auto& block = to.as<Block>();
            if (!mask.is_none()) Host::complain("a block pointer takes no mask but boundary_check");
            return target_of(block, block.offsets, host.integers(boundary, "boundary_check"));
        }
        default:
            Host::complain("found {}, expected a pointer", describe(to));
    }
    if (mask.is_none()) return target;
    const Shape both_shapes = broadcast(target.places->shape, shape_of(mask));
    if (both_shapes.slots() != target.places->shape.slots())
        Host::complain("a mask {} for pointers {}", shape_of(mask).text(), target.places->shape.text());
    target.mask = host.mask(mask, "a mask");
    return target;
}

Value loaded(Host& host, const Target& target, const Value& other) {
    const Type type = target.array->type();
    const bool integers = is_integer(type);
    const Value standard = cast(host, other.is_none() ? Value::integer(0) : host.known(other), type);
    const auto access =
        make<ArrayAccess>(target.array, target.places, target.mask, host.tl.info().pe_id, host.tl.place());
    if (standard.is_scalar()) access->set_other(standard.as_float(), integers ? standard.as_integer() : 0);
    const Shape shape = target.places->shape;
    Value result;
    if (access->empty()) {
        if (standard.is_scalar()) {
            std::vector<Value> dims;
            for (int i = 0; i < shape.rank(); ++i) dims.push_back(Value::integer(shape.dim(i)));
            if (shape.rank() == 0) return standard;
            return fill(host, tuple_value(std::move(dims)), standard, Value::dtype(type));
        }
    } else {
        const Kind kind = integers ? Kind::loaded : Kind::tile;
        result = Value::object(
            kind, type, make<TileObject>(host.tl.load(access, shape, dtype_of(type), integers, target.network)));
    }
    if (standard.is_scalar()) return result;
    if (access->empty()) return standard;
    return where(host, Host::of(target.mask), result, standard);
}

/// What a block pointer or a descriptor of many dimensions has loaded.
Value in_dimensions_of(Host& host, const Value& block, const Value& flat) {
    const std::vector<std::int64_t>* const dims = many_dimensions_of_block(block);
    return dims ? in_dimensions(host, flat, *dims) : flat;
}

}  // namespace

Value add_to_pointer(Host& host, const Value& pointer, const Value& offset, std::int64_t sign) {
    if (is_tile(offset)) Host::complain("an address depends on {}, which is computed by commands", describe(offset));
    if (!is_integral(offset)) Host::complain("a pointer and {}", describe(offset));
    if (pointer.kind() == Kind::pointer) {
        const Value by = host.known(offset);
        if (by.kind() == Kind::integer)
            return Value::object(Kind::pointer, pointer.type(), pointer.ref<Object>(),
                                 pointer.as_integer() + sign * by.as_integer());
    }
    Ref<IndexTile> from;
    if (pointer.kind() == Kind::pointer) {
        from = filled(Shape(), pointer.as_integer(), Type::i64);
        from->array = pointer.ref<Object>();
    } else {
        from = pointer.ref<IndexTile>();
    }
    const Ref<IndexTile> by = host.index(offset);
    if (broadcast(from->shape, by->shape).rank() < 0)
        Host::complain("pointers {} and offsets {} do not broadcast", from->shape.text(), by->shape.text());
    Ref<IndexTile> out = sign > 0 ? add(from, by, Type::i64) : subtract(from, by, Type::i64);
    out->array = from->array;
    return Value::object(Kind::pointers, pointer.type(), std::move(out));
}

Value load(Host& host, std::span<const Value* const> a) {
    const Value &from = *a[0], &shape = *a[8], &dtype = *a[9];
    if (from.kind() == Kind::descriptor) Host::complain("load of a tensor descriptor: use its load method");
    const std::string padding_option = host.word(*a[4], "padding_option", {"zero", "nan"});
    host.word(*a[5], "cache_modifier", {".ca", ".cg", ".cv"});
    check_eviction_policy(host, *a[6]);
    Target target = target_of(host, from, *a[1], *a[3], shape);
    target.network = host.network(*a[10]);
    if (!dtype.is_none() && host.type(dtype) != target.array->type())
        Host::complain("load of {}: it is {}, expected {}", target.array->name(), name_of(target.array->type()),
                       name_of(host.type(dtype)));
    const bool pads_with_nan = from.kind() == Kind::block && padding_option == "nan";
    if (pads_with_nan && is_integer(target.array->type()))
        Host::complain("padding_option nan for {}, which holds {}", target.array->name(),
                       name_of(target.array->type()));
    const Value padding = Value::floating(std::numeric_limits<double>::quiet_NaN());
    return in_dimensions_of(host, from, loaded(host, target, pads_with_nan ? padding : *a[2]));
}

namespace {

void store_at(Host& host, const Target& target, const Value& value, Merge merge) {
    const Type type = target.array->type();
    const Shape shape = target.places->shape;
    if (!is_number(value)) Host::complain("store of {}", describe(value));
    const Shape given = shape_of(value);
    const bool fits = given.rank() <= shape.rank() ? broadcast(given, shape).slots() == shape.slots()
                                                   : given.elements() == 1 && shape.elements() == 1;
    if (!fits) Host::complain("store of {} to {} places", given.text(), shape.text());
    auto access =
        make<ArrayAccess>(target.array, target.places, target.mask, host.tl.info().pe_id, host.tl.place(), merge);
    if (access->empty()) return;
    Value now = value.kind() == Kind::loaded ? host.known(value) : value;
    if (is_integer(type) && !is_tile(now)) {
        // Numbers known at once are stored exactly, and in every run.
        access->set_numbers(broadcast_to(host.index(cast(host, now, type)), shape));
        host.tl.store(std::move(access), host.tl.full(shape, 0.0F, dtype_of(type)), target.network);
        return;
    }
    Tile tile = host.tile(cast(host, now, type), type);
    if (tile.shape().slots() != shape.slots()) tile = host.tl.broadcast_to(tile, shape);
    host.tl.store(std::move(access), tile, target.network);
}

}  // namespace

void store(Host& host, const Value& to, const Value& value, const Value& mask, const Value& boundary, Merge merge,
           int network) {
    // A pointer to one element takes a whole tile in mesh kernels: row by row from there.
    Value shape = Value::none();
    if (to.kind() == Kind::pointer && has_shape(value) && shape_of(value).elements() > 1) {
        std::vector<Value> dims;
        for (int i = 0; i < shape_of(value).rank(); ++i) dims.push_back(Value::integer(shape_of(value).dim(i)));
        shape = tuple_value(std::move(dims));
    }
    Target target = target_of(host, to, mask, boundary, shape);
    target.network = network;
    store_at(host, target, value, merge);
}

void store(Host& host, std::span<const Value* const> a) {
    host.word(*a[4], "cache_modifier", {".wb", ".cg", ".cs", ".wt"});
    check_eviction_policy(host, *a[5]);
    store(host, *a[0], *a[1], *a[2], *a[3], Merge::replace, host.network(*a[6]));
}

void check_order(Host& host, const Value& sem, const Value& scope) {
    host.word(sem, "sem", {"relaxed", "acquire", "release", "acq_rel"});
    host.word(scope, "scope", {"cta", "gpu", "sys"});
}

Merge merge_of(Op op) {
    switch (op) {
        case Op::atomic_add:
            return Merge::add;
        case Op::atomic_max:
            return Merge::maximum;
        case Op::atomic_min:
            return Merge::minimum;
        case Op::atomic_and:
            return Merge::both;
        case Op::atomic_or:
            return Merge::either;
        case Op::atomic_xor:
            return Merge::exclusive;
        default:
            return Merge::replace;
    }
}

/// What was there. All that the instance has issued before is done first, and it waits for the answer: so what a lock
/// guards is stored before the lock is given up, and read after it is taken.
Value atomic(Host& host, Op op, const Value& to, const Value* expected, const Value& value, const Value& mask) {
    const Target target = target_of(host, to, mask, tuple_value({}), Value::none());
    const Type type = target.array->type();
    if (!is_integer(type)) Host::complain("what {} of {} finds: only of integers", name_of(op), name_of(type));
    const auto numbers = [&](const Value& given) {
        if (is_tile(given) || !is_integral(given)) Host::complain("{} with {}", name_of(op), describe(given));
        return broadcast_to(host.index(cast(host, host.known(given), type)), target.places->shape);
    };
    auto access = make<ArrayAccess>(target.array, target.places, target.mask, host.tl.info().pe_id, host.tl.place());
    access->change_by(merge_of(op), numbers(value), expected ? numbers(*expected) : Ref<IndexTile>());
    if (access->empty()) return Host::of(filled(target.places->shape, 0, type));
    host.tl.drain();
    const Tile was = host.tl.load(access, target.places->shape, dtype_of(type), true);
    return host.known(Value::object(Kind::loaded, type, make<TileObject>(was)));
}

namespace {

Target descriptor_target(Host& host, const Value& descriptor, const Value& offsets) {
    if (descriptor.kind() != Kind::descriptor)
        Host::complain("found {}, expected a tensor descriptor", describe(descriptor));
    const auto& block = descriptor.as<Block>();
    const std::vector<std::int64_t> at = host.integers(offsets, "an offset");
    if (at.size() != block.shape.size())
        Host::complain("{} offsets for a descriptor of {} dimensions", at.size(), block.shape.size());
    std::vector<std::int64_t> all;
    for (std::size_t i = 0; i < at.size(); ++i) all.push_back(static_cast<std::int64_t>(i));
    return target_of(block, at, all);
}

}  // namespace

Value descriptor_load(Host& host, const Value& descriptor, const Value& offsets, const Value& network) {
    Target target = descriptor_target(host, descriptor, offsets);
    target.network = host.network(network);
    return in_dimensions_of(host, descriptor, loaded(host, target, Value::floating(descriptor.as<Block>().padding)));
}

void descriptor_store(Host& host, const Value& descriptor, const Value& offsets, const Value& value,
                      const Value& network) {
    Target target = descriptor_target(host, descriptor, offsets);
    target.network = host.network(network);
    store_at(host, target, value, Merge::replace);
}

}  // namespace tilemesh::program

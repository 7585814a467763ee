// SPDX-License-Identifier: Apache-2.0
// Other shapes of the same elements: for index tiles and pointers another way to count, for tiles another view.
#include "sim/program/host.h"

#include <algorithm>

namespace tilemesh::program {
namespace {

Shape shape_from(const std::vector<std::int64_t>& dims) {
    if (dims.size() > 3) Host::complain("a shape of {} dimensions, expected at most 3", dims.size());
    std::array<std::int32_t, 3> slots{1, 1, 1};
    for (std::size_t i = 0; i < dims.size(); ++i) slots[3 - dims.size() + i] = to_index(dims[i], "dimension");
    return Shape(static_cast<int>(dims.size()), slots);
}

std::vector<std::int64_t> dims_of(const Shape& shape) {
    std::vector<std::int64_t> dims;
    for (int i = 0; i < shape.rank(); ++i) dims.push_back(shape.dim(i));
    return dims;
}

Value as_value(const Value& like, Ref<IndexTile> index) {
    if (like.kind() == Kind::pointers) return Value::object(Kind::pointers, like.type(), std::move(index));
    if (like.kind() == Kind::mask) return Host::of(mask_of(index));
    return Host::of(std::move(index));
}

/// The same elements in the same order. Where the shapes have the same dimensions but for some of 1, terms move
/// along.
Ref<IndexTile> reshaped(const Ref<IndexTile>& from, const Shape& shape) {
    auto out = make<IndexTile>();
    out->shape = shape;
    out->type = from->type;
    out->array = from->array;
    if (from->all) {
        out->all = from->all;
        return out;
    }
    std::vector<std::size_t> old_slots, new_slots;
    for (std::size_t i = 0; i < 3; ++i) {
        if (from->shape.slots()[i] > 1) old_slots.push_back(i);
        if (shape.slots()[i] > 1) new_slots.push_back(i);
    }
    bool moves = old_slots.size() == new_slots.size();
    for (std::size_t i = 0; i < old_slots.size() && moves; ++i)
        moves = from->shape.slots()[old_slots[i]] == shape.slots()[new_slots[i]];
    if (moves) {
        out->base = from->base;
        for (std::size_t i = 0; i < old_slots.size(); ++i) out->terms[new_slots[i]] = from->terms[old_slots[i]];
        return out;
    }
    std::vector<std::int64_t> numbers;
    numbers.reserve(static_cast<std::size_t>(shape.elements()));
    const Shape& s = from->shape;
    for (std::int64_t b = 0; b < s.batch(); ++b)
        for (std::int64_t r = 0; r < s.rows(); ++r)
            for (std::int64_t c = 0; c < s.cols(); ++c) numbers.push_back(from->at(b, r, c));
    Ref<IndexTile> table = tabled(shape, std::move(numbers), from->type);
    table->array = from->array;
    return table;
}

Ref<IndexTile> permuted(const Ref<IndexTile>& from, const std::vector<int>& axes) {
    const int rank = from->shape.rank();
    std::array<std::int32_t, 3> slots{1, 1, 1};
    auto out = make<IndexTile>();
    out->type = from->type;
    out->array = from->array;
    out->base = from->base;
    std::array<std::size_t, 3> source{0, 1, 2};
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const std::size_t to = static_cast<std::size_t>(3 - rank) + i;
        source[to] = static_cast<std::size_t>(3 - rank + axes[i]);
        slots[to] = from->shape.slots()[source[to]];
        out->terms[to] = from->terms[source[to]];
    }
    out->shape = Shape(rank, slots);
    if (!from->all) return out;
    std::vector<std::int64_t> numbers;
    std::array<std::int64_t, 3> at{};
    for (std::int64_t b = 0; b < slots[0]; ++b)
        for (std::int64_t r = 0; r < slots[1]; ++r)
            for (std::int64_t c = 0; c < slots[2]; ++c) {
                at[source[0]] = b;
                at[source[1]] = r;
                at[source[2]] = c;
                numbers.push_back(from->at(at[0], at[1], at[2]));
            }
    out->base = 0;
    out->terms = {};
    out->all = make<Table>(std::move(numbers));
    return out;
}

/// Masks are comparisons; as index tiles of 0 and 1 they take other shapes.
Ref<IndexTile> index_or_pointers(Host& host, const Value& x) {
    if (x.kind() == Kind::pointers) return x.ref<IndexTile>();
    return host.index(x);
}

Value resized(Host& host, const Value& given, const Shape& shape, std::string_view what) {
    const Shape from = shape_of(given);
    if (shape.elements() != from.elements())
        Host::complain("{}: {} has {} elements, {} has {}", what, from.text(), from.elements(), shape.text(),
                       shape.elements());
    if (given.kind() == Kind::tile || given.kind() == Kind::loaded) {
        Tile tile = tile_of(given);
        const View& view = tile.view();
        const Shape& s = view.shape;
        const bool dense = (s.cols() == 1 || view.strides[2] == 1) &&
                           (s.rows() == 1 || view.strides[1] == s.cols()) &&
                           (s.batch() == 1 || view.strides[0] == s.rows() * s.cols());
        const bool same = from.slots() == shape.slots();
        if (same || !dense) {
            // Dimensions of 1 come and go without another order of the elements.
            std::vector<std::size_t> old_slots, new_slots;
            for (std::size_t i = 0; i < 3; ++i) {
                if (s.slots()[i] > 1) old_slots.push_back(i);
                if (shape.slots()[i] > 1) new_slots.push_back(i);
            }
            bool moves = old_slots.size() == new_slots.size();
            for (std::size_t i = 0; i < old_slots.size() && moves; ++i)
                moves = s.slots()[old_slots[i]] == shape.slots()[new_slots[i]];
            if (moves) {
                View moved = view;
                moved.shape = shape;
                moved.strides = {1, 1, 1};
                for (std::size_t i = 0; i < old_slots.size(); ++i)
                    moved.strides[new_slots[i]] = view.strides[old_slots[i]];
                return Value::object(given.kind(), given.type(), make<TileObject>(tile.with_view(moved)));
            }
            // Another order: the vector engine copies.
            const Type type = element_type(given);
            tile = host.vector(Opcode::cast, {tile}, type);
        }
        return Value::object(given.kind() == Kind::loaded && !dense ? Kind::tile : given.kind(), given.type(),
                             make<TileObject>(host.tl.reshape(tile, shape)));
    }
    return as_value(given, reshaped(index_or_pointers(host, given), shape));
}

std::vector<int> order_of(Host& host, const Value& dims, int rank) {
    std::vector<int> axes;
    axes.reserve(3);
    if (dims.is_none()) {
        for (int i = rank - 1; i >= 0; --i) axes.push_back(i);
        return axes;
    }
    unsigned seen = 0;
    for (const std::int64_t axis : host.integers(dims, "an axis")) {
        const std::int64_t counted = axis < 0 ? axis + rank : axis;
        if (counted < 0 || counted >= rank || (seen >> counted & 1U) != 0)
            Host::complain("axis {} of a tile of {} dimensions in an order of its dimensions", axis, rank);
        seen |= 1U << counted;
        axes.push_back(static_cast<int>(counted));
    }
    if (static_cast<int>(axes.size()) != rank)
        Host::complain("an order of {} dimensions for a tile of {}", axes.size(), rank);
    return axes;
}

}  // namespace

Value expand_dims(Host& host, const Value& x, const Value& axis) {
    if (!has_shape(x)) Host::complain("expand_dims of {}", describe(x));
    std::vector<std::int64_t> dims = dims_of(shape_of(x));
    std::vector<std::int64_t> axes = host.integers(axis, "an axis");
    const auto rank = static_cast<std::int64_t>(dims.size() + axes.size());
    for (std::int64_t& one : axes) {
        if (one < -rank || one >= rank) Host::complain("expand_dims at {} of {}", one, shape_of(x).text());
        if (one < 0) one += rank;
    }
    std::sort(axes.begin(), axes.end());
    for (const std::int64_t one : axes) dims.insert(dims.begin() + one, 1);
    if (x.is_scalar()) {
        if (x.kind() == Kind::floating)
            return tile_value(host.tl.reshape(host.tile(x, x.is_constant() ? Type::f32 : x.type()), shape_from(dims)),
                              x.is_constant() ? Type::f32 : x.type());
        return Host::of(filled(shape_from(dims), x.as_integer(), x.is_constant() ? Type::i32 : x.type()));
    }
    if (x.kind() == Kind::pointer)
        return broadcast_to(host, x, tuple_value(std::vector<Value>(dims.size(), Value::integer(1))));
    return resized(host, x, shape_from(dims), "expand_dims");
}

Value broadcast_to(Host& host, const Value& x, const Value& shape) {
    const Shape to = host.shape(shape);
    if (!has_shape(x)) Host::complain("broadcast_to of {}", describe(x));
    const Shape from = shape_of(x);
    if (from.rank() > to.rank() || broadcast(from, to).slots() != to.slots())
        Host::complain("broadcast_to: {} does not broadcast to {}", from.text(), to.text());
    if (x.kind() == Kind::tile || x.kind() == Kind::floating || x.kind() == Kind::loaded) {
        const Type type = x.is_constant() ? Type::f32 : element_type(x);
        return Value::object(x.kind() == Kind::loaded ? Kind::loaded : Kind::tile, type,
                             make<TileObject>(host.tl.broadcast_to(host.tile(x, type), to)));
    }
    if (x.kind() == Kind::pointer) {
        Ref<IndexTile> places = filled(to, x.as_integer(), Type::i64);
        places->array = x.ref<Object>();
        return Value::object(Kind::pointers, x.type(), std::move(places));
    }
    if (x.kind() == Kind::mask) return Host::of(mask_of(broadcast_to(host.index(x), to)));
    return as_value(x, broadcast_to(index_or_pointers(host, x), to));
}

Value broadcast_both(Host& host, const Value& a, const Value& b) {
    const Shape both = broadcast(shape_of(a), shape_of(b));
    if (!has_shape(a) || !has_shape(b) || both.rank() < 0)
        Host::complain("broadcast of {} and {}", describe(a), describe(b));
    std::vector<Value> dims;
    for (int i = 0; i < both.rank(); ++i) dims.push_back(Value::integer(both.dim(i)));
    const Value shape = tuple_value(std::move(dims));
    return tuple_value({broadcast_to(host, a, shape), broadcast_to(host, b, shape)});
}

Value permute(Host& host, const Value& x, const Value& dims) {
    if (!has_shape(x) || x.is_scalar()) Host::complain("a transpose of {}", describe(x));
    const int rank = shape_of(x).rank();
    std::vector<int> axes = order_of(host, dims, rank);
    if (x.kind() == Kind::tile || x.kind() == Kind::loaded)
        return Value::object(x.kind(), x.type(), make<TileObject>(host.tl.permute(tile_of(x), axes)));
    return as_value(x, permuted(index_or_pointers(host, x), axes));
}

Value reshape(Host& host, const Value& x, const Value& shape) {
    if (!has_shape(x)) Host::complain("reshape of {}", describe(x));
    std::vector<std::int64_t> dims = host.integers(shape, "a shape");
    std::int64_t known = 1;
    auto open = dims.end();
    for (auto dim = dims.begin(); dim != dims.end(); ++dim) {
        if (*dim == -1 && open == dims.end()) {
            open = dim;
        } else if (*dim < 1) {
            Host::complain("reshape to a dimension of {}", *dim);
        } else {
            known *= *dim;
        }
    }
    if (open != dims.end()) *open = shape_of(x).elements() / known;
    if (x.is_scalar()) return broadcast_to(host, x, shape);
    return resized(host, x, shape_from(dims), "reshape");
}

Value join(Host& host, const Value& a, const Value& b) {
    // Two halves side by side in a new last dimension: the vector engine copies both.
    const Value both = broadcast_both(host, a, b);
    const Value &x = both.as<Tuple>().items[0], &y = both.as<Tuple>().items[1];
    const Value choice = Host::of(iota(0, 2));
    const Value is_second = binary(host, Op::eq, choice, Value::integer(1));
    const Value last = Value::integer(-1);
    return where(host, is_second, expand_dims(host, y, last), expand_dims(host, x, last));
}

Value split(Host& host, const Value& x) {
    const Shape shape = shape_of(x);
    if (!is_number(x) || shape.rank() < 1 || shape.cols() != 2)
        Host::complain("split of {}, expected a tile whose last dimension is 2", describe(x));
    std::vector<Value> halves;
    std::vector<std::int64_t> dims = dims_of(shape);
    dims.pop_back();
    for (const std::int32_t i : {0, 1}) {
        if (!is_tile(x)) {
            const Ref<IndexTile> all = host.index(x);
            std::vector<std::int64_t> numbers;
            for (std::int32_t b = 0; b < shape.batch(); ++b)
                for (std::int32_t r = 0; r < shape.rows(); ++r) numbers.push_back(all->at(b, r, i));
            halves.push_back(Host::of(tabled(shape_from(dims), std::move(numbers), all->type)));
            continue;
        }
        const Tile half = host.tl.slice(tile_of(x), -1, i, i + 1);
        halves.push_back(resized(host, tile_value(half, x.type()), shape_from(dims), "split"));
    }
    return tuple_value(std::move(halves));
}

Value cat(Host& host, const Value& a, const Value& b) {
    const Shape x = shape_of(a), y = shape_of(b);
    if (x.rank() != 1 || y.rank() != 1 || x.elements() != y.elements())
        Host::complain("cat of {} and {}, expected two tiles of one dimension and size", describe(a), describe(b));
    const Value joined = permute(host, join(host, a, b), tuple_value({Value::integer(1), Value::integer(0)}));
    return reshape(host, joined, tuple_value({Value::integer(2 * x.elements())}));
}

}  // namespace tilemesh::program

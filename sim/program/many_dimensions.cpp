// SPDX-License-Identifier: Apache-2.0
// More than three dimensions. The machine's tiles have three at most, so such a value lies row by row in one of one
// dimension: what is done element by element is done there, and what concerns an axis takes the dimensions before it
// and behind it as one each. Turning dimensions around copies, an axis at a time.
#include "sim/program/host.h"

#include <algorithm>
#include <numeric>

namespace tilemesh::program {
namespace {

constexpr std::size_t most = 3;
using Dims = std::vector<std::int64_t>;

std::int64_t product(Dims::const_iterator begin, Dims::const_iterator end) {
    return std::accumulate(begin, end, std::int64_t{1}, std::multiplies<>());
}
std::int64_t product(const Dims& dims) { return product(dims.begin(), dims.end()); }

Value tuple_of(const Dims& dims) {
    std::vector<Value> items;
    for (const std::int64_t dim : dims) items.push_back(Value::integer(dim));
    return tuple_value(std::move(items));
}

bool is_shaped(const Value& x) {
    return x.kind() == Kind::many || (has_shape(x) && !x.is_scalar() && x.kind() != Kind::pointer);
}

Dims dims_of(const Value& x) {
    if (x.kind() == Kind::many) return x.as<ManyDimensions>().dims;
    Dims dims;
    if (!has_shape(x)) return dims;
    const Shape shape = shape_of(x);
    for (int i = 0; i < shape.rank(); ++i) dims.push_back(shape.dim(i));
    return dims;
}

Value flat_of(Host& host, const Value& x) {
    if (x.kind() == Kind::many) return x.as<ManyDimensions>().flat;
    return dims_of(x).size() == 1 ? x : reshape(host, x, tuple_of({shape_of(x).elements()}));
}

std::size_t axis_of(Host& host, const Value& axis, std::size_t rank) {
    const std::int64_t given = host.integer(axis, "an axis"), size = static_cast<std::int64_t>(rank);
    if (given < -size || given >= size) Host::complain("axis {} does not exist in {} dimensions", given, rank);
    return static_cast<std::size_t>(given < 0 ? given + size : given);
}

Value broadcast_flat(Host& host, Value flat, Dims from, const Dims& to) {
    if (from.size() > to.size()) Host::complain("broadcast of {} dimensions to {}", from.size(), to.size());
    from.insert(from.begin(), to.size() - from.size(), 1);
    for (std::size_t i = 0; i < to.size(); ++i) {
        if (from[i] == to[i]) continue;
        if (from[i] != 1) Host::complain("broadcast: a dimension of {} does not become {}", from[i], to[i]);
        std::size_t end = i;
        while (end < to.size() && from[end] == 1) ++end;
        const auto begin_of = [&](const Dims& dims, std::size_t at) {
            return dims.begin() + static_cast<std::ptrdiff_t>(at);
        };
        const std::int64_t before = product(begin_of(from, 0), begin_of(from, i));
        const std::int64_t times = product(begin_of(to, i), begin_of(to, end));
        const std::int64_t behind = product(begin_of(from, end), from.end());
        flat = reshape(host, flat, tuple_of({before, 1, behind}));
        flat = broadcast_to(host, flat, tuple_of({before, times, behind}));
        flat = reshape(host, flat, tuple_of({before * times * behind}));
        for (std::size_t j = i; j < end; ++j) from[j] = to[j];
    }
    return flat;
}

Value permuted(Host& host, const Value& x, const Value& order) {
    Dims dims = dims_of(x);
    std::vector<std::size_t> axes;
    if (order.is_none()) {
        for (std::size_t i = dims.size(); i > 0; --i) axes.push_back(i - 1);
    } else {
        for (const Value& axis : order.as<Tuple>().items) axes.push_back(axis_of(host, axis, dims.size()));
    }
    std::vector<std::size_t> sorted = axes;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i)
        if (sorted[i] != i || sorted.size() != dims.size()) Host::complain("no order of {} dimensions", dims.size());
    Value flat = flat_of(host, x);
    Dims out;
    for (const std::size_t axis : axes) out.push_back(dims[axis]);
    // Axes go to the end one by one, those that stay together in one step; the first ones that lie right stay.
    std::vector<std::size_t> now(dims.size());
    std::iota(now.begin(), now.end(), 0);
    std::size_t done = 0;
    while (done < axes.size() && axes[done] == done) ++done;
    while (done < axes.size()) {
        std::size_t count = 1;
        while (done + count < axes.size() && axes[done + count] == axes[done] + count) ++count;
        const auto first = std::find(now.begin(), now.end(), axes[done]);
        const auto at = static_cast<std::size_t>(first - now.begin());
        std::int64_t before = 1, mine = 1, behind = 1;
        for (std::size_t i = 0; i < now.size(); ++i)
            (i < at ? before : i < at + count ? mine : behind) *= dims[now[i]];
        if (behind > 1 && mine > 1) {
            flat = reshape(host, flat, tuple_of({before, mine, behind}));
            flat = permute(host, flat, tuple_of({0, 2, 1}));
            flat = reshape(host, flat, tuple_of({before * mine * behind}));
        }
        std::rotate(now.begin() + static_cast<std::ptrdiff_t>(at),
                    now.begin() + static_cast<std::ptrdiff_t>(at + count), now.end());
        done += count;
    }
    return in_dimensions(host, flat, out);
}

/// Elements of all operands side by side.
Value elementwise(Host& host, Op op, std::span<const Value* const> a, const Evaluate& evaluate) {
    Dims dims;
    for (const Value* x : a) {
        if (!is_shaped(*x)) continue;
        Dims mine = dims_of(*x);
        if (mine.size() > dims.size()) dims.insert(dims.begin(), mine.size() - dims.size(), 1);
        for (std::size_t i = 0; i < mine.size(); ++i) {
            std::int64_t& to = dims[dims.size() - mine.size() + i];
            if (to == 1) to = mine[i];
        }
    }
    std::vector<Value> flat;
    flat.reserve(a.size());
    for (const Value* x : a)
        flat.push_back(is_shaped(*x) ? broadcast_flat(host, flat_of(host, *x), dims_of(*x), dims) : *x);
    std::vector<const Value*> operands;
    for (const Value& x : flat) operands.push_back(&x);
    const Value result = evaluate(op, operands);
    return has_shape(result) && !result.is_scalar() ? in_dimensions(host, result, dims) : result;
}

Value reduced(Host& host, Op op, std::span<const Value* const> a, const Evaluate& evaluate) {
    Dims dims = dims_of(*a[0]);
    const Value flat = flat_of(host, *a[0]);
    std::vector<const Value*> operands(a.begin(), a.end());
    const Value no = Value::boolean(false), middle = Value::integer(1), first = Value::integer(0);
    const bool has_indices = op == Op::max || op == Op::min, scans = op == Op::cumsum;
    const std::size_t keep = has_indices ? 4 : op == Op::sum ? 2 : 3;
    const bool keeps = !scans && host.truth(*a[keep], "keep_dims");
    if (!scans) operands[keep] = &no;
    if (a[1]->is_none()) {
        operands[0] = &flat;
        operands[1] = &first;
        const Value all = evaluate(op, operands);
        return keeps ? in_dimensions(host, reshape(host, all, tuple_of({1})), Dims(dims.size(), 1)) : all;
    }
    const auto axis = static_cast<std::ptrdiff_t>(axis_of(host, *a[1], dims.size()));
    const Value rows =
        reshape(host, flat,
                tuple_of({product(dims.begin(), dims.begin() + axis), dims[static_cast<std::size_t>(axis)],
                          product(dims.begin() + axis + 1, dims.end())}));
    operands[0] = &rows;
    operands[1] = &middle;
    const Value result = evaluate(op, operands);
    if (!scans && keeps) {
        dims[static_cast<std::size_t>(axis)] = 1;
    } else if (!scans) {
        dims.erase(dims.begin() + axis);
    }
    const auto finished = [&](const Value& x) {
        return in_dimensions(host, reshape(host, x, tuple_of({product(dims)})), dims);
    };
    if (result.kind() != Kind::tuple) return finished(result);
    return tuple_value({finished(result.as<Tuple>().items[0]), finished(result.as<Tuple>().items[1])});
}

Value expanded(Host& host, const Value& x, const Value& axes) {
    Dims dims = dims_of(x), places = host.integers(axes, "an axis");
    const auto rank = static_cast<std::int64_t>(dims.size() + places.size());
    for (std::int64_t& one : places) one = one < 0 ? one + rank : one;
    std::sort(places.begin(), places.end());
    for (const std::int64_t one : places) {
        if (one < 0 || one > static_cast<std::int64_t>(dims.size())) Host::complain("expand_dims at {}", one);
        dims.insert(dims.begin() + one, 1);
    }
    return in_dimensions(host, flat_of(host, x), dims);
}

Value reshaped(Host& host, const Value& x, const Value& shape) {
    Dims dims = host.integers(shape, "a shape");
    const std::int64_t all = product(dims_of(x));
    for (std::int64_t& dim : dims)
        if (dim == -1) dim = all / -product(dims);
    if (product(dims) != all) Host::complain("reshape of {} elements to {}", all, product(dims));
    return in_dimensions(host, flat_of(host, x), dims);
}

/// What a block of so many dimensions is told to take.
void store_block(Host& host, Op op, std::span<const Value* const> a, const Dims& dims) {
    const Value& given = *a[op == Op::store ? 1 : 2];
    const Value flat = is_shaped(given) ? broadcast_flat(host, flat_of(host, given), dims_of(given), dims) : given;
    if (op == Op::store)
        store(host, *a[0], flat, *a[2], *a[3], Merge::replace, host.network(*a[6]));
    else
        descriptor_store(host, *a[0], *a[1], flat, *a[3]);
}

std::size_t size_of(const Value& shape) { return shape.kind() == Kind::tuple ? shape.as<Tuple>().items.size() : 0; }

}  // namespace

bool makes_many_dimensions(Op op, std::span<const Value* const> a) {
    switch (op) {
        case Op::reshape:
        case Op::broadcast_to:
            return is_shaped(*a[0]) && size_of(*a[1]) > most;
        case Op::zeros:
        case Op::full:
            return size_of(*a[0]) > most;
        case Op::expand_dims:
            return is_shaped(*a[0]) && dims_of(*a[0]).size() + std::max<std::size_t>(1, size_of(*a[1])) > most;
        case Op::store:
        case Op::descriptor_store:
            return many_dimensions_of_block(*a[0]) != nullptr;
        case Op::join:
            return std::max(dims_of(*a[0]).size(), dims_of(*a[1]).size()) == most;
        default:
            return false;
    }
}

Value in_dimensions(Host& host, const Value& flat, const Dims& dims) {
    if (dims.size() <= most) return reshape(host, flat, tuple_of(dims));
    return Value::object(Kind::many, element_type(flat), make<ManyDimensions>(dims, flat));
}

Value of_many_dimensions(Host& host, Op op, std::span<const Value* const> a, const Evaluate& evaluate) {
    if (op == Op::store || op == Op::descriptor_store) {
        if (const Dims* const dims = many_dimensions_of_block(*a[0])) {
            store_block(host, op, a, *dims);
            return Value::none();
        }
    }
    switch (op) {
        case Op::reshape:
            return reshaped(host, *a[0], *a[1]);
        case Op::ravel:
            return flat_of(host, *a[0]);
        case Op::trans:
        case Op::permute:
            return permuted(host, *a[0], *a[1]);
        case Op::expand_dims:
            return expanded(host, *a[0], *a[1]);
        case Op::broadcast_to: {
            const Dims dims = host.integers(*a[1], "a shape");
            return in_dimensions(host, broadcast_flat(host, flat_of(host, *a[0]), dims_of(*a[0]), dims), dims);
        }
        case Op::zeros:
        case Op::full: {
            const Dims dims = host.integers(*a[0], "a shape");
            const Value all = tuple_of({product(dims)});
            std::vector<const Value*> operands(a.begin(), a.end());
            operands[0] = &all;
            return in_dimensions(host, evaluate(op, operands), dims);
        }
        case Op::zeros_like:
            return in_dimensions(host, zeros_like(host, flat_of(host, *a[0])), dims_of(*a[0]));
        case Op::join: {
            Dims dims = dims_of(dims_of(*a[0]).size() < dims_of(*a[1]).size() ? *a[1] : *a[0]);
            const Value x = broadcast_flat(host, flat_of(host, *a[0]), dims_of(*a[0]), dims);
            const Value y = broadcast_flat(host, flat_of(host, *a[1]), dims_of(*a[1]), dims);
            dims.push_back(2);
            return in_dimensions(host, reshape(host, join(host, x, y), tuple_of({product(dims)})), dims);
        }
        case Op::split: {
            Dims dims = dims_of(*a[0]);
            if (dims.back() != 2) Host::complain("split of a last dimension of {}, expected 2", dims.back());
            dims.pop_back();
            const Value both = split(host, reshape(host, flat_of(host, *a[0]), tuple_of({product(dims), 2})));
            const auto& halves = both.as<Tuple>().items;
            return tuple_value({in_dimensions(host, halves[0], dims), in_dimensions(host, halves[1], dims)});
        }
        case Op::sum:
        case Op::max:
        case Op::min:
        case Op::argmax:
        case Op::argmin:
        case Op::cumsum:
            return reduced(host, op, a, evaluate);
        case Op::length:
            return Value::integer(dims_of(*a[0]).front());
        case Op::attribute: {
            const std::string name = host.text(*a[1], "an attribute");
            if (name == "shape") return tuple_of(dims_of(*a[0]));
            if (name == "T") return permuted(host, *a[0], Value::none());
            return attribute(host, flat_of(host, *a[0]), *a[1]);
        }
        case Op::is_a:
            return Value::boolean(is_a(host, flat_of(host, *a[0]), *a[1]));
        case Op::wait: {
            const Value flat = flat_of(host, *a[0]);
            const std::array<const Value*, 1> operand{&flat};
            return evaluate(op, operand);
        }
        case Op::broadcast:
        case Op::dot:
        case Op::cat:
        case Op::softmax:
        case Op::send:
        case Op::multicast:
        case Op::descriptor_store:
            Host::complain("{} of more than three dimensions is not supported", name_of(op));
        default:
            return elementwise(host, op, a, evaluate);
    }
}

}  // namespace tilemesh::program

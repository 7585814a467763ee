// SPDX-License-Identifier: Apache-2.0
#include "sim/program/block.h"
#include "sim/program/box.h"

#include <algorithm>
#include <limits>

namespace tilemesh::program {
namespace {

constexpr std::size_t most_dimensions = 3;                   // of the machine's tiles
constexpr std::int64_t most_places = std::int64_t{1} << 24;  // that are kept one by one

Ref<Mask> both(const Ref<Mask>& a, const Ref<Mask>& b) {
    if (!a) return b;
    if (!b) return a;
    return join(Mask::What::both, a, b);
}

/// Of a block of more than three dimensions.
std::int64_t elements_of(const Block& block) {
    std::int64_t elements = 1;
    for (const std::int64_t dim : block.block_shape) {
        if (dim < 1) Host::complain("a block with a dimension of {} has no elements", dim);
        if (dim > most_places / elements)
            Host::complain("a block of {} dimensions has more than {} elements", block.block_shape.size(),
                           most_places);
        elements *= dim;
    }
    return elements;
}

Shape block_shape(const Block& block) {
    std::array<std::int32_t, 3> slots{1, 1, 1};
    const std::size_t rank = block.block_shape.size();
    for (std::size_t i = 0; i < rank; ++i) slots[3 - rank + i] = to_index(block.block_shape[i], "dimension");
    return Shape(static_cast<int>(rank), slots);
}

bool is_checked(const std::vector<std::int64_t>& checked, std::size_t dimension) {
    return std::find(checked.begin(), checked.end(), static_cast<std::int64_t>(dimension)) != checked.end();
}

/// More dimensions than index tiles have: place by place.
Target flat_target(const Block& block, const std::vector<std::int64_t>& offsets,
                   const std::vector<std::int64_t>& checked) {
    const std::size_t rank = block.block_shape.size();
    const std::int64_t elements = elements_of(block);
    std::vector<std::int64_t> places, inside, at = offsets;
    places.reserve(static_cast<std::size_t>(elements));
    inside.reserve(static_cast<std::size_t>(elements));
    bool all = true;
    for (std::int64_t i = 0; i < elements; ++i) {
        std::int64_t place = block.base;
        bool is_inside = true;
        for (std::size_t d = 0; d < rank; ++d) {
            place += at[d] * block.strides[d];
            if (is_checked(checked, d)) is_inside = is_inside && at[d] >= 0 && at[d] < block.shape[d];
        }
        places.push_back(place);
        inside.push_back(is_inside ? 1 : 0);
        all = all && is_inside;
        for (std::size_t d = rank; d-- > 0;) {
            if (++at[d] < offsets[d] + block.block_shape[d]) break;
            at[d] = offsets[d];
        }
    }
    Target target;
    target.array = block.array;
    target.places = tabled(Shape{elements}, std::move(places), Type::i64);
    if (!all) target.mask = mask_of(tabled(Shape{elements}, std::move(inside), Type::i1));
    return target;
}

}  // namespace

Target target_of(const Block& block, const std::vector<std::int64_t>& offsets,
                 const std::vector<std::int64_t>& checked) {
    if (block.block_shape.size() > most_dimensions) return flat_target(block, offsets, checked);
    Target target;
    target.array = block.array;
    auto places = make<IndexTile>();
    places->shape = block_shape(block);
    places->type = Type::i64;
    places->base = block.base;
    const std::size_t rank = block.block_shape.size();
    for (std::size_t i = 0; i < rank; ++i) {
        const std::size_t slot = 3 - rank + i;
        places->base += offsets[i] * block.strides[i];
        if (places->shape.slots()[slot] > 1) places->terms[slot].step = block.strides[i];
        if (!is_checked(checked, i)) continue;
        auto along = make<IndexTile>();
        std::array<std::int32_t, 3> dims{1, 1, 1};
        dims[slot] = places->shape.slots()[slot];
        along->shape = Shape(static_cast<int>(rank), dims);
        along->type = Type::i64;
        along->base = offsets[i];
        if (dims[slot] > 1) along->terms[slot].step = 1;
        const std::int64_t last = offsets[i] + dims[slot] - 1;
        if (last >= block.shape[i])
            target.mask =
                both(target.mask, compare(Comparison::less, along, filled(Shape(), block.shape[i], Type::i64)));
        if (offsets[i] < 0)
            target.mask = both(target.mask, compare(Comparison::less_equal, filled(Shape(), 0, Type::i64), along));
    }
    target.places = std::move(places);
    return target;
}

namespace {

Value checked(Ref<Block> block, Kind kind) {
    const std::size_t rank = block->shape.size();
    if (rank == 0 || block->strides.size() != rank || block->offsets.size() != rank ||
        block->block_shape.size() != rank)
        Host::complain(
            "a block with {} dimensions of the tensor, {} strides, {} offsets and {} dimensions of its own", rank,
            block->strides.size(), block->offsets.size(), block->block_shape.size());
    if (rank > most_dimensions) {
        elements_of(*block);
    } else if (!block_shape(*block).positive()) {
        Host::complain("a block {} has no elements", block_shape(*block).text());
    }
    const Type type = block->array->type();
    return Value::object(kind, type, std::move(block));
}

Ref<Array> array_of(const Value& pointer, std::int64_t& base) {
    if (pointer.kind() != Kind::pointer)
        Host::complain("found {}, expected a pointer to one element", describe(pointer));
    base = pointer.as_integer();
    return pointer.ref<Array>();
}

}  // namespace

Value make_block(Host& host, std::span<const Value* const> a, Kind kind) {
    auto block = make<Block>();
    block->array = array_of(*a[0], block->base);
    block->shape = host.integers(*a[1], "a shape");
    block->strides = host.integers(*a[2], "a stride");
    const bool pointer = kind == Kind::block;
    block->block_shape = host.integers(*a[pointer ? 4 : 3], "a block's shape");
    block->offsets = pointer ? host.integers(*a[3], "an offset") : std::vector<std::int64_t>(block->shape.size(), 0);
    if (!pointer && host.word(*a[4], "padding_option", {"zero", "nan"}) == "nan")
        block->padding = std::numeric_limits<double>::quiet_NaN();
    return checked(std::move(block), kind);
}

Value descriptor_value(Ref<Array> array, std::int64_t first, const Box& box) {
    auto block = make<Block>();
    block->array = std::move(array);
    block->base = first;
    block->shape = box.shape;
    block->strides = box.strides;
    block->block_shape = box.block_shape;
    block->offsets.assign(box.shape.size(), 0);
    if (box.pads_with_nan) block->padding = std::numeric_limits<double>::quiet_NaN();
    return checked(std::move(block), Kind::descriptor);
}

Value advance(Host& host, const Value& given, const Value& offsets) {
    if (given.kind() != Kind::block) Host::complain("advance of {}, expected a block pointer", describe(given));
    const auto& from = given.as<Block>();
    const std::vector<std::int64_t> by = host.integers(offsets, "an offset");
    if (by.size() != from.offsets.size())
        Host::complain("advance by {} offsets of a block of {} dimensions", by.size(), from.offsets.size());
    auto block = make<Block>();
    block->array = from.array;
    block->base = from.base;
    block->shape = from.shape;
    block->strides = from.strides;
    block->block_shape = from.block_shape;
    block->offsets = from.offsets;
    for (std::size_t i = 0; i < by.size(); ++i) block->offsets[i] += by[i];
    return Value::object(Kind::block, given.type(), std::move(block));
}

const std::vector<std::int64_t>* many_dimensions_of_block(const Value& x) {
    if (x.kind() != Kind::block && x.kind() != Kind::descriptor) return nullptr;
    const std::vector<std::int64_t>& dims = x.as<Block>().block_shape;
    return dims.size() > most_dimensions ? &dims : nullptr;
}

}  // namespace tilemesh::program

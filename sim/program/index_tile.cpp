// SPDX-License-Identifier: Apache-2.0
#include "sim/program/index_tile.h"

#include "sim/base/error.h"

#include <algorithm>

namespace tilemesh::program {
namespace {

constexpr std::int64_t most_elements = std::int64_t{1} << 24;  // of what is kept element by element

Shape common_shape(std::span<const Ref<IndexTile>> operands) {
    Shape shape = operands.front()->shape;
    for (const Ref<IndexTile>& operand : operands.subspan(1)) shape = broadcast(shape, operand->shape);
    if (shape.rank() < 0) fail<InternalError>("index tiles whose shapes do not broadcast");
    return shape;
}

/// Wraps the numbers where the type cannot hold them.
Ref<IndexTile> in_range(Ref<IndexTile> tile) {
    if (!is_integer(tile->type) || holds(tile->type, tile->least(), tile->most())) return tile;
    const IntegerFunction same = [](std::int64_t x, std::int64_t, std::int64_t) { return x; };
    return combine(same, std::span(&tile, 1), tile->type);
}

IndexTile::Term sum_of(const IndexTile::Term& a, const IndexTile::Term& b, std::int64_t sign, std::int64_t count) {
    if (!a.table && !b.table) return {a.step + sign * b.step, {}};
    if (!b.varies()) return a;
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) numbers[static_cast<std::size_t>(i)] = a.at(i) + sign * b.at(i);
    return {0, make<Table>(std::move(numbers))};
}

Ref<IndexTile> sum(const Ref<IndexTile>& a, const Ref<IndexTile>& b, std::int64_t sign, Type type) {
    if (a->all || b->all) {
        const std::array operands{a, b};
        return sign > 0 ? combine([](std::int64_t x, std::int64_t y, std::int64_t) { return x + y; }, operands, type)
                        : combine([](std::int64_t x, std::int64_t y, std::int64_t) { return x - y; }, operands, type);
    }
    auto out = make<IndexTile>();
    const std::array operands{a, b};
    out->shape = common_shape(operands);
    out->type = type;
    out->base = a->base + sign * b->base;
    for (std::size_t i = 0; i < 3; ++i) out->terms[i] = sum_of(a->terms[i], b->terms[i], sign, out->shape.slots()[i]);
    return in_range(std::move(out));
}

Ref<IndexTile> scaled(const Ref<IndexTile>& a, std::int64_t factor, const Shape& shape, Type type) {
    auto out = make<IndexTile>();
    out->shape = shape;
    out->type = type;
    out->base = a->base * factor;
    for (std::size_t i = 0; i < 3; ++i) {
        const IndexTile::Term& term = a->terms[i];
        if (!term.table) {
            out->terms[i].step = term.step * factor;
            continue;
        }
        std::vector<std::int64_t> numbers = term.table->numbers;
        for (std::int64_t& number : numbers) number *= factor;
        out->terms[i].table = make<Table>(std::move(numbers));
    }
    return in_range(std::move(out));
}

}  // namespace

Table::Table(std::vector<std::int64_t> the_numbers) : numbers(std::move(the_numbers)) {
    const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
    if (low != numbers.end()) {
        least = *low;
        most = *high;
    }
}

std::int64_t IndexTile::least() const {
    if (all) return all->least;
    std::int64_t value = base;
    for (std::size_t i = 0; i < 3; ++i) {
        const Term& term = terms[i];
        value += term.table ? term.table->least : std::min<std::int64_t>(0, term.step * (shape.slots()[i] - 1));
    }
    return value;
}

std::int64_t IndexTile::most() const {
    if (all) return all->most;
    std::int64_t value = base;
    for (std::size_t i = 0; i < 3; ++i) {
        const Term& term = terms[i];
        value += term.table ? term.table->most : std::max<std::int64_t>(0, term.step * (shape.slots()[i] - 1));
    }
    return value;
}

std::optional<std::int64_t> IndexTile::uniform() const {
    const std::int64_t low = least();
    if (low == most()) return low;
    return {};
}

Ref<IndexTile> iota(std::int64_t start, std::int64_t end) {
    auto out = make<IndexTile>();
    out->shape = Shape{end - start};
    out->base = start;
    if (end - start > 1) out->terms[2].step = 1;
    return out;
}

Ref<IndexTile> filled(Shape shape, std::int64_t value, Type type) {
    auto out = make<IndexTile>();
    out->shape = shape;
    out->base = value;
    out->type = type;
    return out;
}

Ref<IndexTile> tabled(Shape shape, std::vector<std::int64_t> numbers, Type type) {
    auto out = make<IndexTile>();
    out->shape = shape;
    out->type = type;
    if (numbers.size() == 1) {
        out->base = numbers.front();
        return out;
    }
    auto table = make<Table>(std::move(numbers));
    // Along one dimension it is a term, which adding and broadcasting keep small.
    for (std::size_t i = 0; i < 3; ++i) {
        if (shape.slots()[i] != shape.elements()) continue;
        out->terms[i].table = std::move(table);
        return out;
    }
    out->all = std::move(table);
    return out;
}

Ref<IndexTile> broadcast_to(const Ref<IndexTile>& tile, const Shape& shape) {
    if (tile->shape == shape) return tile;
    auto out = make<IndexTile>();
    out->shape = shape;
    out->type = tile->type;
    out->array = tile->array;
    if (!tile->all) {
        out->base = tile->base;
        out->terms = tile->terms;
        return out;
    }
    std::vector<std::int64_t> numbers;
    numbers.reserve(static_cast<std::size_t>(shape.elements()));
    const auto& from = tile->shape.slots();
    for (std::int64_t b = 0; b < shape.batch(); ++b)
        for (std::int64_t r = 0; r < shape.rows(); ++r)
            for (std::int64_t c = 0; c < shape.cols(); ++c)
                numbers.push_back(tile->at(from[0] == 1 ? 0 : b, from[1] == 1 ? 0 : r, from[2] == 1 ? 0 : c));
    out->all = make<Table>(std::move(numbers));
    return out;
}

Ref<IndexTile> add(const Ref<IndexTile>& a, const Ref<IndexTile>& b, Type type) { return sum(a, b, 1, type); }
Ref<IndexTile> subtract(const Ref<IndexTile>& a, const Ref<IndexTile>& b, Type type) { return sum(a, b, -1, type); }

Ref<IndexTile> multiply(const Ref<IndexTile>& a, const Ref<IndexTile>& b, Type type) {
    const std::array operands{a, b};
    if (!a->all && b->uniform()) return scaled(a, *b->uniform(), common_shape(operands), type);
    if (!b->all && a->uniform()) return scaled(b, *a->uniform(), common_shape(operands), type);
    return combine([](std::int64_t x, std::int64_t y, std::int64_t) { return x * y; }, operands, type);
}

Ref<IndexTile> combine(IntegerFunction function, std::span<const Ref<IndexTile>> operands, Type type) {
    const Shape shape = common_shape(operands);
    auto out = make<IndexTile>();
    out->shape = shape;
    out->type = type;
    // The dimensions along which some operand varies.
    std::array<bool, 3> varies{};
    for (const Ref<IndexTile>& operand : operands)
        for (std::size_t i = 0; i < 3; ++i)
            varies[i] = varies[i] || (operand->all ? operand->shape.slots()[i] > 1 : operand->terms[i].varies());
    std::array<std::int64_t, 3> extent{};
    for (std::size_t i = 0; i < 3; ++i) extent[i] = varies[i] ? shape.slots()[i] : 1;
    const std::int64_t elements = extent[0] * extent[1] * extent[2];
    if (elements > most_elements)
        fail<KernelError>("an index tile of {} elements that is no sum over its dimensions, expected at most {}",
                          elements, most_elements);
    std::vector<std::int64_t> numbers;
    numbers.reserve(static_cast<std::size_t>(elements));
    const auto number = [&](std::size_t operand, std::int64_t b, std::int64_t r, std::int64_t c) -> std::int64_t {
        if (operand >= operands.size()) return 0;
        const IndexTile& tile = *operands[operand];
        const auto& dims = tile.shape.slots();
        return tile.at(dims[0] == 1 ? 0 : b, dims[1] == 1 ? 0 : r, dims[2] == 1 ? 0 : c);
    };
    for (std::int64_t b = 0; b < extent[0]; ++b)
        for (std::int64_t r = 0; r < extent[1]; ++r)
            for (std::int64_t c = 0; c < extent[2]; ++c)
                numbers.push_back(
                    wrapped(type, function(number(0, b, r, c), number(1, b, r, c), number(2, b, r, c))));
    if (elements == 1) {
        out->base = numbers.front();
        return out;
    }
    const auto table = make<Table>(std::move(numbers));
    for (std::size_t i = 0; i < 3; ++i) {
        if (extent[i] != elements) continue;
        // An even step is kept as one: it stays cheap to add and says that memory is read evenly.
        const std::vector<std::int64_t>& all = table->numbers;
        const std::int64_t step = all[1] - all[0];
        bool even = true;
        for (std::size_t j = 1; j < all.size() && even; ++j) even = all[j] - all[j - 1] == step;
        if (even) {
            out->base = all.front();
            out->terms[i].step = step;
        } else {
            out->terms[i].table = table;
        }
        return out;
    }
    if (elements == shape.elements()) {
        out->all = table;
        return out;
    }
    auto narrow = make<IndexTile>();
    narrow->shape = Shape(shape.rank(), {static_cast<std::int32_t>(extent[0]), static_cast<std::int32_t>(extent[1]),
                                         static_cast<std::int32_t>(extent[2])});
    narrow->type = type;
    narrow->all = table;
    return broadcast_to(narrow, shape);
}

Ref<IndexTile> cast(const Ref<IndexTile>& tile, Type type) {
    if (tile->type == type) return tile;
    auto out = make<IndexTile>();
    out->shape = tile->shape;
    out->type = type;
    out->base = tile->base;
    out->terms = tile->terms;
    out->all = tile->all;
    return in_range(std::move(out));
}

}  // namespace tilemesh::program

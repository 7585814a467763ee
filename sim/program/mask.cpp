// SPDX-License-Identifier: Apache-2.0
#include "sim/program/mask.h"

#include "sim/base/error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace tilemesh::program {
namespace {

bool holds(Comparison comparison, std::int64_t a, std::int64_t b) {
    switch (comparison) {
        case Comparison::less:
            return a < b;
        case Comparison::less_equal:
            return a <= b;
        case Comparison::equal:
            return a == b;
        default:
            return a != b;
    }
}

Shape common_shape(const Shape& a, const Shape& b) {
    const Shape shape = broadcast(a, b);
    if (shape.rank() < 0) fail<InternalError>("masks whose shapes do not broadcast");
    return shape;
}

/// Index tiles at indices of a shape that they broadcast to.
std::int64_t number_at(const IndexTile& tile, std::int64_t b, std::int64_t r, std::int64_t c) {
    const auto& dims = tile.shape.slots();
    return tile.at(dims[0] == 1 ? 0 : b, dims[1] == 1 ? 0 : r, dims[2] == 1 ? 0 : c);
}

Rectangle nothing() { return {}; }

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }

struct Line {
    std::int64_t base = 0, step = 0;
};

using Range = std::pair<std::int64_t, std::int64_t>;  // [first, second)

/// Where the order of two lines holds for i in [0, count). Nothing for equalities, and for numbers so far apart that
/// their difference has more than 64 bits.
std::optional<Range> ordered_range(Comparison comparison, const Line& a, const Line& b, std::int64_t count) {
    if (comparison > Comparison::less_equal) return {};
    // base + step i < 0, for whole numbers.
    std::int64_t base = 0, step = 0;
    if (__builtin_sub_overflow(a.base, b.base, &base) || __builtin_sub_overflow(a.step, b.step, &step)) return {};
    if (comparison == Comparison::less_equal && __builtin_sub_overflow(base, 1, &base)) return {};
    if (step == 0) return Range{0, base < 0 ? count : 0};
    if (step == std::numeric_limits<std::int64_t>::min()) return {};
    if (step < 0) return Range{std::clamp<std::int64_t>(floor_div(base, -step) + 1, 0, count), count};
    return Range{0, base < 0 ? std::min(floor_div(-(base + 1), step) + 1, count) : 0};
}

/// One row of an index tile, at indices of a shape that it broadcasts to.
struct RowOfNumbers {
    std::int64_t base = 0, step = 0;
    const std::int64_t* table = nullptr;  // instead of steps

    RowOfNumbers(const IndexTile& tile, std::int64_t b, std::int64_t r) {
        const auto& dims = tile.shape.slots();
        if (dims[0] == 1) b = 0;
        if (dims[1] == 1) r = 0;
        if (tile.all) {
            table = tile.all->numbers.data() + (b * tile.shape.rows() + r) * tile.shape.cols();
        } else {
            base = tile.base + tile.terms[0].at(b) + tile.terms[1].at(r);
            step = tile.terms[2].step;
            if (tile.terms[2].table) table = tile.terms[2].table->numbers.data();
        }
        if (dims[2] == 1 && table) {
            base += *table;
            table = nullptr;
        }
        if (dims[2] == 1) step = 0;
    }
    Line line() const { return {base, step}; }
    std::int64_t at(std::size_t col) const {
        return base + (table ? table[col] : step * static_cast<std::int64_t>(col));
    }
};

void compare_row(Comparison comparison, const RowOfNumbers& a, const RowOfNumbers& b, std::span<float> out) {
    const auto count = static_cast<std::int64_t>(out.size());
    const bool even = !a.table && !b.table;
    if (const auto range = even ? ordered_range(comparison, a.line(), b.line(), count) : std::nullopt) {
        std::fill(out.begin(), out.begin() + range->first, 0.0F);
        std::fill(out.begin() + range->first, out.begin() + range->second, 1.0F);
        std::fill(out.begin() + range->second, out.end(), 0.0F);
        return;
    }
    for (std::size_t col = 0; col < out.size(); ++col)
        out[col] = holds(comparison, a.at(col), b.at(col)) ? 1.0F : 0.0F;
}

/// Where an order of two even steps along one dimension holds; nothing for tables.
std::optional<Range> ordered_range(const Mask& mask, std::size_t slot, std::int64_t count) {
    const IndexTile::Term &a = mask.left->terms[slot], &b = mask.right->terms[slot];
    if (a.table || b.table) return {};
    return ordered_range(mask.comparison, {number_at(*mask.left, 0, 0, 0), a.step},
                         {number_at(*mask.right, 0, 0, 0), b.step}, count);
}

/// left - right compared with 0, when it is a sum over the dimensions.
std::optional<Rectangle> rectangle_of_comparison(const Mask& mask, const Shape& shape) {
    const IndexTile &a = *mask.left, &b = *mask.right;
    if (a.all || b.all) return {};
    int varying = -1;
    for (std::size_t i = 0; i < 3; ++i) {
        if (!a.terms[i].varies() && !b.terms[i].varies()) continue;
        const bool same = !a.terms[i].table && !b.terms[i].table && a.terms[i].step == b.terms[i].step &&
                          a.shape.slots()[i] == b.shape.slots()[i];
        if (same) continue;
        if (varying >= 0) {
            // Two dimensions: it may still be the same everywhere.
            const bool at_low = holds(mask.comparison, a.least(), b.most());
            const bool at_high = holds(mask.comparison, a.most(), b.least());
            const bool ordered = mask.comparison == Comparison::less || mask.comparison == Comparison::less_equal;
            if (ordered && at_low == at_high) return at_low ? all_of(shape) : nothing();
            if (!ordered && (a.least() > b.most() || a.most() < b.least()))
                return mask.comparison == Comparison::not_equal ? all_of(shape) : nothing();
            return {};
        }
        varying = static_cast<int>(i);
    }
    Rectangle out = all_of(shape);
    const auto slot = static_cast<std::size_t>(std::max(varying, 0));
    const auto true_at = [&](std::int64_t i) {
        std::array<std::int64_t, 3> at{};
        if (varying >= 0) at[slot] = i;
        return holds(mask.comparison, number_at(a, at[0], at[1], at[2]), number_at(b, at[0], at[1], at[2]));
    };
    if (varying < 0) return true_at(0) ? out : nothing();
    const std::int64_t count = shape.slots()[slot];
    if (const auto range = ordered_range(mask, slot, count)) {
        if (range->first >= range->second) return nothing();
        out.begin[slot] = range->first;
        out.end[slot] = range->second;
        return out;
    }
    std::int64_t begin = 0;
    while (begin < count && !true_at(begin)) ++begin;
    std::int64_t end = begin;
    while (end < count && true_at(end)) ++end;
    for (std::int64_t i = end; i < count; ++i)
        if (true_at(i)) return {};
    if (begin == end) return nothing();
    out.begin[slot] = begin;
    out.end[slot] = end;
    return out;
}

}  // namespace

bool Mask::at(std::int64_t batch, std::int64_t row, std::int64_t col) const {
    switch (what) {
        case What::comparison:
            return holds(comparison, number_at(*left, batch, row, col), number_at(*right, batch, row, col));
        case What::both:
            return first->at(batch, row, col) && second->at(batch, row, col);
        case What::either:
            return first->at(batch, row, col) || second->at(batch, row, col);
        case What::exclusive:
            return first->at(batch, row, col) != second->at(batch, row, col);
        case What::negation:
            return !first->at(batch, row, col);
        default:
            return number_at(*left, batch, row, col) != 0;
    }
}

void Mask::decide(std::int32_t batch, std::int32_t row, std::span<float> out) const {
    switch (what) {
        case What::comparison:
            return compare_row(comparison, {*left, batch, row}, {*right, batch, row}, out);
        case What::negation:
            first->decide(batch, row, out);
            for (float& flag : out) flag = 1.0F - flag;
            return;
        case What::numbers: {
            const RowOfNumbers numbers(*left, batch, row);
            for (std::size_t col = 0; col < out.size(); ++col) out[col] = numbers.at(col) != 0 ? 1.0F : 0.0F;
            return;
        }
        default:
            break;
    }
    std::vector<float> others(out.size());
    first->decide(batch, row, out);
    second->decide(batch, row, others);
    for (std::size_t col = 0; col < out.size(); ++col) {
        const float a = out[col], b = others[col];
        out[col] = what == What::both ? a * b : what == What::either ? std::max(a, b) : std::fabs(a - b);
    }
}

Ref<Mask> compare(Comparison comparison, const Ref<IndexTile>& a, const Ref<IndexTile>& b) {
    auto out = make<Mask>();
    out->shape = common_shape(a->shape, b->shape);
    out->what = Mask::What::comparison;
    out->comparison = comparison;
    out->left = a;
    out->right = b;
    return out;
}

Ref<Mask> join(Mask::What what, const Ref<Mask>& a, const Ref<Mask>& b) {
    auto out = make<Mask>();
    out->shape = common_shape(a->shape, b->shape);
    out->what = what;
    out->first = a;
    out->second = b;
    out->operations = a->operations + b->operations + 1;
    if (out->operations < 256) return out;
    return mask_of(numbers_of(out));  // a long expression that a loop builds does not grow without end
}

Ref<Mask> negation(const Ref<Mask>& mask) {
    auto out = make<Mask>();
    out->shape = mask->shape;
    out->what = Mask::What::negation;
    out->first = mask;
    out->operations = mask->operations + 1;
    if (out->operations < 256) return out;
    return mask_of(numbers_of(out));
}

Ref<Mask> mask_of(const Ref<IndexTile>& numbers) {
    auto out = make<Mask>();
    out->shape = numbers->shape;
    out->left = numbers;
    return out;
}

Ref<IndexTile> numbers_of(const Ref<Mask>& mask) {
    if (mask->what == Mask::What::numbers) {
        const Ref<IndexTile> operand = mask->left;
        return combine([](std::int64_t x, std::int64_t, std::int64_t) -> std::int64_t { return x != 0; },
                       std::span(&operand, 1), Type::i1);
    }
    const Shape& shape = mask->shape;
    if (const auto rectangle = rectangle_of(*mask, shape)) {
        if (rectangle->empty()) return filled(shape, 0, Type::i1);
        if (rectangle->is_all_of(shape)) return filled(shape, 1, Type::i1);
    }
    std::vector<std::int64_t> numbers;
    numbers.reserve(static_cast<std::size_t>(shape.elements()));
    for (std::int64_t b = 0; b < shape.batch(); ++b)
        for (std::int64_t r = 0; r < shape.rows(); ++r)
            for (std::int64_t c = 0; c < shape.cols(); ++c) numbers.push_back(mask->at(b, r, c) ? 1 : 0);
    return tabled(shape, std::move(numbers), Type::i1);
}

std::optional<Rectangle> rectangle_of(const Mask& mask, const Shape& shape) {
    switch (mask.what) {
        case Mask::What::comparison:
            return rectangle_of_comparison(mask, shape);
        case Mask::What::both: {
            const auto a = rectangle_of(*mask.first, shape);
            if (a && a->empty()) return a;
            const auto b = rectangle_of(*mask.second, shape);
            if (b && b->empty()) return b;
            if (!a || !b) return {};
            Rectangle out;
            for (std::size_t i = 0; i < 3; ++i) {
                out.begin[i] = std::max(a->begin[i], b->begin[i]);
                out.end[i] = std::min(a->end[i], b->end[i]);
            }
            return out.empty() ? nothing() : out;
        }
        case Mask::What::either: {
            const auto a = rectangle_of(*mask.first, shape), b = rectangle_of(*mask.second, shape);
            if ((a && a->is_all_of(shape)) || (b && b->empty())) return a;
            if ((b && b->is_all_of(shape)) || (a && a->empty())) return b;
            return {};
        }
        case Mask::What::negation: {
            const auto a = rectangle_of(*mask.first, shape);
            if (!a) return {};
            if (a->empty()) return all_of(shape);
            if (a->is_all_of(shape)) return nothing();
            return {};
        }
        case Mask::What::exclusive:
            return {};
        default: {
            auto zero = make<Mask>();
            zero->comparison = Comparison::not_equal;
            zero->left = mask.left;
            zero->right = filled(mask.left->shape, 0, Type::i64);
            return rectangle_of_comparison(*zero, shape);
        }
    }
}

}  // namespace tilemesh::program

// SPDX-License-Identifier: Apache-2.0
// The values that loads read, stores leave and atomic operations change.
#include "sim/base/error.h"
#include "sim/program/array_access.h"

#include <algorithm>
#include <cmath>

namespace tilemesh::program {
namespace {

std::int64_t at_flat(const IndexTile& numbers, std::int64_t i) {
    const Shape& shape = numbers.shape;
    const std::int64_t row = i / shape.cols();
    return numbers.at(row / shape.rows(), row % shape.rows(), i % shape.cols());
}

std::int64_t merged(Merge merge, Type type, std::int64_t old, std::int64_t value) {
    const bool is_less =
        is_unsigned(type) ? static_cast<std::uint64_t>(old) < static_cast<std::uint64_t>(value) : old < value;
    switch (merge) {
        case Merge::add:
            return wrapped(type, old + value);
        case Merge::maximum:
            return is_less ? value : old;
        case Merge::minimum:
            return is_less ? old : value;
        case Merge::both:
            return old & value;
        case Merge::either:
            return old | value;
        case Merge::exclusive:
            return wrapped(type, old ^ value);
        default:
            return value;
    }
}

}  // namespace

/// What a load of a rectangle reads, from values of the whole array.
void ArrayAccess::copy_rows(const float* from, float* to) const {
    const auto [batch, row, col] = places_->terms;
    const auto [begin, end] = *rectangle_;
    for (std::int64_t b = begin[0]; b < end[0]; ++b)
        for (std::int64_t r = begin[1]; r < end[1]; ++r) {
            const std::int64_t row_begin = places_->base + batch.at(b) + row.at(r);
            float* target = to + (b * places_->shape.rows() + r) * places_->shape.cols();
            if (col.step == 1) {
                std::copy_n(from + row_begin + begin[2], end[2] - begin[2], target + begin[2]);
            } else {
                for (std::int64_t c = begin[2]; c < end[2]; ++c) target[c] = from[row_begin + col.at(c)];
            }
        }
}

PayloadPtr ArrayAccess::read() const {
    auto out = std::make_shared<Payload>();
    out->shape = places_->shape;
    const auto size = static_cast<std::size_t>(out->shape.elements());
    const auto missing = [&](std::int64_t element) {
        fail<KernelError>("{}load of {}: element {} was never stored", source_.text(), array_->name(), element);
    };
    if (is_float(array_->type())) {
        out->data.resize(size);
        if (!rectangle_ || !rectangle_->is_all_of(out->shape)) std::fill_n(out->data.data(), size, other_);
        const ArrayValues* whole = array_->whole(copy_);
        if (whole && rectangle_ && !places_->all) {
            copy_rows(whole->floats.data(), out->data.data());
            return out;
        }
        visit([&](std::int64_t i, std::int64_t element) {
            const auto value = array_->float_at(copy_, element);
            if (!value) missing(element);
            out->data[static_cast<std::size_t>(i)] = *value;
        });
        return out;
    }
    out->integers.assign(size, other_integer_);
    visit([&](std::int64_t i, std::int64_t element) {
        const auto value = array_->integer_at(copy_, element);
        if (!value) missing(element);
        out->integers[static_cast<std::size_t>(i)] = *value;
        if (changes_) change(i, element, *value);
    });
    out->data.resize(size);
    for (std::size_t i = 0; i < size; ++i) out->data[i] = float_of(array_->type(), out->integers[i]);
    return out;
}

void ArrayAccess::change_by(Merge merge, Ref<IndexTile> operand, Ref<IndexTile> expected) {
    changes_ = true;
    merge_ = merge;
    numbers_ = std::move(operand);
    expected_ = std::move(expected);
}

void ArrayAccess::change(std::int64_t i, std::int64_t element, std::int64_t was) const {
    const Type type = array_->type();
    if (expected_ && was != wrapped(type, at_flat(*expected_, i))) return;
    array_->store_integer(copy_, element, merged(merge_, type, was, wrapped(type, at_flat(*numbers_, i))));
}

/// What was never stored counts as 0 where it is added to, and else as nothing.
void ArrayAccess::store_whole(std::int64_t element, std::int64_t value) {
    const Type type = array_->type();
    value = wrapped(type, value);
    const auto before = array_->integer_at(copy_, element);
    if (before || merge_ == Merge::add) value = merged(merge_, type, before.value_or(0), value);
    array_->store_integer(copy_, element, value);
}

void ArrayAccess::write(Payload* values) {
    if (numbers_) {
        visit([&](std::int64_t i, std::int64_t element) { store_whole(element, at_flat(*numbers_, i)); });
        return;
    }
    const float* from = values->force();
    const bool whole = !values->integers.empty();
    visit([&](std::int64_t i, std::int64_t element) {
        const auto n = static_cast<std::size_t>(i);
        if (is_float(array_->type())) {
            float value = from[n];
            const auto before = array_->float_at(copy_, element);
            if (merge_ == Merge::add) value = round_to(dtype_of(array_->type()), value + before.value_or(0));
            if (merge_ == Merge::maximum && before) value = std::fmax(value, *before);
            if (merge_ == Merge::minimum && before) value = std::fmin(value, *before);
            array_->store_float(copy_, element, value);
        } else {
            store_whole(element, whole ? values->integers[n] : static_cast<std::int64_t>(from[n]));
        }
    });
}

}  // namespace tilemesh::program

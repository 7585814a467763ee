// SPDX-License-Identifier: Apache-2.0
#include "sim/program/array.h"

#include "sim/base/error.h"
#include "sim/tile/integers.h"

#include <algorithm>
#include <bit>

namespace tilemesh::program {
namespace {

std::int64_t product(const std::vector<std::int64_t>& shape) {
    std::int64_t elements = 1;
    for (const std::int64_t dim : shape) elements *= dim;
    return elements;
}

}  // namespace

Array::Array(std::string name, Type type, std::vector<std::int64_t> shape, ArrayLayout layout)
    : name_(std::move(name)),
      type_(type),
      shape_(std::move(shape)),
      elements_(product(shape_)),
      layout_(std::move(layout)) {
    stored_.resize(copies());
    constexpr std::int64_t most_granules = std::int64_t{1} << 20;
    granule_ = (elements_ + most_granules - 1) / most_granules;
    touched_.resize(static_cast<std::size_t>(elements_ / granule_ / 64 + 1));
}

bool Array::was_stored() const {
    return std::any_of(stored_.begin(), stored_.end(), [](const auto& copy) { return copy != nullptr; });
}

void Array::touch(std::int64_t first, std::int64_t count) {
    if (base_) return touch_base(first, count);
    const std::int64_t begin = (first + granule_ - 1) / granule_, end = (first + count) / granule_;
    if (begin >= end) return;
    const auto first_word = touched_.begin() + begin / 64, last_word = touched_.begin() + (end - 1) / 64;
    const std::uint64_t behind_first = ~std::uint64_t{0} << (begin % 64);
    const std::uint64_t before_end = ~std::uint64_t{0} >> (63 - (end - 1) % 64);
    if (first_word == last_word) {
        *first_word |= behind_first & before_end;
        return;
    }
    *first_word |= behind_first;
    std::fill(first_word + 1, last_word, ~std::uint64_t{0});
    *last_word |= before_end;
}

std::uint64_t Array::bytes_touched() const {
    std::uint64_t granules = 0;
    for (const std::uint64_t word : touched_) granules += static_cast<std::uint64_t>(std::popcount(word));
    return granules * static_cast<std::uint64_t>(granule_) * bytes_of(type_);
}

std::size_t Array::copy_of(int pe) const {
    return layout_.copies ? layout_.copy_of.at(static_cast<std::size_t>(pe)) : 0;
}

Array::Stored& Array::stored(std::size_t copy) {
    std::unique_ptr<Stored>& mine = stored_[copy];
    if (mine) return *mine;
    mine = std::make_unique<Stored>();
    const auto size = static_cast<std::size_t>(elements_);
    mine->known.assign(size, initial_ != nullptr);
    mine->unknown = initial_ ? 0 : elements_;
    if (initial_) {
        mine->values = *initial_;
    } else if (is_float(type_)) {
        mine->values.floats.resize(size);
    } else {
        mine->values.integers.resize(size);
    }
    return *mine;
}

std::optional<float> Array::float_at(std::size_t copy, std::int64_t element) const {
    if (base_) {
        const auto bits = bits_in_base(copy, element);
        return bits ? std::optional(float_of_bits(dtype_of(type_), static_cast<std::int64_t>(*bits))) : std::nullopt;
    }
    const auto i = static_cast<std::size_t>(element);
    if (const Stored* mine = stored_[copy].get())
        return mine->known[i] ? std::optional(mine->values.floats[i]) : std::nullopt;
    return initial_ ? std::optional(initial_->floats[i]) : std::nullopt;
}

std::optional<std::int64_t> Array::integer_at(std::size_t copy, std::int64_t element) const {
    if (base_) {
        const auto bits = bits_in_base(copy, element);
        return bits ? std::optional(wrapped(type_, static_cast<std::int64_t>(*bits))) : std::nullopt;
    }
    const auto i = static_cast<std::size_t>(element);
    if (const Stored* mine = stored_[copy].get())
        return mine->known[i] ? std::optional(mine->values.integers[i]) : std::nullopt;
    return initial_ ? std::optional(initial_->integers[i]) : std::nullopt;
}

const ArrayValues* Array::whole(std::size_t copy) const {
    if (base_) return nullptr;
    if (const Stored* mine = stored_[copy].get()) return mine->unknown == 0 ? &mine->values : nullptr;
    return initial_.get();
}

void Array::note_known(Stored& stored, std::size_t element) {
    if (stored.unknown == 0 || stored.known[element]) return;
    stored.known[element] = true;
    --stored.unknown;
}

void Array::store_float(std::size_t copy, std::int64_t element, float value) {
    if (base_) return store_in_base(copy, element, static_cast<std::uint64_t>(bits_of(dtype_of(type_), value)));
    Stored& mine = stored(copy);
    mine.values.floats[static_cast<std::size_t>(element)] = value;
    note_known(mine, static_cast<std::size_t>(element));
}

void Array::store_integer(std::size_t copy, std::int64_t element, std::int64_t value) {
    if (base_) return store_in_base(copy, element, static_cast<std::uint64_t>(value));
    Stored& mine = stored(copy);
    mine.values.integers[static_cast<std::size_t>(element)] = value;
    note_known(mine, static_cast<std::size_t>(element));
}

}  // namespace tilemesh::program

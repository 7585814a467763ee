// SPDX-License-Identifier: Apache-2.0
#include "sim/program/array.h"

#include "sim/base/error.h"

#include <algorithm>
#include <bit>

namespace tilemesh::program {
namespace {

std::int64_t product(const std::vector<std::int64_t>& shape) {
    std::int64_t elements = 1;
    for (const std::int64_t dim : shape) elements *= dim;
    return elements;
}

std::int64_t at_flat(const IndexTile& numbers, std::int64_t i) {
    const Shape& shape = numbers.shape;
    const std::int64_t row = i / shape.cols();
    return numbers.at(row / shape.rows(), row % shape.rows(), i % shape.cols());
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
    const std::int64_t begin = (first + granule_ - 1) / granule_, end = (first + count) / granule_;
    for (std::int64_t i = begin; i < end;) {
        const std::int64_t in_word = i % 64, bits = std::min<std::int64_t>(64 - in_word, end - i);
        const std::uint64_t all = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
        touched_[static_cast<std::size_t>(i / 64)] |= all << in_word;
        i += bits;
    }
}

std::uint64_t Array::bytes_touched() const {
    std::uint64_t granules = 0;
    for (const std::uint64_t word : touched_) granules += static_cast<std::uint64_t>(std::popcount(word));
    return granules * static_cast<std::uint64_t>(granule_) * bytes_of(type_);
}

std::size_t Array::copy_of(int pe) const {
    if (!layout_.copies) return 0;
    for (std::size_t i = 0; i < layout_.homes.size(); ++i)
        if (layout_.homes[i].pe == pe) return i;
    return 0;
}

Array::Stored& Array::stored(std::size_t copy) {
    std::unique_ptr<Stored>& mine = stored_[copy];
    if (mine) return *mine;
    mine = std::make_unique<Stored>();
    const auto size = static_cast<std::size_t>(elements_);
    mine->known.assign(size, initial_ != nullptr);
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
    const auto i = static_cast<std::size_t>(element);
    if (const Stored* mine = stored_[copy].get())
        return mine->known[i] ? std::optional(mine->values.floats[i]) : std::nullopt;
    return initial_ ? std::optional(initial_->floats[i]) : std::nullopt;
}

std::optional<std::int64_t> Array::integer_at(std::size_t copy, std::int64_t element) const {
    const auto i = static_cast<std::size_t>(element);
    if (const Stored* mine = stored_[copy].get())
        return mine->known[i] ? std::optional(mine->values.integers[i]) : std::nullopt;
    return initial_ ? std::optional(initial_->integers[i]) : std::nullopt;
}

void Array::store_float(std::size_t copy, std::int64_t element, float value) {
    Stored& mine = stored(copy);
    mine.values.floats[static_cast<std::size_t>(element)] = value;
    mine.known[static_cast<std::size_t>(element)] = true;
}

void Array::store_integer(std::size_t copy, std::int64_t element, std::int64_t value) {
    Stored& mine = stored(copy);
    mine.values.integers[static_cast<std::size_t>(element)] = value;
    mine.known[static_cast<std::size_t>(element)] = true;
}

ArrayAccess::ArrayAccess(Ref<Array> array, Ref<IndexTile> places, Ref<Mask> mask, double other, int pe,
                         SourcePlace source, bool adds)
    : array_(std::move(array)),
      places_(std::move(places)),
      mask_(std::move(mask)),
      other_(other),
      copy_(array_->copy_of(pe)),
      adds_(adds),
      source_(source) {
    rectangle_ = mask_ ? rectangle_of(*mask_, places_->shape) : all_of(places_->shape);
    find_parts();
}

/// Calls visit(flat number in the tile, element of the array) where the mask is true, row by row.
template <class Visit>
void ArrayAccess::visit(Visit visit) const {
    const Shape& shape = places_->shape;
    const Rectangle box = rectangle_ ? *rectangle_ : all_of(shape);
    const auto dims = mask_ ? mask_->shape.slots() : std::array<std::int32_t, 3>{};
    for (std::int64_t b = box.begin[0]; b < box.end[0]; ++b)
        for (std::int64_t r = box.begin[1]; r < box.end[1]; ++r)
            for (std::int64_t c = box.begin[2]; c < box.end[2]; ++c) {
                if (!rectangle_ && !mask_->at(dims[0] == 1 ? 0 : b, dims[1] == 1 ? 0 : r, dims[2] == 1 ? 0 : c))
                    continue;
                visit((b * shape.rows() + r) * shape.cols() + c, places_->at(b, r, c));
            }
}

void ArrayAccess::find_parts() {
    const Shape& shape = places_->shape;
    if (rectangle_ && rectangle_->empty()) return;
    if (!rectangle_ || places_->all) {
        std::vector<Run> runs;
        visit([&](std::int64_t, std::int64_t element) { runs.push_back({element, 1}); });
        return add_runs(std::move(runs));
    }
    // A sum over the dimensions: runs along the one whose step is 1 (or that is a table of such), for each place of
    // the others.
    int along = -1;
    for (int i = 2; i >= 0 && along < 0; --i)
        if (places_->terms[static_cast<std::size_t>(i)].step == 1) along = i;
    std::array<std::int64_t, 3> begin = rectangle_->begin, end = rectangle_->end;
    std::int64_t length = 1;
    if (along >= 0) {
        length = end[static_cast<std::size_t>(along)] - begin[static_cast<std::size_t>(along)];
        end[static_cast<std::size_t>(along)] = begin[static_cast<std::size_t>(along)] + 1;
    }
    for (std::size_t i = 0; i < 3; ++i)  // what is read for every index of a dimension is read once
        if (!places_->terms[i].varies()) end[i] = begin[i] + 1;
    std::vector<Run> runs;
    runs.reserve(static_cast<std::size_t>((end[0] - begin[0]) * (end[1] - begin[1]) * (end[2] - begin[2])));
    for (std::int64_t b = begin[0]; b < end[0]; ++b)
        for (std::int64_t r = begin[1]; r < end[1]; ++r)
            for (std::int64_t c = begin[2]; c < end[2]; ++c) runs.push_back({places_->at(b, r, c), length});
    (void)shape;
    add_runs(std::move(runs));
}

/// Elements in the order of memory, each once, in runs as long as they come.
void ArrayAccess::add_runs(std::vector<Run> runs) {
    if (runs.empty()) return;
    const auto before = [](const Run& a, const Run& b) { return a.first < b.first; };
    if (!std::is_sorted(runs.begin(), runs.end(), before)) std::sort(runs.begin(), runs.end(), before);
    std::size_t last = 0;
    for (std::size_t i = 1; i < runs.size(); ++i) {
        const std::int64_t end = runs[last].first + runs[last].count;
        if (runs[i].first <= end) {
            runs[last].count = std::max(end, runs[i].first + runs[i].count) - runs[last].first;
        } else {
            runs[++last] = runs[i];
        }
    }
    runs.resize(last + 1);
    least_ = runs.front().first;
    most_ = runs.back().first + runs.back().count - 1;
    if (least_ < 0 || most_ >= array_->elements())
        fail<ShapeError>("elements {} to {} do not lie inside {}, which has {}", least_, most_, array_->name(),
                         array_->elements());
    if (runs.size() > 1) {
        const std::int64_t pitch = runs[1].first - runs[0].first;
        const bool even = std::all_of(runs.begin() + 1, runs.end(), [&](const Run& run) {
            const Run& previous = *(&run - 1);
            return run.first - previous.first == pitch && run.count == previous.count;
        });
        const std::int64_t lane = least_ % pitch;
        if (even && lane + runs[0].count <= pitch) {
            pitch_ = pitch;
            lane_begin_ = lane;
            lane_end_ = lane + runs[0].count;
        }
    }
    for (const Run& run : runs) {
        array_->touch(run.first, run.count);
        add_run(run);
    }
    flush();
}

void ArrayAccess::add_run(const Run& run) {
    const ArrayLayout& layout = array_->layout();
    const std::uint64_t width = bytes_of(array_->type());
    const auto size = [](std::int64_t n) { return static_cast<std::uint64_t>(n); };
    if (layout.homes.size() == 1 || layout.copies) {
        const Home& home = layout.homes[copy_];
        return add_segment(home.pe, home.address + size(run.first) * width, size(run.count) * width);
    }
    const std::int64_t block = layout.length * layout.inner;
    for (std::int64_t done = 0; done < run.count;) {
        const std::int64_t element = run.first + done;
        const std::int64_t outer = element / block, in_block = element % block, index = in_block / layout.inner;
        auto home = std::upper_bound(layout.homes.begin(), layout.homes.end(), index,
                                     [](std::int64_t i, const Home& h) { return i < h.first; });
        --home;
        const std::int64_t share = home->count * layout.inner;
        const std::int64_t offset = in_block - home->first * layout.inner;
        const std::int64_t count = std::min(run.count - done, share - offset);
        add_segment(home->pe, home->address + size(outer * share + offset) * width, size(count) * width);
        done += count;
    }
}

/// Segments of one length and evenly spaced make one part.
void ArrayAccess::add_segment(int pe, std::uint64_t address, std::uint64_t bytes) {
    // Those of a home lie together: few homes are touched, so the last parts are the ones to look at.
    for (auto part = found_.rbegin(); part != found_.rend(); ++part) {
        if (part->home != pe) continue;
        const std::uint64_t end = part->address + (part->segments - 1) * part->stride + part->bytes;
        if (part->segments == 1 && address == end) {
            part->bytes += bytes;
            return;
        }
        if (part->bytes != bytes) break;
        if (part->segments == 1) {
            part->stride = address - part->address;
        } else if (address - (part->address + (part->segments - 1) * part->stride) != part->stride) {
            break;
        }
        ++part->segments;
        return;
    }
    found_.push_back({pe, address, bytes, 1, 0});
}

void ArrayAccess::flush() {
    std::stable_sort(found_.begin(), found_.end(),
                     [](const AccessPart& a, const AccessPart& b) { return a.home < b.home; });
    for (const AccessPart& part : found_) add_part(part);
    found_.clear();
}

bool ArrayAccess::meets(const Access& other_access) const {
    const auto& other = dynamic_cast<const ArrayAccess&>(other_access);
    if (array_.get() != other.array_.get() || copy_ != other.copy_) return false;
    if (most_ < other.least_ || other.most_ < least_) return false;
    // Columns of one matrix beside each other.
    return pitch_ == 0 || pitch_ != other.pitch_ || (lane_begin_ < other.lane_end_ && other.lane_begin_ < lane_end_);
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
        std::fill_n(out->data.data(), size, static_cast<float>(other_));
        visit([&](std::int64_t i, std::int64_t element) {
            const auto value = array_->float_at(copy_, element);
            if (!value) missing(element);
            out->data[static_cast<std::size_t>(i)] = *value;
        });
        return out;
    }
    out->integers.assign(size, static_cast<std::int64_t>(other_));
    visit([&](std::int64_t i, std::int64_t element) {
        const auto value = array_->integer_at(copy_, element);
        if (!value) missing(element);
        out->integers[static_cast<std::size_t>(i)] = *value;
        if (change_ != Change::none) change(i, element, *value);
    });
    out->data.resize(size);
    for (std::size_t i = 0; i < size; ++i)
        out->data[i] = static_cast<float>(number_of(array_->type(), out->integers[i]));
    return out;
}

void ArrayAccess::set_change(Change change, Ref<IndexTile> operand, Ref<IndexTile> expected) {
    change_ = change;
    numbers_ = std::move(operand);
    expected_ = std::move(expected);
}

void ArrayAccess::change(std::int64_t i, std::int64_t element, std::int64_t was) const {
    const Type type = array_->type();
    const std::int64_t by = wrapped(type, at_flat(*numbers_, i));
    const bool is_less =
        is_unsigned(type) ? static_cast<std::uint64_t>(by) < static_cast<std::uint64_t>(was) : by < was;
    std::int64_t value = by;
    switch (change_) {
        case Change::compare_and_exchange:
            if (was != wrapped(type, at_flat(*expected_, i))) return;
            break;
        case Change::maximum:
            value = is_less ? was : by;
            break;
        case Change::minimum:
            value = is_less ? by : was;
            break;
        case Change::both:
            value = was & by;
            break;
        case Change::either:
            value = was | by;
            break;
        case Change::exclusive:
            value = was ^ by;
            break;
        default:
            break;
    }
    array_->store_integer(copy_, element, wrapped(type, value));
}

void ArrayAccess::write(Payload* values) {
    if (numbers_) {
        visit([&](std::int64_t i, std::int64_t element) {
            std::int64_t value = at_flat(*numbers_, i);
            if (adds_) value += array_->integer_at(copy_, element).value_or(0);
            array_->store_integer(copy_, element, wrapped(array_->type(), value));
        });
        return;
    }
    const float* from = values->force();
    const bool whole = !values->integers.empty();
    visit([&](std::int64_t i, std::int64_t element) {
        const auto n = static_cast<std::size_t>(i);
        if (is_float(array_->type())) {
            float value = from[n];
            if (adds_)
                value = round_to(dtype_of(array_->type()), value + array_->float_at(copy_, element).value_or(0));
            array_->store_float(copy_, element, value);
        } else {
            std::int64_t value = whole ? values->integers[n] : static_cast<std::int64_t>(from[n]);
            if (adds_) value += array_->integer_at(copy_, element).value_or(0);
            array_->store_integer(copy_, element, wrapped(array_->type(), value));
        }
    });
}

}  // namespace tilemesh::program

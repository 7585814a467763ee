// SPDX-License-Identifier: Apache-2.0
#include "sim/program/array_access.h"

#include "sim/base/error.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace tilemesh::program {
namespace {

std::uint64_t unsigned_of(std::int64_t n) { return static_cast<std::uint64_t>(n); }

}  // namespace

ArrayAccess::ArrayAccess(Ref<Array> array, Ref<IndexTile> places, Ref<Mask> mask, int pe, SourcePlace source,
                         Merge merge)
    : array_(std::move(array)),
      places_(std::move(places)),
      mask_(std::move(mask)),
      copy_(array_->copy_of(pe)),
      merge_(merge),
      source_(source) {
    rectangle_ = mask_ ? rectangle_of(*mask_, places_->shape) : all_of(places_->shape);
    find_parts();
}

/// What most accesses are: the places of a rectangle with even steps, none twice.
std::optional<ArrayAccess::EvenRuns> ArrayAccess::even_runs() const {
    struct Dimension {
        std::int64_t step, extent;
    };
    std::array<Dimension, 3> dimensions{};
    std::size_t count = 0;
    std::int64_t first = places_->base;
    for (std::size_t i = 0; i < 3; ++i) {
        const IndexTile::Term& term = places_->terms[i];
        if (term.table) return {};
        const std::int64_t extent = rectangle_->end[i] - rectangle_->begin[i];
        first += term.step * (term.step >= 0 ? rectangle_->begin[i] : rectangle_->end[i] - 1);
        if (term.step != 0 && extent > 1) dimensions[count++] = {std::abs(term.step), extent};
    }
    std::sort(dimensions.begin(), dimensions.begin() + count,
              [](const Dimension& a, const Dimension& b) { return a.step < b.step; });
    EvenRuns even{{first, 1}, 1, 0};
    for (std::size_t i = 0; i < count; ++i) {
        const auto [step, extent] = dimensions[i];
        if (even.runs == 1 && step == even.run.count) {
            even.run.count *= extent;
        } else if (even.runs == 1 && step > even.run.count) {
            even.runs = extent;
            even.pitch = step;
        } else if (even.runs > 1 && step == even.pitch * even.runs) {
            even.runs *= extent;
        } else {
            return {};
        }
    }
    return even;
}

void ArrayAccess::add_even(const EvenRuns& even) {
    const auto [run, runs, pitch] = even;
    least_ = run.first;
    most_ = run.first + (runs - 1) * pitch + run.count - 1;
    check_range();
    if (runs > 1) note_columns(run, pitch);
    for (std::int64_t i = 0; i < runs; ++i) array_->touch(run.first + i * pitch, run.count);
    // In one share, its places are as even as the array's.
    const Place begin = place_of(least_), end = place_of(most_);
    const std::uint64_t width = bytes_of(array_->type());
    if (begin.home == end.home && unsigned_of(end.byte - begin.byte) == unsigned_of(most_ - least_) * width) {
        add_part({begin.home->pe, begin.home->address + unsigned_of(begin.byte), unsigned_of(run.count) * width,
                  unsigned_of(runs), unsigned_of(pitch) * width});
        return;
    }
    for (std::int64_t i = 0; i < runs; ++i) add_run({run.first + i * pitch, run.count});
    flush();
}

void ArrayAccess::check_range() const {
    if (least_ < 0 || most_ >= array_->elements())
        fail<ShapeError>("elements {} to {} do not lie inside {}, which has {}", least_, most_, array_->name(),
                         array_->elements());
}

/// Runs at even distances are columns of a matrix, if none is cut by the end of a row.
void ArrayAccess::note_columns(const Run& run, std::int64_t pitch) {
    const std::int64_t lane = run.first % pitch;
    if (lane + run.count > pitch) return;
    pitch_ = pitch;
    lane_begin_ = lane;
    lane_end_ = lane + run.count;
}

void ArrayAccess::find_parts() {
    if (rectangle_ && rectangle_->empty()) return;
    if (!rectangle_ || places_->all) {
        std::vector<Run> runs;
        visit([&](std::int64_t, std::int64_t element) { runs.push_back({element, 1}); });
        return add_runs(std::move(runs));
    }
    if (const auto even = even_runs()) return add_even(*even);
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
    check_range();
    if (runs.size() > 1) {
        const std::int64_t pitch = runs[1].first - runs[0].first;
        const bool even = std::all_of(runs.begin() + 1, runs.end(), [&](const Run& run) {
            const Run& previous = *(&run - 1);
            return run.first - previous.first == pitch && run.count == previous.count;
        });
        if (even) note_columns(runs[0], pitch);
    }
    for (const Run& run : runs) {
        array_->touch(run.first, run.count);
        add_run(run);
    }
    flush();
}

/// Where an element lies: its home, and how many bytes of the home's share lie before it. The home has the elements
/// behind it too, up to `left`; of a view also the one of which it has only the beginning.
ArrayAccess::Place ArrayAccess::place_of(std::int64_t element) const {
    const Array& memory = array_->memory();
    const ArrayLayout& layout = memory.layout();
    const auto width = static_cast<std::int64_t>(bytes_of(array_->type()));
    const auto memory_width = static_cast<std::int64_t>(bytes_of(memory.type()));
    const std::int64_t first = element * width / memory_width, rest = element * width % memory_width;
    const auto place = [&](const Home& home, std::int64_t before, std::int64_t behind) {
        return Place{&home, before * memory_width + rest, (behind * memory_width - rest + width - 1) / width};
    };
    if (layout.homes.size() == 1 || layout.copies)
        return place(layout.homes[copy_], first, memory.elements() - first);
    const std::int64_t block = layout.length * layout.inner;
    const std::int64_t outer = first / block, in_block = first % block;
    auto home = std::upper_bound(layout.homes.begin(), layout.homes.end(), in_block / layout.inner,
                                 [](std::int64_t i, const Home& h) { return i < h.first; });
    --home;
    const std::int64_t share = home->count * layout.inner, in_share = in_block - home->first * layout.inner;
    return place(*home, outer * share + in_share, share - in_share);
}

void ArrayAccess::add_run(const Run& run) {
    const std::uint64_t width = bytes_of(array_->type());
    for (std::int64_t done = 0; done < run.count;) {
        const Place place = place_of(run.first + done);
        const std::int64_t count = std::min(run.count - done, place.left);
        add_segment(place.home->pe, place.home->address + unsigned_of(place.byte), unsigned_of(count) * width);
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
    if (&array_->memory() != &other.array_->memory() || copy_ != other.copy_) return false;
    if (array_.get() != other.array_.get()) {  // elements of two sizes
        const auto width = static_cast<std::int64_t>(bytes_of(array_->type()));
        const auto other_width = static_cast<std::int64_t>(bytes_of(other.array_->type()));
        return least_ * width < (other.most_ + 1) * other_width && other.least_ * other_width < (most_ + 1) * width;
    }
    if (most_ < other.least_ || other.most_ < least_) return false;
    // Columns of one matrix beside each other.
    return pitch_ == 0 || pitch_ != other.pitch_ || (lane_begin_ < other.lane_end_ && other.lane_begin_ < lane_end_);
}

}  // namespace tilemesh::program

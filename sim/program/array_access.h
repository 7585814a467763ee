// SPDX-License-Identifier: Apache-2.0
// Loads and stores of an array: a tile of places under a mask, as runs of bytes in the slices of its homes.
#pragma once

#include "sim/program/array.h"
#include "sim/program/index_tile.h"
#include "sim/program/mask.h"
#include "sim/tile/access.h"
#include "sim/tile/command.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace tilemesh::program {

/// What an element becomes of what it holds and what comes.
enum class Merge : std::uint8_t { replace, add, maximum, minimum, both, either, exclusive };

/// Loads and stores of an array: a tile of places, under a mask.
class ArrayAccess final : public Access {
public:
    /// `places` count elements from the array's first. Where `mask` is false nothing moves, and a load gives 0.
    /// `pe` decides which copy. `source` is for messages.
    ArrayAccess(Ref<Array> array, Ref<IndexTile> places, Ref<Mask> mask, int pe, SourcePlace source,
                Merge merge = Merge::replace);

    /// Instead of 0, of float types and of the others.
    void set_other(float number, std::int64_t integer) {
        other_ = number;
        other_integer_ = integer;
    }

    bool meets(const Access& other) const override;
    PayloadPtr read() const override;
    void write(Payload* values) override;
    /// Stores these now; what the command's tile holds does not matter.
    void set_numbers(Ref<IndexTile> numbers) { numbers_ = std::move(numbers); }
    /// A load changes what it has read at the same moment, only where it is as `expected` if that is given. Of
    /// integers.
    void change_by(Merge merge, Ref<IndexTile> operand, Ref<IndexTile> expected);
    bool is_atomic() const override { return changes_ || merge_ != Merge::replace; }
    bool stores_numbers() const override { return static_cast<bool>(numbers_); }
    /// Does anything move?
    bool empty() const { return parts().empty(); }

private:
    struct Run {
        std::int64_t first, count;  // elements of the array
    };
    /// As many elements, so far from each other.
    struct EvenRuns {
        Run run;
        std::int64_t runs, pitch;
    };
    struct Place {
        const Home* home;
        std::int64_t byte, left;  // of the home's share; elements from there on
    };
    void find_parts();
    Place place_of(std::int64_t element) const;
    std::optional<EvenRuns> even_runs() const;
    void add_even(const EvenRuns& even);
    void add_runs(std::vector<Run> runs);
    void note_columns(const Run& run, std::int64_t pitch);
    void check_range() const;
    void add_run(const Run& run);
    void add_segment(int pe, std::uint64_t address, std::uint64_t bytes);
    void flush();
    void copy_rows(const float* from, float* to) const;
    void store_whole(std::int64_t element, std::int64_t value);
    void change(std::int64_t i, std::int64_t element, std::int64_t was) const;
    /// Calls visit(flat number in the tile, element of the array) where the mask is true, row by row.
    template <class Visit>
    void visit(Visit visit) const;

    Ref<Array> array_;
    Ref<IndexTile> places_;
    Ref<Mask> mask_;
    std::optional<Rectangle> rectangle_;  // where the mask is true, if that is one
    float other_ = 0.0F;
    std::int64_t other_integer_ = 0;
    std::size_t copy_;
    Merge merge_;
    bool changes_ = false;  // a load
    SourcePlace source_;
    Ref<IndexTile> numbers_, expected_;
    std::int64_t least_ = 0, most_ = -1;                      // elements touched
    std::int64_t pitch_ = 0, lane_begin_ = 0, lane_end_ = 0;  // of evenly spaced runs: all in these columns
    std::vector<AccessPart> found_;
};

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

}  // namespace tilemesh::program

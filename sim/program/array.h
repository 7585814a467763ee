// SPDX-License-Identifier: Apache-2.0
// A tensor as programs see it: elements one after the other, whatever its shape, which pointers count through. Where
// they lie is told apart from what they are: in blocks along one dimension over the HBM slices of several PEs, or
// whole in one, or whole in each.
#pragma once

#include "sim/program/index_tile.h"
#include "sim/program/mask.h"
#include "sim/tile/access.h"
#include "sim/tile/command.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::program {

/// A share of an array in the HBM slice of one PE: the elements [first, first + count) of the dimension that is
/// divided, for all indices of the others, packed.
struct Home {
    int pe = 0;
    std::uint64_t address = 0;
    std::int64_t first = 0, count = 0;
};

struct ArrayLayout {
    std::int64_t outer = 1, length = 1, inner = 1;  // elements: before, in and behind the divided dimension
    std::vector<Home> homes;                        // in the order of `first`; or copies
    bool copies = false;                            // each home has all of it
};

/// Values of all elements; of the type's kind.
struct ArrayValues {
    std::vector<float> floats;
    std::vector<std::int64_t> integers;
};

class Array final : public Object {
public:
    Array(std::string name, Type type, std::vector<std::int64_t> shape, ArrayLayout layout);

    const std::string& name() const { return name_; }
    Type type() const { return type_; }
    const std::vector<std::int64_t>& shape() const { return shape_; }
    std::int64_t elements() const { return elements_; }
    const ArrayLayout& layout() const { return layout_; }

    /// Values of an input, for every copy. Without any, a run that computes values finds elements that nobody has
    /// stored an error.
    void set_values(std::shared_ptr<const ArrayValues> values) { initial_ = std::move(values); }
    /// Which copy a PE uses: its own, else the first.
    std::size_t copy_of(int pe) const;
    std::size_t copies() const { return layout_.copies ? layout_.homes.size() : 1; }

    /// What an element holds; nothing if nobody has stored it. Float types only.
    std::optional<float> float_at(std::size_t copy, std::int64_t element) const;
    std::optional<std::int64_t> integer_at(std::size_t copy, std::int64_t element) const;
    void store_float(std::size_t copy, std::int64_t element, float value);
    void store_integer(std::size_t copy, std::int64_t element, std::int64_t value);

    bool was_stored() const;

    /// Notes that elements are read or written; those counted once make up bytes_touched(), which is exact for arrays
    /// of up to 2^20 elements and never too high.
    void touch(std::int64_t first, std::int64_t count);
    std::uint64_t bytes_touched() const;

private:
    struct Stored {
        ArrayValues values;
        std::vector<bool> known;
    };
    Stored& stored(std::size_t copy);

    std::string name_;
    Type type_;
    std::vector<std::int64_t> shape_;
    std::int64_t elements_;
    ArrayLayout layout_;
    std::shared_ptr<const ArrayValues> initial_;
    std::vector<std::unique_ptr<Stored>> stored_;  // by copy; null: as it was
    std::int64_t granule_;                         // elements that are counted together
    std::vector<std::uint64_t> touched_;           // a bit per granule
};

/// What an atomic operation leaves of what an element held and the operand.
enum class Change : std::uint8_t { none, exchange, compare_and_exchange, maximum, minimum, both, either, exclusive };

/// Loads and stores of an array: a tile of places, under a mask.
class ArrayAccess final : public Access {
public:
    /// `places` count elements from the array's first. Where `mask` is false nothing moves, and a load gives `other`.
    /// `pe` decides which copy. `adds`: a store adds to what is there. `source` is for messages.
    ArrayAccess(Ref<Array> array, Ref<IndexTile> places, Ref<Mask> mask, double other, int pe, SourcePlace source,
                bool adds = false);

    bool meets(const Access& other) const override;
    PayloadPtr read() const override;
    void write(Payload* values) override;
    /// Stores these now; what the command's tile holds does not matter.
    void set_numbers(Ref<IndexTile> numbers) { numbers_ = std::move(numbers); }
    /// A load changes what it has read, at the same moment. `expected`: of compare_and_exchange alone.
    void set_change(Change change, Ref<IndexTile> operand, Ref<IndexTile> expected);
    bool stores_numbers() const override { return static_cast<bool>(numbers_); }
    /// Does anything move?
    bool empty() const { return parts().empty(); }

private:
    struct Run {
        std::int64_t first, count;  // elements of the array
    };
    void find_parts();
    void add_runs(std::vector<Run> runs);
    void add_run(const Run& run);
    void add_segment(int pe, std::uint64_t address, std::uint64_t bytes);
    void flush();
    template <class Visit>
    void visit(Visit visit) const;
    void change(std::int64_t i, std::int64_t element, std::int64_t was) const;

    Ref<Array> array_;
    Ref<IndexTile> places_;
    Ref<Mask> mask_;
    std::optional<Rectangle> rectangle_;  // where the mask is true, if that is one
    double other_;
    std::size_t copy_;
    bool adds_;
    SourcePlace source_;
    Ref<IndexTile> numbers_, expected_;
    Change change_ = Change::none;
    std::int64_t least_ = 0, most_ = -1;                      // elements touched
    std::int64_t pitch_ = 0, lane_begin_ = 0, lane_end_ = 0;  // of evenly spaced runs: all in these columns
    std::vector<AccessPart> found_;
};

}  // namespace tilemesh::program

// SPDX-License-Identifier: Apache-2.0
// A tensor as programs see it: elements one after the other, whatever its shape, which pointers count through. Where
// they lie is told apart from what they are: in blocks along one dimension over the HBM slices of several PEs, or
// whole in one, or whole in each.
#pragma once

#include "sim/program/value.h"

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
    std::uint64_t bytes = 0;
};

struct ArrayLayout {
    std::int64_t outer = 1, length = 1, inner = 1;  // elements: before, in and behind the divided dimension
    std::vector<Home> homes;                        // in the order of `first`; or copies
    bool copies = false;                            // each home has all of it
    std::vector<std::size_t> copy_of = {};          // then by PE: the one it uses
};

/// Values of all elements; of the type's kind.
struct ArrayValues {
    std::vector<float> floats;
    std::vector<std::int64_t> integers;
};

class Array final : public Object {
public:
    Array(std::string name, Type type, std::vector<std::int64_t> shape, ArrayLayout layout);

    /// This memory as elements of another type, as many as fit; always the same object, which lives as long as this.
    Ref<Array> as(Type type);
    /// Whose memory this is: its own, unless it is the view of another.
    const Array& memory() const { return base_ ? *base_ : *this; }

    const std::string& name() const { return name_; }
    Type type() const { return type_; }
    const std::vector<std::int64_t>& shape() const { return shape_; }
    std::int64_t elements() const { return elements_; }
    /// Of a view: that of the memory, in its elements.
    const ArrayLayout& layout() const { return layout_; }

    /// Values of an input, for every copy. Without any, a run that computes values finds elements that nobody has
    /// stored an error.
    void set_values(std::shared_ptr<const ArrayValues> values) { initial_ = std::move(values); }
    /// Which copy a PE uses: its own, else the first.
    std::size_t copy_of(int pe) const;
    std::size_t copies() const { return layout_.copies ? layout_.homes.size() : 1; }

    /// What an element holds; nothing if nobody has stored it. Of float types, and of the others.
    std::optional<float> float_at(std::size_t copy, std::int64_t element) const;
    std::optional<std::int64_t> integer_at(std::size_t copy, std::int64_t element) const;
    /// What all elements hold, if each holds something; else null.
    const ArrayValues* whole(std::size_t copy) const;
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
        std::int64_t unknown = 0;  // elements
    };
    Stored& stored(std::size_t copy);
    static void note_known(Stored& stored, std::size_t element);
    // Of a view: the bits of its element, of those that it lies on; and of an element of such an array.
    std::optional<std::uint64_t> bits_in_base(std::size_t copy, std::int64_t element) const;
    void store_in_base(std::size_t copy, std::int64_t element, std::uint64_t bits);
    std::optional<std::uint64_t> bits_at(std::size_t copy, std::int64_t element) const;
    void store_bits(std::size_t copy, std::int64_t element, std::uint64_t bits);
    void touch_base(std::int64_t first, std::int64_t count);

    std::string name_;
    Type type_;
    std::vector<std::int64_t> shape_;
    std::int64_t elements_;
    ArrayLayout layout_;
    std::shared_ptr<const ArrayValues> initial_;
    std::vector<std::unique_ptr<Stored>> stored_;  // by copy; null: as it was
    std::int64_t granule_;                         // elements that are counted together
    std::vector<std::uint64_t> touched_;           // a bit per granule
    Array* base_ = nullptr;                        // of a view, which it owns
    std::vector<Ref<Array>> views_;
};

}  // namespace tilemesh::program

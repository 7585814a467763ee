// SPDX-License-Identifier: Apache-2.0
// Lists of ranges of local indices. Tables have millions of them, nearly all of one or two ranges, which are kept in
// place.
#pragma once

#include "sim/attention/mask.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>

namespace tilemesh::attention {

/// Ranges of local indices: sorted, disjoint, not empty (what is collected for united() need not be). A list that
/// grows at its end, with the interface of a vector.
class Ranges {
public:
    Ranges() = default;
    Ranges(std::initializer_list<Range> ranges) { append(ranges.begin(), ranges.end()); }
    Ranges(const Ranges& other) { append(other.begin(), other.end()); }
    Ranges(Ranges&& other) noexcept { take(other); }
    Ranges& operator=(const Ranges& other) {
        if (this == &other) return *this;
        clear();
        append(other.begin(), other.end());
        return *this;
    }
    Ranges& operator=(Ranges&& other) noexcept {
        if (this == &other) return *this;
        if (on_heap()) delete[] heap_;
        take(other);
        return *this;
    }
    ~Ranges() {
        if (on_heap()) delete[] heap_;
    }

    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }
    Range* begin() { return on_heap() ? heap_ : in_place_; }
    const Range* begin() const { return on_heap() ? heap_ : in_place_; }
    Range* end() { return begin() + size_; }
    const Range* end() const { return begin() + size_; }
    Range& operator[](std::size_t i) { return begin()[i]; }
    const Range& operator[](std::size_t i) const { return begin()[i]; }
    Range& front() { return *begin(); }
    const Range& front() const { return *begin(); }
    Range& back() { return end()[-1]; }
    const Range& back() const { return end()[-1]; }

    void clear() { size_ = 0; }
    /// Keeps the first so many.
    void shorten(std::size_t size) { size_ = static_cast<std::uint32_t>(size); }
    void push_back(const Range& range) {
        const Range copy = range;  // it may be one of these
        if (size_ == capacity_) grow(size_ + 1);
        begin()[size_++] = copy;
    }
    void append(const Range* first, const Range* last) {
        const auto more = static_cast<std::uint32_t>(last - first);
        if (size_ + more > capacity_) grow(size_ + more);
        std::copy(first, last, end());
        size_ += more;
    }
    void append(const Ranges& others) { append(others.begin(), others.end()); }

    friend bool operator==(const Ranges& a, const Ranges& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end());
    }

private:
    static constexpr std::uint32_t places = 2;

    bool on_heap() const { return capacity_ > places; }
    void grow(std::uint32_t least);
    /// Whatever was here is gone already.
    void take(Ranges& other) {
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, places);
        if (on_heap()) {
            heap_ = other.heap_;
        } else {
            std::copy(other.in_place_, other.in_place_ + places, in_place_);
        }
    }

    union {
        Range in_place_[places] = {};
        Range* heap_;
    };
    std::uint32_t size_ = 0, capacity_ = places;
};

std::int64_t total(const Ranges& ranges);
/// Sorted, and joined where they touch or overlap.
Ranges united(Ranges ranges);
/// Are they so already?
bool is_united(const Ranges& ranges);
Ranges intersection(const Ranges& a, const Ranges& b);
/// Every index of `inner` is in `outer`.
bool covers(const Ranges& outer, const Ranges& inner);

}  // namespace tilemesh::attention

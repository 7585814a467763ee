// SPDX-License-Identifier: Apache-2.0
// A list that grows at its end, nearly always of a few: these are kept in place, so that making and copying it asks
// for no memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <utility>

namespace tilemesh {

/// With the interface of a vector. For plain values.
template <class T, std::uint32_t places>
class Few {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    Few() = default;
    Few(std::initializer_list<T> values) { append(values.begin(), values.end()); }
    Few(const Few& other) { append(other.begin(), other.end()); }
    Few(Few&& other) noexcept { take(other); }
    Few& operator=(const Few& other) {
        if (this == &other) return *this;
        clear();
        append(other.begin(), other.end());
        return *this;
    }
    Few& operator=(Few&& other) noexcept {
        if (this == &other) return *this;
        if (on_heap()) delete[] heap_;
        take(other);
        return *this;
    }
    ~Few() {
        if (on_heap()) delete[] heap_;
    }

    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }
    T* begin() { return on_heap() ? heap_ : in_place_; }
    const T* begin() const { return on_heap() ? heap_ : in_place_; }
    T* end() { return begin() + size_; }
    const T* end() const { return begin() + size_; }
    T& operator[](std::size_t i) { return begin()[i]; }
    const T& operator[](std::size_t i) const { return begin()[i]; }
    T& front() { return *begin(); }
    const T& front() const { return *begin(); }
    T& back() { return end()[-1]; }
    const T& back() const { return end()[-1]; }

    void clear() { size_ = 0; }
    /// Keeps the first so many.
    void shorten(std::size_t size) { size_ = static_cast<std::uint32_t>(size); }
    void push_back(const T& value) {
        const T copy = value;  // it may be one of these
        if (size_ == capacity_) grow(size_ + 1);
        begin()[size_++] = copy;
    }
    void append(const T* first, const T* last) {
        const auto more = static_cast<std::uint32_t>(last - first);
        if (size_ + more > capacity_) grow(size_ + more);
        std::copy(first, last, end());
        size_ += more;
    }
    void append(const Few& others) { append(others.begin(), others.end()); }

    friend bool operator==(const Few& a, const Few& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

private:
    bool on_heap() const { return capacity_ > places; }
    void grow(std::uint32_t least) {
        const std::uint32_t capacity = std::max(least, 2 * capacity_);
        auto* const larger = new T[capacity];
        std::copy(begin(), end(), larger);
        if (on_heap()) delete[] heap_;
        heap_ = larger;
        capacity_ = capacity;
    }
    /// Whatever was here is gone already.
    void take(Few& other) {
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, places);
        if (on_heap()) {
            heap_ = other.heap_;
        } else {
            std::copy(other.in_place_, other.in_place_ + places, in_place_);
        }
    }

    union {
        T in_place_[places] = {};
        T* heap_;
    };
    std::uint32_t size_ = 0, capacity_ = places;
};

}  // namespace tilemesh

// SPDX-License-Identifier: Apache-2.0
// A first-in first-out queue that is nearly always short: the first few are kept in place, where whoever owns it
// finds them without another look at memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace tilemesh {

/// `places`: a power of two. For plain values.
template <class T, std::uint32_t places>
class ShortQueue {
    static_assert(std::is_trivially_copyable_v<T> && places > 0 && (places & (places - 1)) == 0);

public:
    ShortQueue() = default;
    ShortQueue(ShortQueue&& other) noexcept : size_(other.size_), capacity_(other.capacity_), first_(other.first_) {
        if (on_heap()) {
            heap_ = other.heap_;
        } else {
            for (std::uint32_t i = 0; i < places; ++i) in_place_[i] = other.in_place_[i];
        }
        other.size_ = other.first_ = 0;
        other.capacity_ = places;
    }
    ShortQueue(const ShortQueue&) = delete;
    ShortQueue& operator=(const ShortQueue&) = delete;
    ~ShortQueue() {
        if (on_heap()) delete[] heap_;
    }

    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }
    T& front() { return slots()[first_]; }
    const T& front() const { return slots()[first_]; }
    T& back() { return (*this)[size_ - 1]; }
    /// Element i counted from the front.
    T& operator[](std::size_t i) { return slots()[(first_ + i) & (capacity_ - 1)]; }
    const T& operator[](std::size_t i) const { return slots()[(first_ + i) & (capacity_ - 1)]; }
    void push(const T& value) {
        if (size_ == capacity_) grow();
        slots()[(first_ + size_++) & (capacity_ - 1)] = value;
    }
    T pop() {
        const T value = front();
        first_ = (first_ + 1) & (capacity_ - 1);
        --size_;
        return value;
    }

private:
    bool on_heap() const { return capacity_ > places; }
    T* slots() { return on_heap() ? heap_ : in_place_; }
    const T* slots() const { return on_heap() ? heap_ : in_place_; }
    void grow() {
        auto* const larger = new T[std::size_t{2} * capacity_];
        for (std::uint32_t i = 0; i < size_; ++i) larger[i] = (*this)[i];
        if (on_heap()) delete[] heap_;
        heap_ = larger;
        capacity_ *= 2;
        first_ = 0;
    }

    union {
        T in_place_[places] = {};
        T* heap_;
    };
    std::uint32_t size_ = 0, capacity_ = places, first_ = 0;
};

}  // namespace tilemesh

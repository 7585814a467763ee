// SPDX-License-Identifier: Apache-2.0
// A first-in first-out queue on one growing array: after warming up it never allocates. For the queues of the hot
// path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace tilemesh {

template <class T>
class RingQueue {
public:
    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }
    T& front() { return slots_[first_]; }
    const T& front() const { return slots_[first_]; }
    T& back() { return (*this)[size_ - 1]; }
    /// Element i counted from the front.
    T& operator[](std::size_t i) { return slots_[(first_ + i) & (capacity_ - 1)]; }
    const T& operator[](std::size_t i) const { return slots_[(first_ + i) & (capacity_ - 1)]; }
    T& push(T value) {
        T& slot = push_slot();
        slot = std::move(value);
        return slot;
    }
    /// Room for one more at the back, holding whatever was there last: for large elements that are filled in place.
    T& push_slot() {
        if (size_ == capacity_) grow();
        return slots_[(first_ + size_++) & (capacity_ - 1)];
    }
    T pop() {
        T value = std::move(slots_[first_]);
        drop();
        return value;
    }
    /// Leaves the front behind; what it holds stays until its slot is used again.
    void drop() {
        first_ = (first_ + 1) & (capacity_ - 1);
        --size_;
    }

private:
    void grow() {
        const std::uint32_t capacity = capacity_ == 0 ? 2 : capacity_ * 2;  // a power of two, so that indices mask
        auto larger = std::make_unique<T[]>(capacity);
        for (std::uint32_t i = 0; i < size_; ++i) larger[i] = std::move((*this)[i]);
        slots_ = std::move(larger);
        capacity_ = capacity;
        first_ = 0;
    }

    std::unique_ptr<T[]> slots_;
    std::uint32_t capacity_ = 0, first_ = 0, size_ = 0;
};

}  // namespace tilemesh

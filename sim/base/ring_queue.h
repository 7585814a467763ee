// SPDX-License-Identifier: Apache-2.0
// A first-in first-out queue on one growing array: after warming up it never allocates. For the queues of the hot
// path.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace tilemesh {

template <class T>
class RingQueue {
public:
    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }
    T& front() { return slots_[first_]; }
    const T& front() const { return slots_[first_]; }
    /// Element i counted from the front.
    T& operator[](std::size_t i) { return slots_[(first_ + i) & (slots_.size() - 1)]; }
    const T& operator[](std::size_t i) const { return slots_[(first_ + i) & (slots_.size() - 1)]; }
    T& push(T value) {
        if (size_ == slots_.size()) grow();
        T& slot = slots_[(first_ + size_++) & (slots_.size() - 1)];
        slot = std::move(value);
        return slot;
    }
    T pop() {
        T value = std::move(slots_[first_]);
        first_ = (first_ + 1) & (slots_.size() - 1);
        --size_;
        return value;
    }

private:
    void grow() {
        std::vector<T> larger(slots_.empty() ? 2 : slots_.size() * 2);  // a power of two, so that indices mask
        for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move((*this)[i]);
        slots_ = std::move(larger);
        first_ = 0;
    }

    std::vector<T> slots_;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

}  // namespace tilemesh

// SPDX-License-Identifier: Apache-2.0
// A vector of floats that is not cleared when it is made: every payload is written in full right after, and clearing
// megabytes first is a measurable part of a run that computes values.
#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace tilemesh {

template <class T>
struct UninitialisedAllocator : std::allocator<T> {
    template <class U>
    struct rebind {
        using other = UninitialisedAllocator<U>;
    };
    template <class U>
    void construct(U* place) {
        ::new (static_cast<void*>(place)) U;
    }
    template <class U, class... Args>
    void construct(U* place, Args&&... args) {
        ::new (static_cast<void*>(place)) U(std::forward<Args>(args)...);
    }
};
using RawFloats = std::vector<float, UninitialisedAllocator<float>>;

}  // namespace tilemesh

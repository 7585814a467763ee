// SPDX-License-Identifier: Apache-2.0
// Objects that count the handles on them, and the handles. Made for what a run makes and forgets by the million: the
// count is no atomic one, so an object stays in the thread that made it, and its memory is kept for the next of its
// size.
#pragma once

#include "sim/base/instruction_sets.h"

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace tilemesh {

/// Memory of objects that are gone, by size, so that the next one costs a few instructions. Under AddressSanitizer
/// there is none: it finds the use of what is gone only if nobody takes its place.
class SpareMemory {
public:
    static void* take(std::size_t bytes) {
#ifndef TILEMESH_ADDRESS_SANITIZED
        const std::size_t list = (bytes + step - 1) / step;
        if (list < lists && spare[list]) return std::exchange(spare[list], *static_cast<void**>(spare[list]));
        if (list < lists) bytes = list * step;
#endif
        return ::operator new(bytes);
    }
    static void give(void* memory, std::size_t bytes) noexcept {
#ifndef TILEMESH_ADDRESS_SANITIZED
        const std::size_t list = (bytes + step - 1) / step;
        if (list < lists) {
            *static_cast<void**>(memory) = std::exchange(spare[list], memory);
            return;
        }
#else
        static_cast<void>(bytes);
#endif
        ::operator delete(memory);
    }

private:
    static constexpr std::size_t step = 16, lists = 24;
    // Of the thread, not of a simulation: what is made can outlive the one that it was made for.
    static inline constinit thread_local void* spare[lists] = {};
};

class Counted {
public:
    Counted() = default;
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    virtual ~Counted() = default;

    static void* operator new(std::size_t bytes) { return SpareMemory::take(bytes); }
    static void operator delete(void* memory, std::size_t bytes) noexcept { SpareMemory::give(memory, bytes); }

private:
    template <class T>
    friend class Ref;
    std::uint32_t references_ = 0;
};

/// A counted handle on an object.
template <class T>
class Ref {
public:
    Ref() = default;
    explicit Ref(T* object) : object_(object) {
        if (object_) ++object_->references_;
    }
    Ref(const Ref& other) : Ref(other.object_) {}
    template <class U>
    Ref(const Ref<U>& other) : Ref(static_cast<T*>(other.get())) {}  // NOLINT: as pointers convert
    template <class U>
    Ref(Ref<U>&& other) noexcept : object_(static_cast<T*>(other.release())) {}  // NOLINT: as pointers convert
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() {
        if (object_ && --object_->references_ == 0) delete object_;
    }
    T* get() const { return object_; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }

private:
    template <class U>
    friend class Ref;
    /// The object with its count, which another handle takes over.
    T* release() { return std::exchange(object_, nullptr); }

    T* object_ = nullptr;
};
template <class T, class... Args>
Ref<T> make(Args&&... args) {
    return Ref<T>(new T(std::forward<Args>(args)...));
}

}  // namespace tilemesh

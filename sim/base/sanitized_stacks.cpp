// SPDX-License-Identifier: Apache-2.0
#include "sim/base/sanitized_stacks.h"

#ifdef TILEMESH_ADDRESS_SANITIZED

#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

namespace tilemesh {
namespace {

struct Bounds {
    const char* bottom = nullptr;
    std::size_t size = 0;
};

Bounds bounds_of_this_thread() {
    pthread_attr_t attributes;
    void* bottom = nullptr;
    std::size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return {};
    pthread_attr_getstack(&attributes, &bottom, &size);
    pthread_attr_destroy(&attributes);
    return {static_cast<const char*>(bottom), size};
}

void set_bounds(const Bounds& bounds) {
    __sanitizer_start_switch_fiber(nullptr, bounds.bottom, bounds.size);
    __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
}

}  // namespace

void back_on_own_stack() {
    // A constant of the thread, kept because asking for it reads a file.
    static thread_local const Bounds bounds = bounds_of_this_thread();
    set_bounds(bounds);
}

void forget_frames_below(std::size_t bytes) {
    const char* frame = static_cast<const char*>(__builtin_frame_address(0));
    __asan_unpoison_memory_region(frame - bytes, bytes);
}

void CoroutineStack::begin(std::size_t bytes) {
    // Above this frame are only the caller's and SystemC's, less than an eighth of the stack.
    bytes_ = bytes - bytes / 8;
    top_ = static_cast<const char*>(__builtin_frame_address(0));
    forget_frames_below(bytes_);
    resume();
}

void CoroutineStack::resume() const { set_bounds({top_ - bytes_, bytes_}); }

}  // namespace tilemesh

#endif

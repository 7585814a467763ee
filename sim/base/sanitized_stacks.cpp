// SPDX-License-Identifier: Apache-2.0
#include "sim/base/sanitized_stacks.h"

#ifdef TILEMESH_ADDRESS_SANITIZED

#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

namespace tilemesh {

void stack_is_of_this_thread() {
    pthread_attr_t attributes;
    void* bottom = nullptr;
    std::size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
    pthread_attr_getstack(&attributes, &bottom, &size);
    pthread_attr_destroy(&attributes);
    __sanitizer_start_switch_fiber(nullptr, bottom, size);
    __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
}

void forget_frames_below(std::size_t bytes) {
    const char* frame = static_cast<const char*>(__builtin_frame_address(0));
    __asan_unpoison_memory_region(frame - bytes, bytes);
}

}  // namespace tilemesh

#endif

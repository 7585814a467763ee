// SPDX-License-Identifier: Apache-2.0
// What AddressSanitizer must be told about stacks when SystemC switches between them; nothing in other builds. A
// SystemC thread that ends leaves its own stack's bounds behind, an exception then leaves marks on the stack it
// crosses, and stacks that are unmapped with marks on them hand these to whatever is mapped there next.
#pragma once

#include "sim/base/instruction_sets.h"

#include <cstddef>

namespace tilemesh {

#ifdef TILEMESH_ADDRESS_SANITIZED
/// To be called on the stack of the operating system's thread after SystemC may have switched stacks.
void back_on_own_stack();
/// Nothing below the calling function's frame is in use, as when a stack is new or an exception has been caught.
void forget_frames_below(std::size_t bytes);

/// The stack of one SystemC thread.
class CoroutineStack {
public:
    /// To be called first of all in the thread; `bytes` is the size of its stack.
    void begin(std::size_t bytes);
    /// To be called after every wait.
    void resume() const;
    /// To be called where the function that called begin() has caught an exception.
    void unwound() const { forget_frames_below(bytes_); }

private:
    const char* top_ = nullptr;
    std::size_t bytes_ = 0;
};
#else
inline void back_on_own_stack() {}
inline void forget_frames_below(std::size_t) {}

class CoroutineStack {
public:
    void begin(std::size_t) {}
    void resume() const {}
    void unwound() const {}
};
#endif

}  // namespace tilemesh

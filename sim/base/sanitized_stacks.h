// SPDX-License-Identifier: Apache-2.0
// What AddressSanitizer must be told about stacks when SystemC switches between them; nothing in other builds. A
// SystemC thread that ends leaves its own stack's bounds behind, an exception then leaves marks on the stack it
// crosses, and stacks that are unmapped with marks on them hand these to whatever is mapped there next.
#pragma once

#include "sim/base/instruction_sets.h"

#include <cstddef>

namespace tilemesh {

#ifdef TILEMESH_ADDRESS_SANITIZED
/// The calling function runs on the stack of its operating system's thread, whatever SystemC last said.
void stack_is_of_this_thread();
/// Nothing below the calling function's frame is in use, as when a stack is new or an exception has been caught.
void forget_frames_below(std::size_t bytes);
#else
inline void stack_is_of_this_thread() {}
inline void forget_frames_below(std::size_t) {}
#endif

}  // namespace tilemesh

// SPDX-License-Identifier: Apache-2.0
// The assembler reads the file: a string of half a megabyte takes a compiler seconds.
#include "sim/page/embedded.h"

#include <page.html.h>

// clang-format off
__asm__(
    ".pushsection .rodata\n"
    ".globl tilemesh_page_begin, tilemesh_page_end\n"
    "tilemesh_page_begin:\n"
    ".incbin \"" TILEMESH_PAGE_FILE "\"\n"
    "tilemesh_page_end:\n"
    ".byte 0\n"
    ".popsection\n");
// clang-format on

extern "C" {
extern const char tilemesh_page_begin[];
extern const char tilemesh_page_end[];
}

namespace tilemesh::page {

std::string_view embedded_page() {
    return {tilemesh_page_begin, static_cast<std::size_t>(tilemesh_page_end - tilemesh_page_begin)};
}

}  // namespace tilemesh::page

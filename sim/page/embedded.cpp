// SPDX-License-Identifier: Apache-2.0
// The assembler reads the files: a string of half a megabyte takes a compiler seconds.
#include "sim/page/embedded.h"

#include <run.html.h>
#include <sweep.html.h>

// clang-format off
#define EMBED(name, file)                  \
    __asm__(                               \
        ".pushsection .rodata\n"           \
        ".globl " #name "_begin, " #name "_end\n" \
        #name "_begin:\n"                  \
        ".incbin \"" file "\"\n"           \
        #name "_end:\n"                    \
        ".byte 0\n"                        \
        ".popsection\n");                  \
    extern "C" const char name##_begin[], name##_end[]
// clang-format on

EMBED(tilemesh_run_page, TILEMESH_PAGE_RUN);
EMBED(tilemesh_sweep_page, TILEMESH_PAGE_SWEEP);

namespace tilemesh::page {
namespace {

std::string_view between(const char* begin, const char* end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

std::string_view embedded_run_page() { return between(tilemesh_run_page_begin, tilemesh_run_page_end); }
std::string_view embedded_sweep_page() { return between(tilemesh_sweep_page_begin, tilemesh_sweep_page_end); }

}  // namespace tilemesh::page

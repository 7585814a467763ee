// SPDX-License-Identifier: Apache-2.0
// How the command asks for memory: in large pages, where the system gives them (adr/0055). jemalloc reads this name
// before main() does anything.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "thp:always,metadata_thp:always";
}

// SPDX-License-Identifier: Apache-2.0
// One macro for loops that deserve the widest vectors of the machine they run on: the compiler makes a version for
// each instruction set and the loader picks one. Such a function must give the same bits in every version.
#pragma once

// The pick happens before the sanitizers are set up, so sanitized builds have the plain version only.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define TILEMESH_SANITIZED 1
#endif
#if __has_feature(address_sanitizer)
#define TILEMESH_ADDRESS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define TILEMESH_ADDRESS_SANITIZED 1
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TILEMESH_SANITIZED 1
#endif

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(TILEMESH_SANITIZED)
#define TILEMESH_INSTRUCTION_SETS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TILEMESH_INSTRUCTION_SETS
#endif

// SPDX-License-Identifier: Apache-2.0
// Seeded random numbers with random access: value i of stream s is a pure function of (seed, s, i), so any part of a
// tensor can be made alone, in any order, on any machine, and is the same. Counter-based (a mixing function of the
// counter), not a sequential generator.
#pragma once

#include <cstdint>
#include <span>

namespace tilemesh {

/// 64 well-mixed bits of (seed, stream, index).
std::uint64_t random_bits(std::uint64_t seed, std::uint64_t stream, std::uint64_t index);

/// Standard normal values number first .. first + out.size() of the stream, as f32 (Box-Muller on two counters).
void fill_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<float> out);

/// A uniform integer in [0, bound), bound > 0, without visible bias.
std::uint64_t random_below(std::uint64_t seed, std::uint64_t stream, std::uint64_t index, std::uint64_t bound);

}  // namespace tilemesh

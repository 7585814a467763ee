// SPDX-License-Identifier: Apache-2.0
// Panels that nobody thought of, each from its seed alone. Every choice has a stream of random numbers of its own, so
// that a new kernel or mask kind does not change what the others of a seed are.
#pragma once

#include "sim/base/json_reader.h"

#include <cstdint>
#include <filesystem>

namespace kernel_test {

using namespace tilemesh;

/// Machines of 1 to 9 PEs (or two cubes of them), dimensions up to 40, one or two users, any mask kind or two of them
/// together, any placement and sharding, a few of the exact kernels with tiles of their own. Tensors that a mask
/// needs are written to `folder`.
Json random_panel(std::uint64_t seed, const std::filesystem::path& folder);

}  // namespace kernel_test

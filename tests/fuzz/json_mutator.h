// SPDX-License-Identifier: Apache-2.0
// Changes one value of a JSON text, so that most inputs are still JSON and reach what is behind the parser. Inputs
// that are none, and every other one that is, are changed byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tilemesh::fuzz {

/// As LLVMFuzzerCustomMutator: in place, the new size is returned.
std::size_t mutate_json(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed);

}  // namespace tilemesh::fuzz

// SPDX-License-Identifier: Apache-2.0
// A kernel outside the tree of tilemesh: what panels call "two_pass".
#pragma once

#include "sim/attention/kernel.h"

namespace example {

tilemesh::attention::Kernel two_pass();

}  // namespace example

// SPDX-License-Identifier: Apache-2.0
// The list of all kernels; see all.cpp.
#pragma once

#include "sim/attention/kernel.h"

namespace tilemesh::kernels {

attention::Kernels all();

}  // namespace tilemesh::kernels

// SPDX-License-Identifier: Apache-2.0
// What operations element by element have in common.
#pragma once

#include "sim/program/host.h"

namespace tilemesh::program {

/// The type in which an operation of the two is done.
Type common_type(const Value& a, const Value& b, bool divides);
/// The type in which an operation of the two is done; constants alone are not asked about.
Type type_for(Op op, const Value& a, const Value& b);
/// A complaint when their shapes do not broadcast.
void check_shapes(Op op, const Value& a, const Value& b);

}  // namespace tilemesh::program

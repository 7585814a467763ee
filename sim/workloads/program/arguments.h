// SPDX-License-Identifier: Apache-2.0
// Reading what a kernel is given.
#pragma once

#include "sim/workloads/program/panel.h"

namespace tilemesh::workloads {

program::Type read_type(const JsonReader& reader);
/// As the type holds it, every digit of it; u64 as two's complement.
std::int64_t read_integer(const JsonReader& reader, program::Type type);

/// A number, the name of a tensor or what can be asked of it, a list, an object (configs/README.md). Of `constant`s,
/// texts are texts.
ArgumentChoice read_argument(const JsonReader& reader, const ProgramPanel& panel, bool constant);

}  // namespace tilemesh::workloads

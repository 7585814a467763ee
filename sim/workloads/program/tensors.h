// SPDX-License-Identifier: Apache-2.0
// The values that tensors hold before a program runs.
#pragma once

#include "sim/program/array.h"
#include "sim/workloads/program/panel.h"
#include "sim/workloads/program/references.h"

#include <memory>
#include <vector>

namespace tilemesh::workloads {

/// Values of a tensor, rounded to its dtype; null where nothing is known, and for floats unless `floats`. InputError
/// when a file does not have them.
std::shared_ptr<const program::ArrayValues> values_of(const TensorChoice& tensor, std::size_t number,
                                                      std::uint64_t seed, bool floats);

/// What a check's file says that a tensor should hold.
HostTensor from_file(const CheckChoice& check, const TensorChoice& tensor);

HostTensor to_host(const TensorChoice& tensor, const program::ArrayValues& values);

}  // namespace tilemesh::workloads

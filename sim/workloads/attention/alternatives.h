// SPDX-License-Identifier: Apache-2.0
// What a search has to choose from where a panel runs attention, and which of its choices come to the same.
#pragma once

#include "sim/attention/kernel.h"
#include "sim/workloads/attention/arrangement.h"

#include <string>
#include <vector>

namespace tilemesh::workloads {

/// Elements of "kernels": every exact kernel of the pass (forward, backward) of any of these, in every sharding and
/// placement that can make a difference to it, in blocks of several sizes.
std::vector<Json> alternatives_to(const std::vector<Json>& kernels, const attention::Kernels& known);

/// run::Bounds::work of a kernel so arranged: everything that its launches are made from, and nothing else.
std::string work_of(const attention::Kernels& known, const attention::Kernel& kernel, const RanksChoice& ranks,
                    const Arrangement& a);

}  // namespace tilemesh::workloads

// SPDX-License-Identifier: Apache-2.0
// A panel in one line of words, for the heading of its table.
#pragma once

#include "sim/workloads/attention/panel.h"

#include <string>

namespace tilemesh::workloads {

/// "causal attention, 64 query heads on 8 kv heads of 128, f16; 8192 queries x 8192 keys; one rank per pe"
std::string describe(const AttentionPanel& panel);

}  // namespace tilemesh::workloads

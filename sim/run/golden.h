// SPDX-License-Identifier: Apache-2.0
// Golden results: the figures that comparisons look at and nothing else, in a file small enough for a repository,
// whose lines change only where a figure does.
#pragma once

#include "sim/run/figures.h"

#include <string>

namespace tilemesh::run {

/// Machines that several panels have are written once.
Json golden_json(const Snapshot& snapshot);

bool is_golden(const Json& json);

/// The content of a result file or a golden one. InputError with file and path on anything else, and on two entries
/// of one panel and label.
Snapshot read_snapshot(const Json& json, const std::string& file);

}  // namespace tilemesh::run

// SPDX-License-Identifier: Apache-2.0
// Results as JSON and back. What was simulated comes first; facts about the computer that simulated it (wall time,
// speed, memory) are in a "host" block of their own, so that the rest is the same bytes on every repetition.
#pragma once

#include "sim/report/components_json.h"
#include "sim/report/result.h"

#include <string>

namespace tilemesh::report {

Json to_json(const RunResult& run, ComponentDetail detail = ComponentDetail::all);
/// Strict; InputError with file and path on anything that to_json could not have written.
RunResult read_run_result(const Json& json, const std::string& file);

/// One kernel alone, host facts and pictures included: what a worker process hands to its parent.
Json kernel_to_json(const KernelResult& kernel);
KernelResult read_kernel_result(const Json& json, const std::string& source);

/// Indented JSON in which whatever fits a line stays on a line.
std::string pretty(const Json& json);

}  // namespace tilemesh::report

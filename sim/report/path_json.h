// SPDX-License-Identifier: Apache-2.0
// The critical path of a run and what other machines would change, as JSON and back.
#pragma once

#include "sim/report/result.h"

namespace tilemesh::report {

Json path_to_json(const CriticalPath& path);
CriticalPath read_critical_path(JsonReader reader);

Json what_if_to_json(const std::vector<WhatIf>& changes);
std::vector<WhatIf> read_what_if(const JsonReader& reader);

}  // namespace tilemesh::report

// SPDX-License-Identifier: Apache-2.0
// The components of a result as JSON: one record each, or one of each kind, or none. A machine of thousands of PEs
// has tens of thousands of components.
#pragma once

#include "sim/report/result.h"

#include <vector>

namespace tilemesh::report {

enum class ComponentDetail {
    none,
    summary,  // a record of each kind: the sums over all of them, and how they are distributed
    all,
};

/// An array of records. Those of a summary have the keys of single components (`path` says how many they are), so
/// that files are read and compared alike, and `distribution`. The account is of those that took part, `accounted` of
/// them: it sums up to so many times the run's time.
Json components_to_json(const std::vector<ComponentResult>& components, ComponentDetail detail);

}  // namespace tilemesh::report

// SPDX-License-Identifier: Apache-2.0
// What `tune` searches: a sweep file is a space; of a panel it is all kernels that do what the panel's do, in every
// way in which their workload can lay them out. Axes given beside it come in the place of those.
#pragma once

#include "sim/search/space.h"

#include <string>
#include <vector>

namespace tilemesh::search {

/// "key=a,b,c": values are JSON where they are JSON (an object, null), else text. InputError for what is none.
Axis parse_axis(const std::string& text);

struct Wanted {
    std::vector<Axis> axes = {};
    std::vector<run::Setting> settings = {};
    std::vector<std::string> kernels = {};  // names or labels; none: all
};

/// InputError for a file that is neither a panel nor a sweep, and for kernels that a sweep file does not let choose.
Space tuning_space(const NamedFile& file, const Wanted& wanted, const run::Workloads& workloads);

}  // namespace tilemesh::search

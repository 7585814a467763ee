// SPDX-License-Identifier: Apache-2.0
#include "sim/run/workload.h"

#include "sim/base/error.h"
#include "sim/base/names.h"

#include <fmt/format.h>

#include <algorithm>

namespace tilemesh::run {

void check_known(const std::string& where, const std::string& kernel, const std::vector<KernelInfo>& known) {
    std::vector<std::string> names;
    for (const KernelInfo& one : known) names.push_back(one.name);
    if (std::find(names.begin(), names.end(), kernel) != names.end()) return;
    const auto near = nearest_name(kernel, names);
    fail<InputError>("{}: there is no kernel {}; {}", where, printable(kernel),
                     near ? fmt::format("did you mean {}?", *near) : "tilemesh list kernels shows those there are");
}

}  // namespace tilemesh::run

// SPDX-License-Identifier: Apache-2.0
// What is refused before anything runs, whatever the runner.
#include "sim/run/entry.h"

#include "sim/base/error.h"
#include "sim/base/json_reader.h"

#include <algorithm>

namespace tilemesh::run {

void check_panel(const Panel& panel, const EntryRunner& runner) {
    std::vector<std::string> names;
    for (const auto& kernel : runner.kernels()) names.push_back(kernel.name);
    for (const auto& choice : panel.kernels) {
        if (std::find(names.begin(), names.end(), choice.kernel) == names.end()) {
            const auto near = nearest_name(choice.kernel, names);
            fail<InputError>(
                "{}: there is no kernel {}; {}", choice.where, choice.kernel,
                near ? fmt::format("did you mean {}?", *near) : "tilemesh list kernels shows those there are");
        }
        runner.check(panel, choice);
    }
}

}  // namespace tilemesh::run

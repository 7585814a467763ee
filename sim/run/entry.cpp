// SPDX-License-Identifier: Apache-2.0
// What is refused before anything runs, whatever the runner.
#include "sim/run/entry.h"

#include "sim/base/error.h"
#include "sim/base/json_reader.h"
#include "sim/run/not_possible.h"

#include <algorithm>
#include <optional>

namespace tilemesh::run {

namespace {

void check_name(const KernelChoice& choice, const std::vector<std::string>& names) {
    if (std::find(names.begin(), names.end(), choice.kernel) != names.end()) return;
    const auto near = nearest_name(choice.kernel, names);
    fail<InputError>("{}: there is no kernel {}; {}", choice.where, printable(choice.kernel),
                     near ? fmt::format("did you mean {}?", *near) : "tilemesh list kernels shows those there are");
}

std::vector<std::string> names_of(const EntryRunner& runner) {
    std::vector<std::string> names;
    for (const auto& kernel : runner.kernels()) names.push_back(kernel.name);
    return names;
}

}  // namespace

void check_panel(const Panel& panel, const EntryRunner& runner) {
    const std::vector<std::string> names = names_of(runner);
    for (const auto& choice : panel.kernels) {
        check_name(choice, names);
        runner.check(panel, choice);
    }
}

void mark_impossible(Panel& panel, const EntryRunner& runner) {
    const std::vector<std::string> names = names_of(runner);
    std::optional<NotPossible> first;
    bool possible = false;
    for (auto& choice : panel.kernels) {
        check_name(choice, names);
        choice.not_possible.clear();
        try {
            runner.check(panel, choice);
            possible = true;
        } catch (const NotPossible& error) {
            choice.not_possible = error.reason();
            if (!first) first = error;
        }
    }
    if (!possible && first) throw NotPossible(*first);
}

}  // namespace tilemesh::run

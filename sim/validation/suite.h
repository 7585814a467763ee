// SPDX-License-Identifier: Apache-2.0
// A suite is a named list of comparisons with the conditions they must meet. A family is what one form of reference
// file can be compared with: it recognises such a file, reads its rows strictly into cases, and lists its suites.
// Families are listed in all_suites.cpp; adding one is a file of its own and a line there.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/run/workload.h"
#include "sim/validation/comparison.h"
#include "sim/validation/condition.h"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace tilemesh::validation {

struct Suite {
    std::string name;      // "network_uniform"
    std::string question;  // one line: what is compared with what
    std::vector<Condition> conditions{};
    bool fitted = false;                 // parameters were calibrated from these rows: not a prediction
    bool references_are_bounds = false;  // the distance from the reference is no error
};

/// The smallest piece of work: usually one row of the file. It may feed several suites.
struct Case {
    std::string name;
    std::vector<std::string> suites;  // to which measure() contributes
    /// Runs in a process of its own; may simulate, may throw. Returns comparisons of `suites` only. None: see
    /// left_out.
    std::function<std::vector<Comparison>()> measure;
    bool quick = true;  // belongs to `validate --quick`: all of those together take seconds
    /// Why nothing is measured, or why measure() may find that there is nothing to compare: "offered more than 70 %
    /// of saturation". Such rows are counted and shown.
    std::string left_out{};
};

/// A row that feeds `suite` only by being counted, with the reason why.
Case not_compared(const std::string& suite, const std::string& why);

/// What cases may need besides their row.
struct Surroundings {
    std::filesystem::path configs;  // the folder with machines/, panels/, validation/
    const run::Workloads& workloads;
};

struct Family {
    std::string name;                // "systolic"
    std::string form;                // one line: what its files contain
    std::vector<std::string> files;  // bundled, in configs/validation
    std::vector<Suite> suites;
    std::function<bool(const Json& file)> recognises;
    /// Strict about what it needs (errors name file and path); other keys are descriptions.
    std::function<std::vector<Case>(JsonReader file, const Surroundings&)> read;
};

/// Every family, in the order in which they are shown.
std::vector<Family> all_families();

/// Whether the list `list` of a file has a row (an object) with all of these keys.
bool has_row_with(const Json& file, const std::string& list, const std::vector<std::string>& keys);

}  // namespace tilemesh::validation

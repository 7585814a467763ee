// SPDX-License-Identifier: Apache-2.0
// Running suites: which cases of which files feed them, their comparisons in the order of the files whatever order
// processes finish in, and what each suite came to.
#pragma once

#include "sim/run/workers.h"
#include "sim/validation/suite.h"

#include <optional>
#include <string>
#include <vector>

namespace tilemesh::validation {

struct ValidationOptions {
    std::vector<std::string> suites;           // names of suites or families; empty: all
    std::vector<std::filesystem::path> files;  // empty: each family's bundled files
    bool quick = false;                        // quick cases only
    int workers = 0;                           // 0: one per core
    std::function<void(const run::Progress&)> on_progress;
};

struct ConditionResult {
    std::string text;
    Finding finding;
};

struct SuiteResult {
    Suite suite;
    std::vector<std::string> files;  // where its rows are from
    std::vector<Comparison> comparisons;
    std::vector<ConditionResult> conditions;

    bool passes() const;
};

/// Rows of a file that no suite compares, for one reason.
struct LeftOut {
    std::string file, reason;
    std::size_t rows = 0;
};

struct ValidationResult {
    std::vector<SuiteResult> suites;  // without those that have no case in the files
    std::vector<LeftOut> left_out;
    bool quick = false;  // only quick cases were run
    bool interrupted = false;
    bool internal = false;  // tilemesh contradicted itself or crashed in some case
    double seconds = 0.0;   // of this computer

    bool passes() const;
};

/// InputError: an unknown suite, a file of no known form or with bad rows, no case at all.
ValidationResult validate(const std::vector<Family>& families, const Surroundings& surroundings,
                          const ValidationOptions& options);

/// Reads a file as validate() would and returns how many cases it has for the suites; nothing when it is of no form
/// that a family knows. InputError: bad rows, no case at all.
std::optional<std::size_t> check_reference_data(const std::vector<Family>& families, const Surroundings& surroundings,
                                                const Json& content, const std::string& file);

/// What the comparisons of one suite come to.
SuiteResult judged(Suite suite, std::vector<std::string> files, std::vector<Comparison> comparisons);

}  // namespace tilemesh::validation

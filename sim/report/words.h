// SPDX-License-Identifier: Apache-2.0
// The words that stand for states of a result, in JSON and in tables alike.
#pragma once

#include "sim/base/names.h"
#include "sim/report/result.h"

#include <string>
#include <vector>

namespace tilemesh::report {

inline std::vector<std::string> status_words() { return {"ok", "failed", "crashed", "interrupted", "not possible"}; }
inline std::string name_of(Status status) { return status_words()[static_cast<std::size_t>(status)]; }

/// What stands in place of a verdict where there is no result: "failed", "not possible: more kv heads than PEs".
inline std::string without_result(const KernelResult& kernel) {
    if (kernel.status != Status::not_possible) return name_of(kernel.status);
    return name_of(kernel.status) + ": " + printable(kernel.error);
}

inline std::string outcome_of(const VerdictResult& verdict) {
    if (!verdict.computed()) return "values not computed";
    return verdict.pass ? "pass" : "fail";
}

/// Ran to its end with an answer that is not known to be wrong.
inline bool is_good(const KernelResult& kernel) {
    return kernel.status == Status::ok && (!kernel.verdict.computed() || kernel.verdict.pass);
}

}  // namespace tilemesh::report

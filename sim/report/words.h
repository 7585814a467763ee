// SPDX-License-Identifier: Apache-2.0
// The words that stand for states of a result, in JSON and in tables alike.
#pragma once

#include "sim/report/result.h"

#include <string>
#include <vector>

namespace tilemesh::report {

inline std::vector<std::string> status_words() { return {"ok", "failed", "crashed", "interrupted"}; }
inline std::string name_of(Status status) { return status_words()[static_cast<std::size_t>(status)]; }

inline std::string outcome_of(const VerdictResult& verdict) {
    if (!verdict.computed()) return "values not computed";
    return verdict.pass ? "pass" : "fail";
}

/// Ran to its end with an answer that is not known to be wrong.
inline bool is_good(const KernelResult& kernel) {
    return kernel.status == Status::ok && (!kernel.verdict.computed() || kernel.verdict.pass);
}

}  // namespace tilemesh::report

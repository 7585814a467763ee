// SPDX-License-Identifier: Apache-2.0
// Wording of a panel's heading.
#include "sim/run/describe.h"

#include <fmt/format.h>

namespace tilemesh::run {
namespace {

std::string users_of(const attention::Problem& problem) {
    if (problem.users.size() == 1)
        return fmt::format("{} {} x {} keys", problem.users[0].queries,
                           problem.users[0].queries == 1 ? "query" : "queries", problem.users[0].keys);
    std::string queries, keys;
    for (const auto& user : problem.users) {
        queries += fmt::format("{}{}", queries.empty() ? "" : "+", user.queries);
        keys += fmt::format("{}{}", keys.empty() ? "" : "+", user.keys);
    }
    const std::string pairs =
        queries == keys ? queries + " queries and keys" : queries + " queries x " + keys + " keys";
    return fmt::format("{} users, {}", problem.users.size(), pairs);
}

}  // namespace

std::string describe(const Panel& panel) {
    const auto& problem = panel.problem;
    const std::string dims = problem.head_dim == problem.value_dim
                                 ? fmt::format("{}", problem.head_dim)
                                 : fmt::format("{}/{}", problem.head_dim, problem.value_dim);
    std::string variant;
    if (!problem.sinks.empty()) variant += " with sinks";
    if (problem.soft_cap > 0.0)
        variant += fmt::format("{} soft cap {}", variant.empty() ? " with" : " and", problem.soft_cap);
    return fmt::format("{} attention{}, {} query heads on {} kv heads of {}, {}; {}; one rank per {}",
                       problem.mask->name(), variant, problem.heads_q, problem.heads_kv, dims,
                       tilemesh::name_of(problem.dtype), users_of(problem), name_of(panel.ranks.unit));
}

}  // namespace tilemesh::run

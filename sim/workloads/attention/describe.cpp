// SPDX-License-Identifier: Apache-2.0
// Wording of a panel's heading.
#include "sim/workloads/attention/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

namespace tilemesh::workloads {
namespace {

constexpr std::size_t most_listed = 8;  // users by their own numbers; more are summarised

/// Queries or keys of many users.
struct Numbers {
    std::int64_t least = std::numeric_limits<std::int64_t>::max(), most = 0, sum = 0;
    void add(std::int64_t number) {
        least = std::min(least, number);
        most = std::max(most, number);
        sum += number;
    }
    /// "1 query", "1 to 8192 keys, 65436 in total".
    std::string text(const char* one, const char* many) const {
        if (least == most) return fmt::format("{} {}", least, most == 1 ? one : many);
        return fmt::format("{} to {} {}, {} in total", least, most, many, sum);
    }
};

std::string many_users(const attention::Problem& problem) {
    Numbers queries, keys;
    bool alike = true;
    for (const auto& user : problem.users) {
        queries.add(user.queries);
        keys.add(user.keys);
        alike = alike && user.queries == user.keys;
    }
    const bool uniform = queries.least == queries.most && keys.least == keys.most;
    const std::string pairs =
        alike ? keys.text("query and key", "queries and keys")
              : queries.text("query", "queries") + (uniform ? " x " : "; ") + keys.text("key", "keys");
    return fmt::format("{} users{}{}", problem.users.size(), uniform ? " of " : ", ", pairs);
}

std::string users_of(const attention::Problem& problem) {
    if (problem.users.size() == 1)
        return fmt::format("{} {} x {} keys", problem.users[0].queries,
                           problem.users[0].queries == 1 ? "query" : "queries", problem.users[0].keys);
    if (problem.users.size() > most_listed) return many_users(problem);
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

std::string describe(const AttentionPanel& panel) {
    const auto& problem = panel.problem;
    const std::string dims = problem.head_dim == problem.value_dim
                                 ? fmt::format("{}", problem.head_dim)
                                 : fmt::format("{}/{}", problem.head_dim, problem.value_dim);
    std::string variant;
    if (!problem.sinks.empty()) variant += " with sinks";
    if (problem.soft_cap > 0.0)
        variant += fmt::format("{} soft cap {}", variant.empty() ? " with" : " and", problem.soft_cap);
    return fmt::format("{} attention{}, {} query heads on {} kv heads of {}{}, {}; {}; one rank per {}",
                       problem.mask->name(), variant, problem.heads_q, problem.heads_kv, dims,
                       problem.latents ? " (latents)" : "", tilemesh::name_of(problem.dtype), users_of(problem),
                       name_of(panel.ranks.unit));
}

}  // namespace tilemesh::workloads

// SPDX-License-Identifier: Apache-2.0
// The matrix engine's formula against SCALE-Sim, whose folds run one after another: every row must be exact. The
// array shapes, dataflows and products are those of the rows; no machine is involved.
#include "sim/pe/cost.h"
#include "sim/validation/families.h"

#include <fmt/core.h>

namespace tilemesh::validation {
namespace {

constexpr std::uint64_t largest_array = 65536;
constexpr std::uint64_t largest_extent = std::uint64_t{1} << 24;

Case case_of(JsonReader row) {
    const auto size = [&](const char* key, std::uint64_t most) {
        return static_cast<std::int64_t>(row.integer(key, 1, most));
    };
    const int rows = static_cast<int>(size("array_rows", largest_array));
    const int cols = static_cast<int>(size("array_cols", largest_array));
    const std::string word = row.word("dataflow", {"output_stationary", "weight_stationary"});
    const std::int64_t m = size("M", largest_extent), n = size("N", largest_extent), k = size("K", largest_extent);
    const double cycles = row.number("cycles", 1, 1e18);
    const std::string name = fmt::format("{}x{} {} {}x{}x{}", rows, cols, word, m, n, k);
    const pe::Dataflow dataflow =
        word == "output_stationary" ? pe::Dataflow::output_stationary : pe::Dataflow::weight_stationary;
    return {name, {"systolic"}, [=] {
                const pe::Cost cost = pe::systolic_cost(rows, cols, dataflow, false, m, n, k);
                return std::vector<Comparison>{{"systolic", name, cycles, cost.occupancy_cycles, "cycles"}};
            }};
}

}  // namespace

Family systolic_family() {
    Family family;
    family.name = "systolic";
    family.form = "rows of {array_rows, array_cols, dataflow, M, N, K, cycles}";
    family.files = {"systolic_cycles.json"};
    family.suites = {{"systolic",
                      "cycles of a product on one array, folds one after another, against SCALE-Sim",
                      {every_row_exact()}}};
    family.recognises = [](const Json& file) { return has_row_with(file, "rows", {"array_rows", "M", "cycles"}); };
    family.read = [](JsonReader file, const Surroundings&) {
        std::vector<Case> cases;
        for (JsonReader& row : file.member("rows").elements()) cases.push_back(case_of(row));
        return cases;
    };
    return family;
}

}  // namespace tilemesh::validation

// SPDX-License-Identifier: Apache-2.0
// Which kernels run where, by name: a kernel that began to refuse what it could run would otherwise just be missing
// from the tests that ask every kernel that accepts.
#include "sim/base/error.h"
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

#include <map>
#include <set>

using namespace kernel_test;

namespace {

/// Exact kernels that do not run on these ranks; without `dilated`, which the mask must suit, not the ranks.
std::set<std::string> refused(const Json& machine, int heads_kv) {
    Json problem = distinct_problem("full");
    problem["heads_q"] = problem["heads_kv"] = heads_kv;
    const Experiment experiment(panel_of(machine, problem, exact_kernels()));
    std::set<std::string> names;
    for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel)
        names.insert(experiment.choice(kernel).kernel);
    for (const std::size_t kernel : experiment.accepted()) names.erase(experiment.choice(kernel).kernel);
    REQUIRE(names.erase("dilated") == 1);
    return names;
}

Json grid_of(int rows, int cols) {
    return {{"base", "machines/cube_2x4.json"}, {"cube", {{"topology", "mesh"}, {"rows", rows}, {"cols", cols}}}};
}

bool prime(int n) {
    for (int divisor = 2; divisor * divisor <= n; ++divisor)
        if (n % divisor == 0) return false;
    return true;
}

}  // namespace

TEST_CASE(
    "on a line only cycles, heads too few and groups of a prime number of ranks are refused, a row or a column") {
    const int heads = 5;
    for (int n = 1; n <= 9; ++n) {
        CAPTURE(n);
        std::set<std::string> expected{"hamiltonian_ring"};
        if (n > heads) expected.insert("ulysses");
        if (n > 1 && prime(n)) expected.insert("head_ring");
        CHECK(refused(line_of(n), heads) == expected);
        CHECK(refused(grid_of(n, 1), heads) == expected);
    }
}

TEST_CASE("what a prime number of ranks cannot be divided into is said") {
    Json problem = distinct_problem("full");
    problem["heads_q"] = problem["heads_kv"] = 5;
    for (const auto& [rows, cols] : {std::pair{1, 5}, std::pair{5, 1}})
        CHECK_THROWS_WITH(Experiment(panel_of(grid_of(rows, cols), problem, {"head_ring"})).arrangement(),
                          Catch::EndsWith("head_ring cannot run this: it needs two or more groups of equal size, of "
                                          "two or more ranks each, and 5 is prime"));
}

TEST_CASE("a whole grid with an even side is refused by nothing, an odd one by the cycle alone") {
    const int heads = 12;
    CHECK(refused(grid_of(2, 3), heads).empty());
    CHECK(refused(grid_of(3, 2), heads).empty());
    CHECK(refused(grid_of(3, 4), heads).empty());
    CHECK(refused(grid_of(3, 3), heads) == std::set<std::string>{"hamiltonian_ring"});
    // one kv head cannot be divided over the ranks of a row
    CHECK(refused(grid_of(2, 3), 1) == std::set<std::string>{"head_ring", "ulysses"});
}

TEST_CASE("a grid with a hole is refused by what goes along whole rows and columns, with the reason") {
    Json json = panel_of(grid_of(2, 3), distinct_problem("full"), exact_kernels());
    json["ranks"] = {{"placement", {0, 1, 2, 3, 5}}};
    const Experiment experiment(json);
    std::map<std::string, std::string> reasons;
    for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
        try {
            experiment.arrangement(kernel);
        } catch (const InputError& error) {
            reasons[experiment.choice(kernel).kernel] = error.what();
        }
    }
    for (const std::string name : {"hamiltonian_ring", "two_orientation", "tiles_2d"}) {
        CAPTURE(name);
        CHECK_THAT(reasons[name], Catch::EndsWith(name + " cannot run this: it needs a rank on every place of the "
                                                         "2 x 3 grid, there are 5 ranks"));
        reasons.erase(name);
    }
    CHECK_THAT(reasons["dilated"], Catch::EndsWith("it needs the mask dilated alone, the problem's is full"));
    reasons.erase("dilated");
    // five ranks make no groups, and there are two kv heads
    CHECK(reasons.size() == 2);
    CHECK(reasons.count("head_ring") + reasons.count("ulysses") == 2);
}

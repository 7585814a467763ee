// SPDX-License-Identifier: Apache-2.0
// Kernels with a fault in them: a row that is not written once is told of, whatever its values are.
#include "kernels/all.h"
#include "kernels/attention/attention.h"
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace kernel_test;

namespace {

using attention::Launch;

/// Why the verdict on a kernel with the text of another is what it is, two ranks or two members of one.
std::string verdict_of(const std::string& name, void (*text)(tl::Context&, const Launch&)) {
    attention::Kernels list = kernels::all();
    std::erase_if(list, [&](const attention::Kernel& kernel) { return kernel.name != name; });
    list.front().text = text;
    const Experiment experiment(panel_of(line_of(2), distinct_problem("full"), Json::array({name})));
    const workloads::AttentionWorkload workload(experiment.panel(), list);
    const run::EntryOutcome outcome = workload.run(0, *workload.prepare({0}, 1), {});
    CHECK(outcome.result.verdict.pass == outcome.result.verdict.why.empty());
    return outcome.result.verdict.why;
}

}  // namespace

TEST_CASE("a row that two ranks have written is told of, though the right values came last") {
    // Each rank ends with one of two kv heads; the first writes both, before the second does. Row 3 is the first
    // query of the second kv head: a kv head has three query heads.
    CHECK(verdict_of("mlo_reduce_scatter", kernels::attention_kernel) == "");
    CHECK(verdict_of("mlo_reduce_scatter", [](tl::Context& tl, const Launch& launch) {
              kernels::attention_kernel(tl, launch);
              if (launch.rank != 0) return;
              tl.store(tl::at(*launch.users[0].o, 1), tl.zeros(Shape{1, 53 * 3, 40}, Dtype::f16));
              tl.store(tl::at(*launch.users[0].lse, 1), tl.zeros(Shape{1, 53 * 3, 1}));
          }) == "row 3 was written 2 times");
}

TEST_CASE("a row that nobody has written is told of") {
    CHECK(verdict_of("head_parallel", kernels::attention_kernel) == "");
    CHECK(verdict_of("head_parallel", [](tl::Context& tl, const Launch& launch) {
              if (launch.heads.begin == 0) kernels::attention_kernel(tl, launch);
          }) == "row 3 was written 0 times");
}

// SPDX-License-Identifier: Apache-2.0
// Every kernel there is, written out. To add one: a schedule function in its family's folder (declared in
// schedules.h) and one entry here.
#include "kernels/all.h"

#include "kernels/attention/attention.h"
#include "kernels/attention/plan.h"
#include "kernels/literal/mesh_kv_literal.h"
#include "kernels/schedules.h"

namespace tilemesh::kernels {
namespace {

std::optional<std::string> runs_all(const attention::Problem&, int) { return {}; }

}  // namespace

attention::Kernels all() {
    return {
        {.name = "mesh_kv",
         .summary =
             "bidirectional wave: K/V chunks travel both ways along the line, each as far as somebody needs it",
         .schedule = mesh_kv,
         .refuses = runs_all,
         .plan = plan_attention,
         .text = attention_kernel},
        {.name = "ring_kv",
         .summary = "closed ring, one way: K/V chunks go round; on a line the wrap is routed back over the line",
         .schedule = ring_kv,
         .refuses = runs_all,
         .plan = plan_attention,
         .text = attention_kernel},
        {.name = "ring_kv_bidirectional",
         .summary = "closed ring, both ways: each K/V chunk goes half way round in either direction",
         .schedule = ring_kv_bidirectional,
         .refuses = runs_all,
         .plan = plan_attention,
         .text = attention_kernel},
        {.name = "mesh_mlo",
         .summary = "decode: K/V stay, queries are on every rank, partial results (m, l, o) are merged both ways "
                    "along the line",
         .replicated_queries = true,
         .schedule = mesh_mlo,
         .refuses = runs_all,
         .plan = plan_merging,
         .text = attention_kernel},
        {.name = "head_parallel",
         .summary = "each PE owns kv heads and nothing travels: the baseline every ring must justify itself against",
         .by_heads = true,
         .schedule = head_parallel,
         .refuses = runs_all,
         .plan = plan_attention,
         .text = attention_kernel},
        {.name = "mesh_kv_literal",
         .summary = "specimen: the naive kernel with its wrong arithmetic and blocking order, kept for its test and "
                    "its cost",
         .exact = false,
         .schedule = mesh_kv,
         .refuses = mesh_kv_literal_refuses,
         .plan = plan_literal,
         .text = mesh_kv_literal},
    };
}

}  // namespace tilemesh::kernels

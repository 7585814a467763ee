// SPDX-License-Identifier: Apache-2.0
// Every kernel there is, written out. To add one: a schedule function in its family's folder (declared in
// schedules.h) and one entry here.
#include "kernels/all.h"

#include "kernels/attention/attention.h"
#include "kernels/attention/plan.h"
#include "kernels/backward/backward.h"
#include "kernels/head_parallel/head_ring.h"
#include "kernels/literal/mesh_kv_literal.h"
#include "kernels/local/local.h"
#include "kernels/queries/tiles_2d.h"
#include "kernels/ring/hamiltonian_ring.h"
#include "kernels/schedules.h"

namespace tilemesh::kernels {
namespace {

attention::Kernel of_chunks(std::string_view name, std::string_view summary,
                            Schedule (*schedule)(const NeedSets&, const RankGrid&),
                            decltype(attention::Kernel::refuses) refuses = nullptr) {
    return {.name = name,
            .summary = summary,
            .launches = true,
            .cuts_by_plan = true,
            .schedule = schedule,
            .refuses = refuses,
            .plan = plan_attention,
            .text = attention_kernel};
}

attention::Kernel of_gradients(std::string_view name, std::string_view summary,
                               Schedule (*schedule)(const NeedSets&, const RankGrid&)) {
    return {.name = name,
            .summary = summary,
            .launches = true,
            .pass = Schedule::Pass::backward,
            .schedule = schedule,
            .plan = plan_backward,
            .text = backward_kernel};
}

/// Every rank has all queries.
attention::Kernel of_partial_results(std::string_view name, std::string_view summary,
                                     Schedule (*schedule)(const NeedSets&, const RankGrid&)) {
    attention::Kernel kernel = of_chunks(name, summary, schedule);
    kernel.replicated_queries = true;
    kernel.launches = false;
    kernel.moves_states = true;
    return kernel;
}

/// The same with partial results on their way back.
attention::Kernel of_queries(std::string_view name, std::string_view summary,
                             Schedule (*schedule)(const NeedSets&, const RankGrid&),
                             decltype(attention::Kernel::refuses) refuses = nullptr) {
    attention::Kernel kernel = of_chunks(name, summary, schedule, refuses);
    kernel.launches = false;
    kernel.moves_states = true;
    return kernel;
}

/// One rank of all PEs, heads divided among them: nothing travels.
attention::Kernel of_heads(std::string_view name, std::string_view summary,
                           decltype(attention::Kernel::text) text = attention_kernel,
                           decltype(attention::Kernel::plan) plan = plan_attention) {
    attention::Kernel kernel = of_chunks(name, summary, head_parallel);
    kernel.by_heads = true;
    kernel.launches = kernel.cuts_by_plan = text == attention_kernel;
    kernel.text = text;
    kernel.plan = plan;
    return kernel;
}

}  // namespace

attention::Kernels all() {
    attention::Kernel whole_rows = of_heads(
        "standard", "local: whole rows of scores and their softmax, the definition", standard, plan_standard);
    whole_rows.keeps_state = false;
    whole_rows.refuses = standard_refuses;
    attention::Kernel gathers = of_heads(
        "dilated", "local: gathers the tokens of a dilated mask and attends them densely", dilated, plan_dilated);
    gathers.refuses = dilated_refuses;
    attention::Kernel gradients_of_heads = of_gradients(
        "attention_backward", "backward pass: each PE owns kv heads, nothing travels", attention_backward);
    gradients_of_heads.by_heads = true;
    return {
        of_chunks("mesh_kv",
                  "bidirectional wave: K/V chunks travel both ways along the line, each as far as somebody needs it",
                  mesh_kv),
        of_chunks("ring_kv",
                  "closed ring, one way: K/V chunks go round; on a line the wrap is routed back over the line",
                  ring_kv),
        of_chunks("ring_kv_bidirectional",
                  "closed ring, both ways: each K/V chunk goes half way round in either direction",
                  ring_kv_bidirectional),
        of_chunks("ring_kv_halved",
                  "closed ring, both ways, the opposite chunk halved: both directions carry the same",
                  ring_kv_halved),
        of_chunks("hamiltonian_ring", "closed ring along a cycle of the grid, both ways, the opposite chunk halved",
                  hamiltonian_ring, hamiltonian_ring_refuses),
        of_chunks("two_orientation", "half of every chunk goes along rows first, the other half along columns first",
                  two_orientation, tiles_2d_refuses),
        of_chunks("all_gather_kv", "all K/V chunks first, then all work: what overlap is measured against",
                  all_gather_kv),
        of_queries("pass_q", "queries travel, K/V stay; partial results return to the queries' rank directly",
                   pass_q),
        of_queries("pass_q_merging", "queries travel, K/V stay; partial results are merged on the way back",
                   pass_q_merging),
        of_queries("tiles_2d", "queries are gathered along rows, K/V along columns, results merged along rows",
                   tiles_2d, tiles_2d_refuses),
        of_heads("head_parallel",
                 "each PE owns kv heads and nothing travels: the baseline every ring must justify itself against"),
        whole_rows,
        of_heads("blockwise", "local: online softmax block by block, matrix and vector engine taking turns",
                 blockwise),
        of_heads("flash", "local: fused, base-2 exponentials, engines overlapped; head_parallel by its local name"),
        of_heads("block_sparse", "local: flash over lists of the key blocks that the mask leaves", block_sparse,
                 plan_block_sparse),
        gathers,
        of_queries("head_ring", "all-to-all on heads inside groups of ranks, K/V rings across the groups", head_ring,
                   head_ring_refuses),
        of_queries("ulysses", "all-to-all on heads over all ranks: tokens are dealt back by heads, no ring", ulysses,
                   ulysses_refuses),
        of_partial_results("mesh_mlo",
                           "decode: K/V stay, queries are on every rank, partial results (m, l, o) are merged both "
                           "ways along the line",
                           mesh_mlo),
        of_partial_results("mlo_chain", "decode: partial results merged in rank order along the line, then broadcast",
                           mlo_chain),
        of_partial_results("mlo_centre", "decode: partial results merged towards the middle rank, then broadcast",
                           mlo_centre),
        of_partial_results("mlo_doubling", "decode: partial results exchanged by recursive doubling", mlo_doubling),
        of_partial_results("mlo_reduce_scatter",
                           "decode: partial results reduced so that each rank ends with its share of the heads",
                           mlo_reduce_scatter),
        gradients_of_heads,
        of_gradients("ring_kv_backward",
                     "backward pass on a closed ring, one way: dk and dv go round behind their K/V chunks",
                     ring_kv_backward),
        of_gradients("mesh_kv_backward",
                     "backward pass as a wave: K/V chunks go out both ways, dk and dv come back, summed hop by hop",
                     mesh_kv_backward),
        {.name = "mesh_kv_literal",
         .summary = "specimen: the naive kernel with its wrong arithmetic and blocking order, kept for its test and "
                    "its cost",
         .exact = false,
         .keeps_state = false,
         .schedule = mesh_kv,
         .refuses = mesh_kv_literal_refuses,
         .plan = plan_literal,
         .text = mesh_kv_literal},
    };
}

}  // namespace tilemesh::kernels

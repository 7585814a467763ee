// SPDX-License-Identifier: Apache-2.0
// What the variants of attention add to transfers and bounds: 8-bit tensors, sinks, shared keys, latents. And which
// way round chunks go where two ways are open.
#include "tests/schedules/bound_terms.h"

using namespace example;

TEST_CASE("queries of a backward pass bring do as wide as o, though q is of 8 bits") {
    Problem p = self_attention(14);
    p.dtype = Dtype::f8e4m3;
    const NeedSets needs(p, 2);
    const Schedule schedule = in_a_row(kernels::mesh_kv_backward, needs);
    Action queries;
    queries.kind = Action::Kind::send;
    queries.item = {Item::Kind::queries, 0, 0, 0, 0};
    // 7 queries of 6 heads: q of a byte per element, do of two, lse and rowsum(do o) of four
    CHECK(transfer_bytes(p, needs, schedule, queries, p.heads_kv) == 7 * 6 * (24 * 1 + 40 * 2 + 2 * 4));
}

TEST_CASE("the gradient of sinks is a number per query head of the kv heads that travel") {
    const Problem p = self_attention(14);
    const NeedSets needs(p, 2);
    const Schedule schedule = in_a_row(kernels::mesh_kv_backward, needs);
    Action sinks;
    sinks.kind = Action::Kind::send;
    sinks.item = {Item::Kind::sinks, 0, 0, 0, 0};
    CHECK(transfer_bytes(p, needs, schedule, sinks, 2) == 6 * 4);
    CHECK(transfer_bytes(p, needs, schedule, sinks, 1) == 3 * 4);  // query heads of one kv head
}

TEST_CASE("schedule bound, HBM: the gradient of shared keys is written by the middle rank alone") {
    // 6 keys that every rank has; of 13 others rank 0 has 5, the others 4. Of 12 queries each has 4.
    User user{19, 12, 7};
    user.shared_keys = {0, 6};
    const Problem p = problem({user});
    const NeedSets needs(p, 3);
    const Bound bound =
        schedule_bound(p, needs, in_a_row(kernels::mesh_kv_backward, needs), rates, wired(line_route()));
    const auto moved = [&](double own, double written) {
        return 4 * (bytes.query_inputs(backward) + bytes.query_outputs(backward)) + (own + 6) * bytes.key_inputs() +
               written * bytes.key_outputs(backward);
    };
    REQUIRE(moved(4, 4 + 6) > moved(5, 5));
    CHECK(term(bound, "HBM") * rates.hbm_bytes_per_ns == Approx(moved(4, 4 + 6)));
}

TEST_CASE("schedule bound, arrival: after the last latents both products follow") {
    Problem p = self_attention(24);
    p.latents = true;
    p.head_dim = 40;
    p.value_dim = 24;
    const NeedSets needs(p, 2);
    Wiring slow = wired(line_route());
    slow.link_bytes_per_ns = [](LinkId) { return link_rate / 100; };
    const double chunk = 12 * 2 * 40 * 2 / (link_rate / 100);  // 12 keys of 2 kv heads, 40 elements of 2 bytes
    const double products = 6 * 12 * 12 * (40 + 24) / rates.macs_per_ns;
    const Bound bound = schedule_bound(p, needs, in_a_row(kernels::mesh_kv, needs), rates, slow);
    CHECK(term(bound, "arrival") == Approx(chunk + products));
}

TEST_CASE("chunks of head_ring go both ways round the groups, half of the hops each way, the odd one upwards") {
    for (const int groups : {3, 4, 5}) {
        CAPTURE(groups);
        const int members = 2, n = groups * members;
        const Problem p = self_attention(12 * n);
        const NeedSets needs(p, n);
        const Schedule schedule = kernels::head_ring(needs, full_grid(groups, members));
        int up = 0, down = 0;
        for (int rank = 0; rank < n; ++rank)
            for (const Action& action : schedule.program(rank)) {
                if (action.kind != Action::Kind::send || action.item.kind != Item::Kind::chunk) continue;
                const int stride = (action.peer / members - rank / members + groups) % groups;
                up += stride == 1 ? 1 : 0;
                down += stride == groups - 1 ? 1 : 0;
            }
        // every chunk has two head parts, each of which passes all other groups
        CHECK(up == n * 2 * (groups / 2));
        CHECK(down == n * 2 * (groups - 1 - groups / 2));
    }
}

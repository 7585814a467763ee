// SPDX-License-Identifier: Apache-2.0
// Every term of the schedule bound in closed form, forward and backward, for every family of schedules.
#include "tests/attention/cases.h"
#include "tests/schedules/bound_terms.h"

#include <algorithm>

using namespace example;

namespace {

/// The families whose queries and keys stay where they are, each rank attending its own queries to all keys.
struct Family {
    const char* name;
    MakeSchedule make;
    Schedule::Pass pass;
};
const Family chunk_families[] = {
    {"mesh_kv", kernels::mesh_kv, forward},
    {"all_gather_kv", kernels::all_gather_kv, forward},
    {"ring_kv", kernels::ring_kv, forward},
    {"ring_kv_bidirectional", kernels::ring_kv_bidirectional, forward},
    {"ring_kv_halved", kernels::ring_kv_halved, forward},
    {"mesh_kv_backward", kernels::mesh_kv_backward, backward},
    {"ring_kv_backward", kernels::ring_kv_backward, backward},
};

}  // namespace

TEST_CASE("schedule bound of everything that moves chunks: work and memory of a rank, full and causal") {
    for (const Family& family : chunk_families)
        for (const int n : {1, 2, 3, 5, 8})
            for (const bool causal : {false, true}) {
                CAPTURE(family.name, n, causal);
                const Problem p = self_attention(12 * n, causal ? causal_mask() : full_mask());
                const NeedSets needs(p, n);
                const Bound bound =
                    schedule_bound(p, needs, in_a_row(family.make, needs), rates, wired(ring_route(n)));
                const double pairs = causal ? 12 * 12 * (n - 1) + 12 * 13 / 2 : 12 * 12 * n;  // of the last rank
                CHECK(term(bound, "matrix") == Approx(matrix_ns(pairs, family.pass)));
                CHECK(term(bound, "vector") == Approx(vector_ns(pairs, 12, family.pass)));
                const double moved = 12 * (bytes.query_inputs(family.pass) + bytes.query_outputs(family.pass) +
                                           bytes.key_inputs() + bytes.key_outputs(family.pass));
                CHECK(term(bound, "HBM") == Approx(moved / rates.hbm_bytes_per_ns));
            }
}

TEST_CASE("schedule bound, links: (n-1)C for wave and ring, half of it both ways, C + (n-1)G for the backward wave") {
    for (const int n : {2, 3, 4, 5, 8}) {
        CAPTURE(n);
        const Problem p = self_attention(12 * n);
        const NeedSets needs(p, n);
        const double chunk = 12 * bytes.chunk(), gradient = 12 * bytes.gradient();
        const auto link_bytes = [&](MakeSchedule make, const Route& route) {
            return term(schedule_bound(p, needs, in_a_row(make, needs), rates, wired(route)), "link") * link_rate;
        };
        CHECK(link_bytes(kernels::mesh_kv, line_route()) == Approx((n - 1) * chunk));
        CHECK(link_bytes(kernels::all_gather_kv, line_route()) == Approx((n - 1) * chunk));
        CHECK(link_bytes(kernels::ring_kv, ring_route(n)) == Approx((n - 1) * chunk));
        CHECK(link_bytes(kernels::ring_kv_bidirectional, ring_route(n)) == Approx((n / 2) * chunk));
        // two ranks have one link each way: no half can take another
        CHECK(link_bytes(kernels::ring_kv_halved, ring_route(n)) == Approx((n == 2 ? 1 : (n - 1) / 2.0) * chunk));
        CHECK(link_bytes(kernels::mesh_kv_backward, line_route()) == Approx(chunk + (n - 1) * gradient));
        CHECK(link_bytes(kernels::ring_kv_backward, ring_route(n)) == Approx((n - 1) * (chunk + gradient)));
        // rank 0's q one way, the results of all others the other way
        CHECK(link_bytes(kernels::pass_q_merging, line_route()) == Approx(12 * (bytes.q + (n - 1) * bytes.state())));
    }
}

TEST_CASE("schedule bound, links: each at its own rate, and an edge is as fast as the slowest on its way") {
    const Problem p = self_attention(24);
    const NeedSets needs(p, 2);
    Wiring wiring = wired([](int from, int) {
        return from == 0 ? std::vector<LinkId>{0, 1, 2} : std::vector<LinkId>{3};
    });
    // 0 -> 1 over three links of rates 8, 2 and 5, 1 -> 0 over one of rate 4
    wiring.link_bytes_per_ns = [](LinkId link) { return link == 0 ? 8.0 : link == 1 ? 2.0 : link == 2 ? 5.0 : 4.0; };
    MachineRates fast = rates;
    fast.macs_per_ns = fast.exp2_per_ns = fast.simple_per_ns = 1e12;
    const Bound bound = schedule_bound(p, needs, in_a_row(kernels::mesh_kv, needs), fast, wiring);
    CHECK(term(bound, "link") == Approx(12 * bytes.chunk() / 2));
    CHECK(term(bound, "arrival") == Approx(12 * bytes.chunk() / 2));
}

TEST_CASE("schedule bound, arrival: work of all that comes, of the last that comes, or the last byte") {
    // At the end of the line n - 1 chunks come over one edge; the time after each is linear in their number, so that
    // one of three decides: all work, all but one transfer and the last chunk's work, all transfers and what follows.
    const int n = 5;
    for (const auto pass : {forward, backward})
        for (const double speed : {0.01, 1.0, 100.0}) {
            CAPTURE(pass == forward, speed);
            const Problem p = self_attention(12 * n);
            const NeedSets needs(p, n);
            Wiring wiring = wired(line_route());
            wiring.link_bytes_per_ns = [&](LinkId) { return link_rate * speed; };
            const auto make = pass == forward ? kernels::mesh_kv : kernels::mesh_kv_backward;
            const double chunk = 12 * bytes.chunk() / (link_rate * speed);
            const double gradient = 12 * bytes.gradient() / (link_rate * speed);
            const double work = std::max(matrix_ns(144, pass), vector_ns(144, 12, pass));
            // forward: the value product of a chunk's last message, whichever of k and v is the narrower; backward:
            // the gradients that come on the same edge, at the second place of the line those of n - 1 ranks
            const double last = pass == forward ? (n - 1) * chunk + heads * 144 * std::min(d, dv) / rates.macs_per_ns
                                                : std::max((n - 1) * chunk + gradient, chunk + (n - 1) * gradient);
            CHECK(term(schedule_bound(p, needs, in_a_row(make, needs), rates, wiring), "arrival") ==
                  Approx(std::max({(n - 1) * work, (n - 2) * chunk + work, last})));
        }
}

TEST_CASE("schedule bound of travelling queries: they are attended after they came, and results after them") {
    const Problem p = self_attention(24);
    const NeedSets needs(p, 2);
    for (const auto make : {kernels::pass_q, kernels::pass_q_merging})
        for (const double speed : {0.01, 100.0}) {
            CAPTURE(speed);
            Wiring wiring = wired(line_route());
            wiring.link_bytes_per_ns = [&](LinkId) { return link_rate * speed; };
            const Bound bound = schedule_bound(p, needs, in_a_row(make, needs), rates, wiring);
            // every rank attends its own queries and the other's to its own chunk
            CHECK(term(bound, "matrix") == Approx(matrix_ns(2 * 144, forward)));
            CHECK(term(bound, "vector") == Approx(vector_ns(2 * 144, 24, forward)));
            CHECK(term(bound, "HBM") ==
                  Approx(12 * (bytes.q + bytes.o + bytes.key_inputs()) / rates.hbm_bytes_per_ns));
            const double work = std::max(matrix_ns(144, forward), vector_ns(144, 12, forward));
            const double moved = 12 * (bytes.q + bytes.state()) / (link_rate * speed);
            CHECK(term(bound, "arrival") == Approx(std::max(work, moved)));
        }
}

TEST_CASE("schedule bound, HBM: a rank reads the queries it sends and the keys it sends, attended at home or not") {
    // 40 queries of which the first 20 come before every key: ranks 0 and 1 own keys, ranks 2 and 3 the queries that
    // see them, and nobody sees a key of its own.
    const auto hbm_bytes = [](MakeSchedule make, std::int64_t heads_kv) {
        Problem p = problem({{40, 40, -20}}, causal_mask());
        p.heads_kv = heads_kv;
        const NeedSets needs(p, 4);
        return term(schedule_bound(p, needs, in_a_row(make, needs), rates, wired(line_route())), "HBM") *
               rates.hbm_bytes_per_ns;
    };
    // With 2 kv heads q is wider than k and v, so a rank with queries counts; with 6 one with keys.
    const double query_rank = 10 * (bytes.q + bytes.o), wide_key_rank = 10 * (6 * (d + dv) * 2 + bytes.o);
    CHECK(query_rank > 10 * (bytes.key_inputs() + bytes.o));
    CHECK(wide_key_rank > query_rank);
    for (const auto make : {kernels::mesh_kv, kernels::ring_kv, kernels::pass_q, kernels::pass_q_merging}) {
        CHECK(hbm_bytes(make, 2) == Approx(query_rank));
        CHECK(hbm_bytes(make, 6) == Approx(wide_key_rank));
    }
}

TEST_CASE("schedule bound, HBM: keys that are attended but seen by nobody need not be read") {
    const Problem p = problem({{40, 10, 30}}, std::make_shared<EverySecondKey>(1));
    const NeedSets needs(p, 1);
    const Bound bound = schedule_bound(p, needs, in_a_row(kernels::head_parallel, needs), rates, wired(line_route()));
    CHECK(term(bound, "HBM") ==
          Approx((10 * (bytes.q + bytes.o) + 20 * bytes.key_inputs()) / rates.hbm_bytes_per_ns));
}

TEST_CASE("schedule bound of merges: every rank reads all queries and its own keys, and M crosses a link") {
    for (const int n : {2, 3, 4, 8}) {
        const Problem p = problem({{30 * n, 4, 30 * n - 4}});
        const NeedSets needs = NeedSets::replicated_queries(p, n);
        for (const auto make : {kernels::mesh_mlo, kernels::mlo_chain, kernels::mlo_centre, kernels::mlo_doubling,
                                kernels::mlo_reduce_scatter}) {
            CAPTURE(n);
            const Bound bound = schedule_bound(p, needs, in_a_row(make, needs), rates, wired(line_route()));
            CHECK(term(bound, "matrix") == Approx(matrix_ns(4 * 30, forward)));
            CHECK(term(bound, "vector") == Approx(vector_ns(4 * 30, 4, forward)));
            CHECK(term(bound, "HBM") == Approx((4 * bytes.q + 30 * bytes.key_inputs()) / rates.hbm_bytes_per_ns));
            if (make != kernels::mlo_doubling && make != kernels::mlo_reduce_scatter)
                CHECK(term(bound, "link") == Approx(4 * bytes.state() / link_rate));
        }
    }
}

TEST_CASE("schedule bound of tiles: a share of all work, keys along columns, queries and results along rows") {
    const Problem p = self_attention(12 * 6);
    const NeedSets needs(p, 6);
    const RankGrid grid = full_grid(2, 3);
    const Bound bound = schedule_bound(p, needs, kernels::tiles_2d(needs, grid), rates, wired(mesh_route(grid)));
    CHECK(term(bound, "matrix") == Approx(matrix_ns(72.0 * 72 / 6, forward)));
    CHECK(term(bound, "vector") == Approx(vector_ns(72.0 * 72 / 6, 3 * 12, forward)));
    CHECK(term(bound, "HBM") == Approx(12 * (bytes.q + bytes.o + bytes.key_inputs()) / rates.hbm_bytes_per_ns));
    CHECK(term(bound, "link") == Approx(12 * std::max(bytes.chunk(), bytes.q + 2 * bytes.state()) / link_rate));
}

TEST_CASE("schedule bound of heads dealt to PEs, forward and backward: the one that has most") {
    const Problem p = self_attention(40, causal_mask());
    const NeedSets needs(p, 1);
    for (const Family& family : {Family{"head_parallel", kernels::head_parallel, forward},
                                 Family{"attention_backward", kernels::attention_backward, backward}})
        for (const int members : {1, 2, 4}) {  // of 2 kv heads
            CAPTURE(family.name, members);
            const double share = members == 1 ? 1.0 : 0.5, pairs = 40 * 41 / 2;
            const Bound bound =
                schedule_bound(p, needs, in_a_row(family.make, needs), rates, wired(line_route(), members));
            CHECK(term(bound, "matrix") == Approx(share * matrix_ns(pairs, family.pass)));
            CHECK(term(bound, "vector") == Approx(share * vector_ns(pairs, 40, family.pass)));
            const double moved = 40 * (bytes.query_inputs(family.pass) + bytes.query_outputs(family.pass) +
                                       bytes.key_inputs() + bytes.key_outputs(family.pass));
            CHECK(term(bound, "HBM") == Approx(share * moved / rates.hbm_bytes_per_ns));
            CHECK(term(bound, "link") == 0);
            CHECK(term(bound, "arrival") == 0);
        }
}

TEST_CASE("bytes of a transfer: chunk, queries, state and gradient, forward and backward, for a share of the heads") {
    const Problem p = self_attention(24);
    const NeedSets needs(p, 2);
    for (const auto pass : {forward, backward})
        for (const std::int64_t heads_kv : {2, 1}) {
            CAPTURE(pass == forward, heads_kv);
            const Schedule schedule(2, 1, 1, pass);
            const double share = static_cast<double>(heads_kv) / 2;
            const auto moved = [&](Item::Kind kind) {
                const Action row{.kind = Action::Kind::send, .item = {.kind = kind, .id = 1}, .keys = {{2, 5}}};
                return static_cast<double>(transfer_bytes(p, needs, schedule, row, heads_kv));
            };
            CHECK(moved(Item::Kind::chunk) == share * 3 * bytes.chunk());
            // backward: q and do as stored, lse and rowsum(do o) in f32
            CHECK(moved(Item::Kind::queries) ==
                  share * 12 * (pass == forward ? bytes.q : bytes.q + bytes.grad_o + 2 * 6 * 4));
            CHECK(moved(Item::Kind::state) == share * 12 * (pass == forward ? bytes.state() : 6 * d * 4));
            if (pass == backward) CHECK(moved(Item::Kind::gradient) == share * 3 * bytes.gradient());
        }
}

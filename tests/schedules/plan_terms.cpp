// SPDX-License-Identifier: Apache-2.0
// What the schedule bound has from how a plan cuts the work and from where it keeps it, and from members and links
// that are shared.
#include "tests/schedules/constant_costs.h"

using namespace example;

TEST_CASE("blocks of a plan are worked on whole: all queries of one past every fold that one of them sees") {
    const Problem p = self_attention(12, causal_mask());
    const NeedSets needs(p, 1);
    const Schedule table = in_a_row(kernels::head_parallel, needs);
    FixedCosts fixed = constant_costs();
    fixed.occupied = [](std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k) {
        return static_cast<double>(batch * m * (k == static_cast<std::int64_t>(d) ? n : k));  // elements of p
    };
    fixed.tile_queries = 3;
    fixed.tile_keys = 8;
    fixed.fold_keys = 2;
    const auto matrix = [&] { return term(schedule_bound(p, needs, table, fast, wires(1e15), &fixed), "matrix"); };
    const double around = both_read + drain + results;
    CHECK(matrix() < around + 2 * product + softmax);  // nothing is known of the cuts
    fixed.by_plan = true;
    const double keys = 4 + 6 + (8 + 2) + (8 + 4);  // of 3, 6, 9 and 12 that the blocks of 3 queries see
    CHECK(matrix() == Approx(around + 2 * keys * 3 * heads));
    fixed.tile_queries = 0;
    CHECK(matrix() == Approx(around + 2 * 12 * 12 * heads));
    fixed.softmax_element = 10;
    CHECK(term(schedule_bound(p, needs, table, fast, wires(1e15), &fixed), "vector") ==
          Approx(both_read + product + 10 * 12 * 12 * heads + product + results));
}

TEST_CASE("an array drains after the piece of a plan that is through it soonest") {
    const Problem p = self_attention(12);
    const NeedSets needs(p, 1);
    FixedCosts fixed = constant_costs();
    fixed.occupied = [](std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k) {
        return static_cast<double>(batch * m * (k == static_cast<std::int64_t>(d) ? n : k));
    };
    fixed.drain_of = [](std::int64_t m, std::int64_t, std::int64_t k) {
        return static_cast<double>(300 + 10 * k - m);
    };
    fixed.by_plan = true;
    fixed.tile_queries = 5;  // of 5, 5 and 2
    fixed.tile_keys = 8;     // of 8 and 4
    const double soonest = 300.0 + 10 * 4 - 5 * static_cast<double>(p.group());
    CHECK(term(schedule_bound(p, needs, in_a_row(kernels::head_parallel, needs), fast, wires(1e15), &fixed),
               "matrix") == Approx(both_read + 2 * 12 * 12 * heads + soonest + results));
}

TEST_CASE("chunks of others that do not stay in SRAM are written to HBM and read again") {
    const Problem p = self_attention(24);
    const NeedSets needs(p, 2);
    const Schedule wave = in_a_row(kernels::mesh_kv, needs);
    MachineRates slow = fast;
    slow.hbm_bytes_per_ns = 0.01;
    FixedCosts fixed = constant_costs();
    const auto memory = [&] { return term(schedule_bound(p, needs, wave, slow, wires(1e15), &fixed), "HBM"); };
    const double in_sram = memory();
    fixed.chunks_stay = false;
    CHECK(memory() - in_sram == Approx(2 * 12 * bytes.key_inputs() / 0.01));
}

TEST_CASE("a link takes what crosses it in turn, after the first can be there and before what follows the last") {
    for (const int n : {2, 3, 5}) {
        CAPTURE(n);
        const Problem p = self_attention(12 * n);
        const NeedSets needs(p, n);
        const FixedCosts fixed = constant_costs();
        const double chunk = 12 * bytes.chunk() / 0.001;
        CHECK(term(schedule_bound(p, needs, in_a_row(kernels::mesh_kv, needs), fast, wires(0.001), &fixed), "link") ==
              Approx(issue + one_read + (n - 1) * chunk + product + results));
    }
}

TEST_CASE("a table is as late as the members of its ranks that are farthest apart") {
    const int n = 3;
    const Problem p = self_attention(12 * n);
    const NeedSets needs(p, n);
    FixedCosts fixed = constant_costs();
    fixed.head = [](int member, int from, int to) { return head * (1 + member) * std::abs(to - from); };
    Wiring pairs = wires(1e15);
    pairs.members = 2;  // with one of the two kv heads each
    CHECK(term(schedule_bound(p, needs, in_a_row(kernels::mesh_kv, needs), fast, pairs, &fixed), "latency") ==
          Approx(issue + one_read + (n - 1) * 2 * head + product + softmax + product + results));
}

TEST_CASE("o is in memory only when its bytes have moved there") {
    const Problem p = decode(30);
    const NeedSets needs(p, 1);
    const FixedCosts fixed = constant_costs();
    MachineRates slow = fast;
    slow.hbm_bytes_per_ns = 0.5;
    const Bound bound = schedule_bound(p, needs, in_a_row(kernels::head_parallel, needs), slow, wires(1e15), &fixed);
    const double read = issue + one_read + (bytes.q + 30 * bytes.k) / 0.5;
    CHECK(term(bound, "arrival") == Approx(read + product + softmax + product + results + bytes.o / 0.5));
}

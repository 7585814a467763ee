// SPDX-License-Identifier: Apache-2.0
// What fixed costs add to the schedule bound, each sum written down by hand: who waits for whom, and for how long at
// least.
#include "sim/attention/timeline.h"
#include "tests/schedules/constant_costs.h"

#include <algorithm>
#include <cmath>

using namespace example;

TEST_CASE("latency of one rank: q and k, scores, softmax, values, the division and the store of o") {
    const Problem p = decode(30);
    const NeedSets needs(p, 1);
    const Schedule table = in_a_row(kernels::head_parallel, needs);
    FixedCosts fixed = constant_costs();
    const auto latency = [&] { return term(schedule_bound(p, needs, table, fast, wires(1e15), &fixed), "latency"); };
    const double whole = both_read + product + softmax + product + results;
    CHECK(latency() == Approx(whole));
    fixed.casts_p = false;
    CHECK(latency() == Approx(whole - cast));
    fixed.casts_o = false;
    CHECK(latency() == Approx(whole - 2 * cast));
    fixed.running = false;
    CHECK(latency() == Approx(whole - 2 * cast - simple - finish - exponential));
}

TEST_CASE("no fixed costs, no such term; none of a backward pass") {
    const Problem p = self_attention(24);
    const NeedSets needs(p, 2);
    const FixedCosts fixed = constant_costs();
    const auto terms = [&](MakeSchedule make, const FixedCosts* costs) {
        return schedule_bound(p, needs, in_a_row(make, needs), fast, wires(1), costs).terms.size();
    };
    CHECK(terms(kernels::mesh_kv, nullptr) == 5);
    CHECK(terms(kernels::mesh_kv, &fixed) == 6);
    CHECK(terms(kernels::mesh_kv_backward, &fixed) == 5);
}

TEST_CASE("latency of merges: a hop and a merge after another along the chain, then back out") {
    for (const int n : {2, 3, 5, 8}) {
        CAPTURE(n);
        const Problem p = decode(30 * n);
        const NeedSets needs = NeedSets::replicated_queries(p, n);
        const FixedCosts fixed = constant_costs();
        const auto latency = [&](MakeSchedule make) {
            return term(schedule_bound(p, needs, in_a_row(make, needs), fast, wires(1e15), &fixed), "latency");
        };
        const double attended = both_read + product + softmax + product;
        CHECK(latency(kernels::mlo_chain) == Approx(attended + (n - 1) * (head + simple) + (n - 1) * head + results));
        // Of an even number of ranks the shorter arm is merged into the middle before the longer has come.
        const int arm = n / 2;
        CHECK(latency(kernels::mlo_centre) ==
              Approx(attended + arm * (head + simple) + arm * head + results + (n % 2 == 1 ? simple : 0)));
    }
}

TEST_CASE("latency of merges: no forecast beats it, in whatever order it merges into a register") {
    const FixedCosts fixed = constant_costs();
    const Durations durations{.attend = [](int, const Action&) { return both_read + product + softmax + product; },
                              .transfer =
                                  [](int from, int to, const Action&) {
                                      return TransferTime{0, head * std::abs(to - from)};
                                  },
                              .merge = [](int, const Action&) { return simple; }};
    for (const int n : rank_counts)
        for (const std::vector<User>& users :
             {std::vector<User>{{30 * n, 1, 0}}, {{30 * n, 4, 0}, {1, 4, 0}}, {{n / 2 + 1, 2, 0}}})
            for (const auto make : {kernels::mlo_chain, kernels::mlo_centre, kernels::mlo_doubling, kernels::mesh_mlo,
                                    kernels::mlo_reduce_scatter, kernels::pass_q, kernels::pass_q_merging}) {
                CAPTURE(n, users.size(), users[0].keys);
                const Problem p = problem(users, full_mask());
                const bool passes = make == kernels::pass_q || make == kernels::pass_q_merging;
                const NeedSets needs = passes ? NeedSets(p, n) : NeedSets::replicated_queries(p, n);
                const Schedule table = in_a_row(make, needs);
                const double time = makespan(predict(table, durations)) + results;
                CHECK(term(schedule_bound(p, needs, table, fast, wires(1e15), &fixed), "latency") <= time + 1e-6);
            }
}

TEST_CASE("arrival of merges: o crosses every link after it was merged, m and l may go ahead") {
    const int n = 4;
    const Problem p = decode(30 * n);
    const NeedSets needs = NeedSets::replicated_queries(p, n);
    const FixedCosts fixed = constant_costs();
    const double o_ns = heads * dv * 4 / 8;
    const Bound bound = schedule_bound(p, needs, in_a_row(kernels::mlo_chain, needs), fast, wires(8), &fixed);
    CHECK(term(bound, "arrival") == Approx(both_read + product + softmax + product +
                                           (n - 1) * (head + o_ns + simple) + (n - 1) * (head + o_ns) + results));
    FixedCosts cut = fixed;  // of two blocks one may be small and early
    cut.tile_heads = 1;
    CHECK(term(schedule_bound(p, needs, in_a_row(kernels::mlo_chain, needs), fast, wires(8), &cut), "arrival") ==
          Approx(both_read + product + softmax + product + (n - 1) * 2 * head + results));
}

TEST_CASE("parts that leave in an order of their own: a maximum need not wait for the output of another user") {
    const Problem p = problem({{60, 1, 0}, {60, 1, 0}}, full_mask());
    const NeedSets needs = NeedSets::replicated_queries(p, 2);
    FixedCosts fixed = constant_costs();
    const auto link = [&] {
        return term(schedule_bound(p, needs, in_a_row(kernels::mlo_chain, needs), fast, wires(1), &fixed), "link");
    };
    const double attended = both_read + product + softmax + product;
    const double o = heads * dv * 4, columns = heads * 2 * 4;
    const double left = simple + head + o + results;
    REQUIRE(2 * columns < attended);
    REQUIRE(o > attended);
    CHECK(link() == Approx(attended + 2 * o + columns + left));  // columns of the second behind the first's o
    fixed.parts_apart = true;
    CHECK(link() == Approx(attended + 2 * o + left));  // while there is nothing else to send
    // Where queries move, too, messages go by the forecast, which has the table's order on every edge.
    const NeedSets own(p, 2);
    const auto passing = [&] {
        return term(schedule_bound(p, own, in_a_row(kernels::pass_q, own), fast, wires(1), &fixed), "link");
    };
    const double apart = passing();
    fixed.parts_apart = false;
    CHECK(passing() == apart);
}

TEST_CASE("behind the slowest link of a way, what follows the head has not its stops to make") {
    const Problem p = decode(60);
    const NeedSets needs = NeedSets::replicated_queries(p, 2);
    FixedCosts fixed = constant_costs();
    fixed.head_alone = 7;
    constexpr int hops = 3;
    const auto hop_ns = [&](const std::vector<double>& of_links) {
        Wiring wiring = wires(1);
        wiring.route = [](int, int from, int) {
            const LinkId first = from == 0 ? 0 : hops;
            return std::vector<LinkId>{first, first + 1, first + 2};
        };
        wiring.link_bytes_per_ns = [&](LinkId link) { return of_links[link % hops]; };
        const Bound bound = schedule_bound(p, needs, in_a_row(kernels::mlo_chain, needs), fast, wiring, &fixed);
        const double attended = both_read + product + softmax + product;
        return (term(bound, "arrival") - attended - simple - results) / 2;
    };
    const double o = heads * dv * 4;
    CHECK(hop_ns({1, 1, 1}) == Approx(head + o));
    CHECK(hop_ns({2, 2, 1}) == Approx(head + o));
    CHECK(hop_ns({1, 2, 1}) == Approx(head + o));
    CHECK(hop_ns({1, 2, 2}) == Approx(head - 2 * 7 + o));
    CHECK(hop_ns({2, 1, 2}) == Approx(head - 7 + o));
    CHECK(hop_ns({1, 1, 2}) == Approx(head - 7 + o));  // of equal links the last is the one that is waited for
    CHECK(hop_ns({1, 1.001, 1.001}) ==
          Approx(head + o / 1.001));  // hardly faster: what is last begins behind the head
}

TEST_CASE("latency of the wave: the chunk at the other end of the line, and its values after its last byte") {
    for (const int n : {2, 3, 5, 8}) {
        CAPTURE(n);
        const Problem p = self_attention(12 * n);
        const NeedSets needs(p, n);
        const FixedCosts fixed = constant_costs();
        const Schedule wave = in_a_row(kernels::mesh_kv, needs);
        const double sent = issue + one_read, attend = product + softmax + product + results;
        CHECK(term(schedule_bound(p, needs, wave, fast, wires(1e15), &fixed), "latency") ==
              Approx(sent + (n - 1) * head + attend));
        // (n - 1) chunks over the last link; of the one that comes last the values follow
        const double chunk = 12 * bytes.chunk() / 0.001;
        CHECK(term(schedule_bound(p, needs, wave, fast, wires(0.001), &fixed), "arrival") ==
              Approx(sent + (n - 1) * chunk + head + product + results));
    }
}

TEST_CASE("around the work of a rank: before its first and after its last piece") {
    const Problem p = decode(30);
    const NeedSets needs(p, 1);
    const Schedule table = in_a_row(kernels::head_parallel, needs);
    FixedCosts fixed = constant_costs();
    MachineRates slow = fast;
    slow.hbm_bytes_per_ns = 1;
    const double q = bytes.q, kv = 30 * bytes.key_inputs(), o = bytes.o;
    const auto bound = [&] { return schedule_bound(p, needs, table, slow, wires(1), &fixed); };
    fixed.product = [](auto...) { return 1000.0; };        // longer than o takes to be written
    const double lead = issue + descriptor + first_write;  // whichever comes first
    CHECK(term(bound(), "HBM") == Approx(lead + q + kv + port + 1000 + results + o));
    fixed.refresh_every = 1000;
    fixed.refresh = 100;
    const double refreshes = std::floor((q + kv) / 900);
    REQUIRE(refreshes >= 1);
    CHECK(term(bound(), "HBM") == Approx(lead + q + kv + refreshes * 100 + port + 1000 + results + o));
    // o is written last: no refresh of its own is known of it, but of all that is moved
    fixed.product = [](auto...) { return 0.0; };
    fixed.simple = fixed.cast = fixed.finish = [](auto) { return 0.0; };
    fixed.first_write = 0;
    fixed.refresh_every = q + kv + 101;
    const double all = q + kv + o;
    CHECK(term(bound(), "HBM") == Approx(issue + descriptor + all + 100 + port));

    fixed = constant_costs();
    slow = fast;
    CHECK(term(bound(), "matrix") == Approx(both_read + product + softmax + occupied + drain + results));
    slow.exp2_per_ns = 0.001;
    CHECK(term(bound(), "vector") ==
          Approx(both_read + product + heads * 30 / 0.001 + product + results).epsilon(1e-6));
}

TEST_CASE("of links that which ends last decides, however little goes over it") {
    const Problem p = self_attention(8);
    const NeedSets needs(p, 4);
    const Item full{Item::Kind::chunk, 0, 0}, half{Item::Kind::chunk, 0, 2};
    Schedule schedule(4, 1);
    schedule.transfer(1, 0, 1, full, {{0, 2}});
    schedule.attend(1, 1, 1, full, {{0, 2}});
    // Half as much goes from rank 2 to rank 3, but on from there, and that takes long.
    schedule.transfer(1, 2, 3, half, {{0, 1}});
    schedule.attend(1, 3, 3, half, {{0, 1}});
    schedule.transfer(2, 3, 1, half, {{0, 1}});
    schedule.attend(2, 1, 1, half, {{0, 1}});
    FixedCosts fixed = constant_costs();
    constexpr double way = 100'000;
    fixed.head = [](int, int from, int to) { return from == 3 && to == 1 ? way : head; };
    const Bound bound = schedule_bound(p, needs, schedule, fast, wires(0.1), &fixed);
    CHECK(term(bound, "arrival") > way);
    // All but the way of its own head follows a link's work.
    CHECK(term(bound, "link") == Approx(term(bound, "arrival") - head));
}

TEST_CASE("links before the slowest of a way are ahead of it") {
    const Problem p = self_attention(8);
    const NeedSets needs(p, 4);
    const Item own{Item::Kind::chunk, 0, 0}, other{Item::Kind::chunk, 0, 3};
    constexpr double fast_rate = 1, slow_rate = 0.8;
    const double key = bytes.chunk(), begin = issue + one_read;
    // Both keys of rank 0 go over a fast link and a slow one; over the fast one alone goes what comes when the second
    // of them, by the slow one, begins.
    Schedule schedule(4, 1);
    schedule.transfer(1, 0, 1, own, {{0, 1}});
    schedule.attend(1, 1, 1, own, {{0, 1}});
    schedule.transfer(1, 3, 0, other, {{0, 1}});
    schedule.transfer(2, 0, 1, own, {{1, 2}});
    schedule.attend(2, 1, 1, own, {{1, 2}});
    schedule.transfer(2, 0, 2, other, {{0, 1}});
    schedule.attend(2, 2, 2, other, {{0, 1}});
    FixedCosts fixed = constant_costs();
    fixed.head = [&](int, int from, int) { return from == 3 ? key / slow_rate : 0.0; };
    Wiring wiring = wires(1);
    wiring.route = [](int, int from, int to) {
        return from == 3 ? std::vector<LinkId>{2} : to == 1 ? std::vector<LinkId>{0, 1} : std::vector<LinkId>{0};
    };
    wiring.link_bytes_per_ns = [&](LinkId link) { return link == 0 ? fast_rate : link == 1 ? slow_rate : 1e15; };
    CHECK(term(schedule_bound(p, needs, schedule, fast, wiring, &fixed), "link") ==
          Approx(begin + 3 * key / fast_rate + product + results));
}

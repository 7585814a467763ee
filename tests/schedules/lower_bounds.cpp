// SPDX-License-Identifier: Apache-2.0
// Are the lower bounds the numbers that problem and machine dictate, and do they stay below what a table can reach?
#include "sim/attention/bounds.h"
#include "sim/attention/masks/kinds.h"
#include "sim/attention/sharding.h"
#include "sim/attention/timeline.h"
#include "sim/base/random.h"
#include "tests/schedules/example.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

using namespace example;

namespace {

const MachineRates rates{
    .pes = 8, .macs_per_ns = 16384, .exp2_per_ns = 128, .simple_per_ns = 512, .hbm_bytes_per_ns = 256};
constexpr double link_rate = 128;

Problem llama(std::int64_t context, std::int64_t queries, std::shared_ptr<const Mask> mask) {
    Problem p;
    p.heads_q = 64;
    p.heads_kv = 8;
    p.head_dim = p.value_dim = 128;
    p.mask = std::move(mask);
    p.users = {{context, queries, context - queries}};
    return p;
}

Wiring line(int members = 1) {
    return {.members = members,
            .route =
                [](int member, int from, int to) {
                    auto links = line_route()(from, to);
                    for (LinkId& link : links)
                        link += static_cast<LinkId>(1000 * member);  // own links for each member
                    return links;
                },
            .link_bytes_per_ns = [](LinkId) { return link_rate; }};
}

double term(const Bound& bound, const std::string& name) {
    for (const BoundTerm& t : bound.terms)
        if (t.name == name) return t.ns;
    FAIL("no term " << name);
    return 0;
}

}  // namespace

TEST_CASE("the matrix term is 2S(S+1) h_q d flops for a causal prefill, 4 S^2 h_q d for a full one, over all PEs") {
    for (const double S : {8192.0, 32768.0, 131072.0}) {
        const auto tokens = static_cast<std::int64_t>(S);
        const double flops_per_ns = 2 * rates.macs_per_ns * rates.pes;
        CHECK(term(machine_bound(llama(tokens, tokens, causal_mask()), rates), "matrix") ==
              Approx(2 * S * (S + 1) * 64 * 128 / flops_per_ns).epsilon(1e-12));
        CHECK(term(machine_bound(llama(tokens, tokens, full_mask()), rates), "matrix") ==
              Approx(4 * S * S * 64 * 128 / flops_per_ns).epsilon(1e-12));
    }
}

TEST_CASE("the vector term is one exponential per visible pair and the comparisons of each row's maximum") {
    const double S = 512;
    const double pairs = S * (S + 1) / 2;
    CHECK(term(machine_bound(llama(512, 512, causal_mask()), rates), "vector") ==
          Approx(64 * (pairs / rates.exp2_per_ns + (pairs - S) / rates.simple_per_ns) / rates.pes));
}

TEST_CASE(
    "a cap costs a tanh per visible pair and then a bias an addition; without a cap a bias costs no vector work") {
    const double S = 512, pairs = 64 * S * (S + 1) / 2;
    MachineRates with_tanh = rates;
    with_tanh.tanh_per_ns = 100;
    const auto vector_ns = [&](const Problem& problem, Schedule::Pass pass = Schedule::Pass::forward) {
        return term(machine_bound(problem, with_tanh, pass), "vector") * rates.pes;
    };
    const auto problem_with = [](double cap, const std::string& bias) {
        Problem problem = llama(512, 512, causal_mask());
        const Json json = Json::parse(bias.empty() ? R"({"kind": "full"})" : bias);
        const MaskSources nowhere;
        problem.mask = all_of({causal_mask(), read_mask(JsonReader(json, "test", ""), {nowhere, problem.users, 64})});
        problem.soft_cap = cap;
        return problem;
    };
    const std::string bias = R"({"kind": "alibi", "slopes": "geometric"})";
    const double plain = vector_ns(problem_with(0, ""));
    CHECK(vector_ns(problem_with(0, bias)) == Approx(plain));
    CHECK(vector_ns(problem_with(30, "")) == Approx(plain + pairs / 100));
    CHECK(vector_ns(problem_with(30, bias)) == Approx(plain + pairs / 100 + pairs / rates.simple_per_ns));
    const double backward = vector_ns(problem_with(0, ""), Schedule::Pass::backward);
    CHECK(vector_ns(problem_with(30, ""), Schedule::Pass::backward) ==
          Approx(backward + pairs / 100 + pairs / rates.simple_per_ns));
}

TEST_CASE("biases per pair are read once for every visible pair: of every head, or once when all heads share them") {
    const double S = 256, pairs = S * (S + 1) / 2;
    const auto hbm_bytes = [&](const char* mask, bool of_schedule) {
        Problem problem = llama(256, 256, causal_mask());
        const Json json = Json::parse(mask);
        const MaskSources nowhere;
        problem.mask = all_of({causal_mask(), read_mask(JsonReader(json, "test", ""), {nowhere, problem.users, 64})});
        if (!of_schedule) return term(machine_bound(problem, rates), "HBM") * rates.pes * rates.hbm_bytes_per_ns;
        const NeedSets needs(problem, 1);
        Schedule schedule(1, 1);
        schedule.attend_own(needs, 0);
        return term(schedule_bound(problem, needs, schedule, rates, line()), "HBM") * rates.hbm_bytes_per_ns;
    };
    for (const bool of_schedule : {false, true}) {
        const double plain = hbm_bytes(R"({"kind": "full"})", of_schedule);
        CHECK(hbm_bytes(R"({"kind": "pair_bias", "std": 1})", of_schedule) - plain == Approx(4 * 64 * pairs));
        CHECK(hbm_bytes(R"({"kind": "pair_bias", "std": 1, "shared": true})", of_schedule) - plain ==
              Approx(4 * pairs));
    }
}

TEST_CASE("the HBM term reads what some pair needs and nothing else, once") {
    const double slices = rates.pes * rates.hbm_bytes_per_ns;
    // 8 heads of K and V (256 elements), 64 heads of q in and o out, two bytes each
    const auto ns = [&](double queries, double keys, double outputs) {
        return 2 * (queries * 64 * 128 + keys * 8 * 256 + outputs * 64 * 128) / slices;
    };
    CHECK(term(machine_bound(llama(1000, 1000, causal_mask()), rates), "HBM") == Approx(ns(1000, 1000, 1000)));
    CHECK(term(machine_bound(llama(1000, 1, causal_mask()), rates), "HBM") == Approx(ns(1, 1000, 1)));
    Problem prefix =
        llama(1000, 100, causal_mask());  // 100 queries at the start of 1000 keys: 900 keys are never seen
    prefix.users[0].query_offset = 0;
    CHECK(term(machine_bound(prefix, rates), "HBM") == Approx(ns(100, 100, 100)));
    Problem before = llama(1000, 100, causal_mask());  // 40 of 100 queries come before every key
    before.users[0].query_offset = -40;
    CHECK(term(machine_bound(before, rates), "HBM") == Approx(ns(60, 60, 100)));
}

TEST_CASE("a bound is its largest term, and says which one binds") {
    const Problem prefill = llama(8192, 8192, causal_mask());
    const auto binds = [](const Bound& bound) { return std::string(bound.binding().name); };
    // a visible pair takes head_dim + value_dim = 256 MACs, an exponential and a comparison
    MachineRates balanced = rates;
    balanced.exp2_per_ns = balanced.simple_per_ns = rates.macs_per_ns / 128 * 1.01;
    CHECK(binds(machine_bound(prefill, balanced)) == "matrix");
    MachineRates narrow = rates;
    narrow.exp2_per_ns = narrow.simple_per_ns = rates.macs_per_ns / 128 * 0.99;
    CHECK(binds(machine_bound(prefill, narrow)) == "vector");
    CHECK(machine_bound(prefill, narrow).ns() == term(machine_bound(prefill, narrow), "vector"));
    CHECK(binds(machine_bound(llama(131072, 1, causal_mask()), rates)) == "HBM");
    CHECK(term(machine_bound(prefill, rates), "link") == 0);
}

TEST_CASE("terms scale with the users") {
    Problem p = llama(700, 700, causal_mask());
    const Bound one = machine_bound(p, rates);
    p.users.push_back(p.users[0]);
    p.users.push_back(p.users[0]);
    const Bound three = machine_bound(p, rates);
    for (const BoundTerm& t : one.terms) CHECK(term(three, std::string(t.name)) == Approx(3 * t.ns));
}

TEST_CASE("causal contiguous shards are imbalanced by 2 - 1/n") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        // many tokens: the diagonal itself is 1/S of the work
        const Problem p = llama(4096 * n, 4096 * n, causal_mask());
        const NeedSets needs(p, n);
        MachineRates all = rates;
        all.pes = n;
        const double busiest =
            term(schedule_bound(p, needs, in_a_row(kernels::mesh_kv, needs), all, line()), "matrix");
        CHECK(busiest / term(machine_bound(p, all), "matrix") == Approx(2.0 - 1.0 / n).epsilon(1e-3));
    }
}

TEST_CASE("the link term is the busiest link's bytes at its rate: (n-1)C/B for the wave, M/B for merged states") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        const Problem p = llama(64 * n, 64 * n, full_mask());
        const NeedSets needs(p, n);
        const double chunk = 64 * 8 * 256 * 2;
        for (const auto schedule : {kernels::mesh_kv, kernels::ring_kv, kernels::ring_kv_bidirectional})
            CHECK(term(schedule_bound(p, needs, in_a_row(schedule, needs), rates, line()), "link") ==
                  Approx((n - 1) * chunk / link_rate));
        const Problem q = llama(64 * n, 1, causal_mask());
        const NeedSets replicated = NeedSets::replicated_queries(q, n);
        CHECK(term(schedule_bound(q, replicated, in_a_row(kernels::mesh_mlo, replicated), rates, line()), "link") ==
              Approx(n == 1 ? 0.0 : 64 * (128 * 4 + 8) / link_rate));
    }
}

TEST_CASE("PEs that share a rank divide its heads: the one that owns most of them is what counts") {
    const Problem p = llama(512, 512, full_mask());
    const NeedSets needs(p, 4);
    const Schedule wave = in_a_row(kernels::mesh_kv, needs);
    const Bound alone = schedule_bound(p, needs, wave, rates, line(1));
    for (const int members : {1, 2, 3, 5, 8, 16}) {
        CAPTURE(members);
        const Bound shared = schedule_bound(p, needs, wave, rates, line(members));
        const double share = static_cast<double>((8 + members - 1) / members) / 8;  // of 8 kv heads, rounded up
        for (const char* name : {"matrix", "vector", "HBM", "link"})
            CHECK(term(shared, name) == Approx(share * term(alone, name)));
    }
    // one link for all members carries all of it
    Wiring shared_link = line(8);
    shared_link.route = [](int, int from, int to) { return line_route()(from, to); };
    CHECK(term(schedule_bound(p, needs, wave, rates, shared_link), "link") == Approx(term(alone, "link")));
}

TEST_CASE("each rank reads the q it uses and the chunk it uses or sends, and writes its o") {
    const Problem p = llama(800, 800, causal_mask());
    const NeedSets needs(p, 8);
    const double bytes = 100 * 2 * (64 * 128 + 8 * 256 + 64 * 128);
    CHECK(term(schedule_bound(p, needs, in_a_row(kernels::mesh_kv, needs), rates, line()), "HBM") ==
          Approx(bytes / rates.hbm_bytes_per_ns));
    const Problem q = llama(800, 1, causal_mask());
    const NeedSets replicated = NeedSets::replicated_queries(q, 8);
    CHECK(term(schedule_bound(q, replicated, in_a_row(kernels::mesh_mlo, replicated), rates, line()), "HBM") ==
          Approx(2.0 * (64 * 128 + 100 * 8 * 256) / rates.hbm_bytes_per_ns));
}

TEST_CASE("after the last message of an edge its smallest piece's value product must still be done") {
    const int n = 4;
    const Problem p = llama(400, 400, full_mask());  // 100 keys per chunk
    const NeedSets needs(p, n);
    const Schedule wave = in_a_row(kernels::mesh_kv, needs);
    MachineRates fast = rates;  // so fast that arrival binds
    fast.macs_per_ns = 1e7;
    fast.exp2_per_ns = fast.simple_per_ns = fast.hbm_bytes_per_ns = 1e9;
    const double moved = (n - 1) * 100.0 * 8 * 256 * 2 / link_rate;
    for (const std::int64_t piece : {0, 100, 50, 40, 1}) {
        CAPTURE(piece);
        Wiring wiring = line();
        wiring.piece_keys = piece;
        const std::int64_t smallest = piece == 0 ? 100 : 100 % piece == 0 ? piece : 100 % piece;
        const double product = 100.0 * static_cast<double>(smallest) * 64 * 128 / fast.macs_per_ns;
        const Bound bound = schedule_bound(p, needs, wave, fast, wiring);
        CHECK(term(bound, "arrival") == Approx(moved + product));
        CHECK(std::string(bound.binding().name) == "arrival");
    }
}

TEST_CASE("work that arrives behind a large item starts after it") {
    // user 0 has much to move and little to compute, user 1 little to move and much to compute
    Problem p = llama(2, 2, full_mask());
    p.users = {{1000, 2, 0}, {4, 4000, 0}};
    const NeedSets needs(p, 2);
    const double large = 500 * 8 * 256 * 2 / link_rate;
    const double work = 2000.0 * 2 * 64 * 256 / rates.macs_per_ns;
    CHECK(term(schedule_bound(p, needs, in_a_row(kernels::mesh_kv, needs), rates, line()), "arrival") ==
          Approx(large + work));
}

TEST_CASE("no timeline of any schedule beats its bounds, whatever the rates") {
    std::uint64_t draw = 0;
    const auto random_rate = [&draw](double unit) {
        return unit * static_cast<double>(1 + random_below(7, 0, draw++, 1000)) / 100;
    };
    int bound_by_arrival = 0, bound_by_compute = 0;
    for (int trial = 0; trial < 60; ++trial)
        for (const auto& mask : {full_mask(), causal_mask()})
            for (const int n : {1, 2, 3, 5, 8}) {
                const Problem p = problem({{157, 157, 0}, {90, 30, 60}}, mask);
                const NeedSets needs(p, n);
                const MachineRates random{.pes = n,
                                          .macs_per_ns = random_rate(64),
                                          .exp2_per_ns = random_rate(4),
                                          .simple_per_ns = random_rate(8),
                                          .hbm_bytes_per_ns = random_rate(1e6)};
                const double bytes_per_ns = random_rate(1);
                Wiring wiring = line();
                wiring.link_bytes_per_ns = [&](LinkId) { return bytes_per_ns; };
                const Durations durations{
                    .attend =
                        [&](int, const Action& attend) {  // engines perfectly side by side
                            const double triples = needs.triples(attend.item.user, attend.owner, attend.item.id,
                                                                 attend.keys, {0, p.heads_q});
                            return std::max(triples * 64 / random.macs_per_ns,
                                            triples / random.exp2_per_ns + triples / random.simple_per_ns);
                        },
                    .transfer =
                        [&](int, int, const Action& send) {
                            const std::int64_t keys = total(send.keys);
                            return TransferTime{static_cast<double>(number(keys) * token_bytes(p)) / bytes_per_ns, 0};
                        }};
                for (const auto schedule : {kernels::mesh_kv, kernels::ring_kv, kernels::ring_kv_bidirectional}) {
                    const Schedule table = in_a_row(schedule, needs);
                    const double time = makespan(predict(table, durations));
                    const Bound bound = schedule_bound(p, needs, table, random, wiring);
                    const Bound machine = machine_bound(p, random);
                    CAPTURE(trial, mask->name(), n, bound.binding().name, machine.binding().name);
                    // wraps are routed back without taking anyone's time here, so links are for the wave alone
                    const bool is_wave = table.programs() == in_a_row(kernels::mesh_kv, needs).programs();
                    for (const BoundTerm& t : bound.terms)
                        if (t.name != "HBM" && (t.name != "link" || is_wave)) CHECK(t.ns <= time * (1 + 1e-9));
                    for (const char* name : {"matrix", "vector", "HBM"})
                        CHECK(term(machine, name) <= term(bound, name) * (1 + 1e-9));
                    ++(bound.binding().name == "arrival" ? bound_by_arrival : bound_by_compute);
                }
            }
    CHECK(bound_by_arrival > 50);  // both kinds were tried
    CHECK(bound_by_compute > 50);
}

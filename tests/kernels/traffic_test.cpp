// SPDX-License-Identifier: Apache-2.0
// Do the simulated links carry what the closed forms and the schedule's table say, to the byte? On lines of 1 to 9
// and 16 PEs; C is the bytes of a chunk, M of a partial result.
#include "sim/attention/traffic.h"
#include "sim/noc/topology.h"
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

#include <numeric>
#include <set>

using namespace kernel_test;

namespace {

using Count = std::uint64_t;
using LinkBytes = std::map<std::string, Count>;
const std::vector<int> rank_counts{1, 2, 3, 4, 5, 6, 7, 8, 9, 16};

constexpr Count token_bytes = 2 * (24 + 40) * 2;  // K and V of two kv heads in f16
constexpr Count state_bytes = 6 * (40 + 2) * 4;   // o, m and l of six query heads in f32

Json problem_of(int queries, int keys, const std::string& mask) {
    Json problem = distinct_problem(mask);
    problem["users"] = Json::array({{{"keys", keys}, {"queries", queries}}});
    return problem;
}

/// Count of each rank's chunk: the first keys % n ranks have one token more.
std::vector<Count> chunks(int keys, int n) {
    std::vector<Count> list;
    for (int rank = 0; rank < n; ++rank)
        list.push_back(static_cast<Count>(keys / n + (rank < keys % n ? 1 : 0)) * token_bytes);
    return list;
}

std::string link(int from, int to) { return "cube0.pe" + std::to_string(from) + "_to_pe" + std::to_string(to); }

/// Count of the links east (r to r + 1) and west (r + 1 to r), without those that carry nothing.
template <class East, class West>
LinkBytes on_line(int n, const East& east, const West& west) {
    LinkBytes bytes;
    for (int r = 0; r + 1 < n; ++r) {
        if (const Count b = east(r)) bytes[link(r, r + 1)] = b;
        if (const Count b = west(r)) bytes[link(r + 1, r)] = b;
    }
    return bytes;
}

Count hop_bytes(const LinkBytes& links) {
    return std::accumulate(links.begin(), links.end(), Count{0},
                           [](Count sum, const auto& l) { return sum + l.second; });
}

Ran timing(const Json& machine, const Json& problem, const Json& kernel, const Json& ranks = Json::object()) {
    Json json = panel_of(machine, problem, Json::array({kernel}));
    json["values"] = {{"mode", "none"}};
    json["ranks"] = ranks;
    return Experiment(json).run();
}
Ran timing(int n, const Json& problem, const Json& kernel) { return timing(line_of(n), problem, kernel); }

Count number(int x) { return static_cast<Count>(x); }

}  // namespace

TEST_CASE("the wave loads link r->r+1 with the chunks of ranks 0..r and r+1->r with those of r+1..n-1") {
    for (const int n : rank_counts) {
        for (const int keys : {12 * n, 12 * n + n / 2 + 1, 5}) {
            CAPTURE(n, keys);
            const std::vector<Count> c = chunks(keys, n);
            const Ran ran = timing(n, problem_of(7 * n, keys, "full"), "mesh_kv");
            const auto sum = [&](int from, int to) {
                return std::accumulate(c.begin() + from, c.begin() + to, Count{0});
            };
            const LinkBytes expected = on_line(
                n, [&](int r) { return sum(0, r + 1); }, [&](int r) { return sum(r + 1, n); });
            CHECK(link_bytes(ran.result) == expected);
            // Each chunk crosses n - 1 links in all: n(n-1)C when they are equal.
            CHECK(hop_bytes(link_bytes(ran.result)) == number(n - 1) * number(keys) * token_bytes);
        }
    }
}

TEST_CASE("a causal mask leaves the west links empty and halves the hop-bytes of the wave") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        const int keys = 12 * n;
        const Count chunk = 12 * token_bytes;
        for (const char* kernel : {"mesh_kv", "ring_kv"}) {
            CAPTURE(kernel);
            const Ran ran = timing(n, problem_of(keys, keys, "causal"), kernel);
            CHECK(link_bytes(ran.result) ==
                  on_line(
                      n, [&](int r) { return number(r + 1) * chunk; }, [](int) { return Count{0}; }));
            CHECK(2 * hop_bytes(link_bytes(ran.result)) == number(n * (n - 1)) * chunk);
        }
        // Ragged: still nothing but the eastward half.
        const std::vector<Count> c = chunks(keys + n / 2, n);
        const Ran ran = timing(n, problem_of(keys + n / 2, keys + n / 2, "causal"), "mesh_kv");
        CHECK(link_bytes(ran.result) ==
              on_line(
                  n, [&](int r) { return std::accumulate(c.begin(), c.begin() + r + 1, Count{0}); },
                  [](int) { return Count{0}; }));
    }
}

TEST_CASE("a closed ring routed over a line puts all chunks but one on every directed link: (n-1)C when equal") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        const Ran equal = timing(n, problem_of(7 * n, 12 * n, "full"), "ring_kv");
        const auto most = [&](int) { return number(n - 1) * 12 * token_bytes; };
        CHECK(link_bytes(equal.result) == on_line(n, most, most));
        CHECK(hop_bytes(link_bytes(equal.result)) == 2 * number(n - 1) * number(n - 1) * 12 * token_bytes);
        // A chunk goes all the way round but not home: r->r+1 lacks that of r+1, the way back that of rank 0.
        const int keys = 12 * n + n / 2 + 1;
        const std::vector<Count> c = chunks(keys, n);
        const Count all = number(keys) * token_bytes;
        const Ran ragged = timing(n, problem_of(7 * n, keys, "full"), "ring_kv");
        CHECK(link_bytes(ragged.result) == on_line(
                                               n, [&](int r) { return all - c[static_cast<std::size_t>(r + 1)]; },
                                               [&](int) { return all - c[0]; }));
    }
}

TEST_CASE("a closed ring both ways gains nothing on a line: (n-1)C on every directed link") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        const Ran ran = timing(n, problem_of(7 * n, 12 * n, "full"), "ring_kv_bidirectional");
        const auto most = [&](int) { return number(n - 1) * 12 * token_bytes; };
        CHECK(link_bytes(ran.result) == on_line(n, most, most));
    }
}

TEST_CASE("with a real wrap link the ring carries (n-1)C one way, and ceil((n-1)/2)C both ways") {
    for (const int n : {3, 4, 5, 6, 7, 8, 9, 16}) {
        CAPTURE(n);
        Json machine = line_of(n);
        machine["cube"]["topology"] = "ring";
        const Count chunk = 12 * token_bytes;
        const auto one_way = link_bytes(timing(machine, problem_of(7 * n, 12 * n, "full"), "ring_kv").result);
        const auto both =
            link_bytes(timing(machine, problem_of(7 * n, 12 * n, "full"), "ring_kv_bidirectional").result);
        CHECK(one_way.size() == static_cast<std::size_t>(n));
        CHECK(both.size() == 2 * static_cast<std::size_t>(n));
        Count busiest = 0;
        for (const auto& [name, bytes] : one_way) CHECK(bytes == number(n - 1) * chunk);
        for (const auto& [name, bytes] : both) busiest = std::max(busiest, bytes);
        CHECK(busiest == number(n / 2) * chunk);  // ceil((n-1)/2)
        CHECK(hop_bytes(one_way) == number(n * (n - 1)) * chunk);
        CHECK(hop_bytes(both) == number(n * (n - 1)) * chunk);
    }
}

TEST_CASE("causal zigzag shards with the heavy ranks in the middle put nC/2 on the busiest link, in order (n-1)C") {
    for (const int n : {2, 3, 4, 6, 8, 9, 16}) {
        CAPTURE(n);
        const Count half = 70 * token_bytes;
        const auto busiest = [&](const char* placement) {
            const Ran ran = timing(line_of(n), problem_of(140 * n, 140 * n, "causal"), "mesh_kv",
                                   {{"sharding", "zigzag"}, {"placement", placement}});
            CHECK(2 * hop_bytes(link_bytes(ran.result)) == 3 * number(n * (n - 1)) * half);
            Count most = 0;
            for (const auto& [name, bytes] : link_bytes(ran.result)) most = std::max(most, bytes);
            return most;
        };
        CHECK(busiest("heavy_middle") == number(n) * half);
        CHECK(busiest("identity") == number(n - 1) * 2 * half);
    }
}

TEST_CASE("merging partial results puts M on each link each way, whatever the context") {
    for (const int n : rank_counts) {
        for (const int queries : {1, 3}) {
            CAPTURE(n, queries);
            const Ran ran = timing(n, problem_of(queries, 50 * n + 1, "causal"), "mesh_mlo");
            const auto state = [&](int) { return number(queries) * state_bytes; };
            CHECK(link_bytes(ran.result) == on_line(n, state, state));
            CHECK(hop_bytes(link_bytes(ran.result)) == 2 * number(n - 1) * number(queries) * state_bytes);
        }
    }
}

TEST_CASE("head-parallel moves nothing") {
    for (const int n : rank_counts) {
        const Ran ran = timing(n, problem_of(7 * n, 12 * n, "full"), "head_parallel");
        CHECK(link_bytes(ran.result).empty());
        CHECK(messages(ran.result) == 0);
    }
}

TEST_CASE("K and V are two messages per piece and transfer: 2n(n-1) when a chunk is one piece") {
    for (const int n : rank_counts) {
        CAPTURE(n);
        const auto sent = [&](const char* kernel, const char* mask, int piece) {
            return messages(
                timing(n, problem_of(12 * n, 12 * n, mask), {{"kernel", kernel}, {"piece_keys", piece}}).result);
        };
        for (const char* kernel : {"mesh_kv", "mesh_kv_literal", "ring_kv", "ring_kv_bidirectional"}) {
            CAPTURE(kernel);
            if (kernel == std::string("mesh_kv_literal")) {
                Json problem = problem_of(12 * n, 12 * n, "full");
                problem["heads_q"] = problem["heads_kv"] = 1;
                CHECK(messages(timing(n, problem, kernel).result) == number(2 * n * (n - 1)));
                continue;
            }
            CHECK(sent(kernel, "full", 12) == number(2 * n * (n - 1)));
            CHECK(sent(kernel, "full", 5) == number(3 * 2 * n * (n - 1)));
        }
        CHECK(sent("mesh_kv", "causal", 12) == number(n * (n - 1)));
    }
}

TEST_CASE("the links of any machine carry what the table says for its routes") {
    const Json cubes = {{"base", "machines/cubes_4x4.json"},
                        {"cubes", {{"topology", "mesh"}, {"rows", 2}, {"cols", 2}}}};
    const Json mesh = {{"base", "machines/cube_2x4.json"}};
    const Json copies = {{"network", {{"router", {{"multicast", true}}}}}};
    Json copying_mesh = mesh, copying_cubes = cubes;
    copying_mesh.update(copies);
    copying_cubes.update(copies);
    const std::vector<std::pair<Json, Json>> stands = {{line_of(6), {{"placement", {5, 0, 3, 2}}}},
                                                       {mesh, Json::object()},
                                                       {cubes, {{"unit", "cube"}}},
                                                       {cubes, {{"unit", "cube_pe0"}, {"placement", {0, 3, 1}}}},
                                                       {cubes, {{"unit", "pe"}, {"count", 11}}},
                                                       {copying_mesh, Json::object()},
                                                       {copying_cubes, {{"unit", "cube"}}},
                                                       {copying_cubes, {{"unit", "pe"}, {"count", 11}}}};
    for (const auto& [machine, ranks] : stands) {
        for (const char* mask : {"full", "causal"}) {
            Json json = panel_of(machine, distinct_problem(mask), exact_kernels());
            json["values"] = {{"mode", "none"}};
            json["ranks"] = ranks;
            Experiment experiment(json);
            const noc::Topology topology(experiment.panel().machine.network);
            for (const std::size_t kernel : experiment.accepted()) {
                CAPTURE(json.dump(), experiment.choice(kernel).kernel);
                const workloads::Arrangement a = experiment.arrangement(kernel);
                LinkBytes expected;
                for (std::size_t member = 0; member < a.member_heads.size(); ++member) {
                    const auto bytes = [&](const attention::Action& transfer) {
                        return attention::transfer_bytes(experiment.panel().problem, a.needs, a.schedule, transfer,
                                                         a.member_heads[member].size());
                    };
                    const auto pe = [&](int rank) { return a.pes[static_cast<std::size_t>(rank)][member]; };
                    for (const auto& [way, b] : attention::way_bytes(a.schedule, bytes)) {
                        if (b == 0) continue;
                        std::set<std::string> links;
                        for (const int to : way.second)
                            for (const noc::Hop& hop : topology.route(pe(way.first), pe(to)))
                                links.insert(topology.links()[hop.link].name);
                        for (const std::string& one : links) expected[one] += b;
                    }
                }
                CHECK(link_bytes(experiment.run(kernel).result) == expected);
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// On square meshes where only matrix engines and links take time, what halves the load of the busiest link also
// halves the time, and what does not, does not. t_c = C / B: one chunk over one link; tau: local queries times one
// chunk on one PE, small beside it, so that links are the limit.
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

using namespace kernel_test;

namespace {

constexpr int queries = 16, keys = 256, dim = 128;  // per rank
constexpr double macs_per_ns = 128 * 128;           // of configs/machines/ideal_line.json at 1 GHz
constexpr double tau = static_cast<double>(queries) * keys * 2 * dim / macs_per_ns;
constexpr double chunk_bytes = 2.0 * keys * dim * 2;

/// Time of a kernel on a side x side mesh, in t_c, when a chunk takes `ratio` tau.
double time_of(const std::string& kernel, int side, double ratio, int pieces) {
    const int n = side * side;
    Json machine = {{"base", "machines/ideal_line.json"},
                    {"cube", {{"topology", "mesh"}, {"rows", side}, {"cols", side}}},
                    {"network", {{"link", {{"gbytes_per_s", chunk_bytes / (ratio * tau)}}}}}};
    const Json problem = {{"heads_q", 1},
                          {"heads_kv", 1},
                          {"head_dim", dim},
                          {"users", Json::array({{{"keys", n * keys}, {"queries", n * queries}}})}};
    Json json = panel_of(machine, problem, Json::array({{{"kernel", kernel}, {"piece_keys", keys / 2 / pieces}}}));
    json["values"] = {{"mode", "none"}};
    return to_nanoseconds(Experiment(json).run().result.time) / (ratio * tau);
}

}  // namespace

TEST_CASE("two orientations and the ring along a cycle take (n-1)C/2B within 5 % on 4 x 4 and 8 x 8 meshes") {
    for (const int side : {4, 8}) {
        for (const char* kernel : {"two_orientation", "hamiltonian_ring"}) {
            CAPTURE(side, kernel);
            const double bound = (side * side - 1) / 2.0;
            const double time = time_of(kernel, side, 8.0, 8);
            CHECK(time >= bound);
            CHECK(time <= 1.05 * bound);
        }
    }
}

TEST_CASE("the wave along the snake of a mesh takes twice that, (n-1)C/B") {
    for (const int side : {4, 8}) {
        CAPTURE(side);
        const double time = time_of("mesh_kv", side, 8.0, 8);
        CHECK(time >= side * side - 1);
        CHECK(time <= 1.05 * (side * side - 1));
    }
}

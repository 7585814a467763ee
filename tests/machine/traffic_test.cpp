// SPDX-License-Identifier: Apache-2.0
// Heavy traffic through the smallest buffers: no link exceeds its rate, no message is lost or changed, and
// wrap-around topologies do not block themselves.
#include "sim/base/random.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// Watches every link: what it moves in a stretch of time, and that stretches do not overlap.
class LinkWatch final : public Recorder {
public:
    void activity(const Activity& a) override { seen_[a.component].push_back(a); }
    /// Stretches that moved more than the link's rate allows, or began before the one before had ended.
    int violations(const std::vector<machine::Component>& components) const {
        int count = 0;
        for (const auto& [component, activities] : seen_) {
            if (components[component].kind != "link") continue;
            Picoseconds free;
            for (const Activity& a : activities) {
                const double possible = components[component].peak_per_ns * to_nanoseconds(a.end - a.begin);
                if (a.begin < free || static_cast<double>(a.bytes.value()) > possible * (1 + 1e-9)) ++count;
                free = a.end;
            }
        }
        return count;
    }

private:
    std::map<ComponentId, std::vector<Activity>> seen_;
};

/// The counting line's PEs in another grid, with room for one packet in every buffer.
machine::MachineConfig tight(const Json& cube, const Json& cubes = nullptr) {
    return counting_line([&](Json& json) {
        json["cube"] = cube;
        json["network"]["packet_bytes"] = 64;
        json["network"]["link"]["buffer_bytes"] = 64;
        json["network"]["router"] = {{"cycle_ns", 0.5}, {"virtual_channels", 2}};
        json["network"]["flit_bytes"] = 64;
        json["network"]["link"]["latency_ns"] = 3.0;
        if (!cubes.is_null()) {
            json["cubes"] = cubes;
            json["network"]["die_to_die"] = {
                {"connections_per_side", 2}, {"gbytes_per_s", 0.7}, {"latency_ns", 16.0}, {"buffer_bytes", 64}};
        }
    });
}

/// Everybody sends to PEs at all of these distances, several packets each, and checks what arrives. Returns how many
/// messages arrived as they were sent.
int exchange(const machine::MachineConfig& config, const std::vector<int>& distances) {
    const int n = config.pes();
    int right = 0;
    const auto run = [&](Recorder* recorder) {
        machine::Simulation simulation(config, {.recorder = recorder});
        for (int pe = 0; pe < n; ++pe) {
            const auto text = [&, pe](tl::Context& tl) {
                for (const int d : distances) tl.send((pe + d) % n, tl.full({7, 40}, static_cast<float>(pe * n + d)));
                std::vector<Tile> tiles;
                for (const int d : distances) tiles.push_back(tl.recv((pe + n - d) % n, {7, 40}, Dtype::f32));
                for (std::size_t i = 0; i < tiles.size(); ++i) {
                    tl.wait(tiles[i]);
                    const auto expected = static_cast<float>((pe + n - distances[i]) % n * n + distances[i]);
                    const float* data = tiles[i].record().values->force();
                    if (std::all_of(data, data + 7 * 40, [=](float x) { return x == expected; })) ++right;
                }
            };
            simulation.launch(pe, "exchange", text, ValueMode::full);
        }
        return simulation.run();
    };
    LinkWatch watch;
    const machine::Outcome outcome = run(&watch);
    CHECK(outcome.sent == outcome.received);
    CHECK(outcome.sent.value() == static_cast<std::uint64_t>(n) * distances.size() * 7 * 40 * 4);
    CHECK(watch.violations(outcome.components) == 0);
    // Nobody follows packets: what links tell of at the end is the sum of them.
    const int seen = std::exchange(right, 0);
    const machine::Outcome unwatched = run(nullptr);
    CHECK(right == seen);
    CHECK(unwatched.totals == outcome.totals);
    return right;
}

}  // namespace

TEST_CASE("a ring on which everybody sends the same way round does not block itself") {
    for (const int n : {4, 5, 8}) {
        const auto config = tight({{"topology", "ring"}, {"cols", n}});
        CHECK(exchange(config, {1}) == n);
        CHECK(exchange(config, {n / 2}) == n);  // each path takes half the ring
        CHECK(exchange(config, {2, 1, n / 2, n - 1}) == 4 * n);
    }
}

TEST_CASE("a torus under traffic from everybody to everybody delivers it all") {
    std::vector<int> everybody;
    for (int d = 1; d < 16; ++d) everybody.push_back(d * 7 % 16);
    CHECK(exchange(tight({{"topology", "torus"}, {"rows", 4}, {"cols", 4}}), everybody) == 16 * 15);
}

TEST_CASE("so do lines, meshes, all-to-all networks and cubes joined in a mesh or a torus") {
    CHECK(exchange(tight({{"topology", "line"}, {"cols", 7}}), {1, 3, 5, 6}) == 7 * 4);
    CHECK(exchange(tight({{"topology", "mesh"}, {"rows", 3}, {"cols", 3}}), {1, 2, 4, 8}) == 9 * 4);
    CHECK(exchange(tight({{"topology", "all_to_all"}, {"cols", 6}}), {1, 2, 3, 4, 5}) == 6 * 5);
    const Json cube{{"topology", "mesh"}, {"rows", 2}, {"cols", 2}};
    CHECK(exchange(tight(cube, {{"topology", "mesh"}, {"rows", 2}, {"cols", 3}}), {1, 5, 12, 23}) == 24 * 4);
    CHECK(exchange(tight(cube, {{"topology", "torus"}, {"rows", 3}, {"cols", 3}}), {1, 5, 18, 35}) == 36 * 4);
}

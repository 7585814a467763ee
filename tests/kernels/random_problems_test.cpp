// SPDX-License-Identifier: Apache-2.0
// Random problems (random_panel.h) through the kernels that accept them. Each run ends, beats no bound, gives the
// right answer, moves the bytes its table says and leaves no SRAM taken. A failure shows seed and panel; with
// TILEMESH_SEED=n only that seed is run, with TILEMESH_PROBLEMS=n the seeds 1 to n (200 unless given).
#include "sim/base/error.h"
#include "sim/noc/topology.h"
#include "tests/base/scratch.h"
#include "tests/kernels/experiment.h"
#include "tests/kernels/random_panel.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <list>
#include <map>
#include <optional>

using namespace kernel_test;

namespace {

std::map<std::string, std::uint64_t> table_bytes(const Experiment& experiment, const workloads::Arrangement& a) {
    const noc::Topology topology(experiment.panel().machine.network);
    attention::Wiring wiring;
    wiring.members = a.members();
    wiring.route = [&](int member, int from, int to) {
        std::vector<attention::LinkId> links;
        const auto pe = [&](int rank) {
            return a.pes[static_cast<std::size_t>(rank)][static_cast<std::size_t>(member)];
        };
        for (const noc::Hop& hop : topology.route(pe(from), pe(to))) links.push_back(hop.link);
        return links;
    };
    std::map<std::string, std::uint64_t> bytes;
    for (const auto& [link, carried] :
         attention::wired_traffic(experiment.panel().problem, a.needs, a.schedule, wiring).bytes)
        if (carried > 0) bytes[topology.links()[link].name] += carried;
    return bytes;
}

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text ? std::stoull(text) : otherwise;
}

/// A handful of outputs may all be rounded the same way: half a unit in the last place, twice (p and o).
double rounding_of(Dtype output) { return output == Dtype::f16 ? 0x1p-10 : output == Dtype::bf16 ? 0x1p-7 : 1e-5; }

/// Every element of one output is near that of another: no order, number of ranks or schedule changes the result.
bool alike(const Ran& a, const Ran& b, double tolerance) {
    for (const auto& [name, values] : a.outputs) {
        const std::vector<float>& other = b.output(name);
        double norm = 0.0;
        for (const float value : other) norm += std::isinf(value) ? 0.0 : static_cast<double>(value) * value;
        if (greatest_difference(values, other) > 8 * tolerance * std::max(1.0, std::sqrt(norm))) return false;
    }
    return true;
}

struct Tally {
    int accepted = 0, refused = 0, staged = 0;
};

void run_one(Experiment& experiment, std::size_t kernel, const workloads::Arrangement& a, const Ran*& first,
             std::list<Ran>& kept, Tally& tally) {
    ++tally.accepted;
    if (!a.tiling.queries_stay || !a.tiling.chunks_stay) ++tally.staged;
    const Ran ran = experiment.run(kernel);
    CHECK(ran.result.verdict.why == "");
    CHECK(ran.result.verdict.pass);
    CHECK(link_bytes(ran.result) == table_bytes(experiment, a));
    const Simulated simulated = simulate(experiment, kernel);
    CHECK(simulated.outcome.time == ran.result.time);
    CHECK(simulated.outcome.commands == ran.result.commands);
    CHECK(simulated.outcome.sent == simulated.outcome.received);
    CHECK(std::count(simulated.sram_held.begin(), simulated.sram_held.end(), 0U) ==
          static_cast<std::ptrdiff_t>(simulated.sram_held.size()));
    if (first) {
        CHECK(alike(ran, *first, rounding_of(experiment.panel().problem.output_dtype())));
    } else {
        first = &kept.emplace_back(ran);
    }
}

}  // namespace

TEST_CASE("random problems end, above their bounds, with the right answer, the table's bytes and no SRAM left over") {
    const std::uint64_t only = from_environment("TILEMESH_SEED", 0);
    const std::uint64_t last = only > 0 ? only : from_environment("TILEMESH_PROBLEMS", 200);
    Tally tally;
    for (std::uint64_t seed = only > 0 ? only : 1; seed <= last; ++seed) {
        const ScratchFolder folder;
        const Json json = random_panel(seed, folder / "");
        Experiment experiment(json);
        std::list<Ran> kept;
        const Ran* first = nullptr;
        for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
            INFO("TILEMESH_SEED=" << seed << ", kernel " << experiment.choice(kernel).kernel << "\n" << json.dump());
            std::optional<workloads::Arrangement> arrangement;
            try {
                arrangement = experiment.arrangement(kernel);
            } catch (const InputError&) {  // cannot run there, or tiles that cannot fit the SRAM
                ++tally.refused;
                continue;
            }
            try {
                run_one(experiment, kernel, *arrangement, first, kept, tally);
            } catch (const std::exception& error) {
                FAIL_CHECK(error.what());
            }
        }
    }
    if (only > 0) return;
    // The generator tries hard things, few of them impossible, and many that do not stay in the SRAM.
    CHECK(tally.accepted >= 2 * tally.refused);
    CHECK(tally.staged * 10 >= tally.accepted);
}

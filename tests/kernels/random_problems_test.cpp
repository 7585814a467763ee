// SPDX-License-Identifier: Apache-2.0
// Problems nobody thought of: seeded random shapes, machines, placements and tiles, through every kernel that accepts
// them. Each run ends, beats no bound, gives the right answer and leaves no SRAM taken. On failure the panel is
// shown.
#include "sim/base/error.h"
#include "sim/base/random.h"
#include "tests/attention/cases.h"
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace kernel_test;

namespace {

/// A sequence of numbers that depends on its seed alone.
class Dice {
public:
    explicit Dice(std::uint64_t seed) : seed_(seed) {}
    /// Uniform in [least, most].
    int roll(int least, int most) {
        return least +
               static_cast<int>(random_below(seed_, 0, next_++, static_cast<std::uint64_t>(most - least + 1)));
    }
    template <class T>
    T one_of(const std::vector<T>& list) {
        return list[static_cast<std::size_t>(roll(0, static_cast<int>(list.size()) - 1))];
    }

private:
    std::uint64_t seed_, next_ = 0;
};

/// The panel's mask as it is, or one that no panel can name.
std::shared_ptr<const attention::Mask> random_mask(std::uint64_t seed) {
    Dice dice(seed + (std::uint64_t{1} << 32));
    const int window = dice.roll(1, 60), kind = dice.roll(0, 5);
    if (kind == 0) return std::make_shared<attention::Sprinkled>();
    if (kind == 1) return std::make_shared<attention::NotLongAgo>(window);
    if (kind == 2) {
        return attention::all_of({attention::causal_mask(), std::make_shared<attention::NotLongAgo>(window)});
    }
    return nullptr;
}

Json random_machine(Dice& dice, int pes) {
    Json machine = line_of(pes);
    if (dice.roll(0, 2) == 0) {
        const int rows = pes % 3 == 0 ? 3 : pes % 2 == 0 ? 2 : 1;
        machine["cube"] = {{"topology", dice.one_of<std::string>({"mesh", "torus", "all_to_all"})},
                           {"rows", rows},
                           {"cols", pes / rows}};
    }
    if (machine["cube"]["topology"] != "torus" && dice.roll(0, 3) == 0) {  // wraps leave no free side
        machine["cubes"] = {{"topology", dice.one_of<std::string>({"line", "mesh"})}, {"rows", 1}, {"cols", 2}};
        machine["network"]["die_to_die"] = {
            {"connections_per_side", 2}, {"gbytes_per_s", 50.0}, {"latency_ns", 9.0}, {"buffer_bytes", 65536}};
    }
    machine["pe"] = {{"sram_bytes", dice.one_of<int>({12, 24, 48, 64, 256, 1024, 8192}) << 10},
                     {"queue_depth", dice.roll(1, 16)}};
    machine["network"]["receive_buffer_bytes"] = dice.one_of<int>({4096, 65536, 262144});
    machine["network"]["link"] = {{"gbytes_per_s", dice.roll(1, 128)}};
    return machine;
}

Json random_problem(Dice& dice) {
    const int heads_kv = dice.roll(1, 4);
    Json problem = {{"heads_q", heads_kv * dice.roll(1, 5)},
                    {"heads_kv", heads_kv},
                    {"head_dim", dice.roll(1, 40)},
                    {"value_dim", dice.roll(1, 40)},
                    {"dtype", dice.one_of<std::string>({"f16", "f16", "bf16", "f32"})},
                    {"mask", {{"kind", dice.one_of<std::string>({"full", "causal"})}}}};
    problem["users"] = Json::array();
    for (int users = dice.roll(1, 3); users > 0; --users) {
        problem["users"].push_back({{"keys", dice.roll(1, 120)},
                                    {"queries", dice.roll(0, 3) == 0 ? 1 : dice.roll(1, 90)},
                                    {"query_offset", dice.roll(0, 40)}});
    }
    return problem;
}

Json random_panel(std::uint64_t seed) {
    Dice dice(seed);
    const int pes = dice.roll(1, 9);
    Json kernels = Json::array();
    const Json tiles = {{"tile_queries", dice.roll(1, 60)},
                        {"tile_keys", dice.roll(1, 60)},
                        {"tile_heads", dice.roll(1, 4)},
                        {"piece_keys", dice.roll(1, 60)}};
    for (const std::string& kernel : exact_kernels()) {
        Json choice = {{"kernel", kernel}};
        for (const auto& [key, value] : tiles.items()) {
            if (dice.roll(0, 1) == 0) choice[key] = value;
        }
        kernels.push_back(choice);
    }
    Json json = panel_of(random_machine(dice, pes), random_problem(dice), kernels);
    if (dice.roll(0, 1) == 0) {  // some of the PEs, in any order
        std::vector<int> list;
        for (int pe = 0; pe < pes; ++pe) list.insert(list.begin() + dice.roll(0, pe), pe);
        list.resize(static_cast<std::size_t>(dice.roll(1, pes)));
        json["ranks"] = {{"placement", list}};
    }
    if (json["machine"].contains("cubes"))
        json["ranks"] = {{"unit", dice.one_of<std::string>({"pe", "cube", "cube_pe0"})}};
    json["values"]["seed"] = seed;
    // A handful of outputs may all be rounded the same way: half a unit in the last place, twice (p and o).
    const std::string dtype = json["problem"]["dtype"];
    json["tolerance"] = {{"relative_l2", dtype == "f16" ? 0x1p-10 : dtype == "bf16" ? 0x1p-7 : 1e-5}};
    return json;
}

}  // namespace

TEST_CASE("random problems run to their end, above their bounds, with the right answer and no SRAM left over") {
    int accepted = 0, refused = 0;
    for (std::uint64_t seed = 1; seed <= 150; ++seed) {
        const Json json = random_panel(seed);
        const std::shared_ptr<const attention::Mask> mask = random_mask(seed);
        Experiment experiment(json, mask);
        for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
            INFO(seed << " " << experiment.choice(kernel).kernel << " " << experiment.panel().problem.mask->name()
                      << " " << json.dump());
            try {
                experiment.arrangement(kernel);
            } catch (const InputError&) {  // tiles that cannot fit the SRAM, states that cannot stay
                ++refused;
                continue;
            }
            ++accepted;
            try {
                const Ran ran = experiment.run(kernel);
                CHECK(ran.result.verdict.why == "");
                CHECK(ran.result.verdict.pass);
                const Simulated simulated = simulate(experiment, kernel);
                CHECK(simulated.outcome.time == ran.result.time);
                CHECK(simulated.outcome.sent == simulated.outcome.received);
                CHECK(std::count(simulated.sram_held.begin(), simulated.sram_held.end(), 0U) ==
                      static_cast<std::ptrdiff_t>(simulated.sram_held.size()));
            } catch (const std::exception& error) {
                FAIL_CHECK(error.what());
            }
        }
    }
    // The generator tries hard things, few of them impossible.
    CHECK(accepted >= 2 * refused);
}

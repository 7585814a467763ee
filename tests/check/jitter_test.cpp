// SPDX-License-Identifier: Apache-2.0
// Random extra latency changes times and nothing else: the values of every kernel are the same to the bit.
#include "tests/language/small_machine.h"
#include "tests/programs/programs.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// The verdict and all values of a panel's kernels must not depend on the jitter.
void check_unmoved(const std::function<Programs(const Json& jitter)>& panel, int seeds = 2) {
    Programs plain = panel(nullptr);
    for (std::size_t kernel = 0; kernel < plain.kernels(); ++kernel) {
        INFO(plain.label(kernel));
        const Ran expected = plain.run(kernel);
        for (int seed = 1; seed <= seeds; ++seed) {
            const Ran ran = panel(seed).run(kernel);
            CHECK(ran.result.verdict == expected.result.verdict);
            CHECK(ran.outputs == expected.outputs);
            CHECK(ran.result.commands == expected.result.commands);
            CHECK(ran.result.time > expected.result.time);
        }
    }
}

Programs attention_panel(const char* name, const Json& jitter, const Json& changes = Json::object()) {
    Json panel = {{"name", "test"}, {"base", fmt::format("../../configs/panels/{}.json", name)}, {"jitter", jitter}};
    panel.merge_patch(changes);
    return Programs(panel);
}

}  // namespace

TEST_CASE("jitter moves no value of any schedule") {
    const Json causal = {{"problem", {{"mask", {{"kind", "causal"}}}}}};
    check_unmoved([&](const Json& jitter) { return attention_panel("schedules_line8", jitter, causal); });
    check_unmoved([](const Json& jitter) { return attention_panel("schedules_2x4", jitter); }, 1);
}

TEST_CASE("jitter moves no value of local and backward kernels") {
    const Json kernels = {"standard", "blockwise", "flash", "block_sparse"};
    check_unmoved([&](const Json& jitter) {
        return attention_panel("single_user_prefill_validation", jitter,
                               {{"kernels", kernels}, {"ranks", {{"count", 1}}}});
    });
    check_unmoved([&](const Json& jitter) {
        return attention_panel("single_user_prefill_validation", jitter,
                               {{"kernels", {"ring_kv_backward", "mesh_kv_backward", "attention_backward"}}});
    });
}

TEST_CASE("jitter moves no value of any program") {
    for (const std::string& name : program_panels()) {
        INFO(name);
        check_unmoved(
            [&](const Json& jitter) {
                return Programs(name, {"values.mode=full", "jitter=" + jitter.dump()});
            },
            1);
    }
}

TEST_CASE("equal seeds give equal times, whatever order the machine was built in, and others others") {
    const auto time_with = [](std::uint64_t seed, bool reverse) {
        machine::SimulationOptions options;
        options.jitter = Jitter(seed);
        options.reverse_construction = reverse;
        Kernels kernels;
        for (int pe = 0; pe < 4; ++pe)
            kernels[pe] = [pe](tl::Context& tl) {
                Tile tile = tl.exp(tl.zeros({4096}));
                if (pe > 0) tile = tl.add(tile, tl.recv(pe - 1, {4096}, Dtype::f32));
                if (pe < 3) tl.send(pe + 1, tile);
            };
        return run_kernels(ideal_line(), kernels, ValueMode::none, options).time;
    };
    CHECK(time_with(5, false) == time_with(5, true));
    CHECK(time_with(5, false) != time_with(6, false));
    CHECK(time_with(0, false) > run_kernels(ideal_line(), {}).time);
}

TEST_CASE("extra latency is below two microseconds, now small, now large, and different everywhere") {
    const Jitter jitter(7);
    std::uint64_t most = 0, below_16_ns = 0;
    for (std::uint64_t event = 0; event < 1000; ++event) {
        const std::uint64_t extra = jitter.of(Jitter::Part::hbm, 3, event).value();
        most = std::max(most, extra);
        below_16_ns += extra < 16384 ? 1 : 0;
    }
    CHECK(most < std::uint64_t{1} << 21);
    CHECK(most > std::uint64_t{1} << 20);
    CHECK(below_16_ns > 150);
    CHECK(below_16_ns < 400);
    CHECK(jitter.of(Jitter::Part::hbm, 3, 1) != jitter.of(Jitter::Part::hbm, 4, 1));
    CHECK(jitter.of(Jitter::Part::hbm, 3, 1) != jitter.of(Jitter::Part::link, 3, 1));
    CHECK(Jitter().of(Jitter::Part::hbm, 3, 1) == Picoseconds());
}

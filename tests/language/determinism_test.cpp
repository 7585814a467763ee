// SPDX-License-Identifier: Apache-2.0
// Times depend on nothing but kernel and machine: not on values, not on the order in which modules were built, not on
// what the process simulated before.
#include "tests/language/arrays.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// Eight PEs of the default machine as a 2 x 4 mesh, clocked so that many things fall on the same instant.
machine::MachineConfig mesh() {
    Json json = parse_json_file(std::string(TILEMESH_SOURCE_DIR) + "/configs/machines/cube_line8.json");
    json["cube"] = {{"topology", "mesh"}, {"rows", 2}, {"cols", 4}};
    json["pe"]["dma"]["outstanding"] = 3;
    return machine::read_machine(JsonReader(json, "mesh"));
}

/// What came of a run: the time of everything, and the values of the last PE's output.
struct Observed {
    std::vector<std::string> lines;
    std::vector<float> values;
};

/// Everybody works on rows of its own, exchanges with several others, and reads and writes other PEs' memory.
Observed observe(ValueMode mode, bool reverse = false) {
    const int n = 8;
    const Shape block{64, 128};
    const RowSet rows = mode == ValueMode::sampled
                            ? std::make_shared<const std::vector<std::int32_t>>(std::vector<std::int32_t>{3, 40})
                            : nullptr;
    machine::Simulation simulation(mesh(), {.reverse_construction = reverse});
    std::vector<Tensor*> inputs, weights, scratch, outputs;
    for (int pe = 0; pe < n; ++pe) {
        const auto stream = static_cast<std::uint64_t>(pe);
        inputs.push_back(&add_input(simulation, pe, "input", random_array(block, stream, Dtype::f16), rows));
        weights.push_back(&add_input(simulation, pe, "weight", random_array({128, 128}, 100 + stream, Dtype::f16)));
        scratch.push_back(&simulation.allocate(pe, "scratch", block, Dtype::f16));
        outputs.push_back(&simulation.allocate(pe, "output", block, Dtype::f32));
        scratch.back()->set_rows(rows);
        outputs.back()->set_rows(rows);
    }
    for (int pe = 0; pe < n; ++pe) {
        const auto text = [&, pe](tl::Context& tl) {
            const auto at = [&](int offset) { return static_cast<std::size_t>((pe + offset) % n); };
            Tile x = tl.load(tl::at(*inputs[at(0)]), block);
            for (int step = 1; step < 4; ++step) {
                for (const int far : {step, 3, 5}) tl.send((pe + far) % n, x);
                const Tile w = tl.load(tl::at(*weights[at(3 * step)]), {128, 128});
                const Tile y = tl.dot(x, w);
                for (const int far : {step, 3, 5}) {
                    const Tile other = tl.recv((pe + n - far) % n, block, Dtype::f16);
                    x = tl.maximum(tl.cast(tl.softmax(y), Dtype::f16), other);
                }
                tl.store(tl::at(*scratch[at(5)]), x);
                tl.barrier();
                x = tl.load(tl::at(*scratch[at(0)]), block);
                tl.barrier();
            }
            tl.store(tl::at(*outputs[at(0)]), tl.cast(x, Dtype::f32));
        };
        simulation.launch(pe, "busy", text, mode);
    }
    const machine::Outcome outcome = simulation.run();
    Observed observed;
    observed.lines.push_back(fmt::format("{} ps, {} commands, {} bytes sent", outcome.time.value(), outcome.commands,
                                         outcome.sent.value()));
    for (std::size_t i = 0; i < outcome.components.size(); ++i) {
        const machine::Totals& t = outcome.totals[i];
        observed.lines.push_back(
            fmt::format("{}: busy {}, queued {}, from {} to {}, {} bytes, work {}, {} activities",
                        outcome.components[i].path, t.busy.value(), t.queued.value(), t.first_begin.value(),
                        t.last_end.value(), t.bytes.value(), t.work, t.activities));
    }
    std::sort(observed.lines.begin(), observed.lines.end());
    outputs.back()->visit_rows([&](std::int64_t, const float* row) {
        observed.values.insert(observed.values.end(), row, row + block.cols());
    });
    return observed;
}

}  // namespace

TEST_CASE("times are the same with values full, sampled and none") {
    const Observed none = observe(ValueMode::none), full = observe(ValueMode::full),
                   sampled = observe(ValueMode::sampled);
    CHECK(full.lines == none.lines);
    CHECK(sampled.lines == none.lines);
    CHECK(none.values.empty());
    REQUIRE(full.values.size() == 64 * 128);
    REQUIRE(sampled.values.size() == 2 * 128);
    CHECK(std::equal(sampled.values.begin(), sampled.values.begin() + 128, full.values.begin() + 3 * 128));
    CHECK(std::equal(sampled.values.begin() + 128, sampled.values.end(), full.values.begin() + 40 * 128));
}

TEST_CASE("a machine built in the opposite order gives the same times and values") {
    const Observed forward = observe(ValueMode::full), reverse = observe(ValueMode::full, true);
    CHECK(reverse.lines == forward.lines);
    CHECK(reverse.values == forward.values);
}

TEST_CASE("a second simulation in the same process is like the first, also after one that failed") {
    const Observed first = observe(ValueMode::none);
    const auto fails = [](tl::Context& tl) { tl.dot(tl.zeros({2, 3}), tl.zeros({4, 5})); };
    REQUIRE_FALSE(
        failure_of(mesh(), {{0, fails}, {1, [](tl::Context& tl) { tl.recv(0, {4}, Dtype::f32); }}}).empty());
    CHECK(observe(ValueMode::none).lines == first.lines);
}

TEST_CASE("one simulation after another runs in its own time from zero") {
    for (int i = 0; i < 3; ++i) {
        double ready = 0.0;
        run_kernels(counting_line(), {{0, [&](tl::Context& tl) { ready = ready_ns(tl, tl.zeros({100})); }}});
        CHECK(ready == 100);
    }
}

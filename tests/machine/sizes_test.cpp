// SPDX-License-Identifier: Apache-2.0
// What a machine takes to build and run follows what is used of it: every key that says how much there may be of
// something, at the top of its range, costs what a small value of it costs.
#include "sim/base/instruction_sets.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

#include <malloc.h>
#include <unistd.h>
#include <ctime>
#include <fstream>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

struct Size {
    const char* key;  // as a JSON pointer
    Json most;        // of its range in configs/README.md
};

/// Rates, times and factors are no sizes; numbers of PEs are parts that a machine has, used or not.
const std::vector<Size> sizes{
    {"/pe/sram_bytes", std::uint64_t{1} << 46},
    {"/pe/queue_depth", 1 << 16},
    {"/pe/matrix/rows", 4096},
    {"/pe/matrix/cols", 4096},
    {"/pe/vector/lanes", 1 << 30},
    {"/pe/dma/outstanding", 4096},
    {"/pe/launch/units", 65536},
    {"/pe/launch/blocks_per_unit", 64},
    {"/hbm/bytes_per_pe", std::uint64_t{1} << 46},
    {"/hbm/channels_per_pe", 1024},
    {"/hbm/pseudo_channels", 4},
    {"/hbm/stacks", 16},
    {"/hbm/bank_groups", 64},
    {"/hbm/banks_per_group", 64},
    {"/hbm/row_bytes", 32 * 1024},  // as many columns of a burst as there may be
    {"/hbm/queue_entries", 4096},
    {"/hbm/bank_queue_entries", 4096},
    {"/network/link/buffer_bytes", std::uint64_t{1} << 40},
    {"/network/port/buffer_bytes", std::uint64_t{1} << 40},
    {"/network/receive_buffer_bytes", std::uint64_t{1} << 40},
    {"/network/packet_bytes", 1 << 24},
    {"/network/request_bytes", 4096},
    {"/network/router/virtual_channels", 64},
    {"/network/router/allocation_conflicts", 1000},
};

/// 64 of the default PEs; `change` has the last word.
machine::MachineConfig machine_with(const Change& change) {
    Json json = parse_json_file(TILEMESH_SOURCE_DIR "/configs/machines/cube_line8.json");
    json["cube"] = {{"topology", "mesh"}, {"rows", 8}, {"cols", 8}};
    change(json);
    return machine::read_machine(JsonReader(json, "test machine"));
}

void set(Json& json, const Size& size) {
    const Json::json_pointer key(size.key);
    if (key.parent_pointer() == Json::json_pointer("/network/port"))
        json["network"]["port"] = json["network"]["link"];
    json[key] = size.most;
    auto& network = json["network"];  // whose receive buffer must take a packet
    if (network["receive_buffer_bytes"] < network["packet_bytes"])
        network["receive_buffer_bytes"] = network["packet_bytes"];
}

double resident_mib() {
    malloc_trim(0);
    std::ifstream statm("/proc/self/statm");
    std::uint64_t whole = 0, resident = 0;
    statm >> whole >> resident;
    return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

struct Taken {
    double mib = 0, seconds = 0;  // of memory that stays as long as the machine does; of processor time
};

/// Builds the machine and runs a little of everything on each PE: loads, a launch, a product, messages, stores.
Taken taken_by(const machine::MachineConfig& config) {
    const double before = resident_mib();
    const std::clock_t begin = std::clock();
    machine::Simulation simulation(config);
    const int n = config.pes();
    for (int pe = 0; pe < n; ++pe) {
        Tensor& tensor = simulation.allocate(pe, "tensor", {32, 64}, Dtype::f16);
        const auto text = [&tensor, pe, n](tl::Context& tl) {
            tl.launch({LaunchedWork::Kind::attention, {1.0, 2.0}});
            for (int round = 0; round < 4; ++round) {
                const Tile tile = tl.load(tl::at(tensor), {32, 64});
                tl.send((pe + 1) % n, tl.dot(tile, tl.trans(tile)));
                tl.store(tl::at(tensor), tl.cast(tl.recv((pe + n - 1) % n, {32, 32}, Dtype::f32), Dtype::f16));
            }
        };
        simulation.launch(pe, "a_little_of_everything", text, ValueMode::none);
    }
    simulation.run();
    return {resident_mib() - before, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC};
}

}  // namespace

TEST_CASE("sizes at the top of their ranges cost a machine no more than small ones") {
#ifdef TILEMESH_SANITIZED
    constexpr double more_mib = 256, more_seconds = 60;  // of padding and of checks on every access
#else
    // 64 PEs with room for what fits into the largest of each: hundreds of MiB for the queues of transfers, gigabytes
    // for those of the engines.
    constexpr double more_mib = 8, more_seconds = 5;
#endif
    const Taken first = taken_by(machine_with([](Json&) {}));  // what the process itself needs once
    const Taken small = taken_by(machine_with([](Json&) {}));
    INFO("ordinary sizes: " << first.mib << " MiB, then " << small.mib << " MiB, " << small.seconds << " s");
    for (const Size& size : sizes) {
        const Taken most = taken_by(machine_with([&](Json& json) { set(json, size); }));
        INFO(size.key << " = " << size.most << ": " << most.mib << " MiB, " << most.seconds << " s");
        CHECK(most.mib <= std::max(first.mib, small.mib) + more_mib);
        CHECK(most.seconds <= small.seconds + more_seconds);
    }
}

TEST_CASE("so do all sizes at once") {
#ifdef TILEMESH_SANITIZED
    constexpr double more_mib = 512, more_seconds = 60;
#else
    constexpr double more_mib = 32, more_seconds = 15;
#endif
    const Taken small = taken_by(machine_with([](Json&) {}));
    // The HBM: 1024 channels of 4 pseudo-channels of 65,536 banks, with 4096 entries each.
    const Taken most = taken_by(machine_with([](Json& json) {
        for (const Size& size : sizes) set(json, size);
    }));
    INFO(small.mib << " MiB, all at the top: " << most.mib << " MiB, " << most.seconds << " s");
    CHECK(most.mib <= std::max(0.0, small.mib) + more_mib);
    CHECK(most.seconds <= small.seconds + more_seconds);
}

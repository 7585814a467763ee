// SPDX-License-Identifier: Apache-2.0
// Any text as the list of a probe that replays transfers, on a machine of eight PEs. Lists are read, not replayed.
#include "sim/base/error.h"
#include "sim/probe/probe.h"
#include "sim/run/resolve.h"
#include "tests/fuzz/json_mutator.h"
#include "tests/fuzz/memory_file.h"

using namespace tilemesh;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Json machine = run::resolve_machine_file(TILEMESH_CONFIGS "/machines/cube_line8.json").json;
    const fuzz::MemoryFile file(data, size);
    const Json probe = {{"machine", machine}, {"probe", {{"kind", "transfers"}, {"file", file.path()}}}};
    try {
        probe::read_probe(probe, Origins("fuzz.json"));
    } catch (const InputError&) {
    }
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned seed) {
    return fuzz::mutate_json(data, size, most, seed);
}

// SPDX-License-Identifier: Apache-2.0
// What a panel says whatever it runs: on which machine, which values are computed, how wrong they may be.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/machine/config.h"
#include "sim/tile/values.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tilemesh::run {

using tilemesh::ValueMode;

struct ValuesChoice {
    ValueMode mode = ValueMode::sampled;
    std::int64_t rows = 64;  // rows of results that are computed when sampled, in the workload's own measure
    std::uint64_t seed = 1;  // of generated inputs and of the sample
};

/// "full", "sampled", "none".
std::string name_of(ValueMode mode);

struct Setup {
    Origins origins;  // of the panel's values, for errors about them
    machine::MachineConfig machine;
    ValuesChoice values;
    std::optional<double> tolerance;  // on relative L2; absent: what the dtype allows
    std::uint64_t layers = 1;
    bool energy = false;                  // runs account for it
    bool steady = false;                  // work that repeats is passed over: times are not exact
    std::optional<std::uint64_t> jitter;  // seed of random extra latencies: times are not the machine's
};

/// A name goes into tables, file names and the keys of compare.
std::string read_name(JsonReader reader);
inline constexpr std::size_t longest_name = 80;

}  // namespace tilemesh::run

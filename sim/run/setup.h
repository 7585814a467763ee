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
    std::string file;  // what errors about the panel show
    machine::MachineConfig machine;
    ValuesChoice values;
    std::optional<double> tolerance;  // on relative L2; absent: what the dtype allows
    std::uint64_t layers = 1;
};

/// Words of an enum in the order of its values.
template <class Enum>
Enum numbered(const std::vector<std::string>& words, const std::string& word) {
    std::size_t number = 0;
    while (words[number] != word) ++number;
    return static_cast<Enum>(number);
}

/// A word that may be absent.
template <class Enum>
Enum read_word(JsonReader& reader, std::string_view key, const std::vector<std::string>& words, Enum otherwise) {
    return numbered<Enum>(words, reader.word(key, words, words[static_cast<std::size_t>(otherwise)]));
}

/// A name goes into tables, file names and the keys of compare.
std::string read_name(JsonReader reader);

}  // namespace tilemesh::run

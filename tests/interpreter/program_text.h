// SPDX-License-Identifier: Apache-2.0
// Programs as text, run on a machine of a few PEs whose times can be worked out in the head.
#pragma once

#include "sim/machine/simulation.h"
#include "sim/program/interpreter.h"

#include <map>
#include <string>
#include <vector>

namespace tilemesh::test {

/// What a test gives to, and asks of, a program with one kernel `k`.
struct Trial {
    std::string text;  // of the kernel's body
    std::string parameters;
    std::vector<program::Value> arguments;
    int pes = 1;         // each runs one instance
    int instances = 1;   // or the first runs so many
    int processors = 1;  // on so many command processors
    ValueMode values = ValueMode::full;
    bool reverse = false;  // builds the machine the other way round
    std::uint64_t most_instructions = 1'000'000;
};

/// The ideal line slowed down: a dot takes m n k ns, a vector operation 1 ns per element, HBM moves 1 byte per ns.
machine::MachineConfig counting_machine();

machine::Outcome run(const Trial& trial);
/// The message that running it ends in; empty when it does not.
std::string failure_of(const Trial& trial);

/// A tensor in the slice of PE 0.
Ref<program::Array> array(const std::string& name, program::Type type, std::vector<std::int64_t> shape,
                          std::vector<float> floats = {}, std::vector<std::int64_t> integers = {});
program::Value pointer(const Ref<program::Array>& array);
std::vector<float> floats_of(const program::Array& array);
std::vector<std::int64_t> integers_of(const program::Array& array);

}  // namespace tilemesh::test

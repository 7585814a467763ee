// SPDX-License-Identifier: Apache-2.0
// Configuration of a PE: clock, SRAM, command processor and engines. Plain data, read once.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/base/units.h"
#include "sim/pe/launch.h"
#include "sim/tile/command.h"

#include <algorithm>
#include <array>

namespace tilemesh::pe {

enum class Dataflow : std::uint8_t { output_stationary, weight_stationary, ideal };

struct MatrixConfig {
    int rows = 128, cols = 128;  // multiply-accumulate units at full speed (f16)
    Dataflow dataflow = Dataflow::output_stationary;
    bool overlap_folds = true;                // a fold streams in while the one before drains, as real engines do
    double sram_bytes_per_cycle = 0;          // operands in and results out
    std::array<double, dtype_count> speed{};  // by Dtype: multiply-accumulates per unit and cycle
    bool operator==(const MatrixConfig&) const = default;
};

struct VectorConfig {
    int lanes = 1024;
    double startup_cycles = 0;                              // pipeline depth: from last operand to last result
    std::array<double, opcode_count> cycles_per_element{};  // of one lane, by Opcode
    bool operator==(const VectorConfig&) const = default;
};

struct DmaConfig {
    double descriptor_cycles = 0;
    int outstanding = 8;         // transfers in flight per direction
    double bytes_per_cycle = 0;  // SRAM port
};

struct PeConfig {
    Clock clock;
    Bytes sram;
    double issue_cycles = 1;    // of the command processor, per command
    double integer_cycles = 0;  // and per instruction of a program that is no command
    int queue_depth = 8;        // commands waiting per engine
    /// With shorter ones the processor stands still for the engines, and when it issues loads, and so when data is
    /// there, is what they do: steady runs cannot leave that out.
    bool has_long_queues() const { return queue_depth >= 16 && queue_depth + dma.outstanding >= 24; }
    MatrixConfig matrix;
    VectorConfig vector;
    DmaConfig dma;
    LaunchConfig launch;

    /// Multiply-accumulates per nanosecond.
    double macs_per_ns(Dtype dtype) const {
        return static_cast<double>(matrix.rows) * matrix.cols * matrix.speed[static_cast<std::size_t>(dtype)] *
               clock.ghz();
    }
    /// What the cores of a launch share, for such operands.
    CoreRates core_rates(const LaunchedWork& work) const {
        return {clock.ghz(), macs_per_ns(work.chunks.dtype),
                std::min(macs_per_ns(work.chunks.dtype), macs_per_ns(work.chunks.probability))};
    }
    /// Elements per nanosecond of one vector operation.
    double elements_per_ns(Opcode op) const {
        return vector.lanes * clock.ghz() / vector.cycles_per_element[static_cast<std::size_t>(op)];
    }
};

PeConfig read_pe(JsonReader reader);

}  // namespace tilemesh::pe

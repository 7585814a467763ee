// SPDX-License-Identifier: Apache-2.0
#include "sim/pe/config.h"

#include <string>

namespace tilemesh::pe {
namespace {

MatrixConfig read_matrix(JsonReader reader) {
    MatrixConfig matrix;
    matrix.rows = static_cast<int>(reader.integer("rows", 1, 4096));
    matrix.cols = static_cast<int>(reader.integer("cols", 1, 4096));
    const std::string dataflow =
        reader.word("dataflow", {"output_stationary", "weight_stationary", "ideal"}, "output_stationary");
    matrix.dataflow = dataflow == "ideal"               ? Dataflow::ideal
                      : dataflow == "weight_stationary" ? Dataflow::weight_stationary
                                                        : Dataflow::output_stationary;
    matrix.overlap_folds = reader.boolean("overlap_folds", true);
    matrix.sram_bytes_per_cycle = reader.number("sram_bytes_per_cycle", 0.001, 1e12);
    matrix.speed.fill(1.0);
    if (auto speed = reader.optional_member("speed")) {
        for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::f8e4m3, Dtype::f8e5m2}) {
            const std::string name(name_of(dtype));
            matrix.speed[static_cast<std::size_t>(dtype)] = speed->number(name, 1e-6, 1e6, 1.0);
        }
        speed->finish();
    }
    reader.finish();
    return matrix;
}

VectorConfig read_vector(JsonReader reader) {
    VectorConfig vector;
    vector.lanes = static_cast<int>(reader.integer("lanes", 1, 1 << 30));
    vector.startup_cycles = reader.number("startup_cycles", 0.0, 1e6);
    vector.cycles_per_element.fill(1.0);
    if (auto cycles = reader.optional_member("cycles_per_element")) {
        for (int i = 0; i < opcode_count; ++i) {
            const auto op = static_cast<Opcode>(i);
            if (engine_of(op) != EngineKind::vector) continue;
            const std::string name(name_of(op));
            vector.cycles_per_element[static_cast<std::size_t>(i)] = cycles->number(name, 1e-9, 1e6, 1.0);
        }
        cycles->finish();
    }
    reader.finish();
    return vector;
}

DmaConfig read_dma(JsonReader reader) {
    DmaConfig dma;
    dma.descriptor_cycles = reader.number("descriptor_cycles", 0.0, 1e6);
    dma.outstanding = static_cast<int>(reader.integer("outstanding", 1, 4096));
    dma.bytes_per_cycle = reader.number("bytes_per_cycle", 0.001, 1e12);
    reader.finish();
    return dma;
}

}  // namespace

PeConfig read_pe(JsonReader reader) {
    PeConfig pe;
    pe.clock = Clock(reader.number("clock_ghz", 0.001, 1000.0));
    pe.sram = Bytes(reader.integer("sram_bytes", 1024, std::uint64_t{1} << 46));
    pe.issue_cycles = reader.number("issue_cycles", 0.0, 1e6);
    pe.integer_cycles = reader.number("integer_cycles", 0.0, 1e6, 0.0);
    pe.queue_depth = static_cast<int>(reader.integer("queue_depth", 1, 1 << 16));
    pe.matrix = read_matrix(reader.member("matrix"));
    pe.vector = read_vector(reader.member("vector"));
    pe.dma = read_dma(reader.member("dma"));
    if (auto launch = reader.optional_member("launch")) pe.launch = read_launch(*launch);
    reader.finish();
    return pe;
}

}  // namespace tilemesh::pe

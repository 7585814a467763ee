// SPDX-License-Identifier: Apache-2.0
// A kernel written twice, as a program in twins.py and in C++, with the same commands in both: tests compare what the
// two do, a benchmark how long the simulator takes for it.
#pragma once

#include "sim/machine/simulation.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tilemesh::speed {

struct Input {
    std::string name;
    Dtype dtype;
    std::int64_t rows, cols;
};

/// On the first PEs of configs/machines/cube_line8.json, values none.
struct Twins {
    using Kernel = std::function<void(tl::Context&, int rank, const std::vector<Tensor*>&)>;

    std::string name;           // of the function in twins.py
    std::vector<Input> inputs;  // its first parameters
    std::vector<std::int64_t> numbers;
    Kernel kernel;
    int ranks = 1;
    bool shared = true;  // PE 0 has the tensors of all; else each has its own

    machine::Outcome run_program(Recorder* recorder = nullptr) const;
    machine::Outcome run_kernel(Recorder* recorder = nullptr) const;
};

/// Attention of [rows, dim] queries to blocks of [cols, dim] keys, one after the other.
Twins attend(std::int64_t rows, std::int64_t cols, std::int64_t blocks, std::int64_t dim);

}  // namespace tilemesh::speed

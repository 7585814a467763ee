// SPDX-License-Identifier: Apache-2.0
// Where tensors are laid out and kernels launched: a simulation with time, or a check without (sim/check). Workloads
// see no more of either.
#pragma once

#include "sim/tile/context.h"
#include "sim/tile/tensor.h"

#include <cstdint>
#include <functional>
#include <string>

namespace tilemesh::machine {

class Target {
public:
    virtual ~Target() = default;
    /// A tensor in the HBM slice of `pe`. InputError when the slice is full.
    virtual Tensor& allocate(int pe, SharedText name, Shape shape, Dtype dtype) = 0;
    /// Room in the HBM slice of `pe` for what is no Tensor; its address. InputError when the slice is full.
    virtual std::uint64_t reserve(int pe, std::uint64_t bytes, const std::string& what) = 0;
    /// The bytes there are an input: they have their values before any kernel begins.
    virtual void is_given(int pe, std::uint64_t address, std::uint64_t bytes) = 0;
    /// Runs `text` on a command processor of a PE. Each takes one kernel.
    virtual void launch(int pe, std::string kernel, std::function<void(tl::Context&)> text, ValueMode values,
                        int processor = 0) = 0;
};

}  // namespace tilemesh::machine

// SPDX-License-Identifier: Apache-2.0
// Elementary functions on runs of f32 numbers, written so that compilers vectorise them; errors are stated per
// function.
#pragma once

#include <cstddef>

namespace tilemesh {

/// out[i] = 2^in[i]. Relative error below 2e-7; -inf gives 0, results below 2^-126 are flushed to 0, +inf above
/// 2^128.
void exp2_run(const float* in, float* out, std::size_t n);
/// out[i] = e^in[i]. Relative error below 3e-7 for |in| < 87.
void exp_run(const float* in, float* out, std::size_t n);
/// out[i] = tanh(in[i]). Relative error below 3e-7; +-1 for large numbers.
void tanh_run(const float* in, float* out, std::size_t n);

float max_run(const float* in, std::size_t n);
/// Sum with eight running partial sums (error grows as n/8, not n).
float sum_run(const float* in, std::size_t n);

}  // namespace tilemesh

// SPDX-License-Identifier: Apache-2.0
// Attention in f64, its gradients and decode from pages: references.h lists them. Also what all references share.
#pragma once

#include "sim/workloads/program/references.h"

#include <array>

namespace tilemesh::workloads {

std::int64_t product(std::span<const std::int64_t> dims);
double option(const ReferenceOptions& options, const std::string& name, double standard);
/// Null when it is not given.
const HostTensor* optional(const ReferenceInputs& inputs, const std::string& role);
/// InputError otherwise.
void need(bool holds, std::string_view what);

inline constexpr std::array<std::string_view, 6> attention_options = {"scale",  "causal",   "query_offset",
                                                                      "window", "soft_cap", "tokens_first"};
/// Shapes of results, as references.h has them.
using Dims = std::vector<std::int64_t>;
Dims attended_shape(const ReferenceInputs& in, const ReferenceOptions& options);
Dims gradient_shape_of_queries(const ReferenceInputs& in, const ReferenceOptions& options);
Dims gradient_shape_of_keys(const ReferenceInputs& in, const ReferenceOptions& options);
Dims gradient_shape_of_values(const ReferenceInputs& in, const ReferenceOptions& options);
Dims attended_naively_shape(const ReferenceInputs& in, const ReferenceOptions& options);
Dims attended_in_pages_shape(const ReferenceInputs& in, const ReferenceOptions& options);

HostTensor attended(const ReferenceInputs& in, const ReferenceOptions& options);
HostTensor gradient_of_queries(const ReferenceInputs& in, const ReferenceOptions& options);
HostTensor gradient_of_keys(const ReferenceInputs& in, const ReferenceOptions& options);
HostTensor gradient_of_values(const ReferenceInputs& in, const ReferenceOptions& options);
/// What kernels/programs/origin_mesh_kv.py computes, wrong as it is.
HostTensor attended_naively(const ReferenceInputs& in, const ReferenceOptions& options);
HostTensor attended_in_pages(const ReferenceInputs& in, const ReferenceOptions& options);

}  // namespace tilemesh::workloads

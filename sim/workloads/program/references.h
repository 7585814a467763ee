// SPDX-License-Identifier: Apache-2.0
// What programs often compute, in f64: what a panel's check can name.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tilemesh::workloads {

struct HostTensor {
    std::vector<std::int64_t> shape;
    std::vector<double> values;  // row-major
    /// The same, to the last digit, of a tensor of integers as it was given; no function's result has them.
    std::vector<std::int64_t> integers = {};
};

using ReferenceInputs = std::map<std::string, const HostTensor*>;  // by role; those that are optional may be missing
using ReferenceOptions = std::map<std::string, double>;

struct ReferenceInfo {
    std::string_view name, summary;
    std::vector<std::string_view> inputs;   // roles; "bias?" is optional
    std::vector<std::string_view> options;  // numbers or booleans
    /// Of the result, from inputs that may have shapes alone; InputError when these do not fit.
    std::vector<std::int64_t> (*shape)(const ReferenceInputs&, const ReferenceOptions&);
    /// The same InputErrors.
    HostTensor (*compute)(const ReferenceInputs&, const ReferenceOptions&);
};

std::span<const ReferenceInfo> references();
std::vector<std::string> reference_names();
const ReferenceInfo& reference_of(const std::string& name);

}  // namespace tilemesh::workloads

// SPDX-License-Identifier: Apache-2.0
// What the readers of masks share that differ from user to user: lists in the panel, tensors in a safetensors file.
#pragma once

#include "sim/attention/head_numbers.h"
#include "sim/attention/masks/kinds.h"
#include "sim/base/safetensors.h"

#include <string>
#include <vector>

namespace tilemesh::attention {

/// The elements of a list for each user: [1, 2, 3] for one user, [[1, 2], [3]] for as many as there are lists; a
/// user without keys has an empty one.
std::vector<std::vector<JsonReader>> lists_of_users(const JsonReader& list, std::size_t users);

/// Tensors of a mask in a safetensors file, named as q, k and v are: behind the prefix, and with several users behind
/// the user's number.
class MaskTensors {
public:
    /// The panel's inputs; an InputError with `otherwise`, what to do instead, when it names none.
    MaskTensors(const JsonReader& mask, const MaskReading& reading, std::string_view otherwise);
    /// A file of its own, without prefix.
    MaskTensors(const NamedFile& file, const MaskReading& reading);

    const SafetensorsFile& file() const { return file_; }
    std::string name(std::size_t user, const std::string& tensor) const;
    /// The same for all users.
    std::string shared_name(const std::string& tensor) const { return prefix_ + tensor; }
    /// The user's own tensor when it is there, or the one that all users share.
    std::string own_or_shared_name(std::size_t user, const std::string& tensor) const;
    /// "FILE: tensor NAME", as errors begin.
    std::string shown(const std::string& name) const;
    /// The number of elements of a tensor that must be a list.
    std::uint64_t length(const std::string& name, std::string_view layout) const;
    /// All numbers of a tensor F32, F16 or BF16, which must lie in the range.
    std::vector<float> floats(const std::string& name, const NumberRange& range) const;

private:
    std::string prefix_;
    bool several_;
    SafetensorsFile file_;
};

/// Refuses more numbers, one per query head of every user, than anybody has room for.
void check_head_numbers(const JsonReader& of, const MaskReading& reading);

/// "[2, 3]"
std::string text_of_shape(const std::vector<std::uint64_t>& shape);

}  // namespace tilemesh::attention

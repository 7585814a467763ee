// SPDX-License-Identifier: Apache-2.0
// The safetensors file format: an 8-byte little-endian header length, a JSON header, then the tensors' bytes
// (https://github.com/huggingface/safetensors). Reading is strict: every offset, size and dtype is checked against
// the file before a byte is used.
#pragma once

#include "sim/base/names.h"
#include "sim/base/origins.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace tilemesh {

/// Where a tensor lies in the file and what it is. Row-major.
struct StoredTensor {
    std::string dtype;  // as in the file; those that can be read are F16, BF16, F8_E4M3, F8_E5M2, F32, F64, I8, I16,
                        // I32, I64, U8, U16, U32, U64, BOOL
    std::vector<std::uint64_t> shape;
    std::uint64_t begin = 0, end = 0;  // byte range inside the data section
};

/// Whether +-infinity is a value (a log-sum-exp of nothing is) or damage; and, where anything goes, NaN.
enum class Infinity { rejected, allowed, allowed_as_nan_is };

class SafetensorsFile {
public:
    /// Opens and checks the whole header. InputError when anything does not fit.
    explicit SafetensorsFile(const NamedFile& file);
    /// As errors about it begin.
    std::string shown() const { return printable(file_.shown, longest_place); }

    const std::map<std::string, StoredTensor>& tensors() const { return tensors_; }
    const std::map<std::string, std::string>& metadata() const { return metadata_; }
    bool has(const std::string& name) const { return tensors_.count(name) != 0; }
    /// The description of a tensor; an InputError that lists near names when it is not there.
    const StoredTensor& find(const std::string& name) const;
    /// All values as f32 (floating dtypes only). NaN and, unless allowed, infinity are InputErrors naming tensor and
    /// index; so are F64 values beyond f32.
    std::vector<float> read_floats(const std::string& name, Infinity infinity = Infinity::rejected) const;
    /// All values of a tensor of integers that are no bytes; those of U64 modulo 2^64.
    std::vector<std::int64_t> read_integers(const std::string& name) const;
    /// All values of a U8 or BOOL tensor.
    std::vector<std::uint8_t> read_bytes(const std::string& name) const;

private:
    NamedFile file_;
    std::uint64_t data_begin_ = 0;
    std::map<std::string, StoredTensor> tensors_;
    std::map<std::string, std::string> metadata_;
};

/// A tensor to be written: as F32, or as I64 if it has integers instead.
struct OutputTensor {
    std::string name;
    std::vector<std::uint64_t> shape;
    std::span<const float> values;
    std::span<const std::int64_t> integers = {};
};
/// Writes all tensors with the given metadata. Throws InputError when the file cannot be written.
void write_safetensors(const std::filesystem::path& file, std::span<const OutputTensor> tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace tilemesh

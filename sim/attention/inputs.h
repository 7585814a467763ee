// SPDX-License-Identifier: Apache-2.0
// The tensors a run works on: q, k and v of every user in their storage type, generated from a seed or read from a
// file. K and V are held in memory once and shared; generated q can instead be made again whenever a row is asked
// for, so that a sampled run at any context holds none of it.
#pragma once

#include "sim/attention/problem.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace tilemesh::attention {

/// The elements of one tensor as stored: 16-bit patterns for f16 and bf16, floats for f32.
class Values {
public:
    Values() = default;
    Values(Dtype dtype, std::uint64_t size);
    /// Rounds each value to `dtype`.
    Values(Dtype dtype, std::span<const float> values);

    Dtype dtype() const { return dtype_; }
    std::uint64_t size() const { return dtype_ == Dtype::f32 ? floats_.size() : bits_.size(); }
    void write(std::uint64_t first, std::span<const float> values);
    void read(std::uint64_t first, std::span<float> values) const;
    std::span<const std::uint16_t> bits() const { return bits_; }  // empty for f32

private:
    Dtype dtype_ = Dtype::f32;
    std::vector<std::uint16_t> bits_;
    std::vector<float> floats_;
};

enum class TensorName : std::uint8_t { q, k, v };  // the value is also the offset of a generated tensor's stream
constexpr std::string_view name_of(TensorName tensor) {
    constexpr std::string_view names[] = {"q", "k", "v"};
    return names[static_cast<int>(tensor)];
}

/// [tokens, heads, dim]
struct TensorShape {
    std::int64_t tokens = 0, heads = 0, dim = 0;
    std::uint64_t size() const;
};
TensorShape shape_of(const Problem& problem, int user, TensorName tensor);

class Inputs {
public:
    struct UserValues {
        Values q, k, v;
    };
    /// Whether generated q is held in memory (runs that compute every row) or made anew for each reader.
    enum class Queries : std::uint8_t { held, regenerated };

    /// Standard normals, rounded to the problem's dtype; tensor t of user u is stream 3 u + t of the seed.
    static Inputs generated(const Problem& problem, std::uint64_t seed, Queries queries, int threads = 2);
    /// Tensors prefix + "q", "k", "v"; with several users prefix + "0.q", "1.q" and so on. Stored as F16, BF16 or F32
    /// in the shapes of problem.h, rounded to the problem's dtype. Values that are not finite, or not after rounding,
    /// are InputErrors.
    static Inputs from_file(const Problem& problem, const std::filesystem::path& file, const std::string& prefix);
    /// Tensors made by the caller, in the shapes of problem.h.
    static Inputs from_values(const Problem& problem, std::vector<UserValues> users);

    /// Elements first .. first + out.size() of a tensor, row-major.
    void read(int user, TensorName tensor, std::uint64_t first, std::span<float> out) const;
    /// One head of some tokens; out is [tokens, dim]. Tokens of q are query indices, not positions.
    void read_head(int user, TensorName tensor, Range tokens, std::int64_t head, std::span<float> out) const;
    void query_row(int user, std::int64_t query, std::int64_t head, std::span<float> out) const;

private:
    explicit Inputs(const Problem& problem);

    struct Stored {
        TensorShape shapes[3];
        Values values[3];  // q is empty when it is regenerated
    };
    Dtype dtype_;
    std::uint64_t seed_ = 0;
    bool regenerate_q_ = false;
    std::vector<Stored> users_;
};

}  // namespace tilemesh::attention

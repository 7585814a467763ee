// SPDX-License-Identifier: Apache-2.0
// The tensors a run works on: q, k and v of every user in their storage type, and for the backward pass the gradient
// of the output, generated from a seed or read from a file. K and V are held in memory once and shared; what is
// generated per query (q and the gradient) can instead be made again whenever a row is asked for, so that a sampled
// run at any context holds none of it.
#pragma once

#include "sim/attention/problem.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace tilemesh::attention {

/// The elements of one tensor as stored: 8-bit patterns for 8-bit floats, 16-bit ones for f16 and bf16, floats for
/// f32.
class Values {
public:
    Values() = default;
    Values(Dtype dtype, std::uint64_t size);
    /// Rounds each value to `dtype`.
    Values(Dtype dtype, std::span<const float> values);

    Dtype dtype() const { return dtype_; }
    std::uint64_t size() const { return floats_.size() + bits_.size() + bytes_.size(); }
    void write(std::uint64_t first, std::span<const float> values);
    void read(std::uint64_t first, std::span<float> values) const;
    std::span<const std::uint16_t> bits() const { return bits_; }  // empty for f32 and 8-bit floats

private:
    Dtype dtype_ = Dtype::f32;
    std::vector<std::uint8_t> bytes_;  // one of the three has the elements
    std::vector<std::uint16_t> bits_;
    std::vector<float> floats_;
};

/// d_o is the gradient of the loss with respect to o, called "do" in files.
enum class TensorName : std::uint8_t { q, k, v, d_o };
constexpr std::string_view name_of(TensorName tensor) {
    constexpr std::string_view names[] = {"q", "k", "v", "do"};
    return names[static_cast<int>(tensor)];
}

/// [tokens, heads, dim]. With latents v has a shape, and can be read, but lies in k.
struct TensorShape {
    std::int64_t tokens = 0, heads = 0, dim = 0;
    std::uint64_t size() const;
};
TensorShape shape_of(const Problem& problem, int user, TensorName tensor);

class Inputs {
public:
    struct UserValues {
        Values q, k, v;
        Values d_o = {};  // empty: no backward pass
    };
    /// Whether generated q and d_o are held in memory (runs that compute every row) or made anew for each reader.
    enum class Queries : std::uint8_t { held, regenerated };
    /// What the tensors are for: only a backward pass has d_o.
    enum class Pass : std::uint8_t { forward, backward };

    /// Standard normals (over the tensor's scale), rounded to the problem's dtype; q, k, v of user u are streams 3 u,
    /// 3 u + 1, 3 u + 2 of the seed, and d_o is stream 2^32 + u, so that q, k and v are the same in either pass.
    static Inputs generated(const Problem& problem, std::uint64_t seed, Queries queries, int threads = 2,
                            Pass pass = Pass::forward);
    /// Tensors prefix + "q", "k", "v" and, for a backward pass, "do"; with several users prefix + "0.q", "1.q" and so
    /// on. Stored as F16, BF16 or F32 in the shapes of problem.h, rounded to the problem's dtype; q, k and v of 8-bit
    /// floats as U8, which is bit patterns, or as what safetensors calls their dtype. Values that are not finite, or
    /// not after rounding, are InputErrors; so is a v where there are latents.
    static Inputs from_file(const Problem& problem, const NamedFile& file, const std::string& prefix,
                            Pass pass = Pass::forward);
    /// Tensors made by the caller, in the shapes of problem.h (with latents v is empty); d_o of every user or of
    /// none.
    static Inputs from_values(const Problem& problem, std::vector<UserValues> users);

    bool has_output_gradient() const { return pass_ == Pass::backward; }

    /// Elements are read as they are stored, or as their values: times the tensor's scale.
    enum class Form : std::uint8_t { value, stored };

    /// Elements first .. first + out.size() of a tensor, row-major.
    void read(int user, TensorName tensor, std::uint64_t first, std::span<float> out, Form form = Form::value) const;
    /// One head of some tokens; out is [tokens, dim]. Tokens of q and d_o are query indices, not positions.
    void read_head(int user, TensorName tensor, Range tokens, std::int64_t head, std::span<float> out,
                   Form form = Form::value) const;
    void query_row(int user, std::int64_t query, std::int64_t head, std::span<float> out) const;

private:
    Inputs(const Problem& problem, Pass pass);
    /// The tensors of this pass.
    std::span<const TensorName> tensors() const;
    bool is_regenerated(TensorName tensor) const;
    bool lies_in_k(TensorName tensor) const { return latents_ && tensor == TensorName::v; }
    Dtype dtype_of(TensorName tensor) const { return dtypes_[static_cast<std::size_t>(tensor)]; }
    float scale_of(TensorName tensor) const { return scales_[static_cast<std::size_t>(tensor)]; }

    struct Stored {
        TensorShape shapes[4];
        Values values[4];  // empty when regenerated, and d_o in a forward pass
    };
    Dtype dtypes_[4];  // by TensorName
    float scales_[4];
    bool latents_;
    Pass pass_;
    std::uint64_t seed_ = 0;
    Queries queries_ = Queries::held;
    std::vector<Stored> users_;
};

}  // namespace tilemesh::attention

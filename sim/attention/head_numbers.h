// SPDX-License-Identifier: Apache-2.0
// Numbers of the problem that are no tensor of tokens: one per query head (sinks, slopes), and the gradient of the
// log-sum-exp that comes into a backward pass, one per row. Read from the panel or from its inputs, or generated.
#pragma once

#include "sim/base/json_reader.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tilemesh::attention {

struct MaskReading;
class MaskTensors;

/// By user: a number per query head. Empty: there are none.
using HeadNumbers = std::vector<std::vector<float>>;

/// The range of such numbers; -inf is allowed beside it where it means something.
struct NumberRange {
    double least = 0, most = 0;
    bool minus_infinity = false;
    /// "numbers from -1 to 1, or -inf"
    std::string text() const;
    bool holds(float value) const;
};

/// The standard deviation of generated numbers: they stay within 9 of them, and so within the largest bias.
constexpr double largest_deviation = 100.0;

/// A number of a list in a panel: a JSON number, or the word "-inf" where the range has it.
float read_number(const JsonReader& element, const NumberRange& range);

/// {"kind": ..., NAME: [a number per query head]}, the same for every user.
HeadNumbers listed_head_numbers(const JsonReader& list, const MaskReading& reading, const NumberRange& range);
/// The tensor [heads_q] of every user, or the one without number that all share; F32, F16 or BF16.
HeadNumbers stored_head_numbers(const MaskTensors& tensors, const std::string& tensor, const MaskReading& reading,
                                const NumberRange& range);

/// The sinks of {} (tensor sink [heads_q] of the inputs), {"values": [...]} or {"std": s, "seed": n}.
HeadNumbers read_sinks(JsonReader reader, const MaskReading& reading);

/// A gradient per row: stored, or made from its number when somebody asks.
class LseGradient {
public:
    LseGradient() = default;
    explicit LseGradient(std::vector<std::vector<float>> users) : users_(std::move(users)) {}
    LseGradient(double deviation, std::uint64_t seed) : deviation_(deviation), seed_(seed) {}
    /// Of row number head * queries + query of a user.
    float at(int user, std::uint64_t row) const;

private:
    std::vector<std::vector<float>> users_;
    double deviation_ = 0;
    std::uint64_t seed_ = 0;
};
/// {} (tensor dlse [heads_q, queries] of the inputs) or {"std": s, "seed": n}.
LseGradient read_lse_gradient(JsonReader reader, const MaskReading& reading);

}  // namespace tilemesh::attention

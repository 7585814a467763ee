// SPDX-License-Identifier: Apache-2.0
// Tokens that are alike: a phrase that is repeated, padding, a few kinds of keys. Their weights are equal, so they
// are rounded alike, and the errors of a sum of weighted vectors add up within a group instead of averaging out: with
// independent groups g the squared error is r^2 sum over g of |sum of w v|^2. That is the sum over tokens of
// w^2 (|v|^2 + product), where product is 2 v . (sum of the v before it in its group). So a group costs a number per
// token and no time where there is none.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace tilemesh::attention {

/// What tokens are compared by and what is summed of them. Tokens are numbered from 0.
struct TokenReader {
    std::int64_t tokens = 0;
    /// What a weight depends on: `equal` must be equal bit for bit, and of vectors `near` tokens may differ a little.
    std::function<void(std::int64_t token, std::vector<float>& equal, std::vector<float>& near)> read = {};
    /// The same of a few elements, for a first look: where no two are alike in these, nothing else is read.
    std::function<void(std::int64_t token, std::vector<float>& equal, std::vector<float>& near)> glance = {};
    /// The vector that is weighed; asked only of tokens that are like an earlier one, and of that.
    std::function<void(std::int64_t token, std::vector<double>& vector)> read_vector = {};
    /// Who sees a token: a bit for each of up to 64 rows that stand for all. A row sums only what it sees, so a group
    /// ends where half of those who see a token do not see the group's first (a window has moved on, a segment ends).
    std::function<std::uint64_t(std::int64_t token)> seen_by = {};
};

/// By token; both empty when no two are alike.
struct AlikeTokens {
    std::vector<double> products;
    std::vector<double> distances;  // in `near` from the group's first: the mean square of it and those before it
    bool empty() const { return products.empty(); }
    double product(std::int64_t token) const { return empty() ? 0.0 : products[static_cast<std::size_t>(token)]; }
};
AlikeTokens alike_tokens(const TokenReader& reader);

/// Adds a number to what is compared, digit for digit as far as two floats have them.
void compare_by(std::vector<float>& equal, double number);

/// Elements at which tokens are glanced.
constexpr std::int64_t glanced = 8;

/// TokenReader::seen_by of a token that `sees(row)`: of 64 of the rows, evenly spread.
template <class Sees>
std::uint64_t seen_by(std::int64_t rows, const Sees& sees) {
    const std::int64_t asked = rows < 64 ? rows : 64;
    std::uint64_t seen = 0;
    for (std::int64_t i = 0; i < asked; ++i)
        if (sees((2 * i + 1) * rows / (2 * asked))) seen |= std::uint64_t{1} << i;
    return seen;
}

}  // namespace tilemesh::attention

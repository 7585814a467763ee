// SPDX-License-Identifier: Apache-2.0
// Tokens are sorted into groups by a hash of what they are compared by; vectors that may differ enter it as the cell
// of a grid in which they lie. What is near and not in the same cell is missed, which is rare where it matters: cells
// are much wider than what a rounding does not tell apart.
#include "sim/attention/alike.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_map>

namespace tilemesh::attention {
namespace {

std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
    return hash ^ (hash >> 29);
}

std::uint64_t hash_of(const std::vector<float>& equal, const std::vector<float>& near) {
    std::uint64_t hash = 0x2545f4914f6cdd1dULL;
    for (const float value : equal) hash = mixed(hash, std::bit_cast<std::uint32_t>(value + 0.0F));
    double squares = 0.0;
    for (const float value : near) squares += static_cast<double>(value) * static_cast<double>(value);
    if (squares == 0.0) return hash;
    // 1/8 of an element of usual size, in powers of 2.
    const auto exponent_bits = std::bit_cast<std::uint64_t>(squares / static_cast<double>(near.size())) >> 53;
    const double cells = std::ldexp(8.0, 511 - static_cast<int>(exponent_bits));
    hash = mixed(hash, exponent_bits);
    constexpr double to_integer = 0x1.8p52;  // adding it leaves the rounded value in the low bits
    for (const float value : near)
        hash = mixed(hash, std::bit_cast<std::uint64_t>(cells * static_cast<double>(value) + to_integer));
    return hash;
}

/// Whether any two tokens are alike at a glance.
bool any_alike(const TokenReader& reader) {
    const std::size_t places = std::bit_ceil(static_cast<std::size_t>(2 * reader.tokens + 1));
    std::vector<std::uint64_t> met(places, 0);  // hashes, open addressing
    std::vector<float> equal, near;
    for (std::int64_t token = 0; token < reader.tokens; ++token) {
        equal.clear();
        near.clear();
        reader.glance(token, equal, near);
        const std::uint64_t hash = hash_of(equal, near) | 1;
        std::size_t place = (hash >> 1) & (places - 1);
        while (met[place] != 0 && met[place] != hash) place = (place + 1) & (places - 1);
        if (met[place] == hash) return true;
        met[place] = hash;
    }
    return false;
}

/// The group of every token, or -1 of those that are like no other; empty when all are.
std::vector<std::int32_t> groups_of(const TokenReader& reader) {
    std::vector<std::int32_t> groups(static_cast<std::size_t>(reader.tokens), -1);
    std::unordered_map<std::uint64_t, std::size_t> firsts;
    std::vector<float> equal, near;
    std::int32_t number = 0;
    for (std::size_t token = 0; token < groups.size(); ++token) {
        equal.clear();
        near.clear();
        reader.read(static_cast<std::int64_t>(token), equal, near);
        const auto [first, is_new] = firsts.try_emplace(hash_of(equal, near), token);
        if (is_new) continue;
        std::int32_t& group = groups[first->second];
        if (group < 0) group = number++;
        groups[token] = group;
    }
    if (number == 0) groups.clear();
    return groups;
}

struct Group {
    std::uint64_t seen_by = 0;  // its first token
    std::vector<float> first;   // what that is near to
    std::vector<double> sum;    // of the vectors so far
    double squares = 0.0;       // of distances from the first,
    double others = 0.0;        // of so many
};

}  // namespace

AlikeTokens alike_tokens(const TokenReader& reader) {
    AlikeTokens alike;
    if (!any_alike(reader)) return alike;
    const std::vector<std::int32_t> groups = groups_of(reader);
    if (groups.empty()) return alike;
    alike.products.assign(groups.size(), 0.0);
    alike.distances.assign(groups.size(), 0.0);
    std::unordered_map<std::int32_t, Group> open;
    std::vector<float> equal, near;
    std::vector<double> vector;
    for (std::size_t token = 0; token < groups.size(); ++token) {
        if (groups[token] < 0) continue;
        const auto number = static_cast<std::int64_t>(token);
        equal.clear();
        near.clear();
        reader.read(number, equal, near);
        reader.read_vector(number, vector);
        const std::uint64_t seen_by = reader.seen_by(number);
        Group& group = open[groups[token]];
        if (group.sum.empty() || 2 * std::popcount(seen_by & group.seen_by) < std::popcount(seen_by)) {
            group = {seen_by, near, vector};
            continue;
        }
        double product = 0.0;
        for (std::size_t i = 0; i < near.size(); ++i) {
            const double apart = static_cast<double>(near[i]) - static_cast<double>(group.first[i]);
            group.squares += apart * apart;
        }
        for (std::size_t i = 0; i < vector.size(); ++i) {
            product += vector[i] * group.sum[i];
            group.sum[i] += vector[i];
        }
        group.others += 1.0;
        alike.products[token] = 2.0 * product;
        alike.distances[token] = group.squares / group.others;
    }
    return alike;
}

void compare_by(std::vector<float>& equal, double number) {
    const auto high = static_cast<float>(number);
    equal.push_back(high);
    equal.push_back(std::isfinite(high) ? static_cast<float>(number - static_cast<double>(high)) : 0.0F);
}

}  // namespace tilemesh::attention

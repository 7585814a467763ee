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
    const int exponent = std::ilogb(squares / static_cast<double>(near.size())) / 2;
    const double cells = std::ldexp(8.0, -exponent);
    hash = mixed(hash, static_cast<std::uint64_t>(exponent + 4096));
    for (const float value : near)
        hash = mixed(hash, static_cast<std::uint64_t>(std::lrint(cells * static_cast<double>(value))));
    return hash;
}

/// The group of every token, or -1 of those that are like no other.
template <class Read>
std::vector<std::int32_t> groups_of(std::int64_t count, const Read& read) {
    const auto tokens = static_cast<std::size_t>(count);
    // Open addressing: who came first with this hash.
    const std::size_t places = std::bit_ceil(2 * tokens + 1);
    std::vector<std::uint64_t> hashes(tokens);
    std::vector<std::int32_t> firsts(places, -1), groups(tokens, -1);
    std::vector<float> equal, near;
    std::int32_t number = 0;
    for (std::size_t token = 0; token < tokens; ++token) {
        equal.clear();
        near.clear();
        read(static_cast<std::int64_t>(token), equal, near);
        hashes[token] = hash_of(equal, near);
        std::size_t place = hashes[token] & (places - 1);
        while (firsts[place] >= 0 && hashes[static_cast<std::size_t>(firsts[place])] != hashes[token])
            place = (place + 1) & (places - 1);
        if (firsts[place] < 0) {
            firsts[place] = static_cast<std::int32_t>(token);
            continue;
        }
        std::int32_t& group = groups[static_cast<std::size_t>(firsts[place])];
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
    if (groups_of(reader.tokens, reader.glance).empty()) return alike;
    const std::vector<std::int32_t> groups = groups_of(reader.tokens, reader.read);
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

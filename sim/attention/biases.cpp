// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/biases.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace tilemesh::attention {

bool has_biases(const Mask& mask) {
    return mask.has_key_bias() || mask.has_slopes() || mask.pair_bias() != PairBias::none;
}

void add_biases(const Mask& mask, Viewer viewer, std::int64_t query_position, Range keys, std::span<double> scores,
                std::span<double> roundings) {
    bool first = true;
    const auto add = [&](std::size_t i, double bias) {
        if (!roundings.empty()) roundings[i] += bias * bias + (first ? 0.0 : scores[i] * scores[i]);
        scores[i] += bias;
    };
    if (mask.has_slopes()) {
        const auto slope = static_cast<double>(mask.slope(viewer));
        for (std::size_t i = 0; i < scores.size(); ++i)
            add(i,
                -slope * static_cast<double>(std::abs(query_position - keys.begin - static_cast<std::int64_t>(i))));
        first = false;
    }
    if (mask.has_key_bias()) {
        for (std::size_t i = 0; i < scores.size(); ++i)
            add(i, static_cast<double>(mask.key_bias(viewer.user, keys.begin + static_cast<std::int64_t>(i))));
        first = false;
    }
    if (mask.pair_bias() == PairBias::none) return;
    std::array<float, 64> part{};
    for (std::size_t begin = 0; begin < scores.size(); begin += part.size()) {
        const std::size_t size = std::min(part.size(), scores.size() - begin);
        part.fill(0.0F);
        const std::int64_t from = keys.begin + static_cast<std::int64_t>(begin);
        mask.add_pair_bias(viewer, query_position, {from, from + static_cast<std::int64_t>(size)},
                           std::span(part).first(size));
        for (std::size_t i = 0; i < size; ++i) add(begin + i, static_cast<double>(part[i]));
    }
}

}  // namespace tilemesh::attention

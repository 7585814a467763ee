// SPDX-License-Identifier: Apache-2.0
// Which keys have equal weights in every row, and what that adds to the moments of a row.
#include "sim/attention/reference_worker.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tilemesh::attention {
namespace {

std::size_t index(std::int64_t value) { return static_cast<std::size_t>(value); }

}  // namespace

/// Equal keys have equal scores in every row, unless something is added that depends on where they are.
void ReferenceWorker::find_alike(std::int64_t kv_head) {
    const Mask& mask = *problem_.mask;
    if (alike_head_ == kv_head || mask.has_slopes() || mask.pair_bias() != PairBias::none) return;
    alike_head_ = kv_head;
    TokenReader keys;
    keys.tokens = sizes_.keys;
    const auto read_first = [&](std::int64_t key, std::int64_t elements, std::vector<float>& equal,
                                std::vector<float>& near) {
        near.resize(index(elements));
        const std::int64_t begin = (key * problem_.heads_kv + kv_head) * problem_.head_dim;
        inputs_.read(user_, TensorName::k, static_cast<std::uint64_t>(begin), near);
        if (mask.has_key_bias()) equal.push_back(mask.key_bias(user_, key));
    };
    keys.read = [&](std::int64_t key, std::vector<float>& equal, std::vector<float>& near) {
        read_first(key, problem_.head_dim, equal, near);
    };
    keys.glance = [&](std::int64_t key, std::vector<float>& equal, std::vector<float>& near) {
        read_first(key, std::min(problem_.head_dim, glanced), equal, near);
    };
    std::vector<float> values(index(problem_.value_dim));
    keys.read_vector = [&](std::int64_t key, std::vector<double>& vector) {
        inputs_.read_head(user_, TensorName::v, {key, key + 1}, kv_head, values);
        vector.assign(values.begin(), values.end());
    };
    const std::int64_t group = problem_.group(), rows = sizes_.queries * group;
    keys.seen_by = [&](std::int64_t key) {
        return seen_by(rows, [&](std::int64_t row) {
            return mask.sees({user_, kv_head * group + row % group}, sizes_.query_offset + row / group, key);
        });
    };
    alike_ = alike_tokens(keys);
}

/// Takes along what pairs of alike keys add to the moments of row `i`. Keys that differ a little are alike as far as
/// their scores are: two numbers that differ by a normal number of sigma spacings have errors whose correlation is at
/// most exp(-2 (pi sigma)^2) (the first of the cosines that make the error as a function of the number).
void ReferenceWorker::add_alike(std::int64_t i, Range keys, const double* weights) {
    RowMoments& moments = moments_[index(i)];
    // A spacing is at most twice the largest rounding.
    const double sigma2 = square(query_norms_[index(i)]) / static_cast<double>(problem_.head_dim) /
                          square(2 * rounding_of(problem_.probability()).largest);
    for (std::int64_t key = keys.begin; key < keys.end; ++key) {
        const double weight = weights[key - keys.begin], distance = alike_.distances[index(key)];
        double product = alike_.products[index(key)];
        if (product == 0.0 || weight == 0.0) continue;
        if (distance > 0.0) product *= std::exp(-2 * square(std::numbers::pi) * sigma2 * distance);
        const double noise = stepped_ ? noise_[index(key - keys.begin)] : key_norms_[index(key - keys.begin)];
        moments.alike_values += square(weight) * product;
        moments.alike_noise += square(weight * noise) * product;
        moments.alike_all += product;
    }
}

}  // namespace tilemesh::attention

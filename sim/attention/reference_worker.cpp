// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/reference_worker.h"

#include "sim/attention/biases.h"
#include "sim/attention/mask_blocks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tilemesh::attention {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t tile_keys = 64;
static_assert(tile_keys % panel_columns == 0);

std::size_t index(std::int64_t value) { return static_cast<std::size_t>(value); }

double norm_of(std::span<const float> vector) {
    double squares = 0.0;
    for (const float value : vector) squares += static_cast<double>(value) * static_cast<double>(value);
    return std::sqrt(squares);
}

}  // namespace

/// 256 rows reuse a packed tile often enough that packing it costs little, and keep the state inside a core's second
/// cache level at usual dims; fewer at huge dims, for the memory's sake.
std::int64_t rows_per_batch(const Problem& problem) {
    const std::int64_t fitting = (std::int64_t{1} << 21) / (problem.head_dim + problem.value_dim);
    return std::clamp<std::int64_t>(fitting / row_multiple * row_multiple, row_multiple, 256);
}

ReferenceWorker::ReferenceWorker(const Problem& problem, const Inputs& inputs, int user, Reference& result)
    : problem_(problem),
      inputs_(inputs),
      user_(user),
      sizes_(problem.users[index(user)]),
      result_(result),
      biased_(has_biases(*problem.mask)),
      stepped_(biased_ || problem.soft_cap > 0.0),
      value_columns_(round_up(problem.value_dim, panel_columns)),
      row_capacity_(rows_per_batch(problem)),
      queries_(index(row_capacity_ * problem.head_dim)),
      scores_(index(row_capacity_ * tile_keys)),
      sums_(index(row_capacity_ * value_columns_)),
      softmax_(index(row_capacity_)),
      lost_below_(std::max(0.5 * rounding_of_probability(problem.probability()).spacing, least_exponential)),
      digits_beyond_(digits_beyond(problem.probability())),
      moments_(index(row_capacity_)),
      query_norms_(index(row_capacity_)),
      key_norms_(index(tile_keys)),
      value_norms_(index(tile_keys)),
      noise_(index(tile_keys)),
      stored_(index(tile_keys * std::max(problem.head_dim, problem.value_dim))),
      packed_keys_(index(tile_keys * problem.head_dim)),
      packed_values_(index(tile_keys * value_columns_)) {}

void ReferenceWorker::compute(const Batch& batch) {
    const std::int64_t kv_head = batch.front().row.head / problem_.group();
    load_queries(batch);
    find_alike(kv_head);
    std::fill(sums_.begin(), sums_.end(), 0.0);
    std::fill(softmax_.begin(), softmax_.end(), RunningSoftmax{-infinity, 0.0});
    std::fill(moments_.begin(), moments_.end(), RowMoments());
    for (std::int64_t begin = 0; begin < sizes_.keys; begin += tile_keys) {
        const Range keys{begin, std::min(begin + tile_keys, sizes_.keys)};
        const Range rows = rows_that_may_see(batch, keys);
        if (rows.empty()) continue;
        pack_keys(keys, kv_head);
        pack_values(keys, kv_head);
        attend(batch, rows, keys);
    }
    for (std::size_t i = 0; i < batch.size(); ++i) store(batch[i], static_cast<std::int64_t>(i));
}

std::int64_t ReferenceWorker::position(const PlacedRow& row) const { return sizes_.query_offset + row.row.query; }
Viewer ReferenceWorker::viewer(const PlacedRow& row) const { return {user_, row.row.head}; }

void ReferenceWorker::load_queries(const Batch& batch) {
    std::fill(queries_.begin(), queries_.end(), 0.0);  // also the rows that only fill up a multiple of 8
    std::vector<float> row(index(problem_.head_dim));
    double* out = queries_.data();
    for (const PlacedRow& placed : batch) {
        inputs_.query_row(user_, placed.row.query, placed.row.head, row);
        // The scale is applied here, once: in f64 the order of the two products does not matter.
        for (const float value : row) *out++ = problem_.scale * static_cast<double>(value);
        query_norms_[index(&placed - batch.data())] = problem_.scale * norm_of(row);
    }
}

/// From the first to the last row of which the mask does not hide the whole tile.
Range ReferenceWorker::rows_that_may_see(const Batch& batch, Range keys) const {
    const Range positions{position(batch.front()), position(batch.back()) + 1};
    const std::int64_t first_head = batch.front().row.head / problem_.group() * problem_.group();
    const Viewers viewers{user_, {first_head, first_head + problem_.group()}};
    const Run all_positions{positions.begin, positions.size()}, all_keys{keys.begin, keys.size()};
    if (visible_at_a_glance(*problem_.mask, viewers, all_positions, all_keys) == Visible::none) return {};
    const auto hidden = [&](std::int64_t i) { return visible_to(batch[index(i)], keys) == Visible::none; };
    Range rows{0, static_cast<std::int64_t>(batch.size())};
    while (!rows.empty() && hidden(rows.begin)) ++rows.begin;
    while (!rows.empty() && hidden(rows.end - 1)) --rows.end;
    return rows;
}

Visible ReferenceWorker::visible_to(const PlacedRow& row, Range keys) const {
    return problem_.mask->block(viewer(row), {position(row), position(row) + 1}, keys);
}

/// K of the tile, transposed: column c is key keys.begin + c. Columns past the end are 0.
void ReferenceWorker::pack_keys(Range keys, std::int64_t kv_head) {
    const std::int64_t dim = problem_.head_dim;
    inputs_.read_head(user_, TensorName::k, keys, kv_head, std::span(stored_).first(index(keys.size() * dim)));
    for (std::int64_t key = 0; key < tile_keys; ++key) {
        double* const out = packed_keys_.data() + key / panel_columns * dim * panel_columns + key % panel_columns;
        const float* const in = stored_.data() + key * dim;
        key_norms_[index(key)] = key < keys.size() ? norm_of({in, index(dim)}) : 0.0;
        if (key < keys.size()) {
            for (std::int64_t k = 0; k < dim; ++k) out[k * panel_columns] = static_cast<double>(in[k]);
        } else {
            for (std::int64_t k = 0; k < dim; ++k) out[k * panel_columns] = 0.0;
        }
    }
}

/// V of the tile: row r is key keys.begin + r. Columns past value_dim stay 0 from the start.
void ReferenceWorker::pack_values(Range keys, std::int64_t kv_head) {
    const std::int64_t dim = problem_.value_dim;
    inputs_.read_head(user_, TensorName::v, keys, kv_head, std::span(stored_).first(index(keys.size() * dim)));
    for (std::int64_t key = 0; key < tile_keys; ++key)
        value_norms_[index(key)] = key < keys.size() ? norm_of({stored_.data() + key * dim, index(dim)}) : 0.0;
    for (std::int64_t column = 0; column < dim; column += panel_columns) {
        const std::int64_t columns = std::min(panel_columns, dim - column);
        for (std::int64_t key = 0; key < keys.size(); ++key) {
            const float* const in = stored_.data() + key * dim + column;
            double* const out = packed_values_.data() + column * tile_keys + key * panel_columns;
            for (std::int64_t c = 0; c < columns; ++c) out[c] = static_cast<double>(in[c]);
        }
    }
}

void ReferenceWorker::attend(const Batch& batch, Range rows, Range keys) {
    // Products work on multiples of 8 rows from a multiple of 8 on; the extra rows' results are not used.
    const std::int64_t first = rows.begin / row_multiple * row_multiple;
    const std::int64_t count = round_up(rows.end - first, row_multiple);
    const std::int64_t columns = round_up(keys.size(), panel_columns);
    arithmetic_.multiply({.left = queries_.data() + first * problem_.head_dim,
                          .left_stride = problem_.head_dim,
                          .right = packed_keys_.data(),
                          .panel_rows = problem_.head_dim,
                          .result = scores_.data() + first * tile_keys,
                          .result_stride = tile_keys,
                          .rows = count,
                          .inner = problem_.head_dim,
                          .columns = columns,
                          .accumulate = false});
    for (std::int64_t i = first; i < first + count; ++i) {
        double* const scores = scores_.data() + i * tile_keys;
        if (i < rows.begin || i >= rows.end) {
            std::fill_n(scores, columns, 0.0);  // what this row adds to its sums
            continue;
        }
        if (stepped_) step(batch[index(i)], query_norms_[index(i)], keys, scores);
        hide(batch[index(i)], keys, scores);
        std::fill(scores + keys.size(), scores + columns, -infinity);
        const double factor = arithmetic_.absorb(scores, columns, softmax_[index(i)]);
        RowMoments& moments = moments_[index(i)];
        if (factor != 1.0) moments.rescale(factor, lost_below_);
        moments.weights = softmax_[index(i)].sum;
        arithmetic_.measure({.weights = scores,
                             .values = value_norms_.data(),
                             .noise = stepped_ ? noise_.data() : key_norms_.data(),
                             .count = columns,
                             .lost_below = lost_below_,
                             .sum = moments.weights,
                             .digits_beyond = digits_beyond_},
                            moments);
        if (biased_)
            for (std::int64_t key = 0; key < keys.size(); ++key)
                if (scores[key] > 0.0) moments.common_noise += bias_noise * scores[key] * bias_roundings_[index(key)];
        if (!alike_.empty()) add_alike(i, keys, scores);
        if (factor == 1.0) continue;
        double* const sums = sums_.data() + i * value_columns_;
        for (std::int64_t c = 0; c < value_columns_; ++c) sums[c] *= factor;
    }
    arithmetic_.multiply({.left = scores_.data() + first * tile_keys,
                          .left_stride = tile_keys,
                          .right = packed_values_.data(),
                          .panel_rows = tile_keys,
                          .result = sums_.data() + first * value_columns_,
                          .result_stride = value_columns_,
                          .rows = count,
                          .inner = keys.size(),
                          .columns = value_columns_,
                          .accumulate = true});
}

/// From products to scores with cap and biases, and what these err by (noise_).
void ReferenceWorker::step(const PlacedRow& row, double query_norm, Range keys, double* scores) {
    const double cap = problem_.soft_cap, of_size = size_noise(problem_.head_dim);
    std::array<ScoreSteps, tile_keys> steps;
    for (std::int64_t key = 0; key < keys.size(); ++key) {
        ScoreSteps& of_key = steps[index(key)];
        of_key = {.norms = query_norm * key_norms_[index(key)], .product = scores[key]};
        if (cap > 0.0) {
            const double bent = std::tanh(scores[key] / cap);
            of_key.slope = 1.0 - bent * bent;
            scores[key] = cap * bent;
        }
        of_key.capped = scores[key];
    }
    bias_roundings_.assign(tile_keys, 0.0);
    if (biased_)
        add_biases(*problem_.mask, viewer(row), position(row), keys, {scores, index(keys.size())}, bias_roundings_);
    for (std::int64_t key = 0; key < keys.size(); ++key) {
        steps[index(key)].score = scores[key];
        steps[index(key)].biases = bias_roundings_[index(key)];
        noise_[index(key)] = std::sqrt(score_noise(steps[index(key)], of_size)) / f32_unit;
    }
}

void ReferenceWorker::hide(const PlacedRow& row, Range keys, double* scores) const {
    const Visible visible = visible_to(row, keys);
    if (visible == Visible::all) return;
    for (std::int64_t key = keys.begin; key < keys.end; ++key) {
        const bool seen = visible == Visible::some && problem_.mask->sees(viewer(row), position(row), key);
        if (!seen) scores[key - keys.begin] = -infinity;
    }
}

void ReferenceWorker::store(const PlacedRow& row, std::int64_t i) {
    const RunningSoftmax& state = softmax_[index(i)];
    const auto sink = static_cast<double>(problem_.sink(user_, row.row.head));
    const double maximum = std::max(state.maximum, sink);
    const bool empty = maximum == -infinity;
    // The sink is one more score; its value is 0.
    const double factor = empty ? 0.0 : std::exp(state.maximum - maximum);
    const double sum = empty ? 1.0 : state.sum * factor + std::exp(sink - maximum);
    const double* const sums = sums_.data() + i * value_columns_;
    double* const out = result_.o.data() + row.output * problem_.value_dim;
    for (std::int64_t c = 0; c < problem_.value_dim; ++c) out[c] = sums[c] * factor / sum;
    const double lse = maximum + std::log(sum);
    result_.lse[index(row.lse)] = lse;
    result_.maximum[index(row.lse)] = maximum;
    result_.sum[index(row.lse)] = empty ? 0.0 : sum;
    result_.lse_of_row[index(row.output)] = row.lse;
    result_.head_of_row[index(row.output)] = row.row.head;
    result_.moments[index(row.output)] = moments_[index(i)];
    RowFacts& facts = result_.facts[index(row.output)];
    facts = {.noise_unit = stepped_ ? 1.0 : query_norms_[index(i)],
             .size_terms = stepped_ ? 0 : problem_.head_dim,
             .maximum = maximum,
             .sum = empty ? 0.0 : sum,
             .lse = lse,
             .dilution = factor,
             .sink = std::isinf(sink) ? 0.0 : std::exp(sink - maximum) / sum * std::abs(sink),
             .value_dim = problem_.value_dim};
    for (std::int64_t c = 0; c < problem_.value_dim; ++c) facts.squared_output += out[c] * out[c];
    facts.output_rounding = distance_from(problem_.output_dtype(), {out, index(problem_.value_dim)});
}

}  // namespace tilemesh::attention

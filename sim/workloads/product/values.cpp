// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/product/values.h"

#include "sim/base/dtype.h"
#include "sim/base/random.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

namespace tilemesh::workloads {
namespace {

using product::Format;
using Group = std::pair<std::uint64_t, std::uint64_t>;  // row of the result, group of sixteen of it

/// Half a step of the format, relative to values that are as large as the spread of normal ones, and its rounding.
double usual_product_tolerance(Format format) {
    if (format == Format::bfloat16) return 8e-3;
    return format == Format::bfloat8_b ? 2e-2 : 0.25;
}

/// Of a normal matrix [rows, cols], the elements first .. first + values.size() of a row, as they are stored.
void fill_stored(Format format, std::uint64_t seed, std::uint64_t stream, std::uint64_t first,
                 std::span<float> values) {
    fill_normal(seed, stream, first, values);
    for (std::size_t i = 0; i < values.size(); i += sharing)
        round_to_format(format, values.subspan(i, std::min<std::size_t>(sharing, values.size() - i)));
}

/// The PE and the block that compute this tile exist, once.
bool computes(const product::Plan& plan, const product::Grid& grid, std::uint64_t row, std::uint64_t col) {
    const auto held = [](const std::vector<product::Piece>& pieces, std::uint64_t place) {
        std::uint64_t end = 0;
        for (const product::Piece& piece : pieces) end += piece.size * piece.count;
        return place < end;
    };
    return row / plan.core_rows < grid.rows && col / plan.core_cols < grid.cols &&
           held(plan.row_pieces, row % plan.core_rows) && held(plan.col_pieces, col % plan.core_cols);
}

struct Outcome {
    double squares = 0.0, error_squares = 0.0, largest = 0.0;
    bool complete = true;
};

void follow_group(const ProductPanel& panel, const product::Plan& plan, const Group& group, Outcome& outcome) {
    const product::Shape& shape = panel.shape;
    const std::uint64_t first = group.second * sharing, count = std::min(sharing, shape.n - first);
    outcome.complete = outcome.complete &&
                       computes(plan, panel.grid(), group.first / product::tile_side, first / product::tile_side);
    std::vector<float> in0(shape.k);
    fill_stored(shape.format, panel.values.seed, 0, group.first * shape.k, in0);
    std::array<double, sharing> exact{};
    std::array<float, sharing> sums{};
    std::array<float, sharing> in1{};
    std::uint64_t k = 0;
    for (const std::uint64_t depth : plan.depths) {
        std::array<float, sharing> block{};  // partial sums are added to what the blocks before have left
        const std::uint64_t end = std::min(k + depth * product::tile_side, shape.k);
        for (; k < end; ++k) {
            fill_stored(shape.format, panel.values.seed, 1, k * shape.n + first, std::span(in1).first(count));
            for (std::size_t i = 0; i < count; ++i) {
                block[i] += in0[k] * in1[i];
                exact[i] += static_cast<double>(in0[k]) * static_cast<double>(in1[i]);
            }
        }
        for (std::size_t i = 0; i < count; ++i) sums[i] += block[i];
    }
    outcome.complete = outcome.complete && k == shape.k;
    round_to_format(shape.format, std::span(sums).first(count));
    for (std::size_t i = 0; i < count; ++i) {
        const double error = static_cast<double>(sums[i]) - exact[i];
        outcome.squares += exact[i] * exact[i];
        outcome.error_squares += error * error;
        outcome.largest = std::max(outcome.largest, std::abs(error));
    }
}

std::set<Group> followed_groups(const ProductPanel& panel) {
    const std::uint64_t groups = (panel.shape.n + sharing - 1) / sharing;
    std::set<Group> chosen{{0, 0}, {panel.shape.m - 1, groups - 1}};
    if (panel.values.mode == run::ValueMode::full) {
        for (std::uint64_t row = 0; row < panel.shape.m; ++row)
            for (std::uint64_t group = 0; group < groups; ++group) chosen.insert(chosen.end(), {row, group});
        return chosen;
    }
    for (std::int64_t i = 0; i < panel.values.rows; ++i) {
        const auto index = static_cast<std::uint64_t>(i);
        chosen.insert({random_below(panel.values.seed, 2, index, panel.shape.m),
                       random_below(panel.values.seed, 3, index, groups)});
    }
    return chosen;
}

}  // namespace

std::uint64_t multiplications(const product::Shape& shape) { return shape.m * shape.k * shape.n; }

void round_to_format(Format format, std::span<float> values) {
    if (format == Format::bfloat16) return round_to(Dtype::bf16, values);
    float largest = 0.0F;
    for (const float value : values) largest = std::max(largest, std::abs(value));
    if (largest == 0.0F) return;
    const int bits = format == Format::bfloat8_b ? 7 : 3;
    const float step = std::ldexp(1.0F, std::ilogb(largest) + 1 - bits);
    const float most = static_cast<float>((1 << bits) - 1);
    for (float& value : values) value = std::clamp(std::nearbyint(value / step), -most, most) * step;
}

report::VerdictResult judge_product(const ProductPanel& panel, const product::Plan& plan) {
    report::VerdictResult verdict;
    verdict.mode = run::name_of(panel.values.mode);
    verdict.tolerance = panel.tolerance.value_or(usual_product_tolerance(panel.shape.format));
    Outcome outcome;
    for (const Group& group : followed_groups(panel)) {
        follow_group(panel, plan, group, outcome);
        ++verdict.rows_checked;
    }
    verdict.max_error = outcome.largest;
    verdict.relative_l2 = std::sqrt(outcome.error_squares / std::max(outcome.squares, 1e-300));
    verdict.pass = outcome.complete && verdict.relative_l2 <= verdict.tolerance;
    if (!verdict.pass)
        verdict.why = outcome.complete ? "relative L2 of all elements" : "elements that nobody computes";
    return verdict;
}

}  // namespace tilemesh::workloads

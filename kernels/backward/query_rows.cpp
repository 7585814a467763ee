// SPDX-License-Identifier: Apache-2.0
#include "kernels/backward/query_rows.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tilemesh::kernels {

QueryRows::QueryRows(tl::Context& tl, const attention::Launch& launch)
    : tl_(tl), launch_(launch), terms_(tl, launch), blocks_(launch.users.size()), sinks_(launch.users.size()) {
    const std::int64_t heads = launch.heads.size(), at_once = launch.tiling.tile_heads;
    for (int user = 0; user < launch.needs->users(); ++user) {
        if (!launch.problem->sinks.empty())
            sinks(user).resize(static_cast<std::size_t>((heads + at_once - 1) / at_once));
        const attention::Tokens& tokens = launch.needs->queries(user, launch.rank);
        for (std::int64_t h = 0; h < launch.heads.size(); h += launch.tiling.tile_heads)
            for (const attention::Range& part : tokens.cut({0, tokens.size()}, launch.tiling.tile_queries)) {
                RowBlock block;
                block.user = user;
                block.heads = {h, std::min(h + launch.tiling.tile_heads, launch.heads.size())};
                block.tokens = part;
                block.positions = launch.needs->query_positions(user, launch.rank, part);
                block.query_heads = launch.problem->query_heads(
                    {launch.heads.begin + block.heads.begin, launch.heads.begin + block.heads.end});
                blocks(user).push_back(std::move(block));
            }
    }
}

Shape QueryRows::shape(const RowBlock& block, std::int64_t cols) const {
    return {block.heads.size(), block.tokens.size() * launch_.problem->group(), cols};
}

Tile QueryRows::load(Tensor* tensor, const RowBlock& block, std::int64_t cols, Dtype dtype) {
    return tl_.load(tl::at(*tensor, block.heads.begin, block.tokens.begin * launch_.problem->group()),
                    shape(block, cols), dtype);
}

void QueryRows::store(Tensor* tensor, const RowBlock& block, const Tile& tile) {
    tl_.store(tl::at(*tensor, block.heads.begin, block.tokens.begin * launch_.problem->group()), tile);
}

void QueryRows::begin() {
    const auto make_sums = [&](int user) {
        for (std::size_t i = 0; i < sinks(user).size(); ++i)
            if (!sinks(user)[i])  // a rank without queries
                sinks(user)[i] = tl_.zeros(Shape{head_block(i).size(), launch_.problem->group(), 1});
    };
    const attention::Problem& problem = *launch_.problem;
    for (auto& of_user : blocks_)
        for (RowBlock& block : of_user) {
            // A row that sees nothing but its sink has a gradient when one of its lse comes in.
            const bool has_sinks = !problem.sinks.empty();
            if (block.steps_left == 0 && !has_sinks) continue;
            Tile d_o = load(tensors(block).d_o, block, problem.value_dim, problem.output_dtype());
            const Tile d_lse = problem.lse_gradient ? load(tensors(block).d_lse, block, 1, Dtype::f32) : Tile();
            RowTerms terms = row_terms(tl_, problem, d_o, load(inputs(block).o, block, problem.value_dim, Dtype::f32),
                                       load(tensors(block).m, block, 1, Dtype::f32),
                                       load(tensors(block).l, block, 1, Dtype::f32), d_lse);
            if (has_sinks) add_sinks(block, terms);
            if (block.steps_left == 0) continue;
            if (launch_.tiling.queries_stay) {
                block.d_o = std::move(d_o);
                block.terms = std::move(terms);
            } else {
                store(tensors(block).row_over_l, block, terms.over_l);
                store(tensors(block).row_d, block, terms.d);
            }
        }
    for (int user = 0; user < launch_.needs->users(); ++user) make_sums(user);
}

void QueryRows::add_sinks(const RowBlock& block, const RowTerms& terms) {
    // exp(sink - lse) D of a row, summed over the tokens of the block.
    const std::int64_t group = launch_.problem->group(), heads = block.heads.size(), tokens = block.tokens.size();
    const Tile sink = terms_.sinks(block.user, block.heads, tokens, std::numbers::log2e_v<float>);
    Tile weighted = tl_.exp2(sink - terms.m) * terms.over_l * (1.0F / probability_scale) * terms.d;
    weighted = tl_.sum(tl_.reshape(weighted, Shape{heads, tokens, group}), 1);
    weighted = tl_.reshape(weighted, Shape{heads, group, 1});
    Tile& sum = sinks(block.user)[static_cast<std::size_t>(block.heads.begin / launch_.tiling.tile_heads)];
    sum = sum ? sum + weighted : weighted;
}

void QueryRows::store_sinks(int user) {
    Tensor* const tensor = launch_.gradient_users[static_cast<std::size_t>(user)].dsink;
    if (!tensor) return;
    for (std::size_t i = 0; i < sinks(user).size(); ++i)
        tl_.store(tl::at(*tensor, head_block(i).begin),
                  sinks(user)[i] * (-probability_scale * sign_of_d(*launch_.problem)));
}

void QueryRows::enter(RowBlock& block) {
    const attention::Problem& problem = *launch_.problem;
    ++block.at_work;
    if (!block.q) block.q = load(inputs(block).q, block, problem.head_dim, problem.dtype);
    if (!block.d_o) block.d_o = load(tensors(block).d_o, block, problem.value_dim, problem.output_dtype());
    if (!block.terms.m) {
        block.terms = {load(tensors(block).m, block, 1, Dtype::f32),
                       load(tensors(block).row_over_l, block, 1, Dtype::f32),
                       load(tensors(block).row_d, block, 1, Dtype::f32),
                       {}};
        block.terms.near = near_maximum(tl_, block.terms.m);
    }
    if (!block.dq && block.dq_in_hbm) block.dq = load(tensors(block).dq_sum, block, problem.head_dim, Dtype::f32);
}

void QueryRows::leave(RowBlock& block) {
    --block.at_work;
    const bool last = --block.steps_left == 0;
    if (last) {
        block.written = true;
        const auto scale = static_cast<float>(launch_.problem->scale / launch_.problem->scales.q);
        store(tensors(block).dq, block,
              tl_.cast(std::exchange(block.dq, Tile()) * scale, launch_.problem->output_dtype()));
    }
    if (!last && (launch_.tiling.queries_stay || block.at_work > 0)) return;
    if (block.dq) {
        store(tensors(block).dq_sum, block, block.dq);
        block.dq_in_hbm = true;
    }
    block.q = block.d_o = block.dq = Tile();
    block.terms = RowTerms();
}

void QueryRows::finish() {
    for (auto& of_user : blocks_)
        for (RowBlock& block : of_user)
            if (!block.written)
                store(tensors(block).dq, block,
                      tl_.zeros(shape(block, launch_.problem->head_dim), launch_.problem->output_dtype()));
}

}  // namespace tilemesh::kernels

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
            RowTerms terms = make_terms(block, d_o);
            if (has_sinks) add_sinks(block, terms);
            if (block.steps_left == 0) continue;
            if (launch_.tiling.queries_stay) {
                block.d_o = std::move(d_o);
                block.terms = std::move(terms);
            } else {
                keep_terms(block, terms);
            }
        }
    for (int user = 0; user < launch_.needs->users(); ++user) make_sums(user);
}

RowTerms QueryRows::make_terms(const RowBlock& block, const Tile& d_o) {
    const attention::Problem& problem = *launch_.problem;
    const Tile d_lse = problem.lse_gradient ? load(tensors(block).d_lse, block, 1, Dtype::f32) : Tile();
    return row_terms(tl_, problem, d_o, load(inputs(block).o, block, problem.value_dim, Dtype::f32),
                     load(tensors(block).m, block, 1, Dtype::f32), load(tensors(block).l, block, 1, Dtype::f32),
                     d_lse);
}

void QueryRows::keep_terms(const RowBlock& block, const RowTerms& terms) {
    store(tensors(block).row_over_l, block, terms.over_l);
    store(tensors(block).row_d, block, terms.d);
}

void QueryRows::store_dq(const RowBlock& block, const Tile& sum) {
    const auto scale = static_cast<float>(launch_.problem->scale / launch_.problem->scales.q);
    store(tensors(block).dq, block, tl_.cast(sum * scale, launch_.problem->output_dtype()));
}

void QueryRows::begin_product(int user, bool alone) {
    product_alone_ = alone;
    for (RowBlock& block : blocks(user)) {
        block.dq_in_hbm = false;
        if (block.steps_left == 0) continue;
        keep_terms(block, make_terms(block, load(tensors(block).d_o, block, launch_.problem->value_dim,
                                                 launch_.problem->output_dtype())));
    }
}

void QueryRows::add_product(int user) {
    for (RowBlock& block : blocks(user)) {
        if (!block.written) continue;
        Tile dq = load(tensors(block).dq_block, block, launch_.problem->head_dim, Dtype::f32);
        if (block.summed) dq = load(tensors(block).dq_sum, block, launch_.problem->head_dim, Dtype::f32) + dq;
        store(tensors(block).dq_sum, block, dq);
        block.summed = true;
        block.written = false;
    }
}

void QueryRows::store_sums(int user) {
    for (RowBlock& block : blocks(user)) {
        if (!block.summed) continue;
        store_dq(block, load(tensors(block).dq_sum, block, launch_.problem->head_dim, Dtype::f32));
        block.written = true;
    }
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
    if (!block.dq && block.dq_in_hbm) block.dq = load(on_its_way(block), block, problem.head_dim, Dtype::f32);
}

void QueryRows::leave(RowBlock& block) {
    --block.at_work;
    const bool last = --block.steps_left == 0;
    if (last) {
        block.written = true;
        if (product_alone_) {
            store_dq(block, std::exchange(block.dq, Tile()));
        } else {
            store(tensors(block).dq_block, block, std::exchange(block.dq, Tile()));
        }
    }
    const bool stays = launch_.tiling.queries_stay || launch_.tiling.group_blocks > 0;
    if (!last && (stays || block.at_work > 0)) return;
    if (block.dq) {
        store(on_its_way(block), block, block.dq);
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

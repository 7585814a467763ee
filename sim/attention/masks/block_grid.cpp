// SPDX-License-Identifier: Apache-2.0
// A rectangle is cut into at most nine strips: whole blocks in the middle and parts of blocks around it. Only in
// parts of blocks that have a pattern is one block looked at after the other.
#include "sim/attention/masks/block_grid.h"

#include <algorithm>

namespace tilemesh::attention {

Patterns::Patterns(std::int64_t queries, std::int64_t keys, std::vector<std::uint8_t> values)
    : block_queries(queries), block_keys(keys), elements(std::move(values)) {
    const std::int64_t area = queries * keys;
    for (std::int64_t first = 0; first < static_cast<std::int64_t>(elements.size()); first += area)
        sums.emplace_back(queries, keys, [&](std::int64_t query, std::int64_t key) {
            return elements[static_cast<std::size_t>(first + query * keys + key)];
        });
}

BlockGrid::BlockGrid(std::int64_t rows, std::int64_t cols, std::vector<std::uint8_t> blocks,
                     std::shared_ptr<const Patterns> patterns)
    : rows_(rows), cols_(cols), blocks_(std::move(blocks)), patterns_(std::move(patterns)) {
    const auto area = static_cast<std::uint64_t>(patterns_->block_queries * patterns_->block_keys);
    std::array<std::uint64_t, 256> visible_of{};
    visible_of[1] = area;
    for (std::size_t i = 0; i < patterns_->sums.size() && i + 2 < visible_of.size(); ++i)
        visible_of[i + 2] = patterns_->sums[i].over({0, patterns_->block_queries}, {0, patterns_->block_keys});
    const auto of = [&](std::int64_t row, std::int64_t col) { return visible_of[at(row, col)]; };
    elements_ = {rows, cols, of};
    all_ = {rows, cols, [&](std::int64_t row, std::int64_t col) { return of(row, col) == area ? 1U : 0U; }};
    partly_ = {rows, cols,
               [&](std::int64_t row, std::int64_t col) { return of(row, col) > 0 && of(row, col) < area ? 1U : 0U; }};
}

bool BlockGrid::sees(std::int64_t query, std::int64_t key) const {
    const std::int64_t block_queries = patterns_->block_queries, block_keys = patterns_->block_keys;
    if (query < 0 || key < 0 || query >= rows_ * block_queries || key >= cols_ * block_keys) return false;
    const std::uint8_t block = at(query / block_queries, key / block_keys);
    if (block < 2) return block == 1;
    const std::int64_t row = (block - 2) * block_queries + query % block_queries;
    return patterns_->elements[static_cast<std::size_t>(row * block_keys + key % block_keys)] != 0;
}

std::vector<BlockGrid::Strip> BlockGrid::strips(Range range, std::int64_t block) {
    if (range.empty()) return {};
    std::int64_t first = range.begin / block, last = (range.end - 1) / block;
    const std::int64_t head = range.begin % block, tail = (range.end - 1) % block + 1;
    if (first == last) return {{{first, first + 1}, {head, tail}, head == 0 && tail == block}};
    std::vector<Strip> list;
    if (head != 0) {
        list.push_back({{first, first + 1}, {head, block}});
        ++first;
    }
    if (tail != block) {
        list.push_back({{last, last + 1}, {0, tail}});
        --last;
    }
    if (first <= last) list.push_back({{first, last + 1}, {0, block}, true});
    return list;
}

std::uint64_t BlockGrid::visible(const Strip& queries, const Strip& keys) const {
    if (queries.whole && keys.whole) return elements_.over(queries.blocks, keys.blocks);
    std::uint64_t count = std::uint64_t{all_.over(queries.blocks, keys.blocks)} *
                          static_cast<std::uint64_t>(queries.part.size() * keys.part.size());
    if (partly_.over(queries.blocks, keys.blocks) == 0) return count;
    for (std::int64_t row = queries.blocks.begin; row < queries.blocks.end; ++row)
        for (std::int64_t col = keys.blocks.begin; col < keys.blocks.end; ++col)
            if (partly_.over({row, row + 1}, {col, col + 1}) != 0)
                count += patterns_->sums[at(row, col) - 2U].over(queries.part, keys.part);
    return count;
}

std::uint64_t BlockGrid::visible(Range queries, Range keys) const {
    const auto within = [](Range range, std::int64_t size) {
        return Range{std::max<std::int64_t>(range.begin, 0), std::min(range.end, size)};
    };
    std::uint64_t count = 0;
    const auto key_strips = strips(within(keys, cols_ * patterns_->block_keys), patterns_->block_keys);
    for (const Strip& query_strip :
         strips(within(queries, rows_ * patterns_->block_queries), patterns_->block_queries))
        for (const Strip& key_strip : key_strips) count += visible(query_strip, key_strip);
    return count;
}

}  // namespace tilemesh::attention

// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/latency_pieces.h"

#include <algorithm>

namespace tilemesh::attention {

Blocks Pieces::blocks_of(int user, int owner, int head_part) const {
    const std::int64_t heads = heads_of(head_part).size();
    const Tokens& tokens = needs_.queries(user, owner);
    if (heads == 0 || tokens.size() == 0) return {};
    const std::int64_t step = fixed_.tile_heads > 0 ? std::min(fixed_.tile_heads, heads) : heads;
    const Ranges parts =
        tokens.cut({0, tokens.size()}, fixed_.tile_queries > 0 ? fixed_.tile_queries : tokens.size());
    std::int64_t fewest = tokens.size();
    for (const Range& part : parts) fewest = std::min(fewest, part.size());
    return {(heads + step - 1) / step * static_cast<std::int64_t>(parts.size()),
            heads % step > 0 ? heads % step : step, fewest * problem_.group()};
}

double Pieces::piece_bytes(const Action& send, double bytes) const {
    if (send.item.kind == Item::Kind::state) {
        const StateFormat& format = schedule_.state_format();
        const auto o = static_cast<double>(problem_.value_dim) * static_cast<double>(bytes_per_element(format.o));
        const double share = o / static_cast<double>(format.sent_row_bytes(problem_.value_dim));
        return blocks_of(send.item).count == 1 ? bytes * share : 0;
    }
    if (send.item.kind != Item::Kind::chunk) return blocks_of(send.item).count == 1 ? bytes : 0;
    std::int64_t fewest = total(send.keys);
    const double per_key = bytes / static_cast<double>(fewest);
    for (const Range& range : send.keys) {
        const std::int64_t piece = wiring_.piece_keys > 0 ? wiring_.piece_keys : range.size();
        for (std::int64_t begin = range.begin; begin < range.end; begin = (begin / piece + 1) * piece)
            fewest = std::min(fewest, std::min(range.end, (begin / piece + 1) * piece) - begin);
    }
    const auto d = static_cast<double>(problem_.head_dim), dv = static_cast<double>(problem_.value_dim);
    const double share = problem_.latents ? 1.0 : std::min(d, dv) / (d + dv);
    return per_key * share * static_cast<double>(fewest);
}

double Pieces::products_ns(const Action& attend, std::int64_t heads) const {
    const std::int64_t rows = needs_.queries(attend.item.user, attend.owner).size() * problem_.group();
    const std::int64_t keys = total(attend.keys);
    return fixed_.occupied(heads, rows, keys, problem_.head_dim) +
           fixed_.occupied(heads, rows, problem_.value_dim, keys);
}

std::int64_t Pieces::fewest_keys(const Action& attend) const {
    const Tokens& tokens = needs_.keys(attend.item.user, attend.item.id);
    const std::int64_t tile = fixed_.tile_keys > 0 ? fixed_.tile_keys : tokens.size();
    const std::int64_t piece = wiring_.piece_keys > 0 ? wiring_.piece_keys : tokens.size();
    std::int64_t fewest = std::min(tile, piece);
    for (const Range& range : attend.keys)
        for (const Range& run : tokens.cut(range, tokens.size())) {
            // Tiles begin where the run does, or, of chunks that stay in SRAM, where messages do as well.
            if (run.size() % tile > 0) fewest = std::min(fewest, run.size() % tile);
            for (std::int64_t begin = run.begin; begin < run.end; begin = (begin / piece + 1) * piece) {
                const std::int64_t size = std::min(run.end, (begin / piece + 1) * piece) - begin;
                fewest = std::min(fewest, size % tile > 0 ? size % tile : tile);
            }
        }
    return fewest;
}

double Pieces::softmax_ns(std::int64_t elements) const {
    if (!fixed_.running) return fixed_.simple(1);
    // The maximum, its subtraction, the exponential and p as it is stored.
    return 2 * fixed_.simple(elements) + fixed_.exponential(elements) + (fixed_.casts_p ? fixed_.cast(elements) : 0);
}

}  // namespace tilemesh::attention

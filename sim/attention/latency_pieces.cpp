// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/latency_pieces.h"

#include <algorithm>
#include <limits>

namespace tilemesh::attention {

double slowest_link(const Wiring& wiring, int member, int from, int to) {
    double slowest = std::numeric_limits<double>::infinity();
    for (const LinkId link : wiring.route(member, from, to))
        slowest = std::min(slowest, wiring.link_bytes_per_ns(link));
    return slowest;
}

Blocks Pieces::blocks_of(int user, int owner, int head_part) const {
    const std::int64_t heads = heads_of(head_part).size();
    const Tokens& tokens = needs_.queries(user, owner);
    if (heads == 0 || tokens.size() == 0) return {};
    const std::int64_t step = fixed_.tile_heads > 0 ? std::min(fixed_.tile_heads, heads) : heads;
    const Ranges parts =
        tokens.cut({0, tokens.size()}, fixed_.tile_queries > 0 ? fixed_.tile_queries : tokens.size());
    std::int64_t fewest = tokens.size(), most = 0;
    for (const Range& part : parts) {
        fewest = std::min(fewest, part.size());
        most = std::max(most, part.size());
    }
    return {(heads + step - 1) / step * static_cast<std::int64_t>(parts.size()),
            heads % step > 0 ? heads % step : step, fewest * problem_.group(), most * problem_.group()};
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

Ranges Pieces::tiles_of(const Action& attend, const Ranges* arrived) const {
    if (!fixed_.by_plan) return {};
    const Tokens& tokens = needs_.keys(attend.item.user, attend.item.id);
    Ranges whole = attend.keys;
    if (fixed_.chunks_stay && wiring_.piece_keys > 0) {
        Ranges messages;
        for (const Range& range : arrived ? *arrived : Ranges{{0, tokens.size()}})
            for (std::int64_t begin = range.begin, end = 0; begin < range.end; begin = end) {
                end = std::min(range.end, (begin / wiring_.piece_keys + 1) * wiring_.piece_keys);
                messages.push_back({begin, end});
            }
        std::sort(messages.begin(), messages.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
        whole = intersection(whole, messages);
    }
    Ranges tiles;
    for (const Range& range : whole)
        for (const Range& run : tokens.cut(range, tokens.size()))
            for (std::int64_t begin = run.begin, end = 0; begin < run.end; begin = end) {
                end = fixed_.tile_keys > 0 ? std::min(begin + fixed_.tile_keys, run.end) : run.end;
                tiles.push_back({begin, end});
            }
    return tiles;
}

std::int64_t Pieces::fewest_keys(const Action& attend, const Ranges& tiles, bool all, bool own_chunk) const {
    if (tiles.empty()) return all && own_chunk ? fewest_keys_anyhow(attend) : 1;
    std::int64_t fewest = tiles.front().size();
    for (const Range& tile : tiles) {
        const std::int64_t last = (tile.size() - 1) % fixed_.fold_keys + 1;
        fewest = std::min(fewest, all ? tile.size() : last);
    }
    return fewest;
}

std::int64_t Pieces::fewest_keys_anyhow(const Action& attend) const {
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

std::int64_t Pieces::keys_seen(const Action& attend, const Ranges& tiles, const Range& queries) const {
    const Item& item = attend.item;
    const Tokens& chunk = needs_.keys(item.user, item.id);
    const Viewers viewers{item.user, problem_.query_heads(heads_of(item.head_part))};
    const Run positions = needs_.query_positions(item.user, attend.owner, queries);
    std::int64_t keys = 0;
    for (const Range& tile : tiles) {
        const Run run = chunk.run(tile);
        const Visible glance = visible_at_a_glance(*problem_.mask, viewers, positions, run);
        if (glance == Visible::none) continue;
        std::int64_t counted = 0;  // folds up to there
        for (const Range& seen : glance == Visible::all ? Ranges{{0, tile.size()}}
                                                        : seen_keys(*problem_.mask, viewers, positions, run, 1)) {
            const std::int64_t begin = std::max(counted, seen.begin / fixed_.fold_keys * fixed_.fold_keys);
            counted = std::max(counted, ((seen.end - 1) / fixed_.fold_keys + 1) * fixed_.fold_keys);
            keys += std::min(counted, tile.size()) - std::min(begin, tile.size());
        }
    }
    return keys;
}

EngineWork Pieces::work_of(const Action& attend, const Ranges& tiles, double triples, bool all) const {
    const Item& item = attend.item;
    const Tokens& tokens = needs_.queries(item.user, attend.owner);
    const std::int64_t heads = heads_of(item.head_part).size();
    const bool whole_blocks = fixed_.by_plan && !problem_.mask->varies_by_head() &&
                              !unknown_without_pairs(problem_, needs_.keys(item.user, item.id));
    EngineWork work;
    if (all || whole_blocks) {
        const std::int64_t step = fixed_.by_plan && fixed_.tile_queries > 0 ? fixed_.tile_queries : tokens.size();
        for (const Range& block : tokens.cut({0, tokens.size()}, step)) {
            const std::int64_t rows = block.size() * problem_.group();
            const std::int64_t keys = all ? total(attend.keys) : keys_seen(attend, tiles, block);
            if (keys == 0) continue;
            work.scores += fixed_.occupied(heads, rows, keys, problem_.head_dim);
            work.values += fixed_.occupied(heads, rows, problem_.value_dim, keys);
            work.softmax += static_cast<double>(heads * rows * keys) * fixed_.softmax_element;
        }
    }
    const auto d = static_cast<double>(problem_.head_dim), dv = static_cast<double>(problem_.value_dim);
    work.scores = std::max(work.scores, triples * d / rates_.macs_per_ns);
    work.values = std::max(work.values, triples * dv / rates_.other_macs_per_ns());
    work.softmax = std::max(work.softmax, triples / rates_.exp2_per_ns);
    return work;
}

double Pieces::softmax_ns(std::int64_t elements) const {
    if (!fixed_.running) return fixed_.simple(1);
    // The maximum, its subtraction, the exponential and p as it is stored.
    return 2 * fixed_.simple(elements) + fixed_.exponential(elements) + (fixed_.casts_p ? fixed_.cast(elements) : 0);
}

}  // namespace tilemesh::attention

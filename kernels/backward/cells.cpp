// SPDX-License-Identifier: Apache-2.0
#include "kernels/backward/cells.h"

#include <algorithm>
#include <set>

namespace tilemesh::kernels {

using attention::Action;
using attention::Item;
using attention::Range;
using attention::Ranges;

Ranges gradient_cells(const attention::Launch& launch, const Item& chunk, std::int64_t most) {
    const attention::Tokens& tokens = launch.needs->keys(chunk.user, chunk.id);
    std::set<std::int64_t> edges{tokens.size()};
    for (std::size_t i = 0; i < tokens.runs().size(); ++i) edges.insert(tokens.local_run(i).begin);
    for (const auto& program : launch.schedule->programs())
        for (const Action& action : program) {
            const Item& item = action.item;
            const bool cuts = action.kind == Action::Kind::attend || item.kind == Item::Kind::gradient;
            if (!cuts || item.user != chunk.user || item.id != chunk.id) continue;
            for (const Range& keys : action.keys) {
                edges.insert(keys.begin);
                edges.insert(keys.end);
            }
        }
    Ranges cells;
    std::int64_t begin = 0;
    for (const std::int64_t edge : edges)
        while (begin < edge) {
            cells.push_back({begin, std::min(edge, begin + most)});
            begin = cells.back().end;
        }
    return cells;
}

Ranges cells_in(const Ranges& cells, const Ranges& keys) {
    Ranges inside;
    for (const Range& range : keys) {
        const auto first = std::lower_bound(cells.begin(), cells.end(), range.begin,
                                            [](const Range& cell, std::int64_t begin) { return cell.begin < begin; });
        for (auto cell = first; cell != cells.end() && cell->end <= range.end; ++cell) inside.push_back(*cell);
    }
    return inside;
}

Ranges tiles_of_cells(const attention::Tokens& tokens, const Ranges& cells, const Ranges& keys, std::int64_t most) {
    Ranges tiles;
    for (const Range& range : keys)
        for (const Range& in_run : tokens.cut(range, tokens.size())) {
            bool fresh = true;  // no tile goes on across ranges or runs
            for (const Range& cell : cells_in(cells, {in_run})) {
                if (fresh || cell.end - tiles.back().begin > most) {
                    tiles.push_back(cell);
                } else {
                    tiles.back().end = cell.end;
                }
                fresh = false;
            }
        }
    return tiles;
}

}  // namespace tilemesh::kernels

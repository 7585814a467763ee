// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/routing.h"

#include <algorithm>
#include <string>

namespace tilemesh::noc {

std::vector<Way> read_routing(const JsonReader& reader, const GridConfig& grid) {
    static const std::vector<std::string> words = {"east",  "west",         "south",
                                                   "north", "east_or_west", "south_or_north"};
    std::vector<Way> routing;
    const bool ring = grid.kind == TopologyKind::ring || grid.kind == TopologyKind::torus;
    for (const JsonReader& element : reader.elements()) {
        const Way way = element.as_choice<Way>(words);
        const auto same = [&](Way other) { return along_row(other) == along_row(way); };
        if (std::any_of(routing.begin(), routing.end(), same)) {
            element.reject("a way along the other dimension: each comes once");
        }
        if (leads_one_way(way) && !ring) {
            element.reject(along_row(way)
                               ? "east_or_west, since one way only leads everywhere on a ring or torus alone"
                               : "south_or_north, since one way only leads everywhere on a torus alone");
        }
        routing.push_back(way);
    }
    const auto missing = [&](bool row, int length) {
        return length > 1 && std::none_of(routing.begin(), routing.end(), [&](Way w) { return along_row(w) == row; });
    };
    if (missing(true, grid.cols)) reader.reject("a way along the columns as well (east, west or east_or_west)");
    if (missing(false, grid.rows)) reader.reject("a way along the rows as well (south, north or south_or_north)");
    return routing;
}

}  // namespace tilemesh::noc

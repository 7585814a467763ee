// SPDX-License-Identifier: Apache-2.0
// What a search has come to: the optimum in a sentence with what proves it, a table of the best, JSON of everything.
#pragma once

#include "sim/search/tune.h"

#include <string>

namespace tilemesh::search {

/// For a terminal: at most `most` points of either sort.
std::string tuned_text(const Space& space, const Objectives& objectives, const Tuned& tuned, std::size_t most,
                       bool with_colour);
Json tuned_json(const Space& space, const Objectives& objectives, const Tuned& tuned);

}  // namespace tilemesh::search

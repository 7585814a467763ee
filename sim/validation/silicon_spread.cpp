// SPDX-License-Identifier: Apache-2.0
#include "sim/validation/silicon_spread.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

namespace tilemesh::validation {

SiliconSpread::SiliconSpread(JsonReader file) {
    std::map<std::string, std::vector<double>> differences;
    for (JsonReader& row : file.member("repeats").elements()) {
        const double first = row.number("us", 1e-3, 1e12), second = row.number("us_again", 1e-3, 1e12);
        differences[row.string("kind")].push_back(std::abs(second / first - 1.0));
    }
    for (const auto& [kind, of] : differences)
        kinds_[kind] = {median_of(of), *std::max_element(of.begin(), of.end())};
    for (JsonReader& row : file.member("rings").elements()) {
        const std::uint64_t tokens = row.integer("tokens_from", 0, std::uint64_t{1} << 40);
        rings_[tokens] = {row.number("median", 0.0, 1e3), row.number("maximum", 0.0, 1e3)};
    }
}

Spread SiliconSpread::of(const std::string& kind) const {
    const auto found = kinds_.find(kind);
    return found == kinds_.end() ? Spread{} : found->second;
}

Spread SiliconSpread::of_rings(std::uint64_t tokens_per_gpu) const {
    const auto above = rings_.upper_bound(tokens_per_gpu);
    return above == rings_.begin() ? Spread{} : std::prev(above)->second;
}

}  // namespace tilemesh::validation

// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/attention/errors_by_part.h"

#include <algorithm>
#include <cmath>

namespace tilemesh::workloads {

int ErrorsByPart::rank_of(int user, std::int64_t query) const {
    for (int rank = 0; rank < arrangement_.ranks(); ++rank)
        if (arrangement_.needs.queries(user, rank).local_of(query)) return rank;
    return -1;
}

void ErrorsByPart::add(int user, const std::vector<float>& o, const std::vector<double>& expected) {
    const auto dim = static_cast<std::size_t>(problem_.value_dim);
    const bool by_rank = !arrangement_.needs.queries_replicated() && arrangement_.ranks() > 1;
    std::int64_t last = -1;
    int rank = -1;
    for (std::size_t row = 0; (row + 1) * dim <= o.size(); ++row) {
        const auto number = static_cast<std::int64_t>(row);
        const attention::Row which = sample_.all
                                         ? attention::Row{number / problem_.heads_q, number % problem_.heads_q}
                                         : sample_.rows[static_cast<std::size_t>(user)][row];
        double error = 0.0, norm = 0.0, greatest = 0.0;
        for (std::size_t i = row * dim; i < (row + 1) * dim; ++i) {
            const double one = static_cast<double>(o[i]) - expected[i];
            error += one * one;
            norm += expected[i] * expected[i];
            // A difference that is no number stays one.
            if (!(std::abs(one) <= greatest)) greatest = std::abs(one);
        }
        if (by_rank && which.query != last) rank = rank_of(user, which.query);
        last = which.query;
        const auto add_to = [&](Part& part) {
            part.squared_error += error;
            part.squared_norm += norm;
            if (!(greatest <= part.greatest)) part.greatest = greatest;
            ++part.rows;
        };
        add_to(parts_[{false, which.head}]);
        if (rank >= 0) add_to(parts_[{true, rank}]);
    }
}

Json ErrorsByPart::json() const {
    const auto number = [](double value) { return std::isfinite(value) ? Json(value) : Json("nan"); };
    Json json = Json::array();
    for (const auto& [which, part] : parts_) {
        const double relative = part.squared_norm > 0 ? std::sqrt(part.squared_error / part.squared_norm) : 0.0;
        json.push_back({{"of", fmt::format("{} {}", which.first ? "rank" : "head", which.second)},
                        {"relative_l2", number(relative)},
                        {"max_error", number(part.greatest)},
                        {"rows", part.rows}});
    }
    return json;
}

}  // namespace tilemesh::workloads

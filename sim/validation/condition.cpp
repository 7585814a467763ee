// SPDX-License-Identifier: Apache-2.0
// The kinds of condition. Each looks for what contradicts it most and says what that is.
#include "sim/validation/condition.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace tilemesh::validation {
namespace {

using Comparisons = std::vector<Comparison>;

std::string short_number(double value) { return fmt::format("{:.4g}", value); }

std::string with_unit(double value, const std::string& unit) {
    return unit.empty() ? short_number(value) : short_number(value) + " " + unit;
}

/// Holds when no comparison's `excess` is above 0; else names the one with the largest.
Finding worst_of(const Comparisons& comparisons, const std::function<double(const Comparison&)>& excess) {
    const Comparison* worst = nullptr;
    double most = 0.0;
    std::size_t beyond = 0;
    for (const Comparison& comparison : comparisons) {
        const double by = comparison.failure.empty() ? excess(comparison) : std::numeric_limits<double>::infinity();
        if (by <= 0.0) continue;
        ++beyond;
        if (worst != nullptr && by <= most) continue;
        most = by;
        worst = &comparison;
    }
    if (worst == nullptr) return {true, fmt::format("all of {}", comparisons.size())};
    const std::string what = worst->failure.empty()
                                 ? fmt::format("{} when the reference is {}", with_unit(worst->measured, worst->unit),
                                               with_unit(worst->reference, worst->unit))
                                 : worst->failure;
    return {false, fmt::format("{} of {} are not, {}: {}", beyond, comparisons.size(), worst->name, what)};
}

/// The row to look at first.
std::string worst_text(const Comparisons& comparisons, const ErrorStatistics& statistics) {
    if (comparisons.empty()) return "";
    const Comparison& worst = comparisons[statistics.worst];
    return fmt::format(", worst {} ({})", worst.name, percent_text(std::abs(worst.error())));
}

Condition on_statistics(std::string text, double limit, double ErrorStatistics::*figure, const char* name) {
    return {std::move(text), [limit, figure, name](const Comparisons& comparisons) {
                const ErrorStatistics statistics = statistics_of(comparisons);
                const double value = statistics.*figure;
                return Finding{value <= limit, fmt::format("{} {}{}", name, percent_text(value),
                                                           worst_text(comparisons, statistics))};
            }};
}

}  // namespace

std::string percent_text(double relative) {
    if (std::isinf(relative)) return "infinite";
    const double percent = 100.0 * relative;
    return std::abs(percent) < 9.95 ? fmt::format("{:.2g} %", percent) : fmt::format("{:.0f} %", percent);
}

Condition median_at_most(double relative) {
    return on_statistics("median <= " + percent_text(relative), relative, &ErrorStatistics::median, "median");
}

Condition median_at_most_or_spread(double relative) {
    return {fmt::format("median <= {} or the reference's own", percent_text(relative)),
            [relative](const Comparisons& comparisons) {
                const double own = spread_of(comparisons).median;
                Finding finding = median_at_most(std::max(relative, own)).check(comparisons);
                if (own > relative) finding.found += fmt::format(", the reference's own {}", percent_text(own));
                return finding;
            }};
}

Condition percentile_at_most(double percent, double relative) {
    return {fmt::format("p{:g} <= {}", percent, percent_text(relative)),
            [percent, relative](const Comparisons& comparisons) {
                std::vector<double> errors;
                for (const Comparison& comparison : comparisons) errors.push_back(std::abs(comparison.error()));
                if (errors.empty()) return Finding{true, "no cases"};
                const double value = percentile_of(errors, percent);
                return Finding{value <= relative, fmt::format("p{:g} {}{}", percent, percent_text(value),
                                                              worst_text(comparisons, statistics_of(comparisons)))};
            }};
}

Condition maximum_at_most(double relative) {
    return on_statistics("maximum <= " + percent_text(relative), relative, &ErrorStatistics::maximum, "maximum");
}

Condition every_row_exact() {
    return {"every row exact", [](const Comparisons& comparisons) {
                return worst_of(comparisons, [](const Comparison& c) { return std::abs(c.measured - c.reference); });
            }};
}

Condition each_within(double relative, double absolute, const std::string& unit) {
    const std::string text = fmt::format("each <= {} and {}", percent_text(relative), with_unit(absolute, unit));
    return {text, [=](const Comparisons& comparisons) {
                return worst_of(comparisons, [=](const Comparison& c) {
                    return std::max(std::abs(c.error()) / relative, std::abs(c.measured - c.reference) / absolute) -
                           1.0;
                });
            }};
}

Condition each_within_absolute(double absolute, const std::string& unit) {
    return {"each <= " + with_unit(absolute, unit), [=](const Comparisons& comparisons) {
                return worst_of(comparisons,
                                [=](const Comparison& c) { return std::abs(c.measured - c.reference) - absolute; });
            }};
}

Condition each_within_its_own_tolerance() {
    return {"each <= its own tolerance", [](const Comparisons& comparisons) {
                return worst_of(comparisons,
                                [](const Comparison& c) { return std::abs(c.error()) / c.tolerance - 1.0; });
            }};
}

Condition each_at_least_its_reference() {
    return {"each >= its reference", [](const Comparisons& comparisons) {
                return worst_of(comparisons, [](const Comparison& c) { return c.reference - c.measured; });
            }};
}

Condition same_side_of_one(double separation) {
    return {fmt::format("same side of 1 where {} away", percent_text(separation)),
            [separation](const Comparisons& comparisons) {
                return worst_of(comparisons, [separation](const Comparison& c) {
                    const double distance = std::abs(std::log(c.reference));
                    const bool apart = distance >= std::log1p(separation);
                    return apart && (c.measured > 1.0) != (c.reference > 1.0) ? distance : 0.0;
                });
            }};
}

Condition claims_hold(double share) {
    return {fmt::format("{} of the claims hold", percent_text(share)), [share](const Comparisons& comparisons) {
                std::size_t hits = 0;
                std::string missed;
                for (const Comparison& comparison : comparisons) {
                    if (comparison.hits_claim()) {
                        ++hits;
                    } else {
                        missed += fmt::format("{}{}", missed.empty() ? "; missed: " : ", ", comparison.name);
                    }
                }
                const bool enough = static_cast<double>(hits) >= share * static_cast<double>(comparisons.size());
                return Finding{enough, fmt::format("{} of {}{}", hits, comparisons.size(), missed)};
            }};
}

namespace {

/// Of pairs of a group whose references differ by as much as `separation` says of the two.
Condition same_order(const std::string& text,
                     const std::function<double(const Comparison&, const Comparison&)>& separation) {
    return {text, [=](const Comparisons& comparisons) {
                std::map<std::string, std::vector<const Comparison*>> groups;
                for (const Comparison& comparison : comparisons) {
                    if (!comparison.group.empty()) groups[comparison.group].push_back(&comparison);
                }
                std::size_t pairs = 0, wrong = 0;
                std::string example;
                for (const auto& [group, members] : groups) {
                    for (const Comparison* low : members) {
                        for (const Comparison* high : members) {
                            if (high->reference <= low->reference) continue;
                            if (high->reference < low->reference * (1.0 + separation(*low, *high))) continue;
                            ++pairs;
                            const bool failed = !low->failure.empty() || !high->failure.empty();
                            if (!failed && low->measured < high->measured) continue;
                            if (++wrong == 1) example = fmt::format(": {} against {}", low->name, high->name);
                        }
                    }
                }
                return Finding{wrong == 0, fmt::format("{} of {} pairs in the wrong order{}", wrong, pairs, example)};
            }};
}

}  // namespace

Condition same_order_where_separated_by(double separation) {
    return same_order(fmt::format("same order where {} apart", percent_text(separation)),
                      [=](const Comparison&, const Comparison&) { return separation; });
}

Condition same_order_beyond_spread(double separation) {
    return same_order(
        fmt::format("same order where {} and the reference's own spread apart", percent_text(separation)),
        [=](const Comparison& low, const Comparison& high) {
            return std::max({separation, low.spread.maximum, high.spread.maximum});
        });
}

}  // namespace tilemesh::validation

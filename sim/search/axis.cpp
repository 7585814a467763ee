// SPDX-License-Identifier: Apache-2.0
#include "sim/search/axis.h"

#include "sim/run/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

namespace tilemesh::search {
namespace {

constexpr std::size_t most_values = 100000;  // of an axis

/// Whole where it is.
Json number(double value) {
    if (value != std::round(value) || std::abs(value) >= 9e15) return value;
    return value < 0 ? Json(static_cast<std::int64_t>(value)) : Json(static_cast<std::uint64_t>(value));
}

double with_decimals(double value, int decimals) {
    return std::strtod(fmt::format("{:.{}f}", value, decimals).c_str(), nullptr);
}

/// Digits behind the point, as somebody wrote the number; more than `most_decimals`: not to be told.
constexpr int most_decimals = 15;
int decimals_of(double value) {
    int decimals = 0;
    while (decimals <= most_decimals && with_decimals(value, decimals) != value) ++decimals;
    return decimals;
}

}  // namespace

std::vector<Json> range_values(double from, double to, double step) {
    std::vector<Json> values;
    // Whether the last is reached must not hang on how sums of 0.1 are rounded.
    const double last = std::floor((to - from) / step + 1e-9);
    const int decimals = std::max(decimals_of(from), decimals_of(step));
    for (double i = 0; i <= last; ++i) {
        const double value = from + i * step;
        values.push_back(number(decimals > most_decimals ? value : with_decimals(value, decimals)));
    }
    return values;
}

std::vector<Json> log_range_values(double from, double to, std::size_t points, bool whole) {
    std::vector<Json> values;
    for (std::size_t i = 0; i < points; ++i) {
        const double share = points > 1 ? static_cast<double>(i) / static_cast<double>(points - 1) : 0.0;
        // Powers are rounded in their last digits: 0.1, not 0.10000000000000002. The ends are as they were written.
        const std::string power = fmt::format("{:.{}g}", from * std::pow(to / from, share), whole ? 15 : 12);
        const double value = i == 0 ? from : i + 1 == points ? to : std::strtod(power.c_str(), nullptr);
        Json one = number(whole ? std::round(value) : value);
        if (values.empty() || values.back() != one) values.push_back(std::move(one));
    }
    return values;
}

Axis read_axis(JsonReader reader, const std::filesystem::path& folder) {
    if (!reader.is_object()) reader.reject("an axis");
    Axis axis;
    axis.key = reader.string("key");
    axis.where = reader.place() + ": " + axis.key;
    if (axis.key.empty() || axis.key == "kernel") reader.member("key").reject("a dotted key of the panel");
    const auto ends_of = [&](const char* key) {
        const JsonReader range = reader.member(key);
        const double most = std::numeric_limits<double>::max();
        if (!range.is_array() || range.value().size() != 2) range.reject("[from, to]");
        return std::pair(range.elements()[0].as_number(-most, most), range.elements()[1].as_number(-most, most));
    };
    if (const auto values = reader.optional_member("values")) {
        if (!values->is_array() || values->value().empty()) values->reject("a non-empty array of values");
        for (const JsonReader& value : values->elements()) {
            axis.values.push_back(run::with_paths_from(folder, {axis.key, value.value(), value.place()}).value);
            axis.written.push_back(value.value());
        }
    } else if (reader.has("range")) {
        const auto [from, to] = ends_of("range");
        const double step = reader.number("step", 0.0, std::numeric_limits<double>::max(), 1.0);
        if (step <= 0.0 || to < from) reader.complain("expected a range that goes up, and a step above 0");
        if ((to - from) / step >= static_cast<double>(most_values))
            reader.complain(fmt::format("expected at most {} values", most_values));
        axis.values = range_values(from, to, step);
    } else if (reader.has("log_range")) {
        const auto [from, to] = ends_of("log_range");
        const std::uint64_t points = reader.integer("points", 1, most_values);
        if (from <= 0.0 || to < from) reader.complain("expected a logarithmic range that goes up from above 0");
        axis.values = log_range_values(from, to, points, reader.boolean("whole", false));
    } else {
        reader.reject("an axis with \"values\", \"range\" or \"log_range\"");
    }
    reader.finish();
    return axis;
}

}  // namespace tilemesh::search

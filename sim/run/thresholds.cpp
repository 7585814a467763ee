// SPDX-License-Identifier: Apache-2.0
#include "sim/run/thresholds.h"

#include "sim/base/error.h"
#include "sim/base/names.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace tilemesh::run {
namespace {

constexpr double largest = 1e6;

/// "2%", "0.02", "0", "any". A bare number beyond 1 is more likely meant in bytes or percent than as a share.
double share_of(const std::string& text, const std::string& where) {
    if (text == "any") return HUGE_VAL;
    const bool percent = text.ends_with('%');
    const char* const end = text.data() + text.size() - (percent ? 1 : 0);
    double value = 0.0;
    const auto read = std::from_chars(text.data(), end, value);
    const bool fits = read.ec == std::errc() && read.ptr == end && value >= 0.0 && value <= (percent ? largest : 1.0);
    if (!fits)
        fail<InputError>("{}: found {}, expected a percentage such as 2%, a share from 0 to 1, or any", where,
                         text.empty() ? "nothing" : printable(text));
    return percent ? value / 100.0 : value;
}

std::string percentage(double share) { return std::isfinite(share) ? fmt::format("{:.6g}%", 100.0 * share) : "any"; }

}  // namespace

double relative_change(double before, double after) {
    if (before == after || (std::isnan(before) && std::isnan(after))) return 0.0;
    if (std::isnan(after)) return HUGE_VAL;
    if (std::isnan(before)) return -HUGE_VAL;
    if (std::isinf(before) || std::isinf(after)) return after > before ? HUGE_VAL : -HUGE_VAL;
    return before == 0.0 ? std::copysign(HUGE_VAL, after) : (after - before) / std::abs(before);
}

bool is_worse(const Metric& metric, double before, double after) {
    if (std::isnan(after)) return !std::isnan(before);
    const double change = relative_change(before, after);
    return metric.better == Better::less ? change > 0.0 : metric.better == Better::more && change < 0.0;
}

void Thresholds::add(const std::string& text) {
    const std::string where = "--threshold " + printable(text);
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) fail<InputError>("{}: expected METRIC=SHARE, for example time=2%", where);
    const std::string name = text.substr(0, equals);
    const auto names = metric_names();
    if (std::find(names.begin(), names.end(), name) == names.end()) {
        const auto near = nearest_name(name, names);
        fail<InputError>("{}: there is no metric {}, expected one of {}{}", where,
                         name.empty() ? "without a name" : printable(name), fmt::join(names, ", "),
                         near ? fmt::format("; did you mean {}?", *near) : "");
    }
    own[name] = share_of(text.substr(equals + 1), where);
}

bool Thresholds::judges(const Metric& metric) const {
    return exact || metric.judged || own.find(metric.name) != own.end();
}

double Thresholds::of(const Metric& metric) const {
    for (const char* name : {metric.name, metric.follows}) {
        const auto given = own.find(name);
        if (given != own.end()) return given->second;
    }
    return all;
}

bool Thresholds::beyond(const Metric& metric, double before, double after) const {
    const double change = relative_change(before, after);
    if (change == 0.0 || !judges(metric)) return false;
    // What is neither better nor worse is judged either way.
    if (!exact && metric.better != Better::neither && !is_worse(metric, before, after)) return false;
    const double limit = of(metric);
    if (std::isinf(limit)) return false;
    if (std::isinf(change)) return true;
    constexpr double rounding = 1.0 + 1e-9;  // a change of exactly the limit is within it
    return std::abs(after - before) > limit * std::abs(before) * rounding;
}

std::string Thresholds::text() const {
    std::string out;
    for (const auto& threshold : own) out += fmt::format("{} {}, ", threshold.first, percentage(threshold.second));
    return fmt::format("{}{}{}, {}", out, own.empty() ? "all " : "all others ", percentage(all),
                       exact ? "in either direction" : "for the worse");
}

}  // namespace tilemesh::run

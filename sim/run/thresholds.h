// SPDX-License-Identifier: Apache-2.0
// How far a number may move before a comparison fails.
#pragma once

#include "sim/run/figures.h"

#include <map>
#include <string>

namespace tilemesh::run {

struct Thresholds {
    double all = 0.0;                   // relative, of metrics without one of their own
    std::map<std::string, double> own;  // by metric; infinite: it may be anything
    /// A change in either direction counts, of every metric, and so does one of the configuration, of what binds and
    /// of which entries there are.
    bool exact = false;

    /// Takes "time=2%", "link_bytes=0" or "relative_l2=any". InputError otherwise.
    void add(const std::string& text);
    bool judges(const Metric& metric) const;
    double of(const Metric& metric) const;
    /// Whether this change fails.
    bool beyond(const Metric& metric, double before, double after) const;
    /// "time 2%, all others 0%, for the worse"
    std::string text() const;
};

/// Relative, with its sign; infinite from 0 and to what is no number.
double relative_change(double before, double after);
/// Whether a change is for the worse (or better: the other way around). Neither way is that of other metrics.
bool is_worse(const Metric& metric, double before, double after);

}  // namespace tilemesh::run

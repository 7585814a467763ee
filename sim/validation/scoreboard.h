// SPDX-License-Identifier: Apache-2.0
// Claims that others published, each a figure of a panel or the ratio of two, with the range in which it must lie.
#pragma once

#include "sim/run/panel.h"
#include "sim/validation/comparison.h"

#include <filesystem>
#include <string>
#include <vector>

namespace tilemesh::validation {

/// One kernel of a panel, to be run for a figure.
struct ClaimRun {
    run::Panel panel;
    std::size_t kernel = 0;  // of the panel's
};

struct Claim {
    std::string claim, source;
    std::string figure = "time";  // a metric with one number, of every run
    std::vector<ClaimRun> of;     // figures of these are summed
    std::vector<ClaimRun> over;   // and divided by the sum of these; none: the sum itself
    ClaimRange published;         // in which the claim puts it
    std::string unit;             // of it, and of what is printed
    double unit_size = 1.0;       // in the unit of the figure
};

/// Reads {"claim", "source", "figure", "unit", "of", "over", "published"}, strictly. Files it names are looked for
/// from `folder`.
Claim read_claim(JsonReader reader, const std::filesystem::path& folder, const run::Workloads& workloads);

/// Runs it. Where it misses, `note` says what most of the time of the runs of `of` went into.
Comparison judge_claim(const Claim& claim);

}  // namespace tilemesh::validation

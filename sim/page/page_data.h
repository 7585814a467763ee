// SPDX-License-Identifier: Apache-2.0
// What a page is made from: results as they are saved, sums and pictures that a browser need not compute, and for a
// comparison the results of before and what differs.
#pragma once

#include "sim/report/result.h"
#include "sim/run/compare.h"

namespace tilemesh::page {

/// What is compared with what.
struct Before {
    const report::RunResult& result;
    const run::Comparison& comparison;
    std::string file, new_file;  // for the heading
};

/// Entries of which a page shows everything: all where they are few, else the fastest of each panel. Of the others it
/// has the figures and the account of the whole machine.
std::size_t detailed_entries(std::size_t panels, std::size_t entries);

/// Room for the pictures of each entry, so that those of the page together are 2 to 3 MB.
Bytes room_for_pictures(std::size_t panels, std::size_t entries);

Json page_data(const report::RunResult& run, const Before* before = nullptr);

}  // namespace tilemesh::page

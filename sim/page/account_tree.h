// SPDX-License-Identifier: Apache-2.0
// The account of a run summed up the tree of its machine: for the machine, each cube and each PE, the time of all its
// parts of one kind by class. Every sum of n parts is n times the run's time.
#pragma once

#include "sim/report/result.h"

#include <string>
#include <vector>

namespace tilemesh::page {

struct AccountSum {
    std::string scope;  // "machine", "machine.cube0", "machine.cube0.pe3"
    std::string kind;   // of its parts: "matrix", "link", ...
    std::size_t parts = 0;
    std::vector<report::ClassTime> classes;
};

/// The machine first, then cubes and PEs in the order of their parts. A PE has its slice of HBM; links belong to the
/// cube they leave from. Parts without an account are not there.
std::vector<AccountSum> account_tree(const std::vector<report::ComponentResult>& components);

}  // namespace tilemesh::page

// SPDX-License-Identifier: Apache-2.0
// What-if: a panel's machine with something changed, said in words: a key of the machine or a resource (a part of the
// machine, all keys that make it faster), and twice as fast, half, free, or a value.
#pragma once

#include "sim/run/resolve.h"

#include <string>
#include <vector>

namespace tilemesh::run {

/// "machine.network.link.gbytes_per_s=2x,vector=free".
struct WhatIf {
    std::string text;
    std::string where;  // "--what-if ...", for errors
};

/// A part of a machine whose speed somebody may ask about.
struct Resource {
    std::string name;     // "link latency"
    std::string summary;  // one line
};
const std::vector<Resource>& resources();

/// The panel on the changed machine. InputError for what is not a change of a machine; so is a machine that the
/// strict reader then refuses, when it is read.
Resolved with_change(const Resolved& panel, const WhatIf& change);

/// Each resource that the panel's machine has, twice as fast and free.
std::vector<WhatIf> every_resource(const Resolved& panel);

}  // namespace tilemesh::run

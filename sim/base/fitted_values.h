// SPDX-License-Identifier: Apache-2.0
// Where numbers of a machine come from that were fitted to measurements, as its file tells it.
#pragma once

#include "sim/base/json_reader.h"

#include <string>
#include <vector>

namespace tilemesh {

struct FittedValue {
    std::string parameter;          // dotted path of a number: "packet.router_ns", "networks.0.router.hop_cycles"
    double value = 0.0;             // that was fitted; who tries another machine sets another
    std::vector<std::string> rows;  // of the data that it was fitted to; none: it follows from another fitted value
    std::string meaning;            // what it stands for in the machine
};

/// The member "fitted_from" of an object, a list of {"parameter", "value", "rows", "meaning"}. InputError for a
/// parameter that is no number in that object.
std::vector<FittedValue> read_fitted_values(JsonReader& owner);

}  // namespace tilemesh

// SPDX-License-Identifier: Apache-2.0
// A report as one HTML file that needs nothing else: style, scripts, chart library (sim/page/script, adr/0034) and
// data.
#pragma once

#include "sim/base/json_reader.h"

#include <string>
#include <string_view>

namespace tilemesh::page {

/// InputError, beginning with `option`, when tilemesh was built without the chart library; to be asked before a run.
void check_available(std::string_view option, std::string_view embedded);

/// `embedded` with the data in its place.
std::string html(const Json& data, std::string_view embedded);

}  // namespace tilemesh::page

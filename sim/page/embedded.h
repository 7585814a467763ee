// SPDX-License-Identifier: Apache-2.0
// The pages without their data, as they were put together when tilemesh was built.
#pragma once

#include <string_view>

namespace tilemesh::page {

/// Empty when the chart library was not there then.
std::string_view embedded_run_page();    // of results: one run, bench or comparison
std::string_view embedded_sweep_page();  // of the points of a design space

}  // namespace tilemesh::page

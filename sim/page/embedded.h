// SPDX-License-Identifier: Apache-2.0
// The page without its data, as it was put together when tilemesh was built.
#pragma once

#include <string_view>

namespace tilemesh::page {

/// Empty when the chart library was not there then.
std::string_view embedded_page();

}  // namespace tilemesh::page

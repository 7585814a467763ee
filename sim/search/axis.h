// SPDX-License-Identifier: Apache-2.0
// What is varied in a design space: a key of the panel and its values.
#pragma once

#include "sim/base/json_reader.h"

#include <filesystem>
#include <string>
#include <vector>

namespace tilemesh::search {

/// A key of the panel, dotted as for --set, and the values that it has in turn. One that begins with "kernel." is of
/// the point's own kernel, whatever its place in the panel; null there leaves the key out.
struct Axis {
    std::string key;
    std::vector<Json> values;
    std::string where;            // in the file, with the key; for errors
    std::vector<Json> written{};  // the values as the file has them, where that is something else: names of machines
    const Json& as_written(std::size_t i) const { return written.empty() ? values[i] : written[i]; }
};

inline bool is_of_kernel(const std::string& key) { return key.starts_with("kernel."); }

/// {"key": ..., "values": [...]}, or with "range" or "log_range"; files in it are relative to `folder`. InputError.
Axis read_axis(JsonReader reader, const std::filesystem::path& folder);

/// Evenly spaced from `from` to `to` with `step`, or on a logarithmic scale in so many points. Values are
/// the decimal numbers that they would be on paper; on a logarithmic scale 12 digits of them. Whole numbers stay
/// whole.
std::vector<Json> range_values(double from, double to, double step);
std::vector<Json> log_range_values(double from, double to, std::size_t points, bool whole);

}  // namespace tilemesh::search

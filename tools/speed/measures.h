// SPDX-License-Identifier: Apache-2.0
// Names of the benchmarks that the closing table refers to, and the panels they run. The benchmarks are in the files
// of this folder, one per question; main.cpp holds the targets.
#pragma once

#include "kernels/all.h"
#include "sim/run/milestone.h"
#include "sim/workloads/attention/attention_run.h"

#include <string>
#include <vector>

namespace tilemesh::speed {

inline constexpr const char* bare_name = "bare_events";
inline constexpr const char* commands_name = "tile_commands";
inline constexpr const char* twins_name = "twins";
inline constexpr const char* hops_name = "packet_hops";
inline constexpr const char* flits_name = "flit_hops";
inline constexpr const char* values_name = "values_full";
inline constexpr const char* dense_name = "dense_products";

/// A panel of configs/panels with --set settings.
inline run::Panel panel(const std::string& name, const std::vector<std::string>& settings) {
    static const workloads::AttentionKind attention(kernels::all());
    std::vector<run::Setting> parsed;
    for (const std::string& text : settings) parsed.push_back(run::parse_setting(text));
    return run::load_panel(TILEMESH_CONFIGS "/panels/" + name + ".json", parsed, {&attention});
}

void register_bare_events();
void register_tile_commands();
void register_programs();
void register_packet_hops();
void register_flit_hops();
void register_values();

}  // namespace tilemesh::speed

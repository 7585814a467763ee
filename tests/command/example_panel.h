// SPDX-License-Identifier: Apache-2.0
// A small valid panel that tests break in one place at a time.
#pragma once

#include "sim/run/milestone.h"
#include "tests/base/scratch.h"
#include "tests/command/fake_workload.h"

namespace tilemesh {

inline const std::string example_machine = TILEMESH_CONFIGS "/machines/cube_line8.json";

inline Json example_panel(const std::vector<std::string>& kernels = {"good"}) {
    Json panel = Json::parse(R"({
        "name": "example",
        "problem": {"heads_q": 6, "heads_kv": 2, "head_dim": 24, "value_dim": 40, "dtype": "f16", "scale": null,
                    "users": [{"keys": 100, "queries": 60, "query_offset": 40}], "mask": {"kind": "causal"}},
        "ranks": {"unit": "pe", "count": 5, "placement": "identity", "sharding": "contiguous"},
        "values": {"mode": "full", "rows": 8, "seed": 3}
    })");
    panel["machine"] = example_machine;
    panel["kernels"] = kernels;
    return panel;
}

inline run::Panel read_example(const Json& json, const std::vector<std::string>& settings = {}) {
    run::Resolved resolved = run::resolve_panel_object(json, "panel.json", "");
    for (const auto& text : settings) apply_setting(resolved, run::parse_setting(text));
    return run::read_panel(resolved, fake_workloads());
}

}  // namespace tilemesh

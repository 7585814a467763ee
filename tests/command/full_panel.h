// SPDX-License-Identifier: Apache-2.0
// A valid panel in which every key is written out that does not contradict another or name a file.
#pragma once

#include "sim/energy/table.h"
#include "tests/command/example_panel.h"

namespace tilemesh {

/// Every number of a table, the first of each group with its source.
inline Json full_table(const std::vector<energy::Group>& groups) {
    Json table = {{"technology", "none"}, {"name", "made up"}, {"description", "text"}};
    for (const energy::Group& group : groups) {
        for (const std::string& key : group.keys) table[group.unit][key] = 0.5;
        table[group.unit][group.keys.front()] = {{"value", 0.5}, {"source", "a text"}, {"trust", "low"}};
    }
    return table;
}

inline Json full_machine() {
    Json machine = Json::parse(R"({
        "name": "m", "description": "text",
        "cube": {"topology": "mesh", "rows": 2, "cols": 4}, "cubes": {"topology": "line", "rows": 1, "cols": 2},
        "pe": {
            "clock_ghz": 1, "sram_bytes": 8388608, "issue_cycles": 4, "integer_cycles": 0, "queue_depth": 16,
            "matrix": {"rows": 128, "cols": 128, "dataflow": "output_stationary", "overlap_folds": true,
                       "sram_bytes_per_cycle": 2048,
                       "speed": {"f32": 0.25, "f16": 1, "bf16": 1, "f8e4m3": 2, "f8e5m2": 2}},
            "vector": {"lanes": 1024, "startup_cycles": 16,
                       "cycles_per_element": {"add": 1, "subtract": 1, "multiply": 1, "divide": 8, "maximum": 1,
                           "minimum": 1, "fma": 1, "fms": 1, "exp": 8, "exp2": 8, "log": 8, "tanh": 8, "where": 1,
                           "compare": 1, "cast": 0.5, "fill": 1, "repeat": 1, "max": 1, "sum": 1, "softmax": 20,
                           "log2": 8, "sqrt": 8, "rsqrt": 8, "sin": 8, "cos": 8, "erf": 8, "abs": 1, "floor": 1,
                           "ceil": 1, "truncate": 1, "power": 16, "remainder": 8, "less": 1, "less_equal": 1,
                           "equal": 1, "not_equal": 1, "both": 1, "either": 1, "exclusive": 1, "shift_left": 1, "shift_right": 1, "bits": 1, "min": 1, "argmax": 2,
                           "argmin": 2, "cumsum": 2}},
            "dma": {"descriptor_cycles": 2, "outstanding": 8, "bytes_per_cycle": 1024},
            "launch": {"simple_ns": 1, "attention_ns": 1, "gradients_ns": 100, "gradients_rate": 0.5, "gradients_per_unit": 1, "exchange_ns": 1, "exchange_message_ns": 1,
                       "copy_share": 0.5, "units": 2, "blocks_per_unit": 1,
                       "cores": {"count": 2, "keys": "multicast", "dealt": "in_order", "chunk_cycles": 1,
                           "output_cycles_per_element": 0.1, "block_elements_per_ns": 8, "read_gbytes_per_s": 32,
                           "pass_gbytes_per_s": 64, "memory_gbytes_per_s": 256, "exponent_elements": 16,
                           "fitted_from": [{"parameter": "chunk_cycles", "value": 1, "rows": ["r"], "meaning": "m"}]}}},
        "hbm": {
            "bytes_per_pe": 8589934592, "channels_per_pe": 4, "gbytes_per_s_per_channel": 64, "standard": "HBM3",
            "pseudo_channels": 2, "stacks": 2, "bank_groups": 4, "banks_per_group": 4, "burst_bytes": 32,
            "row_bytes": 1024, "mapping": "256B_chunk_per_channel", "refresh": "all_bank", "refresh_together": true,
            "queue_entries": 64, "bank_queue_entries": 0, "write_acknowledge": "data", "access_latency_ns": 0,
            "timing": {"clock_ns": 0.625, "activate_command_ns": 0.9375, "precharge_command_ns": 0.3125,
                "row_command_slot_ns": 0.3125, "tCL_ns": 12.5, "tCWL_ns": 6.25, "tRCDRD_ns": 19.375,
                "tRCDWR_ns": 9.375, "tRP_ns": 16.25, "tRAS_ns": 28.125, "tWR_ns": 20.625, "tRTP_ns": 5.625,
                "tCCD_S_ns": 1.25, "tCCD_L_ns": 2.5, "tCCD_R_ns": 1.875, "tRRD_S_ns": 2.5, "tRRD_L_ns": 3.125,
                "tFAW_ns": 15, "tPPD_ns": 1.25, "tWTR_S_ns": 4.375, "tWTR_L_ns": 6.25, "tRTW_ns": 11.25,
                "tRFC_ns": 350, "tRFCpb_ns": 200, "tRREFD_ns": 8.125, "tREFI_ns": 3900, "tREFIpb_ns": 121.875}},
        "network": {
            "link": {"gbytes_per_s": 256, "latency_ns": 1, "buffer_bytes": 16384,
                "rate_by_size": [{"bytes": 64, "share": 0.5}, {"bytes": 4096, "share": 1}]},
            "die_to_die": {"connections_per_side": 2, "gbytes_per_s": 128, "latency_ns": 16, "buffer_bytes": 65536,
                "rate_by_size": [{"bytes": 64, "share": 0.5}]},
            "port": {"gbytes_per_s": 256, "latency_ns": 1, "buffer_bytes": 16384,
                "rate_by_size": [{"bytes": 64, "share": 0.5}]},
            "routing": ["east_or_west", "south_or_north"],
            "networks": [{"name": "noc1", "topology": "line", "routing": ["south_or_north", "east_or_west"],
                "link": {"gbytes_per_s": 256, "latency_ns": 1, "buffer_bytes": 16384,
                    "rate_by_size": [{"bytes": 64, "share": 0.5}]},
                "die_to_die": {"connections_per_side": 2, "gbytes_per_s": 128, "latency_ns": 16, "buffer_bytes": 65536,
                    "rate_by_size": [{"bytes": 64, "share": 0.5}]},
                "port": {"gbytes_per_s": 256, "latency_ns": 1, "buffer_bytes": 16384,
                    "rate_by_size": [{"bytes": 64, "share": 0.5}]}}],
            "flit_bytes": 256, "packet_bytes": 4096, "request_bytes": 32, "receive_buffer_bytes": 262144,
            "router": {"cycle_ns": 1, "route_cycles": 1, "vc_allocation_cycles": 1, "switch_allocation_cycles": 1,
                "traversal_cycles": 1, "credit_cycles": 1, "virtual_channels": 4, "allocation_conflicts": 3, "multicast": false, "reduction": false}},
        "collectives": {
            "links": 2,
            "packet": {"payload_bytes": 6144, "header_bytes": 48, "frame_bytes": 1500, "frame_overhead_bytes": 50,
                "router_ns": 10, "ring_ns": 60, "slots": 16},
            "worker_gbytes_per_s": 6.4, "workers": [{"from_bytes": 0, "count": 1}, {"from_bytes": 65536, "count": 2}],
            "worker_per_destination_bytes": 131072, "line_reduce_workers": [{"from_bytes": 0, "count": 2}],
            "ring_reduce_workers": [{"from_bytes": 0, "count": 4}], "multicast_ns": 165, "reduction_ns": 100, "relay_ns": 2000,
            "destination_ns": 1500, "chunk_bytes": 16384, "chunk_ns": 1000, "line_chunks_per_sync": 20,
            "ring_chunks_per_sync": 4, "copy_signals": 2, "finish_gbytes_per_s": 9.6, "one_shot_bytes": 524288,
            "barrier": true, "all_gather": {"connect_ns": 2600, "exit_ns": 2600},
            "reduce_scatter": {"connect_ns": 1500, "exit_ns": 1500}, "all_to_all": {"connect_ns": 400, "exit_ns": 400},
            "fitted_from": [{"parameter": "packet.router_ns", "value": 10, "rows": ["some"], "meaning": "a router's work"}]},
        "products": {
            "tile_cycles": {"LoFi": 16, "HiFi2": 32, "HiFi4": 64}, "tile_overhead_cycles": 1.5,
            "unpack_bytes_per_cycle": 50, "pack_bytes_per_cycle": 40, "core_bytes": 1400000,
            "multicast_bytes_per_cycle": 22, "read_bytes_per_cycle": 29, "block_cycles": 300,
            "write_gbytes_per_s": 140, "launch_ns": 4400, "sustained": {"after_ms": 5, "clock_ghz": 0.9},
            "fitted_from": [{"parameter": "launch_ns", "value": 4400, "rows": ["some"], "meaning": "a launch"}]},
        "fitted_from": [{"parameter": "pe.clock_ghz", "value": 1, "rows": ["some"], "meaning": "a clock"}],
        "power_limit": {"machine_watts": 500, "cube_watts": 400, "pe_watts": 50, "window_ns": 100}
    })");
    machine["energy"] = full_table(energy::energy_groups());
    machine["area"] = full_table(energy::area_groups());
    return machine;
}

inline Json full_panel() {
    Json panel = Json::parse(R"({
        "name": "full", "description": "text", "layers": 2, "jitter": 1, "energy": true, "steady": false,
        "problem": {
            "heads_q": 6, "heads_kv": 2, "head_dim": 24, "value_dim": 40, "latents": false, "dtype": "f8e4m3",
            "scales": {"q": 0.5, "k": 2, "v": 1}, "probability_dtype": "f8e4m3", "scale": 0.5, "soft_cap": 30,
            "sink": {"values": [1, 2, 3, 4, 5, "-inf"]}, "lse_gradient": {"std": 1, "seed": 3},
            "pages": {"page_keys": 4, "table": "shuffled", "seed": 3},
            "users": [{"keys": 100, "queries": 60, "query_offset": 40, "shared_keys": [10, 20]}],
            "mask": {"all_of": [
                {"kind": "causal"}, {"kind": "block_causal", "block": 4}, {"kind": "sparse_strided", "stride": 4},
                {"kind": "sliding_window", "window": 4, "side": "both"}, {"kind": "segments", "lengths": [60, 40]},
                {"kind": "sparse_fixed", "stride": 4, "c": 1},
                {"kind": "dilated", "segment": 4, "dilation": 2, "head_offset": true},
                {"kind": "key_bias", "std": 1, "seed": 3}, {"kind": "alibi", "slopes": [1, 2, 3, 4, 5, 6]},
                {"kind": "pair_bias", "std": 1, "seed": 3, "shared": true}]}},
        "ranks": {"unit": "pe", "count": 5, "placement": [4, 3, 2, 1, 0], "sharding": "contiguous"},
        "values": {"mode": "full", "rows": 8, "seed": 3},
        "inputs": {"tensors": "x", "prefix": "y"},
        "tolerance": {"relative_l2": 0.1},
        "kernels": [{"kernel": "good", "label": "x", "tile_queries": 1, "tile_keys": 1, "tile_heads": 1,
            "piece_keys": 1, "sharding": "zigzag", "placement": "snake", "state": "mlo", "state_dtype": "f32",
            "launches": "fused"}]
    })");
    panel["machine"] = full_machine();
    return panel;
}

}  // namespace tilemesh

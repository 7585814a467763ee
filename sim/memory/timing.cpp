// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/timing.h"

namespace tilemesh::memory {

// HBM2: JESD235D for a 2 Gb/s part of 8 Gb per channel; HBM3: JESD238 for a 6.4 Gb/s part of 16 Gb dies, 8 high,
// where refresh, command lengths and tCCD are the standard's and the array timings, which vendors set, are those that
// public simulators of the standard use. An idle read of the reference data confirms tRCD + tCL + its burst to the
// clock (31 ns and 33.75 ns), a row hit tCL (31.6 ns for eight bursts), and rows of single bursts exclude a longer
// tFAW.
const std::array<TimingKey, 27>& timing_keys() {
    static constexpr std::array<TimingKey, 27> keys{{
        {"clock_ns", &HbmTiming::clock, 1.0, 0.625},
        {"activate_command_ns", &HbmTiming::activate_command, 2.0, 0.9375},
        {"precharge_command_ns", &HbmTiming::precharge_command, 1.0, 0.3125},
        {"row_command_slot_ns", &HbmTiming::row_command_slot, 1.0, 0.3125},
        {"tCL_ns", &HbmTiming::tCL, 14.0, 12.5},
        {"tCWL_ns", &HbmTiming::tCWL, 5.0, 6.25},
        {"tRCDRD_ns", &HbmTiming::tRCDRD, 14.0, 19.375},
        {"tRCDWR_ns", &HbmTiming::tRCDWR, 12.0, 9.375},
        {"tRP_ns", &HbmTiming::tRP, 14.0, 16.25},
        {"tRAS_ns", &HbmTiming::tRAS, 34.0, 28.125},
        {"tWR_ns", &HbmTiming::tWR, 16.0, 20.625},
        {"tRTP_ns", &HbmTiming::tRTP, 5.0, 5.625},
        {"tCCD_S_ns", &HbmTiming::tCCD_S, 2.0, 1.25},
        {"tCCD_L_ns", &HbmTiming::tCCD_L, 4.0, 2.5},
        {"tCCD_R_ns", &HbmTiming::tCCD_R, 2.0, 1.875},
        {"tRRD_S_ns", &HbmTiming::tRRD_S, 4.0, 2.5},
        {"tRRD_L_ns", &HbmTiming::tRRD_L, 4.0, 3.125},
        {"tFAW_ns", &HbmTiming::tFAW, 15.0, 15.0},
        {"tPPD_ns", &HbmTiming::tPPD, 0.0, 1.25},
        {"tWTR_S_ns", &HbmTiming::tWTR_S, 6.0, 4.375},
        {"tWTR_L_ns", &HbmTiming::tWTR_L, 8.0, 6.25},
        {"tRTW_ns", &HbmTiming::tRTW, 15.0, 11.25},
        {"tRFC_ns", &HbmTiming::tRFC, 350.0, 350.0},
        {"tRFCpb_ns", &HbmTiming::tRFCpb, 160.0, 200.0},
        {"tRREFD_ns", &HbmTiming::tRREFD, 8.0, 8.125},
        {"tREFI_ns", &HbmTiming::tREFI, 3900.0, 3900.0},
        {"tREFIpb_ns", &HbmTiming::tREFIpb, 122.0, 121.875},
    }};
    return keys;
}

HbmTiming preset(Standard standard) {
    HbmTiming timing;
    if (standard == Standard::ideal) return timing;
    for (const TimingKey& key : timing_keys()) timing.*key.member = standard == Standard::hbm2 ? key.hbm2 : key.hbm3;
    return timing;
}

void read_timing(JsonReader reader, HbmTiming& timing) {
    constexpr double longest = 1e4, longest_interval = 1e9;  // ns
    for (const TimingKey& key : timing_keys()) {
        const bool interval = key.member == &HbmTiming::tREFI || key.member == &HbmTiming::tREFIpb;
        if (reader.has(key.key))
            timing.*key.member = reader.number(key.key, 0.0, interval ? longest_interval : longest);
    }
    reader.finish();
}

}  // namespace tilemesh::memory

// SPDX-License-Identifier: Apache-2.0
// The timing parameters of one HBM channel, under their JEDEC names, and the presets of the standards. Values of a
// preset are data in timing.cpp, with their sources; a machine file may replace each of them by name.
#pragma once

#include "sim/base/json_reader.h"

#include <array>
#include <string_view>

namespace tilemesh::memory {

/// Times between commands in nanoseconds (clocks are not whole picoseconds), counted between their ends. All zero: a
/// channel that only has a rate.
struct HbmTiming {
    double clock = 0;                                    // one column command per channel and clock
    double activate_command = 0, precharge_command = 0;  // how long they hold the channel's row command bus
    double row_command_slot = 0;                         // precharges may start on multiples of this
    double tCL = 0, tCWL = 0;                            // from a read or write command to its first data
    double tRCDRD = 0, tRCDWR = 0, tRP = 0, tRAS = 0;  // activate to read, to write; precharge to activate; and back
    double tWR = 0, tRTP = 0;                          // end of write data to precharge; read to precharge
    double tCCD_S = 0, tCCD_L = 0, tCCD_R = 0;         // column to column: other, same bank group; reads, other stack
    double tRRD_S = 0, tRRD_L = 0, tFAW = 0, tPPD = 0;  // activate to activate; four of them; precharge to precharge
    double tWTR_S = 0, tWTR_L = 0, tRTW = 0;            // end of write data to read; read to write
    double tRFC = 0, tRFCpb = 0, tRREFD = 0, tREFI = 0, tREFIpb = 0;  // refreshes and how often they are due

    bool operator==(const HbmTiming&) const = default;
};

/// One parameter: its key, where it lives, and its value in each preset, in nanoseconds.
struct TimingKey {
    std::string_view key;
    double HbmTiming::*member;
    double hbm2, hbm3;
};
/// Every timing key, in the order of the documentation.
const std::array<TimingKey, 27>& timing_keys();

enum class Standard { ideal, hbm2, hbm3 };
/// The preset of a standard; zero for `ideal`.
HbmTiming preset(Standard standard);
/// Replaces the parameters that the object names.
void read_timing(JsonReader reader, HbmTiming& timing);

}  // namespace tilemesh::memory

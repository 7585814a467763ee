// SPDX-License-Identifier: Apache-2.0
// Configuration of one PE's HBM slice: geometry, address mapping, timing, refresh. Plain data.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/base/units.h"
#include "sim/memory/address_map.h"
#include "sim/memory/timing.h"

#include <string>
#include <string_view>

namespace tilemesh::memory {

enum class RefreshMode { none, all_bank, per_bank };

struct HbmConfig {
    Bytes capacity;     // of one PE's slice
    Rate channel_rate;  // peak of one channel, all its pseudo-channels together
    Standard standard = Standard::ideal;
    HbmGeometry geometry;
    std::string mapping;  // see AddressMap
    HbmTiming timing;
    RefreshMode refresh = RefreshMode::none;
    bool refresh_together = false;        // per-bank refreshes take one bank of every pseudo-channel at once
    int queue_entries = 64;               // bursts of each direction that a channel's controller chooses from
    int bank_queue_entries = 0;           // bursts of each bank that take no room in that queue
    bool acknowledge_at_command = false;  // a write is done for its sender when its command goes out
    Picoseconds access_latency;           // between the slice's port and its controllers, both ways together

    bool operator==(const HbmConfig&) const = default;
    Rate peak() const { return Rate::gbytes_per_s(channel_rate.gbytes_per_s() * geometry.channels); }
    /// For how long a refresh keeps the banks that it is of from everybody.
    Picoseconds longest_pause() const {
        if (refresh == RefreshMode::none) return Picoseconds();
        const double ns = refresh == RefreshMode::all_bank ? timing.tRFC : timing.tRFCpb;
        return Picoseconds(static_cast<std::uint64_t>(ns * 1000.0));
    }
    /// For how long a refresh of all banks keeps the channel from everybody: its pseudo-channels close one after the
    /// other, then rows open again. 0 without such refreshes.
    Picoseconds refresh_gap() const {
        if (refresh != RefreshMode::all_bank) return Picoseconds();
        return from_nanoseconds(timing.tRTP + geometry.pseudo_channels * timing.tRP + timing.tRFC + timing.tRCDRD);
    }
    Rate lane_rate() const { return Rate::gbytes_per_s(channel_rate.gbytes_per_s() / geometry.pseudo_channels); }
};

HbmConfig read_hbm(JsonReader reader);

/// The book of one slice's room. Tensors start on a fresh row of all channels, so that their transfers are alike.
class SliceBook {
public:
    explicit SliceBook(const HbmConfig& config)
        : capacity_(config.capacity.value()),
          line_(config.geometry.row * static_cast<std::uint64_t>(config.geometry.lanes())) {}
    /// Reserves room and returns its address. InputError naming `what` and `slice` when there is none.
    std::uint64_t allocate(std::uint64_t bytes, std::string_view what, std::string_view slice);

private:
    std::uint64_t capacity_, line_;
    std::uint64_t next_address_ = 0;
};

}  // namespace tilemesh::memory

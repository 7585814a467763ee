// SPDX-License-Identifier: Apache-2.0
// Configuration of one PE's HBM slice: channels, bursts, rows, refresh. Plain data.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/base/units.h"

#include <string_view>

namespace tilemesh::memory {

struct HbmConfig {
    Bytes capacity;                // of one PE's slice
    int channels = 8;              // pseudo-channels of the slice
    Rate channel_rate;             // peak of one channel
    Bytes interleave;              // consecutive bytes on one channel before the next channel's turn
    Bytes burst;                   // smallest access; a part of a burst costs a whole one
    Bytes row;                     // bytes of one open row in one channel
    Picoseconds row_switch;        // exposed cost of going to another row (the rest hides behind other banks)
    Picoseconds access_latency;    // from a request at the controller to its first byte
    Picoseconds refresh_interval;  // every so often ...
    Picoseconds refresh;           // ... the channel stands still for so long (0: no refresh)

    Rate peak() const { return Rate::gbytes_per_s(channel_rate.gbytes_per_s() * channels); }
};

HbmConfig read_hbm(JsonReader reader);

/// The book of one slice's room. Tensors start on a fresh row of all channels, so that their transfers are alike.
class SliceBook {
public:
    explicit SliceBook(const HbmConfig& config)
        : capacity_(config.capacity.value()),
          line_(config.row.value() * static_cast<std::uint64_t>(config.channels)) {}
    /// Reserves room and returns its address. InputError naming `what` and `slice` when there is none.
    std::uint64_t allocate(std::uint64_t bytes, std::string_view what, std::string_view slice);

private:
    std::uint64_t capacity_, line_;
    std::uint64_t next_address_ = 0;
};

}  // namespace tilemesh::memory

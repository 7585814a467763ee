// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/config.h"

#include "sim/base/error.h"

#include <fmt/core.h>

namespace tilemesh::memory {

HbmConfig read_hbm(JsonReader reader) {
    HbmConfig hbm;
    hbm.capacity = Bytes(reader.integer("bytes_per_pe", 1024, std::uint64_t{1} << 46));
    hbm.channels = static_cast<int>(reader.integer("channels_per_pe", 1, 64));
    hbm.channel_rate = Rate::gbytes_per_s(reader.number("gbytes_per_s_per_channel", 0.001, 1e6));
    hbm.interleave = Bytes(reader.integer("interleave_bytes", 1, 1 << 24, 256));
    hbm.burst = Bytes(reader.integer("burst_bytes", 1, 1 << 16, 64));
    hbm.row = Bytes(reader.integer("row_bytes", 1, 1 << 24, 1024));
    hbm.row_switch = from_nanoseconds(reader.number("row_switch_ns", 0.0, 1e6));
    hbm.access_latency = from_nanoseconds(reader.number("access_latency_ns", 0.0, 1e6));
    hbm.refresh_interval = from_nanoseconds(reader.number("refresh_interval_ns", 0.0, 1e9, 0.0));
    hbm.refresh = from_nanoseconds(reader.number("refresh_ns", 0.0, 1e9, 0.0));
    if (hbm.interleave.value() % hbm.burst.value() != 0 || hbm.row.value() % hbm.interleave.value() != 0) {
        reader.complain(
            fmt::format("interleave_bytes ({}) must be a multiple of burst_bytes ({}) and row_bytes ({}) a "
                        "multiple of interleave_bytes",
                        hbm.interleave.value(), hbm.burst.value(), hbm.row.value()));
    }
    if (hbm.refresh.value() > 0 && hbm.refresh >= hbm.refresh_interval) {
        reader.complain(fmt::format("refresh_ns: found {}, expected less than refresh_interval_ns ({})",
                                    to_nanoseconds(hbm.refresh), to_nanoseconds(hbm.refresh_interval)));
    }
    reader.finish();
    return hbm;
}

std::uint64_t SliceBook::allocate(std::uint64_t bytes, std::string_view what, std::string_view slice) {
    const std::uint64_t begin = (next_address_ + line_ - 1) / line_ * line_;
    if (bytes > capacity_ || begin > capacity_ - bytes) {
        fail<InputError>(
            "{} needs {} bytes of HBM at {}, where {} of {} are taken: use more ranks or a smaller problem, "
            "or raise hbm.bytes_per_pe",
            what, bytes, slice, next_address_, capacity_);
    }
    next_address_ = begin + bytes;
    return begin;
}

}  // namespace tilemesh::memory

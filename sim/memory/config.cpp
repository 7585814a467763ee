// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/config.h"

#include "sim/base/error.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace tilemesh::memory {
namespace {

/// What the words of the file mean, in the order in which they are listed there.
const std::vector<std::string> standards{"ideal", "HBM2", "HBM3"}, refresh_modes{"none", "all_bank", "per_bank"};

/// Of the row command bus in a clock: parts have 1, 2 or 4, and every one is looked at.
constexpr int most_slots = 64;
constexpr int most_clocks = 8;                // of a command: parts have 1 to 4
constexpr std::uint64_t most_columns = 1024;  // of a row: parts have 32 to 128

int count(JsonReader& reader, std::string_view key, std::uint64_t most, int otherwise) {
    return static_cast<int>(reader.integer(key, 1, most, static_cast<std::uint64_t>(otherwise)));
}

/// Chunks of 256 bytes per channel; where a row has no such parts, as many bursts as fit into 256 and into a row.
std::string usual_mapping(const HbmGeometry& geometry) {
    constexpr std::uint64_t chunk = 256;
    const std::uint64_t columns = geometry.row / geometry.burst;
    std::uint64_t bursts = std::clamp<std::uint64_t>(chunk / geometry.burst, 1, std::max<std::uint64_t>(columns, 1));
    while (columns % bursts != 0) --bursts;
    if (bursts * geometry.burst == chunk) return "256B_chunk_per_channel";
    return fmt::format("row bank stack column bank_group pseudo_channel channel column:{}", bursts);
}

/// Refreshes that take longer than they are apart would pile up and leave no time for anything else.
void check_refresh(const HbmConfig& hbm, const JsonReader& reader) {
    const HbmTiming& timing = hbm.timing;
    // Until a bank that has just been opened is closed again.
    const double open = std::max(
        {timing.tRAS, timing.tRCDRD + timing.tRTP, timing.tRCDWR + timing.tCWL + 2 * timing.tCCD_L + timing.tWR});
    const double closing = open + timing.tRP;
    const auto must_fit = [&](const char* key, double interval, const char* what, double taken) {
        if (taken <= interval) return;
        reader.complain(fmt::format("timing: {}: found {}, expected at least {} for {}", key, interval, taken, what));
    };
    if (hbm.refresh == RefreshMode::all_bank) {
        must_fit("tREFI_ns", timing.tREFI, "twice the closing of a bank and tRFC_ns", 2 * (closing + timing.tRFC));
        must_fit("tREFI_ns", timing.tREFI, "twice tRFC_ns, tRTP_ns, tRCDRD_ns and tRP_ns of each pseudo-channel",
                 2 * to_nanoseconds(hbm.refresh_gap()));
    }
    if (hbm.refresh == RefreshMode::per_bank) {
        must_fit("tREFIpb_ns", timing.tREFIpb, "the closing of a bank and four times tRREFD_ns or tRRD_L_ns",
                 std::max(closing, 4 * std::max(timing.tRREFD, timing.tRRD_L)));
        must_fit("tREFIpb_ns", timing.tREFIpb, "half of tFAW_ns: refreshes of banks count as activates",
                 timing.tFAW / 2);
        const int banks = hbm.geometry.stacks * hbm.geometry.bank_groups * hbm.geometry.banks;
        must_fit("tREFIpb_ns", timing.tREFIpb, "tRFCpb_ns and tRP_ns over the banks that take turns",
                 2 * (timing.tRFCpb + timing.tRP) / banks);
    }
}

void check(const HbmConfig& hbm, const JsonReader& reader) {
    if (hbm.geometry.row % hbm.geometry.burst != 0 || hbm.geometry.row / hbm.geometry.burst > most_columns)
        reader.complain(fmt::format("row_bytes ({}) must be 1 to {} times burst_bytes ({}), a whole number of times",
                                    hbm.geometry.row, most_columns, hbm.geometry.burst));
    if (hbm.standard == Standard::ideal && hbm.refresh != RefreshMode::none)
        reader.complain("refresh: an ideal memory has none");
    const HbmTiming& timing = hbm.timing;
    const double slots = timing.clock / timing.row_command_slot;
    if (hbm.standard != Standard::ideal &&
        !(slots >= 1 && slots <= most_slots && std::abs(slots - std::round(slots)) < 1e-6))
        reader.complain(fmt::format(
            "timing: clock_ns ({}) must be 1 to {} times row_command_slot_ns ({}), a whole number of times",
            timing.clock, most_slots, timing.row_command_slot));
    for (const auto& [key, length] : {std::pair{"activate_command_ns", timing.activate_command},
                                      std::pair{"precharge_command_ns", timing.precharge_command}}) {
        if (length > most_clocks * timing.clock)
            reader.complain(fmt::format("timing: {}: found {}, expected at most {} times clock_ns ({})", key, length,
                                        most_clocks, timing.clock));
    }
    check_refresh(hbm, reader);
    try {
        const AddressMap map(hbm.geometry, hbm.mapping);
    } catch (const InputError& error) {
        reader.complain(fmt::format("mapping: {}", error.what()));
    }
}

}  // namespace

HbmConfig read_hbm(JsonReader reader) {
    HbmConfig hbm;
    hbm.capacity = Bytes(reader.integer("bytes_per_pe", 1024, std::uint64_t{1} << 46));
    hbm.standard = reader.choice("standard", standards, Standard::hbm3);
    const bool ideal = hbm.standard == Standard::ideal;
    hbm.channel_rate = Rate::gbytes_per_s(reader.number("gbytes_per_s_per_channel", 0.001, 1e6));
    hbm.geometry.channels = static_cast<int>(reader.integer("channels_per_pe", 1, 1024));
    hbm.geometry.pseudo_channels = count(reader, "pseudo_channels", 4, ideal ? 1 : 2);
    hbm.geometry.stacks = count(reader, "stacks", 16, hbm.standard == Standard::hbm3 ? 2 : 1);
    hbm.geometry.bank_groups = count(reader, "bank_groups", 64, 4);
    hbm.geometry.banks = count(reader, "banks_per_group", 64, 4);
    hbm.geometry.burst = reader.integer("burst_bytes", 1, 1 << 16, 32);
    hbm.geometry.row = reader.integer("row_bytes", 1, 1 << 16, 1024);
    hbm.mapping = reader.string("mapping", usual_mapping(hbm.geometry));
    hbm.refresh = reader.choice("refresh", refresh_modes, ideal ? RefreshMode::none : RefreshMode::all_bank);
    hbm.refresh_together = reader.boolean("refresh_together", hbm.standard == Standard::hbm3);
    hbm.queue_entries = count(reader, "queue_entries", 4096, 64);
    hbm.bank_queue_entries = static_cast<int>(reader.integer("bank_queue_entries", 0, 4096, 0));
    hbm.acknowledge_at_command = reader.word("write_acknowledge", {"data", "command"}, "data") == "command";
    hbm.access_latency = from_nanoseconds(reader.number("access_latency_ns", 0.0, 1e6, 0.0));
    hbm.timing = preset(hbm.standard);
    if (auto timing = reader.optional_member("timing")) {
        if (ideal) timing->complain("an ideal memory has no timing; set standard to HBM2 or HBM3");
        read_timing(*timing, hbm.timing);
    }
    check(hbm, reader);
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

// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/config.h"

#include "sim/base/error.h"

#include <fmt/core.h>

#include <cmath>

namespace tilemesh::memory {
namespace {

/// What the words of the file mean, in the order in which they are listed there.
const std::vector<std::string> standards{"ideal", "HBM2", "HBM3"}, refresh_modes{"none", "all_bank", "per_bank"};

template <class Enum>
Enum choice(JsonReader& reader, std::string_view key, const std::vector<std::string>& words, Enum otherwise) {
    const std::string word = reader.word(key, words, words[static_cast<std::size_t>(otherwise)]);
    for (std::size_t i = 0; i < words.size(); ++i)
        if (words[i] == word) return static_cast<Enum>(i);
    return otherwise;
}

int count(JsonReader& reader, std::string_view key, std::uint64_t most, int otherwise) {
    return static_cast<int>(reader.integer(key, 1, most, static_cast<std::uint64_t>(otherwise)));
}

void check(const HbmConfig& hbm, const JsonReader& reader) {
    if (hbm.geometry.row % hbm.geometry.burst != 0)
        reader.complain(fmt::format("row_bytes ({}) must be a multiple of burst_bytes ({})", hbm.geometry.row,
                                    hbm.geometry.burst));
    if (hbm.standard == Standard::ideal && hbm.refresh != RefreshMode::none)
        reader.complain("refresh: an ideal memory has none");
    const HbmTiming& timing = hbm.timing;
    const double slots = timing.clock / timing.row_command_slot;
    if (hbm.standard != Standard::ideal && !(slots >= 1 && std::abs(slots - std::round(slots)) < 1e-6))
        reader.complain(fmt::format("timing: clock_ns ({}) must be a multiple of row_command_slot_ns ({}), both above 0",
                                    timing.clock, timing.row_command_slot));
    if (hbm.refresh == RefreshMode::all_bank && timing.tRFC * 2 >= timing.tREFI)
        reader.complain(fmt::format("timing: tRFC_ns: found {}, expected less than half of tREFI_ns ({})", timing.tRFC,
                                    timing.tREFI));
    if (hbm.refresh == RefreshMode::per_bank && timing.tREFIpb < timing.tRREFD * 4)
        reader.complain(fmt::format("timing: tREFIpb_ns: found {}, expected at least four times tRREFD_ns ({})",
                                    timing.tREFIpb, timing.tRREFD));
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
    hbm.standard = choice(reader, "standard", standards, Standard::hbm3);
    const bool ideal = hbm.standard == Standard::ideal;
    hbm.channel_rate = Rate::gbytes_per_s(reader.number("gbytes_per_s_per_channel", 0.001, 1e6));
    hbm.geometry.channels = static_cast<int>(reader.integer("channels_per_pe", 1, 1024));
    hbm.geometry.pseudo_channels = count(reader, "pseudo_channels", 4, ideal ? 1 : 2);
    hbm.geometry.stacks = count(reader, "stacks", 16, hbm.standard == Standard::hbm3 ? 2 : 1);
    hbm.geometry.bank_groups = count(reader, "bank_groups", 64, 4);
    hbm.geometry.banks = count(reader, "banks_per_group", 64, 4);
    hbm.geometry.burst = reader.integer("burst_bytes", 1, 1 << 16, 32);
    hbm.geometry.row = reader.integer("row_bytes", 1, 1 << 24, 1024);
    hbm.mapping = reader.string("mapping", "256B_chunk_per_channel");
    hbm.refresh = choice(reader, "refresh", refresh_modes, ideal ? RefreshMode::none : RefreshMode::all_bank);
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

// SPDX-License-Identifier: Apache-2.0
// HBM against cycle-accurate simulators: the same bursts, windows, mappings and refreshes on channels of the same
// standard. Ramulator's rows run with the presets of sim/memory/timing.cpp; DRAMsim3's with the timing that its file
// states. Every row is also booked as whole transfers, the way kernels run, so that the error of that is known too;
// rows with writes are booked against the command-level controllers, since no reference has them.
#include "sim/base/names.h"
#include "sim/probe/memory_load.h"
#include "sim/validation/families.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>

namespace tilemesh::validation {
namespace {

constexpr std::uint64_t slice_bytes = std::uint64_t{1} << 30;  // random bursts rarely meet an open row of their own

/// Peak of one channel: 128 bits at 2 Gb/s, 64 bits at 6.4 Gb/s.
double channel_gbytes_per_s(const std::string& standard) { return standard == "HBM2" ? 32.0 : 51.2; }

memory::HbmConfig hbm_of(Json hbm, const std::string& what) {
    hbm["bytes_per_pe"] = slice_bytes;
    return memory::read_hbm(JsonReader(hbm, what));
}

bool has_suite(const std::string& standard) { return standard == "HBM2" || standard == "HBM3"; }

/// What rows of bursts have in common, whoever served them.
struct BurstRow {
    memory::HbmConfig hbm;
    memory::BurstLoad load;
    double gbytes_per_s;
    std::string name, group;  // rows of a group differ in their mapping only
};
BurstRow read_burst_row(JsonReader& row, const std::string& standard, const std::string& write_acknowledge) {
    BurstRow read;
    const auto channels = row.integer("channels", 1, 64);
    const std::string refresh = row.word("refresh", {"none", "all_bank", "per_bank"});
    const std::string mapping = row.string("mapping");
    read.hbm = hbm_of({{"channels_per_pe", channels},
                       {"standard", standard},
                       {"gbytes_per_s_per_channel", channel_gbytes_per_s(standard)},
                       {"refresh", refresh},
                       {"mapping", mapping},
                       {"write_acknowledge", write_acknowledge}},
                      row.place());
    const std::string mode = row.word("mode", {"seq", "rand"});
    memory::BurstLoad& load = read.load;
    load.random = mode == "rand";
    load.burst = row.integer("burst_bytes", 1, slice_bytes);
    load.window = row.integer("window_bytes", 1, slice_bytes);
    load.total = row.integer("total_bytes", 1, slice_bytes);
    load.write_share = row.number("write", 0.0, 1.0, 0.0);
    read.gbytes_per_s = row.number("gbytes_per_s", 1e-6, 1e6);
    const std::string writes = load.write_share > 0 ? fmt::format(", {:g} % writes", 100.0 * load.write_share) : "";
    const std::string rest = fmt::format("{} channels, refresh {}, {} {} B, window {} B{}", channels, refresh, mode,
                                         load.burst, load.window, writes);
    read.name = fmt::format("{} {}, {}", standard, mapping, rest);
    read.group = standard + " " + rest;
    return read;
}

Case ramulator_case(JsonReader row) {
    const std::string standard = row.string("standard");
    if (!has_suite(standard))
        return not_compared("memory_bandwidth", fmt::format("standard {} has no suite", printable(standard)));
    // The reference counts a write as done when its command goes out.
    const BurstRow read = read_burst_row(row, standard, "command");
    const memory::HbmConfig& hbm = read.hbm;
    const memory::BurstLoad& load = read.load;
    const double rate = read.gbytes_per_s;
    const double mean = row.number("latency_mean_ns", 1e-3, 1e9), least = row.number("latency_min_ns", 1e-3, 1e9);
    const std::string &name = read.name, &group = read.group;
    return {name, {"memory_bandwidth", "memory_latency", "memory_booked"}, [=] {
                const memory::BurstResult result = memory::run_bursts(hbm, load);
                const probe::BookedResult booked = probe::run_booked(hbm, load);
                return std::vector<Comparison>{
                    {"memory_bandwidth", name, rate, result.gbytes_per_s, "GB/s", 0.0, group},
                    {"memory_latency", name + ", mean", mean, result.latency_mean_ns, "ns"},
                    {"memory_latency", name + ", min", least, result.latency_min_ns, "ns"},
                    {"memory_booked", name, rate, booked.gbytes_per_s, "GB/s", 0.0, group}};
            }};
}

/// A row that the controllers served command by command: what transfers are booked with is held against it.
Case mixed_case(JsonReader row) {
    const std::string standard = row.string("standard");
    if (!has_suite(standard))
        return not_compared("memory_booked_mixed", fmt::format("standard {} has no suite", printable(standard)));
    const BurstRow read = read_burst_row(row, standard, "data");
    return {read.name, {"memory_booked_mixed"}, [=] {
                return std::vector<Comparison>{{"memory_booked_mixed", read.name, read.gbytes_per_s,
                                                probe::run_booked(read.hbm, read.load).gbytes_per_s, "GB/s"}};
            }};
}

/// The timing that the file's text about itself states, under our names.
Json stated_timing(JsonReader about) {
    Json timing = {{"activate_command_ns", 1.0}};  // one slot of the command bus, as every command there
    const JsonReader stated = about.member("hbm2_timing_ns");
    for (const auto& [key, value] : stated.value().items()) {
        if (key == "tRCD") {
            timing["tRCDRD_ns"] = timing["tRCDWR_ns"] = value;
        } else {
            timing[(key.front() == 't' ? key : "t" + key) + "_ns"] = value;
        }
    }
    return timing;
}

/// A row of DRAMsim3's HBM parts: 64 columns of two beats as wide as the part's name says, 2 KiB of an "x128". A name
/// without a width has the row that the file states.
std::uint64_t dramsim3_row_bytes(const std::string& config, JsonReader& geometry) {
    const std::uint64_t stated = geometry.integer("row_bytes", 1, 1 << 24);
    const std::size_t word = config.find("_x");
    const long bits = word == std::string::npos ? 0 : std::strtol(config.c_str() + word + 2, nullptr, 10);
    return bits > 0 && bits <= 4096 ? 64 * 2 * static_cast<std::uint64_t>(bits) / 8 : stated;
}

Case dramsim3_case(JsonReader row, const Json& timing, JsonReader geometry) {
    const std::string config = row.string("config"), pattern = row.string("pattern");
    const std::size_t word = config.find("ch");
    const std::size_t digits = word == std::string::npos ? 0 : config.find_last_not_of("0123456789", word - 1) + 1;
    if (word == std::string::npos || word == digits)
        row.member("config").reject("a number of channels, as in \"2ch\"");
    const int channels = std::atoi(config.substr(digits, word - digits).c_str());
    const memory::HbmConfig hbm =
        hbm_of({{"channels_per_pe", channels},
                {"standard", "HBM2"},
                {"gbytes_per_s_per_channel", channel_gbytes_per_s("HBM2")},
                {"pseudo_channels", 1},
                {"bank_groups", geometry.integer("bankgroups", 1, 64)},
                {"banks_per_group", geometry.integer("banks_per_group", 1, 64)},
                {"row_bytes", dramsim3_row_bytes(config, geometry)},
                {"burst_bytes", geometry.integer("burst_bytes", 1, 1 << 16)},
                {"mapping", "row bank_group bank channel column"},
                {"refresh", "all_bank"},
                // There, 32 entries of the channel and 8 of each bank, which banks take in turns. Ours serves the
                // oldest first, which leaves more of them filled; these numbers hold what stood in those, latency
                // times throughput: latencies are calibrated by this, rates are not.
                {"queue_entries", 40},
                {"bank_queue_entries", 4},
                {"timing", timing}},
               row.place());
    memory::BurstLoad load;
    const std::size_t light = pattern.find("_light_1in");
    load.random = pattern.rfind("rand", 0) == 0;
    load.request = hbm.geometry.burst;
    load.burst = std::max(load.request, row.integer("burst_B", 0, slice_bytes));
    load.window = 0;
    if (light != std::string::npos) load.every_ns = std::atof(pattern.c_str() + light + 10) * hbm.timing.clock;
    load.total = row.integer("reqs64B", 1, slice_bytes / 64) * 64;
    const double rate = row.number("GBps", 1e-6, 1e6), latency = row.number("avg_read_latency_cyc", 1e-3, 1e9);
    const std::string name = fmt::format("{}, {} {} B", config, pattern, load.burst);
    return {name, {"memory_dramsim3", "memory_dramsim3_latency"}, [=] {
                const memory::BurstResult result = memory::run_bursts(hbm, load);
                return std::vector<Comparison>{
                    {"memory_dramsim3", name, rate, result.gbytes_per_s, "GB/s"},
                    {"memory_dramsim3_latency", name, latency, result.latency_mean_ns / hbm.timing.clock, "cycles"}};
            }};
}

std::vector<Case> cases_of(JsonReader file, const Surroundings&) {
    std::vector<Case> cases;
    if (auto rows = file.optional_member("rows"))
        for (JsonReader& row : rows->elements()) cases.push_back(ramulator_case(row));
    if (auto rows = file.optional_member("booked_rows"))
        for (JsonReader& row : rows->elements()) cases.push_back(mixed_case(row));
    if (auto rows = file.optional_member("dramsim3_rows")) {
        JsonReader about = file.member("about");
        const Json timing = stated_timing(about);
        const JsonReader geometry = about.member("hbm2_geometry");
        for (JsonReader& row : rows->elements()) cases.push_back(dramsim3_case(row, timing, geometry));
    }
    return cases;
}

}  // namespace

Family memory_family() {
    Family family;
    family.name = "memory";
    family.form =
        "rows of {standard, channels, refresh, mapping, mode, burst_bytes, window_bytes, write, total_bytes, "
        "gbytes_per_s, latency_mean_ns, latency_min_ns}; booked_rows, without latencies; dramsim3_rows";
    family.files = {"hbm_bandwidth.json", "hbm_mixed.json"};
    family.suites = {
        {"memory_bandwidth",
         "HBM bandwidth of a DMA engine's bursts, command by command, against Ramulator",
         {median_at_most(0.07), percentile_at_most(90, 0.15), maximum_at_most(0.30),
          same_order_where_separated_by(0.20)}},
        {"memory_latency",
         "mean and least latency of those bursts against Ramulator",
         {median_at_most(0.10), percentile_at_most(90, 0.15)}},
        {"memory_booked",
         "bandwidth of the same bursts when they are booked as whole transfers, as kernels run, against Ramulator",
         {median_at_most(0.10), percentile_at_most(90, 0.25), same_order_where_separated_by(0.20)}},
        {"memory_booked_mixed",
         "bandwidth of reads and writes that take turns, booked as whole transfers, against the same command by "
         "command",
         {median_at_most(0.05), percentile_at_most(90, 0.10), maximum_at_most(0.30)}},
        {"memory_dramsim3",
         "HBM bandwidth of streams of 64-byte requests against DRAMsim3",
         {median_at_most(0.07), percentile_at_most(90, 0.15), maximum_at_most(0.30)}},
        {"memory_dramsim3_latency",
         "mean latency of those requests against DRAMsim3",
         {median_at_most(0.10), maximum_at_most(0.30)},
         true},
    };
    family.recognises = [](const Json& file) {
        return has_row_with(file, "rows", {"standard", "burst_bytes", "window_bytes"}) ||
               has_row_with(file, "booked_rows", {"standard", "burst_bytes", "window_bytes"}) ||
               has_row_with(file, "dramsim3_rows", {"config", "pattern"});
    };
    family.read = cases_of;
    return family;
}

}  // namespace tilemesh::validation

// SPDX-License-Identifier: Apache-2.0
#include "sim/probe/memory_load.h"

#include "sim/memory/channels.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <queue>
#include <vector>

namespace tilemesh::probe {
namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;

}  // namespace

memory::BurstLoad read_memory_load(JsonReader& reader, const memory::HbmConfig& hbm) {
    memory::BurstLoad load;
    load.random = reader.word("mode", {"seq", "rand"}, "seq") == "rand";
    const std::uint64_t largest = std::min(most_bytes, hbm.capacity.value());
    load.burst = reader.integer("burst_bytes", 1, largest, std::min(load.burst, largest));
    load.request = reader.integer("request_bytes", 1, load.burst, load.burst);
    load.window = reader.integer("window_bytes", 1, most_bytes, std::max(load.window, load.request));
    load.total = reader.integer("total_bytes", 1, most_bytes, load.total);
    load.write_share = reader.number("write_share", 0.0, 1.0, 0.0);
    load.every_ns = reader.number("every_ns", 0.0, 1e9, 0.0);
    load.seed = reader.integer("seed", 0, std::uint64_t{1} << 62, load.seed);
    if (load.burst % load.request != 0)
        reader.complain(fmt::format("request_bytes ({}) must divide burst_bytes ({})", load.request, load.burst));
    reader.finish();
    return load;
}

BookedResult run_booked(const memory::HbmConfig& hbm, const memory::BurstLoad& load) {
    memory::ServiceProfile profile(hbm);
    memory::Channels channels(hbm, profile);
    const memory::RequestStream stream(hbm, load);
    std::priority_queue<Picoseconds, std::vector<Picoseconds>, std::greater<>> ends;
    const std::uint64_t at_once = std::max<std::uint64_t>(1, load.window / stream.request_bytes());
    const auto requests = stream.requests();
    Picoseconds now, last;
    double sum = 0.0, least = 1e300;
    for (std::uint64_t i = 0; i < requests; ++i) {
        if (i > 0) now += from_nanoseconds(load.every_ns);
        if (ends.size() == at_once) {
            now = std::max(now, ends.top());
            ends.pop();
        }
        const memory::Channels::Booking booking =
            channels.book(now, {{stream.address(i), stream.request_bytes()}}, stream.writes(i));
        ends.push(booking.end);
        last = std::max(last, booking.end);
        const double latency = to_nanoseconds(booking.end - now);
        sum += latency;
        least = std::min(least, latency);
    }
    BookedResult result;
    result.gbytes_per_s = static_cast<double>(requests * stream.request_bytes()) / to_nanoseconds(last);
    result.fraction_of_peak = result.gbytes_per_s / hbm.peak().gbytes_per_s();
    result.latency_mean_ns = sum / static_cast<double>(requests);
    result.latency_min_ns = least;
    return result;
}

}  // namespace tilemesh::probe

// SPDX-License-Identifier: Apache-2.0
// Power over time, from the windows of a meter, and what it says to the machine's limits.
#include "sim/insight/energy_sums.h"

#include <algorithm>
#include <optional>

namespace tilemesh::insight {
namespace {

/// Picojoules by window.
using Series = std::vector<double>;

Series& operator+=(Series& sum, const Series& other) {
    sum.resize(std::max(sum.size(), other.size()));
    for (std::size_t i = 0; i < other.size(); ++i) sum[i] += other[i];
    return sum;
}

/// `times` windows taken together, from the first on.
Series merged(const Series& series, std::size_t times) {
    Series sums((series.size() + times - 1) / times);
    for (std::size_t i = 0; i < series.size(); ++i) sums[i / times] += series[i];
    return sums;
}

/// Watts of each window of that width; the last ends with the run. A picojoule per picosecond is a watt.
std::vector<double> watts_of(const Series& series, Picoseconds width, Picoseconds time) {
    std::vector<double> watts;
    for (std::size_t i = 0; i < series.size(); ++i) {
        const Picoseconds length = std::min(width, time - width * i);
        watts.push_back(series[i] / static_cast<double>(length.value()));
    }
    return watts;
}

struct Part {
    std::string path;
    Series series;
};

/// The part with the highest peak, and when any of them is above the limit.
report::PowerCheck check(const std::vector<Part>& parts, double limit, std::size_t times, Picoseconds width,
                         Picoseconds time) {
    report::PowerCheck found;
    found.limit_w = limit;
    found.window = width * times;
    std::vector<bool> above;
    for (const Part& part : parts) {
        const std::vector<double> watts = watts_of(merged(part.series, times), found.window, time);
        above.resize(watts.size(), false);
        bool exceeds = false;
        for (std::size_t i = 0; i < watts.size(); ++i) {
            if (watts[i] > limit) above[i] = exceeds = true;
            if (watts[i] <= found.peak_w) continue;
            found.of = part.path;
            found.peak_w = watts[i];
            found.peak_at = found.window * i;
        }
        found.parts += exceeds ? 1 : 0;
    }
    for (std::size_t i = 0; i < above.size(); ++i)
        if (above[i]) found.over += std::min(found.window, time - found.window * i);
    return found;
}

}  // namespace

void power_over_time(EnergyMeter& meter, const machine::MachineConfig& machine, Picoseconds time,
                     const EnergySums& sums, report::EnergyResult& energy) {
    EnergyWindows& windows = meter.windows();
    windows.cover(time);
    const noc::Topology& topology = meter.topology();
    const Picoseconds width = windows.width();
    const std::size_t count = windows.count(time);
    std::vector<Part> whole{{"machine", {}}}, cubes, pes;
    for (int cube = 0; cube < topology.cubes(); ++cube)
        cubes.push_back({"machine.cube" + std::to_string(cube), Series(count)});
    std::vector<double> crossings(static_cast<std::size_t>(topology.pes()), 0.0);
    for (const noc::LinkSpec& link : topology.links())
        if (link.die_to_die) crossings[static_cast<std::size_t>(link.from)] += 1.0;
    for (int pe = 0; pe < topology.pes(); ++pe) {
        // With its slice, and the links out of its router.
        const double standing =
            sums.pe_w + sums.sram_w + sums.hbm_w + sums.die_to_die_w * crossings[static_cast<std::size_t>(pe)];
        Series series(count);
        for (std::size_t i = 0; i < count; ++i) {
            const Picoseconds length = std::min(width, time - width * i);
            series[i] = sums.picojoules(windows.of(pe, i)) + standing * static_cast<double>(length.value());
        }
        cubes[static_cast<std::size_t>(pe / topology.pes_per_cube())].series += series;
        pes.push_back({"machine." + topology.pe_name(pe), std::move(series)});
    }
    for (const Part& cube : cubes) whole.front().series += cube.series;

    energy.window = width;
    energy.average_w = energy.joules / to_seconds(time);
    energy.power_w = watts_of(whole.front().series, width, time);
    const auto peak = std::max_element(energy.power_w.begin(), energy.power_w.end());
    energy.peak_w = *peak;
    energy.peak_at = width * static_cast<std::uint64_t>(peak - energy.power_w.begin());

    if (!machine.power_limit) return;
    const energy::PowerLimit& limit = *machine.power_limit;
    const auto times =
        static_cast<std::size_t>(std::max<std::uint64_t>(1, (limit.window_ps + width.value() - 1) / width.value()));
    const auto add = [&](const std::vector<Part>& parts, const std::optional<double>& watts) {
        if (watts) energy.limits.push_back(check(parts, *watts, std::min(times, count), width, time));
    };
    add(whole, limit.machine);
    add(cubes, limit.cube);
    add(pes, limit.pe);
}

}  // namespace tilemesh::insight

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

/// Recorded windows of a run: all `width` long but the last, which ends with the run.
struct Recorded {
    Picoseconds width, time;

    Picoseconds length(std::size_t begin, std::size_t end) const {
        return std::min(width * end, time) - width * begin;
    }
};

/// Watts of each window. A picojoule per picosecond is a watt.
std::vector<double> watts_of(const Series& series, const Recorded& recorded) {
    std::vector<double> watts;
    for (std::size_t i = 0; i < series.size(); ++i)
        watts.push_back(series[i] / static_cast<double>(recorded.length(i, i + 1).value()));
    return watts;
}

struct Part {
    std::string path;
    Series series;
};

/// Calls use(begin, end, watts) for stretches of recorded windows that last `least` or longer, by where they begin.
/// Of longer ones that come apart into two of at least that length one half has at least the mean of both, so that
/// these are left out: no stretch has a greater mean than all that are left.
template <class Use>
void for_stretches(const Series& series, const Recorded& recorded, Picoseconds least, Use use) {
    const Picoseconds whole =
        recorded.width * ((least.value() + recorded.width.value() - 1) / recorded.width.value());
    for (std::size_t begin = 0; begin < series.size(); ++begin) {
        double sum = 0.0;
        for (std::size_t end = begin + 1; end <= series.size(); ++end) {
            sum += series[end - 1];
            const Picoseconds length = recorded.length(begin, end);
            if (length >= whole + least) break;
            if (length >= least) use(begin, end, sum / static_cast<double>(length.value()));
        }
    }
}

/// The part with the highest peak, and for how long any of them is above the limit.
report::PowerCheck check(const std::vector<Part>& parts, double limit, Picoseconds least, const Recorded& recorded) {
    report::PowerCheck found;
    found.limit_w = limit;
    found.window = least;
    std::vector<std::size_t> above(parts.front().series.size(), 0);  // by begin: where the last such stretch ends
    for (const Part& part : parts) {
        bool exceeds = false;
        for_stretches(part.series, recorded, least, [&](std::size_t begin, std::size_t end, double watts) {
            if (watts > limit) {
                exceeds = true;
                above[begin] = std::max(above[begin], end);
            }
            if (watts <= found.peak_w) return;
            found.of = part.path;
            found.peak_w = watts;
            found.peak_at = recorded.width * begin;
        });
        found.parts += exceeds ? 1 : 0;
    }
    std::size_t counted = 0;
    for (std::size_t begin = 0; begin < above.size(); ++begin) {
        const std::size_t from = std::max(begin, counted);
        if (above[begin] <= from) continue;
        found.over += recorded.length(from, above[begin]);
        counted = above[begin];
    }
    return found;
}

}  // namespace

void power_over_time(EnergyMeter& meter, const machine::MachineConfig& machine, Picoseconds time,
                     const EnergySums& sums, report::EnergyResult& energy) {
    EnergyWindows& windows = meter.windows();
    windows.cover(time);
    const noc::Topology& topology = meter.topology();
    const Picoseconds width = windows.width();
    const Recorded recorded{width, time};
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
            const auto length = static_cast<double>(recorded.length(i, i + 1).value());
            series[i] = sums.picojoules(windows.of(pe, i)) + standing * length;
        }
        cubes[static_cast<std::size_t>(pe / topology.pes_per_cube())].series += series;
        pes.push_back({"machine." + topology.pe_name(pe), std::move(series)});
    }
    for (const Part& cube : cubes) whole.front().series += cube.series;

    energy.window = width;
    energy.average_w = energy.joules / to_seconds(time);
    energy.power_w = watts_of(whole.front().series, recorded);
    for_stretches(whole.front().series, recorded, std::min(width, time), [&](std::size_t begin, auto, double watts) {
        if (watts <= energy.peak_w) return;
        energy.peak_w = watts;
        energy.peak_at = width * begin;
    });

    if (!machine.power_limit) return;
    const energy::PowerLimit& limit = *machine.power_limit;
    // A run that is shorter than a window is judged as a whole.
    const Picoseconds least = std::min(std::max(Picoseconds(limit.window_ps), width), time);
    const auto add = [&](const std::vector<Part>& parts, const std::optional<double>& watts) {
        if (watts) energy.limits.push_back(check(parts, *watts, least, recorded));
    };
    add(whole, limit.machine);
    add(cubes, limit.cube);
    add(pes, limit.pe);
}

}  // namespace tilemesh::insight

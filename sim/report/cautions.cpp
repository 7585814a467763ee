// SPDX-License-Identifier: Apache-2.0
// Each regime is a function of a result: the evidence, or nothing when the run is outside of it. Why each is one, and
// how large errors there are, is in adr/0020-accuracy-contract.md.
#include "sim/report/cautions.h"

#include "sim/report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace tilemesh::report {
namespace {

struct Regime {
    std::string name;
    std::string doubt;  // what not to trust, and what shows how much
    /// The figures that put a result into the regime.
    std::optional<std::string> (*evidence)(const KernelResult&);
};

// Latencies under load are compared with flit-level simulation up to this share of saturation.
constexpr double crowded = 0.7;
std::optional<std::string> crowded_link(const KernelResult& result) {
    if (result.busiest_link.share_of_peak <= crowded) return {};
    return fmt::format("{:.0f}% of its rate", 100.0 * result.busiest_link.share_of_peak);
}

// Shorter accesses than this do not reach every channel, and the order of banks decides. They matter where HBM works
// for a noticeable part of the time.
constexpr double short_access_bytes = 1024.0, noticeable = 0.05;
std::optional<std::string> short_accesses(const KernelResult& result) {
    std::uint64_t requests = 0;
    for (const ComponentResult& part : result.components)
        if (part.kind == "hbm") requests += part.activities;
    if (requests == 0 || result.hbm_share_of_peak < noticeable) return {};
    const double bytes = static_cast<double>(result.hbm_bytes.value()) / static_cast<double>(requests);
    if (bytes >= short_access_bytes) return {};
    return fmt::format("{:.0f} bytes on average", bytes);
}

// Twice the best that engines, HBM and links allow, none of them busy, and the account says so too: most of the time
// something waits for a latency.
constexpr double mostly_waiting = 1.0;
std::optional<std::string> latency_dominated(const KernelResult& result) {
    const bool bound_known = result.schedule_bound.time > Picoseconds();
    const bool known_better = !result.bound.empty() && result.bound != "latency" && result.bound != "issue";
    if (!bound_known || known_better || result.schedule_distance <= mostly_waiting ||
        busiest_part_of(result).hardly_waits())
        return {};
    return fmt::format("{:.1f}x its schedule bound", 1.0 + result.schedule_distance);
}

// What launches cost was fitted from averages; it matters where they take a noticeable part of a PE's time.
constexpr double many_launches = 0.1;
std::optional<std::string> short_launches(const KernelResult& result) {
    Picoseconds most;
    for (const ComponentResult& part : result.components)
        if (part.kind == "launch") most = std::max(most, part.busy);
    const double share = static_cast<double>(most.value()) / static_cast<double>(result.time.value());
    if (share <= many_launches) return {};
    return fmt::format("launches take {:.0f}% of the time", 100.0 * share);
}

std::optional<std::string> too_much_power(const KernelResult& result) {
    if (!result.energy) return {};
    for (const PowerCheck& limit : result.energy->limits)
        if (limit.parts > 0) return fmt::format("{} {:.4g} of {:.4g} W", limit.of, limit.peak_w, limit.limit_w);
    return {};
}

const std::vector<Regime>& regimes() {
    static const std::vector<Regime> all{
        {"a crowded link", "waits for links are validated up to 70% of saturation (validate network)", crowded_link},
        {"short HBM accesses", "the order of banks decides; single cases are off by up to 30% (validate memory)",
         short_accesses},
        {"mostly waiting", "fixed latencies and the order of issue decide, not rates (validate dma)",
         latency_dominated},
        {"short launches", "what a launch costs varies from launch to launch (validate silicon_2048)",
         short_launches},
        {"above its power limit", "a real machine would slow down", too_much_power},
    };
    return all;
}

constexpr std::size_t most_shown = 3;  // kernels by name; the rest is in the result file

}  // namespace

std::vector<Caution> cautions_of(const KernelResult& result) {
    std::vector<Caution> cautions;
    if (result.status != Status::ok) return cautions;
    for (const Regime& regime : regimes())
        if (const auto evidence = regime.evidence(result)) cautions.push_back({regime.name, *evidence, regime.doubt});
    return cautions;
}

std::string cautions_text(const PanelResult& panel) {
    std::string out;
    for (const Regime& regime : regimes()) {
        std::vector<std::string> kernels;
        for (const KernelResult& kernel : panel.kernels)
            for (const Caution& caution : kernel.cautions)
                if (caution.regime == regime.name)
                    kernels.push_back(fmt::format("{} ({})", kernel.label, caution.evidence));
        if (kernels.empty()) continue;
        const std::size_t shown = kernels.size() <= most_shown + 1 ? kernels.size() : most_shown;
        const std::string more = shown < kernels.size() ? fmt::format(" and {} more", kernels.size() - shown) : "";
        out += fmt::format("less certain, {}: {}{}; {}\n", regime.name,
                           fmt::join(kernels.begin(), kernels.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                           more, regime.doubt);
    }
    return out;
}

}  // namespace tilemesh::report

// SPDX-License-Identifier: Apache-2.0
// The one sentence under a panel's table. A kernel whose answer is wrong cannot win, however fast it is.
#include "sim/report/summary.h"
#include "sim/report/table.h"
#include "sim/report/words.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace tilemesh::report {
namespace {

// Further above its bounds than this, a kernel is not "bound by" what the bound names: latency or poor overlap is, or
// work that the bound does not count, such as masked parts of tiles.
constexpr double near_bound = 0.25;

std::string speed_clause(const std::vector<const KernelResult*>& order) {
    const KernelResult& first = *order.front();
    if (order.size() == 1 && first.time == Picoseconds()) return fmt::format("{} has nothing to do", first.label);
    if (order.size() == 1) return fmt::format("{} took {}", first.label, in_words(first.time));
    const KernelResult& second = *order[1];
    if (second.time == Picoseconds()) return fmt::format("{} and {} have nothing to do", first.label, second.label);
    if (first.time == Picoseconds()) return fmt::format("{} has nothing to do", first.label);
    const double ratio = static_cast<double>(second.time.value()) / static_cast<double>(first.time.value());
    if (ratio < 1.0005) return fmt::format("{} and {} are equally fast", first.label, second.label);
    if (ratio < 1.1) {
        return fmt::format("{} is fastest: {:.1f}% faster than {}", first.label, 100.0 * (ratio - 1.0), second.label);
    }
    return fmt::format("{} is fastest: {:.2f}x as fast as {}", first.label, ratio, second.label);
}

/// "4.2% above", or "11.7x" where percents stop saying anything.
std::string how_far(double distance) {
    return distance < 1.0 ? fmt::format("{:.1f}% above", 100.0 * distance) : fmt::format("{:.1f}x", 1.0 + distance);
}

/// The word of the account as a part of a sentence; `mostly`: it names no more than what takes most of the time.
std::string by_account(const std::string& bound, bool mostly) {
    if (bound == "imbalance") return "held up by PEs that have more to do than others";
    const std::string often = mostly ? " most of the time" : "";
    if (bound == "latency") return "waiting for latencies" + often;
    if (bound == "SRAM") return "waiting for the SRAM, its room or its port" + (mostly ? "," + often : "");
    return bound + "-bound" + often;
}

/// What keeps the kernel from being faster: the word of its line in the table, or where no account was kept, what the
/// nearest bound names.
std::string limit_of(const KernelResult& kernel) {
    const bool near = kernel.schedule_distance <= near_bound;
    if (near) return by_account(kernel.bound.empty() ? kernel.schedule_bound.binding : kernel.bound, false);
    const BusiestPart busiest = busiest_part_of(kernel);
    if (!busiest.hardly_waits()) return kernel.bound.empty() ? "without an account" : by_account(kernel.bound, true);
    // Who works that much does not wait; but another part may have decided the time.
    constexpr std::array<std::string_view, 4> parts = {"matrix", "vector", "HBM", "link"};
    const bool other =
        kernel.bound != busiest.kind && std::find(parts.begin(), parts.end(), kernel.bound) != parts.end();
    return fmt::format("{} ({}at work for {:.0f}% of the time, on more than the bound counts)",
                       by_account(other ? kernel.bound : busiest.kind, false), other ? busiest.kind + " " : "",
                       100.0 * busiest.share);
}

std::string bound_clause(const KernelResult& kernel) {
    if (kernel.schedule_bound.time == Picoseconds() || kernel.machine_bound.time == Picoseconds()) return "";
    return fmt::format("; {}, {} its schedule bound ({}) and {} the machine bound ({})", limit_of(kernel),
                       how_far(kernel.schedule_distance), kernel.schedule_bound.binding,
                       how_far(kernel.machine_distance), kernel.machine_bound.binding);
}

constexpr std::size_t most_named = 8;  // the table above has all of them

std::string joined(const std::vector<std::string>& names) {
    const std::size_t shown = names.size() <= most_named ? names.size() : most_named - 1;
    std::string out;
    for (std::size_t i = 0; i < shown; ++i) {
        if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
        out += names[i];
    }
    return shown == names.size() ? out : out + fmt::format(" and {} more", names.size() - shown);
}

/// Names the kernels whose work is dealt so much worse than the fastest one's that it alone costs them a tenth.
std::string balance_clause(const std::vector<const KernelResult*>& order) {
    const KernelResult& first = *order.front();
    std::vector<std::string> uneven;
    for (const KernelResult* kernel : order) {
        if (kernel->work_imbalance < 1.1 * first.work_imbalance) continue;
        uneven.push_back(
            fmt::format("{} ({:.2f}x the mean work on its busiest rank)", kernel->label, kernel->work_imbalance));
    }
    if (uneven.empty()) return "";
    const std::string balanced = first.work_imbalance < 1.05 ? "is balanced" : "is more balanced";
    return fmt::format("; {} {}, unlike {}", first.label, balanced, joined(uneven));
}

}  // namespace

std::string conclusion(const PanelResult& panel) {
    std::vector<const KernelResult*> order;
    std::vector<std::string> wrong, unfinished;
    for (const auto& kernel : panel.kernels) {
        if (is_good(kernel)) {
            order.push_back(&kernel);
        } else if (kernel.status != Status::not_possible) {  // the table says why
            (kernel.status == Status::ok ? wrong : unfinished).push_back(kernel.label);
        }
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const KernelResult* a, const KernelResult* b) { return a->time < b->time; });
    std::string out = order.empty() ? "no kernel finished with a right answer"
                                    : speed_clause(order) + bound_clause(*order.front()) + balance_clause(order);
    if (!order.empty() && !order.front()->verdict.computed()) out += "; values not computed";
    out += ".";
    if (!wrong.empty()) out += fmt::format(" Wrong answer from {}.", joined(wrong));
    if (!unfinished.empty()) out += fmt::format(" No result from {}.", joined(unfinished));
    return out;
}

}  // namespace tilemesh::report

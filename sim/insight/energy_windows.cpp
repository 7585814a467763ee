// SPDX-License-Identifier: Apache-2.0
#include "sim/insight/energy_windows.h"

#include <algorithm>

namespace tilemesh::insight {
namespace {

constexpr std::size_t most_counts = std::size_t{1} << 16;  // of all PEs together: 40 MB

}  // namespace

EnergyWindows::EnergyWindows(int pes) {
    const auto parts = static_cast<std::size_t>(pes);
    while (bins_ > least && bins_ * parts > most_counts) bins_ /= 2;
    counts_.resize(bins_ * parts);
}

void EnergyWindows::cover(Picoseconds time) {
    while (width_ * bins_ < time) {
        for (std::size_t first = 0; first < counts_.size(); first += bins_) {
            for (std::size_t i = 0; i < bins_; ++i) {
                energy::Counts merged;
                for (const std::size_t from : {2 * i, 2 * i + 1})
                    if (from < bins_) merged += counts_[first + from];
                counts_[first + i] = merged;
            }
        }
        width_ += width_;
    }
}

void EnergyWindows::add(int pe, energy::Use use, std::uint64_t count, Picoseconds begin, Picoseconds end) {
    cover(std::max(end, begin + Picoseconds(1)));
    energy::Counts* const windows = &counts_[static_cast<std::size_t>(pe) * bins_];
    const std::uint64_t width = width_.value();
    std::uint64_t window = begin.value() / width;
    const double length = static_cast<double>((end - begin).value());
    std::uint64_t given = 0;
    for (; (window + 1) * width < end.value(); ++window) {
        // What is due by the window's end, so that rounding does not add up.
        const double share = static_cast<double>((window + 1) * width - begin.value()) / length;
        const auto due = std::min(count, static_cast<std::uint64_t>(share * static_cast<double>(count)));
        windows[window].of[use] += due - given;
        given = due;
    }
    windows[window].of[use] += count - given;
}

}  // namespace tilemesh::insight

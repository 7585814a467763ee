// SPDX-License-Identifier: Apache-2.0
// Random extra latency, to see that nothing but times depends on times: a pure function of a seed, a part of the
// machine and the number of what it does, so that it is the same whoever asks when. Mostly tens of nanoseconds, at
// times two microseconds: enough to turn round what usually comes first.
#pragma once

#include "sim/base/random.h"
#include "sim/base/units.h"

#include <cstdint>
#include <optional>

namespace tilemesh {

class Jitter {
public:
    Jitter() = default;
    explicit Jitter(std::optional<std::uint64_t> seed) : seed_(seed) {}

    enum class Part : std::uint8_t { matrix, vector, dma_load, dma_store, hbm, link };
    /// Of event number `event` of that part of that PE; of messages, of that pair. None without a seed.
    Picoseconds of(Part part, std::uint64_t number, std::uint64_t event) const {
        if (!seed_) return {};
        const std::uint64_t stream = number * 8 + static_cast<std::uint64_t>(part);
        const std::uint64_t bits = random_bits(*seed_, stream, event);
        const std::uint64_t most = std::uint64_t{1} << (14 + bits % 8);  // 16 ns to 2 us
        return Picoseconds((bits >> 8U) % most);
    }
    explicit operator bool() const { return seed_.has_value(); }

private:
    std::optional<std::uint64_t> seed_;
};

}  // namespace tilemesh

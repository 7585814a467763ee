// SPDX-License-Identifier: Apache-2.0
// Fixed costs that are constants, for sums that can be written down by hand. Rates of memory and links are infinite
// unless a test says otherwise.
#pragma once

#include "tests/schedules/bound_terms.h"

#include <cstdlib>

namespace example {

inline constexpr double issue = 4, descriptor = 2, first_read = 10, first_write = 7, port = 5, head = 30;
inline constexpr double product = 100, occupied = 60, drain = 40, simple = 16, exponential = 32, cast = 17,
                        finish = 13;

/// Every command takes the same whatever its shape.
inline FixedCosts constant_costs() {
    FixedCosts fixed;
    fixed.issue = issue;
    fixed.descriptor = descriptor;
    fixed.first_read = first_read;
    fixed.first_write = first_write;
    fixed.access = port;
    fixed.head = [](int, int from, int to) { return head * std::abs(to - from); };
    fixed.product = [](auto...) { return product; };
    fixed.occupied = [](auto...) { return occupied; };
    fixed.drain_of = [](auto...) { return drain; };
    fixed.drain = drain;
    fixed.simple = [](auto) { return simple; };
    fixed.exponential = [](auto) { return exponential; };
    fixed.cast = [](auto) { return cast; };
    fixed.finish = [](auto) { return finish; };
    return fixed;
}

inline constexpr MachineRates fast{.pes = 1,
                                   .macs_per_ns = 1e15,
                                   .exp2_per_ns = 1e15,
                                   .simple_per_ns = 1e15,
                                   .hbm_bytes_per_ns = 1e15,
                                   .tanh_per_ns = 1e15};

inline Wiring wires(double bytes_per_ns, std::int64_t piece_keys = 0) {
    Wiring wiring = wired(line_route());
    wiring.link_bytes_per_ns = [bytes_per_ns](LinkId) { return bytes_per_ns; };
    wiring.piece_keys = piece_keys;
    return wiring;
}

inline constexpr double one_read = descriptor + first_read + port;
inline constexpr double both_read = 2 * issue + one_read;  // q, and behind it k
inline constexpr double softmax = 2 * simple + exponential + cast;
inline constexpr double results = finish + cast + descriptor + first_write + port;  // o / l, stored

}  // namespace example

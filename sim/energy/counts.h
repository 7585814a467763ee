// SPDX-License-Identifier: Apache-2.0
// What of everything that costs energy was done, as whole numbers: energy is these times the prices of a table.
// Counts of parts, of phases and of windows of time add up to those of a run exactly.
#pragma once

#include "sim/tile/command.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tilemesh::energy {

/// Something that costs energy each time: a multiply-accumulate of a dtype, an element of a vector operation, or a
/// byte somewhere. By number: dtypes, then opcodes, then bytes.
using Use = std::size_t;
constexpr Use mac_of(Dtype dtype) { return static_cast<Use>(dtype); }
constexpr Use element_of(Opcode op) { return static_cast<Use>(dtype_count) + static_cast<Use>(op); }
enum class Moved : std::uint8_t {
    sram_read,
    sram_write,
    hbm_read,    // whole bursts
    hbm_write,   // whole bursts
    link,        // times the distance in PEs: a wrap-around link is longer
    die_to_die,  // over one such link
    port,        // between a PE and its router, where there is one
    router,      // through one router
};
constexpr Use byte_of(Moved moved) {
    return static_cast<Use>(dtype_count) + static_cast<Use>(opcode_count) + static_cast<Use>(moved);
}
constexpr Use uses = byte_of(Moved::router) + 1;

struct Counts {
    std::array<std::uint64_t, uses> of{};
    Counts& operator+=(const Counts& other) {
        for (Use use = 0; use < uses; ++use) of[use] += other.of[use];
        return *this;
    }
    bool operator==(const Counts&) const = default;
};

/// The key of its price: "pj_per_mac.f16".
std::string key_of(Use use);
/// Which part of the machine spends it: "matrix", "vector", "sram", "hbm", "link", "die_to_die", "port", "router".
std::string_view kind_of(Use use);
/// What is counted: "multiply-accumulates", "elements", "bytes".
std::string_view unit_of(Use use);

}  // namespace tilemesh::energy

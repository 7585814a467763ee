// SPDX-License-Identifier: Apache-2.0
// What a check has to say of a kernel: its mistakes, and what it needs of the machine.
#pragma once

#include "sim/base/units.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tilemesh::check {

struct Finding {
    std::string kind;     // "deadlock", "unmatched message", "race", ...
    std::string text;     // who, in which command and line; may have several lines
    bool mistake = true;  // or only worth knowing
    std::uint64_t times = 1;
};

struct Report {
    std::vector<Finding> findings;
    std::uint64_t commands = 0, messages = 0;
    Bytes buffer;  // the machine's receive buffer
    /// The smallest with which the kernel comes to its end; none: it does with no buffer, or was not looked at so
    /// far.
    std::optional<Bytes> least_buffer;
    Bytes sram;           // of a PE
    Bytes sram_held;      // the most that a kernel has in its hands: with less than this it cannot go on
    std::string fullest;  // the PE that holds it

    bool sound() const;
};

/// Findings as they come: those that are alike are told once, and counted.
class Findings {
public:
    /// `alike`: what those have in common that need not be told twice.
    void add(std::string_view kind, const std::string& alike, const std::string& text, bool mistake = true);
    std::vector<Finding> take() { return std::move(found_); }
    bool none_of(std::string_view kind) const;

private:
    std::vector<Finding> found_;
    std::map<std::string, std::size_t> known_;
};

}  // namespace tilemesh::check

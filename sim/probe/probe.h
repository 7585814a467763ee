// SPDX-License-Identifier: Apache-2.0
// A probe loads one part of a machine and measures it. Its file names a machine and a kind; each kind is a file of
// this folder (what it reads, how it drives the machine, what it reports) and a line in kinds.cpp.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/machine/chip.h"
#include "sim/machine/config.h"
#include "sim/report/text_table.h"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace tilemesh::probe {

/// What a probe found: tables for reading, one sentence that concludes, and everything as JSON.
struct ProbeReport {
    struct Section {
        std::string title;  // a line above the table; may be empty
        report::TextTable table;
    };
    std::vector<Section> sections;
    std::string conclusion;  // no line end
    Json result;             // keys carry their units; the same bytes on every repetition
};

/// Told now and then how much of a probe is done, out of how much.
using OnProgress = std::function<void(std::uint64_t done, std::uint64_t all)>;

/// A probe that has been read and checked, and can be run once.
using PreparedProbe = std::function<ProbeReport(const OnProgress&)>;

struct Kind {
    std::string name;     // "dma"
    std::string summary;  // one line
    /// Reads {"kind": ..., the kind's own keys} strictly. Paths in it are relative to where we are.
    std::function<PreparedProbe(JsonReader probe, const machine::MachineConfig& machine)> read;
    /// The same of kinds that load the `networks` of a chip instead.
    std::function<PreparedProbe(JsonReader probe, const machine::ChipConfig& chip)> read_on_chip{};
};

/// Every kind, in the order in which they are listed.
std::vector<Kind> all_kinds();

struct Probe {
    std::string name, description, kind;
    std::string machine;  // its name
    Json resolved;        // the whole configuration
    PreparedProbe run;
};

/// Reads {"name", "description", "machine", "probe"} that have been made whole.
Probe read_probe(const Json& resolved, const Origins& origins);

/// Reads a list of transfers that no probe names, for machines of any size; returns how many there are.
std::size_t check_transfer_list(const Json& content, const std::string& file);
/// The same of the programs of processors, for networks of any name.
std::size_t check_programs(const Json& content, const std::string& file);

}  // namespace tilemesh::probe

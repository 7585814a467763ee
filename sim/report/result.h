// SPDX-License-Identifier: Apache-2.0
// What a run has to say, as plain structs: one KernelResult per kernel, grouped in panels, grouped in one RunResult,
// which is what a result file holds. Nothing here computes or formats; see summary.h, result_json.h and table.h.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/base/units.h"
#include "sim/report/energy.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tilemesh::report {

/// Raised when a key of the result file changes its name or meaning.
inline constexpr int schema_version = 1;

/// A part of a component's account: time of one class.
struct ClassTime {
    std::string name;  // "dot", "operand from HBM", "done", ...
    Picoseconds time;
    bool operator==(const ClassTime&) const = default;
};

/// Statistics of one simulated part over one run.
struct ComponentResult {
    std::string path;        // "machine.cube0.pe3.matrix"
    std::string kind;        // "matrix", "vector", "dma_load", "dma_store", "send", "receive", "link", "hbm", ...
    Picoseconds busy;        // sum of its activities
    Picoseconds queued;      // sum of (begin - wanted)
    Bytes bytes;             // moved; 0 for engines that compute
    std::uint64_t work = 0;  // multiply-accumulates or element operations; 0 for movers
    std::uint64_t activities = 0;  // how many
    double peak_per_ns = 0.0;      // most bytes (movers: GB/s) or work (engines) per nanosecond; 0: no fixed rate
    std::vector<ClassTime> account = {};  // sums up to the run's time; empty when none was kept, or it took no part
    bool operator==(const ComponentResult&) const = default;
};

/// One reason why a run cannot be faster.
struct BoundTerm {
    std::string name;  // "matrix", "vector", "hbm", "link", ...
    Picoseconds time;
    bool operator==(const BoundTerm&) const = default;
};

/// A lower bound on the run's time: the largest of its terms.
struct BoundResult {
    Picoseconds time;
    std::string binding;  // name of the term that is the largest; empty when no bound is known
    std::vector<BoundTerm> terms;
    bool operator==(const BoundResult&) const = default;
};

/// Whether the output is right, measured against the f64 reference.
struct VerdictResult {
    std::string mode = "none";  // full, sampled, none (as "values" of the panel)
    bool pass = false;          // meaningful unless the mode is none
    double relative_l2 = 0.0;
    double max_error = 0.0;
    double lse_error = 0.0;
    std::uint64_t rows_checked = 0;
    double tolerance = 0.0;  // on relative_l2; unless the panel gives one, what the units below allow all rows
    // In units of what correct arithmetic errs on these inputs: the error nearest to its limit, the limit, and what
    // it is the error of ("all rows", "head 3", "row 17", "lse 17").
    double units = 0.0, units_allowed = 0.0;
    std::string units_of;
    std::string why;  // when it does not pass: which check said no
    bool computed() const { return mode != "none"; }
    bool operator==(const VerdictResult&) const = default;
};

/// The link that carried the most, relative to its rate.
struct LinkSummary {
    std::string path;  // empty: nothing was sent
    Bytes bytes;
    double gbytes_per_s = 0.0;
    double share_of_peak = 0.0;
    bool operator==(const LinkSummary&) const = default;
};

/// A regime the run entered in which its figures are less certain.
struct Caution {
    std::string regime;    // "a crowded link"
    std::string evidence;  // "92% of its rate"
    std::string doubt;     // what not to trust
    bool operator==(const Caution&) const = default;
};

/// The same run with K and V contiguous instead of in pages: simulated, without values.
struct PagingResult {
    Picoseconds contiguous_time;
    Bytes contiguous_hbm_bytes;
    bool operator==(const PagingResult&) const = default;
};

/// What a steady run passed over instead of simulating it.
struct PassedResult {
    std::uint64_t commands = 0;  // of all
    Picoseconds doubt;           // by which the times of what was passed over were wrong, as far as measured again
    bool operator==(const PassedResult&) const = default;
};

/// Facts about the computer that simulated. Kept apart in the file: they differ from run to run.
struct HostResult {
    double wall_seconds = 0.0;  // of the whole entry: simulation, values, verdict
    double commands_per_second = 0.0;
    std::uint64_t peak_memory_bytes = 0;
    bool operator==(const HostResult&) const = default;
};

enum class Status {
    ok,            // ran to its end (the verdict says whether the answer is right)
    failed,        // the kernel or the simulator gave up; `error` says why
    crashed,       // its worker process died
    interrupted,   // not finished when the user stopped the run
    not_possible,  // the kernel cannot run the panel's problem; `error` says why
};

/// A part of the chain of commands, transfers and waits that determined when a run ended.
struct PathShare {
    std::string spent;      // on what: a command, "issue", "HBM", "link latency", ...
    std::string component;  // where: "machine.cube0.pe3.matrix"
    std::string phase;      // in which sort of phase of the kernel: "ring step / keys"
    Picoseconds time;
    bool operator==(const PathShare&) const = default;
};
struct PathSegment {
    std::string spent, component;
    std::string phase;  // which one: "ring step 3 / keys 512-1023"
    Picoseconds begin, end;
    bool operator==(const PathSegment&) const = default;
};
/// A line of a program's source, or a phase with all within it.
struct HotLine {
    std::string place;     // "kernel.py:12", "ring step 3 / heads 0-7"
    Picoseconds critical;  // of the path
    Picoseconds busy;      // engines' time on its commands
    Picoseconds waiting;   // of its commands, in their queues
    bool operator==(const HotLine&) const = default;
};
/// The critical path of a run. Its shares sum up to the run's time, and so do its segments, which follow each other.
struct CriticalPath {
    std::string sentence;               // "62 % matrix on cube0.pe4, 21 % link cube0.pe3_to_pe4"
    std::vector<PathShare> shares;      // the longest first
    std::vector<PathSegment> segments;  // neighbours are one where there are too many
    std::vector<HotLine> lines;         // the most critical first
    std::vector<HotLine> phases;        // as a tree, each before those within it; the deepest left out if too many
    Picoseconds unexplained;            // of the shares: what nothing led to
    bool operator==(const CriticalPath&) const = default;
};

/// What a run would take on a machine with something changed.
struct WhatIf {
    std::string change;                    // "machine.network.link.gbytes_per_s=2x"
    std::optional<Picoseconds> estimated;  // from the graph of the run on the machine as it is, where that can tell
    std::optional<Picoseconds> proved;     // by running it there
    std::string impossible;                // why it cannot be run there; empty: it can, or nobody tried
    bool operator==(const WhatIf&) const = default;
};

/// One kernel on one panel.
struct KernelResult {
    std::string kernel;
    std::string label;  // unique in its panel; the kernel's name unless the panel gives another
    Status status = Status::ok;
    std::string error;                                           // one line or more; empty when ok
    bool internal = false;                                       // the failure is tilemesh's own fault (exit code 3)
    std::vector<std::pair<std::string, std::uint64_t>> options;  // used: tile_queries, tile_keys, ...
    std::string note;                                            // anything the reader should know

    // Filled by whoever runs the kernel.
    Picoseconds time;
    double clock_ghz = 1.0;
    std::uint64_t flops = 0;      // useful: 4 * visible pairs * head_dim-like terms, as the problem defines
    std::uint64_t commands = 0;   // tile commands executed by all PEs
    Bytes copied;                 // of what was received, copies that routers made of messages to several PEs
    Bytes sram_peak;              // of the fullest PE at its fullest; 0: nothing was kept there, or it is not known
    double work_imbalance = 1.0;  // work of the busiest rank over that of the mean one, as the schedule deals it
    BoundResult machine_bound;
    BoundResult schedule_bound;
    VerdictResult verdict;
    std::vector<ComponentResult> components;
    std::optional<CriticalPath> critical_path;  // when it was asked for
    std::vector<WhatIf> what_if;                // likewise, as they were asked for
    std::string bound;                          // what decided the time, in one word; empty without an account
    std::optional<PagingResult> paging;         // when K and V lie in pages
    std::optional<PassedResult> passed;         // of a steady run
    std::optional<EnergyResult> energy;         // when it was asked for

    // Filled by summarise() from the above.
    double cycles = 0.0;
    double tflops_per_s = 0.0;
    double matrix_utilisation = 0.0;  // multiply-accumulates done / peak, over the PEs that took part
    Bytes hbm_bytes;
    double hbm_gbytes_per_s = 0.0;
    double hbm_share_of_peak = 0.0;
    LinkSummary busiest_link;
    Bytes hop_bytes;                 // sum over all links
    double machine_distance = 0.0;   // time / machine_bound - 1
    double schedule_distance = 0.0;  // time / schedule_bound - 1
    std::vector<Caution> cautions;

    HostResult host;
    Json pictures;  // for a page (sim/insight/time_lapse.h); null: none. Not in result files
    bool operator==(const KernelResult&) const = default;
};

struct PanelResult {
    std::string name;
    std::string description;  // one line: the problem and the machine in words
    Json configuration;       // fully resolved: machine inlined, defaults of the panel's own keys not repeated
    std::uint64_t seed = 0;
    std::uint64_t layers = 1;  // more than 1: the table adds time x layers, labelled as scaled
    std::vector<KernelResult> kernels;
    bool operator==(const PanelResult&) const = default;
};

/// Were its latencies random? Then its times say nothing of the machine.
inline bool is_jittered(const PanelResult& panel) {
    return panel.configuration.is_object() && !panel.configuration.value("jitter", Json()).is_null();
}

/// Why its times are not exactly the machine's: "with jitter", "steady"; empty: they are.
inline std::string_view inexact_because(const PanelResult& panel) {
    if (is_jittered(panel)) return "with jitter";
    return panel.configuration.is_object() && panel.configuration.value("steady", false) ? "steady" : "";
}

/// The content of one result file, of `run` and `bench` alike.
struct RunResult {
    std::string name;  // of the milestone or the panel
    std::string tool_version;
    std::vector<PanelResult> panels;
    double wall_seconds = 0.0;  // host block
    int workers = 1;            // host block
    bool operator==(const RunResult&) const = default;
};

}  // namespace tilemesh::report

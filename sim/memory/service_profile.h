// SPDX-License-Identifier: Apache-2.0
// What one slice's channels give to transfers of one size, measured once per machine by the command-level controllers
// (burst_run.h) and remembered. Whole DMA transfers are booked with these figures (channels.h), so that their cost
// follows from geometry, mapping and timing and not from efficiencies somebody wrote down.
#pragma once

#include "sim/memory/burst_run.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <tuple>

namespace tilemesh::memory {

class ServiceProfile {
public:
    explicit ServiceProfile(const HbmConfig& config);

    /// Nanoseconds per byte of the whole slice under load, refreshes of all banks aside, for runs of `run`
    /// consecutive bytes that begin in a closed or foreign row; runs beyond longest_run() are as long streams.
    double ns_per_byte(std::uint64_t run, bool write);
    double stream_ns_per_byte(bool write) { return ns_per_byte(longest_run_, write); }
    /// Nanoseconds from a lone request for `run` consecutive bytes to its last byte, all rows open or all closed.
    double alone_ns(std::uint64_t run, bool write, bool open);

    /// What reads and writes that take turns cost beyond what they cost apart, in nanoseconds per byte of either:
    /// runs of `run` bytes, of which `write_share` (in (0, 1)) are writes, each in rows of its own or all in one
    /// sequence. The controllers let writes wait and send them out in batches, so this is no cost of a turn: runs
    /// that are short beside a batch share its turns. May be negative by what measuring scatters.
    double mixing_ns_per_byte(std::uint64_t run, double write_share, bool in_sequence);

    std::uint64_t longest_run() const { return longest_run_; }
    /// To the first data of a row that is open; less than of a closed one by opening, more of another row by closing.
    double first_data_ns(bool write) const { return write ? config_.timing.tCWL : config_.timing.tCL; }
    double opening_ns(bool write) const { return write ? config_.timing.tRCDWR : config_.timing.tRCDRD; }
    double closing_ns() const { return config_.timing.tRP; }
    /// How long the data bus stands still when it turns to writes or to reads.
    double turnaround_ns(bool to_write) const;
    /// A refresh of all banks: the pseudo-channels close and refresh one after the other, then rows open again.
    Picoseconds refresh_interval() const { return refresh_interval_; }
    Picoseconds refresh_gap() const { return refresh_gap_; }
    /// The first moment from `time` on that is in no refresh.
    Picoseconds refresh_free(Picoseconds time) const;
    /// When work of length `length` that starts at `begin` ends, refreshes included.
    Picoseconds after_refreshes(Picoseconds begin, Picoseconds length) const;

private:
    /// Run, place among the shares that are measured, in sequence.
    using Mix = std::tuple<std::uint64_t, std::size_t, bool>;
    struct Alone {
        double open_ns = 0, closed_ns = 0;
    };
    /// What has been measured; of reads, of writes; by run.
    struct Known {
        std::array<std::map<std::uint64_t, double>, 2> loaded;
        std::array<std::map<std::uint64_t, Alone>, 2> alone;
        std::map<Mix, double> mixing;
    };
    /// Measuring is a pure function of the configuration and takes as long as a small run does, so simulations of one
    /// process, which come one after another, share what is known of machines that are alike.
    static std::shared_ptr<Known> known_of(const HbmConfig& config);
    /// The configuration and the load that a pace is measured with; who measures sets what is written.
    struct Measurement {
        HbmConfig config;
        BurstLoad load;
    };
    std::uint64_t queued_bytes() const;  // what the controllers' queues hold of one direction
    /// What brings each channel of the machine that is measured what `run` brings those that it reaches.
    std::uint64_t measured_run(std::uint64_t run) const;
    double pace(const Measurement& measurement) const;  // ns per byte of the whole slice
    Measurement measurement(std::uint64_t run, bool random) const;
    double loaded(std::uint64_t run, bool write);
    double mixing(std::uint64_t run, std::size_t share, bool in_sequence);
    const Alone& alone(std::uint64_t run, bool write);
    /// `figure(run)` between the powers of two around `run`.
    template <class Figure>
    double between(std::uint64_t run, Figure figure) const;

    const HbmConfig& config_;
    HbmConfig measured_;                      // the same with fewer channels where there are very many
    std::uint64_t period_, measured_period_;  // bytes after which the channels come round again
    std::uint64_t longest_run_;
    double least_ns_per_byte_;
    Picoseconds refresh_interval_, refresh_gap_;
    std::shared_ptr<Known> known_;
};

}  // namespace tilemesh::memory

// SPDX-License-Identifier: Apache-2.0
// A recorder that writes what happened as a trace that ui.perfetto.dev opens (adr/0031), while it happens: a track
// for every engine, HBM slice, link and command processor, bands of the phases that processors went through, arrows
// from sends to receives, counters of SRAM in use and of how busy links and slices were.
//
// Perfetto knows no time shorter than a nanosecond. A picosecond of ours is a nanosecond of its.
#pragma once

#include "sim/base/recorder.h"
#include "sim/insight/busy_share.h"
#include "sim/insight/phase_bands.h"
#include "sim/insight/trace_file.h"
#include "sim/report/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tilemesh::insight {

class Trace final : public Asker, public PhaseListener {
public:
    /// InputError when the file cannot be written.
    explicit Trace(const TraceChoice& choice);

    /// The parts of the machine, in the order of their numbers, before the run.
    void add_component(const std::string& path, const std::string& kind);

    void activity(const Activity& activity) override;
    void sram_level(ComponentId pe, Picoseconds when, Bytes level) override;
    bool follows_sram() const override { return true; }
    void explained(const Activity& activity, const Reasons& reasons) override;
    void queued(ComponentId, ComponentId, std::uint8_t, Picoseconds) override {}
    void stalled(ComponentId pe, std::uint8_t processor, Stall stall, Picoseconds from, Picoseconds until) override;
    void ended(ComponentId pe, std::uint8_t processor, Picoseconds when) override;
    void entered(const Phases& phases, int pe, int processor, std::uint32_t phase, Picoseconds when) override;

    /// After a run of so long. A run that fails has no end: the trace ends with what was told. InputError when the
    /// file could not be written.
    void close(Picoseconds time, const report::CriticalPath& path);
    /// What the reader should know of it: empty, or that it is cut off, or that its window lies behind the run.
    std::string note() const;

private:
    struct Part {
        std::string path;
        bool counted = false;   // a link or an HBM slice, which have a counter, and whose reasons nobody tells
        bool engine = false;    // of a PE
        int cube = 0, pe = -1;  // of the cube: the PE that it belongs to
        int rank = 0;           // among siblings
        TrackId track = 0;      // none until something happens
        /// An HBM slice serves several transfers at once, which need a track each.
        std::vector<TrackId> more_tracks;
        Picoseconds until;  // end of the last activity
        BusyShare share;
    };
    /// What a command processor does now.
    struct Stretch {
        TrackId track = 0;
        ComponentId pe = 0;
        std::size_t number = 0;
        Stall stall = Stall::issue;
        Picoseconds begin, end;
    };
    /// What it is for: a track for each level of its phases.
    struct Bands {
        PhaseBands bands;
        std::vector<TrackId> tracks;
    };
    struct Pe {
        TrackId track = 0, sram = 0;
        Picoseconds changed;
        Bytes level;
        bool begun = false;  // the level is in the trace
        std::vector<Stretch> processors;
    };
    /// Messages of an ordered pair of PEs, by their numbers.
    struct Channel {
        std::uint64_t number = 0;  // of the channel, from 1 on
        std::uint64_t received = 0;
        std::map<std::uint64_t, bool> shown;  // of sends that have not been received: whether they are in the trace
    };

    TrackId cube_track(int cube);
    TrackId pe_track(ComponentId pe);
    /// For an activity of a part that is no engine.
    TrackId track_for(Part& part, Picoseconds begin);
    void count_busy(Part& part, const Activity& activity);
    int number_of(const Part& part) const { return part.cube * pes_per_cube_ + part.pe; }
    void add_waiting(Slice& slice, const Part& part, const Activity& activity, const Reasons& reasons) const;
    /// Counts a message, number `sent` of those to the peer or the next one received; the flow that leads from its
    /// send to its receive, or 0 where the other is not in the trace.
    std::uint64_t flow_of(const Part& part, int peer, std::optional<std::uint64_t> sent, bool shown);
    /// What a command processor did next.
    void spend(ComponentId pe, std::uint8_t processor, Stall stall, Picoseconds until);
    void write_stretch(Stretch& stretch);
    void write_bands(std::pair<int, int> processor, Bands& bands, const std::vector<PhaseBands::Band>& ended);
    void write_levels(Picoseconds time);
    void write_shares(Picoseconds time);
    /// On a track of its own, as far as it is in the window.
    void write_path(const report::CriticalPath& path);
    bool shows(const Part& part, const Activity& activity) const {
        return choice_.has(activity.begin, activity.end) && choice_.has(number_of(part));
    }

    const TraceChoice choice_;
    Picoseconds time_ = Picoseconds::max();  // of the run, once it has ended
    TraceFile file_;
    TrackId machine_ = 0;
    std::vector<TrackId> cubes_;
    std::vector<Part> parts_;                     // by component
    std::vector<Pe> pes_;                         // by component: of the matrix engine
    std::map<std::pair<int, int>, Bands> bands_;  // by PE and processor
    std::map<int, ComponentId> matrices_;         // by PE
    const Phases* phases_ = nullptr;              // of those that were entered
    std::map<std::pair<int, int>, Channel> channels_;
    int pes_per_cube_ = 1;
    std::map<std::pair<const std::string*, std::int32_t>, std::string> places_;
};

}  // namespace tilemesh::insight

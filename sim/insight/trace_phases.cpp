// SPDX-License-Identifier: Apache-2.0
// What a trace shows of what the run was for: bands of phases over the engines of each PE, and the critical path.
#include "sim/insight/trace.h"

#include <fmt/format.h>

namespace tilemesh::insight {

void Trace::entered(const Phases& phases, int pe, int processor, std::uint32_t phase, Picoseconds when) {
    phases_ = &phases;
    if (!choice_.has(pe)) return;
    Bands& bands = bands_[{pe, processor}];
    write_bands({pe, processor}, bands, bands.bands.enter(phases, phase, when));
}

void Trace::write_bands(std::pair<int, int> processor, Bands& bands, const std::vector<PhaseBands::Band>& ended) {
    for (const PhaseBands::Band& band : ended) {
        if (file_.dropping() || !choice_.has(band.begin, band.end)) continue;
        if (matrices_.empty())
            for (std::size_t i = 0; i < parts_.size(); ++i)
                if (parts_[i].path.ends_with(".matrix"))
                    matrices_[number_of(parts_[i])] = static_cast<ComponentId>(i);
        while (band.level >= bands.tracks.size()) {
            const std::size_t level = bands.tracks.size();
            const ComponentId matrix = matrices_.at(processor.first);
            const std::string& path = parts_[matrix].path;
            std::string name = path.substr(0, path.rfind('.')) + ".phases";
            if (processor.second > 0) name += fmt::format("_{}", processor.second);
            if (level > 0) name += fmt::format(", level {}", level + 1);
            constexpr int levels = 1000;  // of one processor, before those of the next
            bands.tracks.push_back(
                file_.add_track(pe_track(matrix), processor.second * levels + static_cast<int>(level), name,
                                TraceFile::Holds::slices, "what the command processor issues commands for"));
        }
        file_.add(Slice(bands.tracks[band.level], band.begin, band.end, phases_->name(band.phase)));
    }
}

void Trace::write_path(const report::CriticalPath& path) {
    TrackId track = 0;
    for (const report::PathSegment& segment : path.segments) {
        if (!choice_.has(segment.begin, segment.end)) continue;
        if (track == 0)
            track = file_.add_track(machine_, 0, "critical path", TraceFile::Holds::slices, path.sentence);
        Slice slice(track, segment.begin, segment.end, segment.spent);
        slice.note(Note::part, segment.component);
        if (!segment.phase.empty()) slice.note(Note::phase, segment.phase);
        file_.add(slice);
    }
}

}  // namespace tilemesh::insight

// SPDX-License-Identifier: Apache-2.0
#include "sim/insight/trace.h"

#include "sim/insight/account.h"
#include "sim/tile/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace tilemesh::insight {
namespace {

// Order of tracks under a PE; before them are bands of phases (trace_phases.cpp).
enum PlaceInPe {
    matrix_place = 1,
    vector_place,
    load_place,
    store_place,
    send_place,
    receive_place,
    other_place,
    processor_place,
    sram_place
};
// Under a cube: its PEs, then slices, then links, then how busy these were.
enum PlaceInCube { pe_place, hbm_place, link_place, counter_place };
constexpr int places = 1000000;  // for half as many of each sort: every other is for what belongs to the one before
constexpr int counters_after = (counter_place - hbm_place) * places;

int rank(int place, int number) { return place * places + 2 * number % places; }

int place_of(const std::string& kind) {
    if (kind == "matrix") return matrix_place;
    if (kind == "vector") return vector_place;
    if (kind == "dma_load") return load_place;
    if (kind == "dma_store") return store_place;
    if (kind == "send") return send_place;
    if (kind == "receive") return receive_place;
    return other_place;
}

/// Of a part of a PE.
std::string pe_path(const std::string& part) { return part.substr(0, part.rfind('.')); }

/// What the widest counter takes at most, packets and all.
constexpr std::uint64_t bytes_of_counter = BusyShare::most_bins * 40;

}  // namespace

Trace::Trace(const TraceChoice& choice) : choice_(choice), file_(choice.file, choice.limit) {
    machine_ = file_.add_track(0, 0, "machine (1 ns shown is 1 ps)", TraceFile::Holds::slices,
                               "Perfetto knows no time shorter than a nanosecond, so a picosecond of the simulated "
                               "machine is a nanosecond here: read ms for s, us for ms, ns for us and ps for ns.");
}

void Trace::add_component(const std::string& path, const std::string& kind) {
    Part part;
    part.path = path;
    part.counted = kind == "hbm" || kind == "link";
    const int place = place_of(kind);
    part.engine = place != other_place && !part.counted;
    char word[4] = "";
    std::sscanf(path.c_str(), "machine.cube%d.%3[a-z]%d", &part.cube, word, &part.pe);
    const int number = static_cast<int>(parts_.size());
    if (kind == "hbm") {
        part.rank = rank(hbm_place, part.pe);
    } else if (kind == "link") {
        part.rank = rank(link_place, number);
    } else {
        part.rank = rank(place, number);
    }
    pes_per_cube_ = std::max(pes_per_cube_, part.pe + 1);
    parts_.push_back(std::move(part));
    const auto counted = std::count_if(parts_.begin(), parts_.end(), [](const Part& one) { return one.counted; });
    file_.reserve(static_cast<std::uint64_t>(counted) * bytes_of_counter);
    pes_.resize(parts_.size());
}

TrackId Trace::cube_track(int cube) {
    const auto number = static_cast<std::size_t>(cube);
    if (number >= cubes_.size()) cubes_.resize(number + 1);
    if (cubes_[number] == 0)
        cubes_[number] =
            file_.add_track(machine_, cube, fmt::format("machine.cube{}", cube), TraceFile::Holds::slices);
    return cubes_[number];
}

TrackId Trace::pe_track(ComponentId pe) {
    const Part& matrix = parts_[pe];
    if (pes_[pe].track == 0)
        pes_[pe].track = file_.add_track(cube_track(matrix.cube), rank(pe_place, matrix.pe), pe_path(matrix.path),
                                         TraceFile::Holds::slices);
    return pes_[pe].track;
}

TrackId Trace::track_for(Part& part, Picoseconds begin) {
    if (part.track == 0) {
        TrackId parent = cube_track(part.cube);
        if (!part.counted) {  // launches of a PE
            const std::string matrix = pe_path(part.path) + ".matrix";
            const auto found =
                std::find_if(parts_.begin(), parts_.end(), [&](const Part& other) { return other.path == matrix; });
            parent = pe_track(static_cast<ComponentId>(found - parts_.begin()));
        }
        part.track = file_.add_track(parent, part.rank, part.path, TraceFile::Holds::slices);
    }
    if (file_.ended(part.track) <= begin || !part.counted) return part.track;
    for (const TrackId track : part.more_tracks)
        if (file_.ended(track) <= begin) return track;
    const std::size_t number = part.more_tracks.size() + 2;
    part.more_tracks.push_back(file_.add_track(cube_track(part.cube), part.rank + 1,
                                               fmt::format("{} ({})", part.path, number), TraceFile::Holds::slices));
    return part.more_tracks.back();
}

void Trace::count_busy(Part& part, const Activity& activity) {
    // Where transfers overlap, each has the share of the time that it would have alone: one after the other.
    const Picoseconds begin = std::max(part.until, activity.begin);
    part.until = begin + (activity.end - activity.begin);
    const Picoseconds from = std::max(begin, choice_.from), to = std::min(part.until, choice_.to);
    if (from < to) part.share.add(from - choice_.from, to - choice_.from);
}

void Trace::activity(const Activity& activity) {
    Part& part = parts_[activity.component];
    if (part.engine || !choice_.has(number_of(part))) return;  // of an engine the reasons follow
    if (part.counted) count_busy(part, activity);
    if (!choice_.has(activity.begin, activity.end) || file_.dropping()) return;
    Slice slice(track_for(part, activity.begin), activity.begin, activity.end, activity.what);
    slice.note(Note::command, activity.command);
    if (activity.bytes != Bytes()) slice.note(Note::bytes, activity.bytes.value());
    if (activity.wanted != activity.begin) slice.note(Note::wanted, activity.wanted.value());
    file_.add(slice);
}

std::uint64_t Trace::flow_of(const Part& part, int peer, std::optional<std::uint64_t> sent, bool shown) {
    const int own = number_of(part);
    Channel& channel = channels_[sent ? std::pair(own, peer) : std::pair(peer, own)];
    if (channel.number == 0) channel.number = channels_.size();
    bool other = choice_.has(peer);
    const std::uint64_t message = sent ? *sent : channel.received++;
    if (!sent) {
        if (const auto send = channel.shown.find(message); send != channel.shown.end()) {
            other = other && send->second;
            channel.shown.erase(send);
        }
    } else if (message >= channel.received) {
        channel.shown[message] = shown;
    }
    return other ? channel.number << 40 | (message + 1) : 0;
}

void Trace::add_waiting(Slice& slice, const Part& part, const Activity& activity, const Reasons& reasons) const {
    std::string_view what;
    Picoseconds since;
    const Picoseconds there = std::max(reasons.issued, reasons.operands);
    if (there <= part.until) {
        what = activity.begin > part.until ? std::string_view() : "the engine";
        since = there;
    } else if (reasons.operands > reasons.issued) {
        what = name_of(reasons.operand);
        since = std::max(part.until, reasons.issued);
    } else {
        what = name_of(Stall::issue);
        since = part.until;
    }
    const Picoseconds ready = std::max(there, part.until);
    const Opcode op = static_cast<Opcode>(reasons.command);
    if (activity.begin > ready && engine_of(op) != EngineKind::receive) {
        what = name_of(op == Opcode::load || op == Opcode::store ? Stall::order : Stall::sharing);
        since = ready;
    }
    if (what.empty() || since >= activity.begin) return;
    slice.note(Note::waited_for, what);
    slice.note(Note::waited, (activity.begin - since).value());
}

void Trace::explained(const Activity& activity, const Reasons& reasons) {
    Part& part = parts_[activity.component];
    const bool shown = shows(part, activity) && !file_.dropping();
    const bool sends = is_send(static_cast<Opcode>(reasons.command));
    std::vector<std::uint64_t> flows;  // that are shown, of a message to every receiver
    const auto add_flow = [&](int peer, std::optional<std::uint64_t> sent) {
        if (const std::uint64_t flow = flow_of(part, peer, sent, shown); flow != 0) flows.push_back(flow);
    };
    if (!sends && reasons.peer >= 0) add_flow(reasons.peer, {});
    for (std::size_t i = 0; i < reasons.receivers.size(); ++i) add_flow(reasons.receivers[i], reasons.messages[i]);
    if (shown) {
        if (part.track == 0)
            part.track = file_.add_track(pe_track(reasons.pe), part.rank, part.path, TraceFile::Holds::slices);
        Slice slice(part.track, activity.begin, activity.end, activity.what);
        slice.note(Note::command, activity.command);
        if (reasons.processor != 0) slice.note(Note::processor, reasons.processor);
        if (activity.bytes != Bytes()) slice.note(Note::bytes, activity.bytes.value());
        if (activity.work != 0) slice.note(Note::work, activity.work);
        if (activity.wanted != activity.begin) slice.note(Note::wanted, activity.wanted.value());
        slice.note(Note::issued, reasons.issued.value());
        add_waiting(slice, part, activity, reasons);
        if (reasons.useful != Picoseconds()) slice.note(Note::useful, reasons.useful.value());
        if (reasons.credits != Picoseconds()) slice.note(Note::credits, reasons.credits.value());
        if (reasons.peer >= 0) slice.note(Note::peer, static_cast<std::uint64_t>(reasons.peer));
        if (!flows.empty()) slice.note(Note::message, (flows.front() & ((std::uint64_t{1} << 40) - 1)) - 1);
        for (const std::uint64_t flow : flows) sends ? slice.begins_flow(flow) : slice.ends_flow(flow);
        if (reasons.file) {
            std::string& place = places_[{reasons.file, reasons.line}];
            if (place.empty()) place = fmt::format("{}:{}", *reasons.file, reasons.line);
            slice.note(Note::source, place);
        }
        file_.add(slice);
    }
    part.until = std::max(part.until, activity.end);
}

void Trace::stalled(ComponentId pe, std::uint8_t number, Stall stall, Picoseconds from, Picoseconds until) {
    spend(pe, number, Stall::issue, from);
    spend(pe, number, stall, until);
}

void Trace::ended(ComponentId pe, std::uint8_t number, Picoseconds when) { spend(pe, number, Stall::issue, when); }

void Trace::spend(ComponentId pe, std::uint8_t number, Stall stall, Picoseconds until) {
    std::vector<Stretch>& processors = pes_[pe].processors;
    while (number >= processors.size()) {
        Stretch& added = processors.emplace_back();
        added.pe = pe;
        added.number = processors.size() - 1;
    }
    Stretch& stretch = processors[number];
    if (until <= stretch.end) return;
    if (stall != stretch.stall) {
        write_stretch(stretch);
        stretch.stall = stall;
        stretch.begin = stretch.end;
    }
    stretch.end = until;
}

void Trace::write_stretch(Stretch& stretch) {
    const Part& matrix = parts_[stretch.pe];
    if (stretch.begin == stretch.end || file_.dropping() || !choice_.has(stretch.begin, stretch.end) ||
        !choice_.has(number_of(matrix)))
        return;
    if (stretch.track == 0) {
        const std::string suffix = stretch.number == 0 ? "" : fmt::format("_{}", stretch.number);
        stretch.track = file_.add_track(pe_track(stretch.pe), rank(processor_place, static_cast<int>(stretch.number)),
                                        pe_path(matrix.path) + ".processor" + suffix, TraceFile::Holds::slices);
    }
    file_.add(Slice(stretch.track, stretch.begin, stretch.end, name_of(stretch.stall)));
}

void Trace::sram_level(ComponentId id, Picoseconds when, Bytes level) {
    Pe& pe = pes_[id];
    when = std::max(when, pe.changed);
    const Bytes before = std::exchange(pe.level, level);
    pe.changed = when;
    if (level == before || when < choice_.from || when >= choice_.to || file_.dropping() ||
        !choice_.has(number_of(parts_[id])))
        return;
    if (pe.sram == 0) {
        const std::string& path = parts_[id].path;
        pe.sram =
            file_.add_track(pe_track(id), rank(sram_place, 0), pe_path(path) + ".sram", TraceFile::Holds::bytes);
    }
    if (!std::exchange(pe.begun, true) && when > choice_.from) file_.count(pe.sram, choice_.from, before.value());
    file_.count(pe.sram, when, level.value());
}

void Trace::write_levels(Picoseconds time) {
    for (Pe& pe : pes_)
        if (pe.begun && pe.level != Bytes() && time < choice_.to)
            file_.count(pe.sram, std::max(time, pe.changed), std::uint64_t{0});
}

void Trace::write_shares(Picoseconds time) {
    const Picoseconds end = std::min(time, choice_.to);
    const Picoseconds span = end > choice_.from ? end - choice_.from : Picoseconds();
    for (Part& part : parts_) {
        if (part.share.busy().empty() || part.track == 0) continue;
        part.share.cover(span);
        const Picoseconds width = part.share.width();
        const TrackId track = file_.add_track(cube_track(part.cube), part.rank + counters_after,
                                              part.path + " busy %", TraceFile::Holds::percent);
        double last = -1;
        Picoseconds at;
        for (const Picoseconds busy : part.share.busy()) {
            const Picoseconds of = at < span ? std::min(width, span - at) : width;
            const double share =
                100.0 * static_cast<double>(std::min(busy, of).value()) / static_cast<double>(of.value());
            if (share != last) file_.count(track, choice_.from + at, share);
            last = share;
            at += width;
        }
        if (last > 0) file_.count(track, choice_.from + std::min(at, std::max(span, at - width)), 0.0);
    }
}

void Trace::close(Picoseconds time, const report::CriticalPath& path) {
    for (Pe& pe : pes_)
        for (Stretch& stretch : pe.processors) write_stretch(stretch);
    for (auto& [processor, bands] : bands_) write_bands(processor, bands, bands.bands.close(*phases_, time));
    write_levels(time);
    file_.release();
    write_shares(time);
    write_path(path);
    file_.close();
    time_ = time;
}

std::string Trace::note() const {
    const auto us = [](Picoseconds when) { return static_cast<double>(when.value()) * 1e-6; };
    if (choice_.from >= time_)
        return fmt::format("the trace is empty: its window begins at {} us, and the run ends at {} us",
                           us(choice_.from), us(time_));
    if (!file_.full()) return {};
    return fmt::format(
        "the trace is cut off where it would have become larger than {} bytes, at about {} us; --trace-window and "
        "--trace-pe make it smaller, --trace-limit sets another limit",
        choice_.limit.value(), us(file_.full_at()));
}

}  // namespace tilemesh::insight

// SPDX-License-Identifier: Apache-2.0
// Numbers of messages and fields are those of Perfetto's schema, protos/perfetto/trace/ of
// github.com/google/perfetto: trace.proto, trace_packet.proto, interned_data/interned_data.proto,
// profiling/profile_common.proto and, in track_event/, track_event.proto, track_descriptor.proto,
// counter_descriptor.proto and debug_annotation.proto.
#include "sim/insight/trace_file.h"

#include "sim/base/error.h"

#include <cerrno>
#include <cstring>

namespace tilemesh::insight {
namespace {

// trace.proto
constexpr std::uint32_t trace_packet = 1;
// trace_packet.proto
constexpr std::uint32_t packet_timestamp = 8, packet_sequence = 10, packet_event = 11, packet_interned = 12,
                        packet_flags = 13, packet_descriptor = 60, packet_first = 87;
constexpr std::uint64_t state_cleared = 1, needs_state = 2;  // of the flags
// track_descriptor.proto
constexpr std::uint32_t track_uuid = 1, track_name = 2, track_parent = 5, track_counter = 8,
                        track_child_ordering = 11, track_rank = 12, track_description = 14;
constexpr std::uint64_t explicit_order = 3;
// counter_descriptor.proto
constexpr std::uint32_t counter_unit = 3;
constexpr std::uint64_t unit_count = 2, unit_bytes = 3;
// track_event.proto
constexpr std::uint32_t event_annotation = 4, event_type = 9, event_name = 10, event_track = 11, event_count = 30,
                        event_real_count = 44, event_flow = 47, event_last_flow = 48;
constexpr std::uint64_t slice_begin = 1, slice_end = 2, counter = 4;
// debug_annotation.proto
constexpr std::uint32_t annotation_name = 1, annotation_integer = 3, annotation_text = 17;
// interned_data.proto; an entry has an id and a text, whatever it is of
constexpr std::uint32_t interned_names = 2, interned_annotations = 3, interned_values = 29, entry_id = 1,
                        entry_text = 2;

constexpr std::array<std::string_view, notes> note_names = {
    "command",   "processor",  "bytes", "work",    "wanted_ps", "issued_ps", "waited_for", "waited_ps",
    "useful_ps", "credits_ps", "peer",  "message", "source",    "part",      "phase"};

constexpr std::size_t bytes_at_once = std::size_t{1} << 18;

/// The only writer of its trace.
constexpr std::uint64_t sequence = 1;

}  // namespace

TraceFile::TraceFile(const std::filesystem::path& file, Bytes limit)
    : path_(file), limit_(limit.value()), file_(std::fopen(file.c_str(), "wb"), std::fclose), ended_(1) {
    if (!file_) cannot_write(errno);
    std::setvbuf(file_.get(), nullptr, _IONBF, 0);
    packet([&] {
        out_.integer(packet_flags, state_cleared);
        out_.integer(packet_first, 1);
        out_.message(packet_interned, [&] {
            for (std::size_t i = 0; i < note_names.size(); ++i)
                out_.message(interned_annotations, [&] {
                    out_.integer(entry_id, i + 1);
                    out_.text(entry_text, note_names[i]);
                });
        });
    });
    write(Picoseconds());
}

void TraceFile::cannot_write(int why) const {
    fail<InputError>("--trace {}: cannot be written: {}", path_.string(), std::strerror(why));
}

template <class Fill>
void TraceFile::packet(Fill fill) {
    out_.message(trace_packet, [&] {
        out_.integer(packet_sequence, sequence);
        fill();
    });
}

void TraceFile::write(Picoseconds when) {
    const std::string_view bytes = out_.bytes();
    if (!dropping_ && size_ + bytes.size() + reserved_ > limit_) {
        dropping_ = true;
        if (!full_) full_at_ = when;
        full_ = true;
    }
    if (!dropping_) {
        pending_ += bytes;
        size_ += bytes.size();
        if (pending_.size() >= bytes_at_once) flush();
    } else {
        // Texts in what is dropped are not in the file: what comes after may need them.
        for (const auto& [texts, text] : new_texts_) texts->erase(text);
    }
    new_texts_.clear();
    out_.clear();
}

void TraceFile::flush() {
    if (!file_ || failure_ != 0) return;
    errno = 0;
    if (std::fwrite(pending_.data(), 1, pending_.size(), file_.get()) != pending_.size()) {
        failure_ = errno;
        dropping_ = true;
    }
    pending_.clear();
}

void TraceFile::close() {
    flush();
    errno = 0;
    if (file_ && std::fclose(file_.release()) != 0 && failure_ == 0) failure_ = errno;
    if (failure_ != 0) cannot_write(failure_);
}

TrackId TraceFile::add_track(TrackId parent, int rank, std::string_view name, Holds holds,
                             std::string_view description) {
    const auto track = static_cast<TrackId>(ended_.size());
    ended_.emplace_back();
    packet([&] {
        out_.message(packet_descriptor, [&] {
            out_.integer(track_uuid, track);
            if (parent != 0) out_.integer(track_parent, parent);
            out_.text(track_name, name);
            out_.integer(track_child_ordering, explicit_order);
            out_.integer(track_rank, static_cast<std::uint64_t>(rank));
            if (!description.empty()) out_.text(track_description, description);
            if (holds != Holds::slices)
                out_.message(track_counter,
                             [&] { out_.integer(counter_unit, holds == Holds::bytes ? unit_bytes : unit_count); });
        });
    });
    write(Picoseconds());
    return track;
}

std::uint64_t TraceFile::id_of(Texts& texts, std::uint32_t field, std::string_view text) {
    const auto found = texts.find(text);
    if (found != texts.end()) return found->second;
    const std::uint64_t id = texts.size() + 1;
    new_texts_.emplace_back(&texts, texts.emplace(text, id).first->first);
    packet([&] {
        out_.integer(packet_flags, needs_state);
        out_.message(packet_interned, [&] {
            out_.message(field, [&] {
                out_.integer(entry_id, id);
                out_.text(entry_text, text);
            });
        });
    });
    return id;
}

void TraceFile::add(const Slice& slice) {
    if (slice.end_ < slice.begin_ || slice.begin_ < ended_[slice.track_])
        fail<InternalError>("track {} of the trace: {} from {} to {} ps, after one that ended at {} ps", slice.track_,
                            slice.name_, slice.begin_.value(), slice.end_.value(), ended_[slice.track_].value());
    ended_[slice.track_] = slice.end_;
    if (dropping_) return;
    // Texts that are new go before the packet that refers to them, and are written with it.
    const std::uint64_t name = id_of(names_, interned_names, slice.name_);
    std::array<std::uint64_t, notes> texts{};
    for (std::size_t i = 0; i < slice.used_; ++i)
        if (slice.values_[i].is_text) texts[i] = id_of(values_, interned_values, slice.values_[i].text);
    packet([&] {
        out_.integer(packet_timestamp, slice.begin_.value());
        out_.integer(packet_flags, needs_state);
        out_.message(packet_event, [&] {
            out_.integer(event_type, slice_begin);
            out_.integer(event_track, slice.track_);
            out_.integer(event_name, name);
            for (std::size_t i = 0; i < slice.used_; ++i) {
                const Slice::Value& value = slice.values_[i];
                out_.message(event_annotation, [&] {
                    out_.integer(annotation_name, static_cast<std::uint64_t>(value.note) + 1);
                    if (value.is_text) {
                        out_.integer(annotation_text, texts[i]);
                    } else {
                        out_.integer(annotation_integer, value.value);
                    }
                });
            }
            for (const std::uint64_t flow : slice.begun_flows_) out_.fixed(event_flow, flow);
            if (slice.ended_flow_ != 0) out_.fixed(event_last_flow, slice.ended_flow_);
        });
    });
    packet([&] {
        out_.integer(packet_timestamp, slice.end_.value());
        out_.message(packet_event, [&] {
            out_.integer(event_type, slice_end);
            out_.integer(event_track, slice.track_);
        });
    });
    write(slice.begin_);
}

template <class Value>
void TraceFile::add_count(TrackId track, Picoseconds when, Value value) {
    packet([&] {
        out_.integer(packet_timestamp, when.value());
        out_.message(packet_event, [&] {
            out_.integer(event_type, counter);
            out_.integer(event_track, track);
            value();
        });
    });
    write(when);
}

void TraceFile::count(TrackId track, Picoseconds when, std::uint64_t value) {
    add_count(track, when, [&] { out_.integer(event_count, value); });
}

void TraceFile::count(TrackId track, Picoseconds when, double value) {
    add_count(track, when, [&] { out_.real(event_real_count, value); });
}

}  // namespace tilemesh::insight
